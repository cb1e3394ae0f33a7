'use strict'
// Random steps of handlers that prepare and give an answer, and the values they use. The steps are
// those of interpret.js. It must not make what depends on the time of day.

const {
  TEXTS,
  VALUES,
  STATUSES,
  ODD_STATUSES,
  NAMES,
  FRAMING,
  BAD_NAMES,
  HEADER_VALUES,
  BAD_VALUES,
  FRAMING_VALUES,
  TYPES,
  URLS,
  COOKIES,
  FILES,
  FILE_NAMES
} = require('./values')

const r = (method, ...args) => ['call', 'res', method, args, true]
const loud = (target, method, ...args) => ['call', target, method, args]

function headerPair(r0) {
  return [
    r0.weighted([
      [8, r0.pick(NAMES)],
      [2, r0.pick(FRAMING)],
      [1, r0.pick(BAD_NAMES)]
    ]),
    r0.weighted([
      [8, r0.pick(HEADER_VALUES)],
      [2, r0.pick(FRAMING_VALUES)],
      [1, r0.pick(BAD_VALUES)]
    ])
  ]
}

/** A harmless header, or one in ten times any. */
function mildPair(r0) {
  if (r0.chance(0.1)) return headerPair(r0)
  return [r0.pick(NAMES), r0.pick(HEADER_VALUES)]
}

function cookieOptions(r0) {
  return r0.pick([
    { $undefined: 1 },
    {},
    { httpOnly: true, secure: true, sameSite: 'strict' },
    { path: '/p', domain: 'example.test' },
    { path: null },
    { expires: { $date: 0 } },
    { signed: true },
    { priority: 'high', partitioned: true },
    { sameSite: 'wrong' },
    { domain: 'a\r\nb' },
    { path: '/;x' },
    { maxAge: 0 },
    { maxAge: { $nan: 1 } }
  ])
}

/** Steps that prepare an answer and do not end it. */
function preparation(r0) {
  return r0.weighted([
    [4, () => r('set', ...mildPair(r0))],
    [3, () => r('setHeader', ...mildPair(r0))],
    [2, () => r('status', r0.chance(0.9) ? r0.pick(STATUSES) : r0.pick(ODD_STATUSES))],
    [
      1,
      () => ['set', 'res', 'statusCode', r0.chance(0.9) ? r0.pick(STATUSES) : r0.pick(ODD_STATUSES)]
    ],
    [
      1,
      () => [
        'set',
        'res',
        'statusMessage',
        r0.pick(['Fine', '', 'bad\r\nx', 'é', 5, { $undefined: 1 }])
      ]
    ],
    [2, () => r('type', r0.pick(TYPES))],
    [1, () => r('append', ...mildPair(r0))],
    [1, () => r('vary', r0.pick(['Accept', 'accept, X-Y', ['A', 'B'], '*', 'bad:name', '']))],
    [
      1,
      () => r('links', r0.pick([{ next: 'http://a/2', last: 'http://a/5' }, {}, { n: ['a', 'b'] }]))
    ],
    [
      1,
      () =>
        r(
          'cookie',
          r0.pick(COOKIES),
          r0.pick(['v', 'a b;c', { a: 1 }, 5, { $undefined: 1 }, null]),
          cookieOptions(r0)
        )
    ],
    [1, () => r('clearCookie', r0.pick(COOKIES), cookieOptions(r0))],
    [1, () => r('location', r0.pick(URLS))],
    [
      1,
      () => r('attachment', r0.pick([{ $undefined: 1 }, 'a.txt', 'ü.png', 'a/b"c.html', 'x\r\ny']))
    ],
    [1, () => r('removeHeader', r0.pick([...NAMES, ...FRAMING]))],
    [1, () => r('appendHeader', ...mildPair(r0))],
    [
      1,
      () => loud('res', r0.pick(['getHeader', 'hasHeader', 'get']), r0.pick([...NAMES, ...FRAMING]))
    ],
    [1, () => loud('res', r0.pick(['getHeaders', 'getHeaderNames', 'getRawHeaderNames']))],
    [
      1,
      () =>
        r('setHeaders', {
          $map: [
            ['X-M', 'one'],
            ['x-n', ['a', 'b']]
          ]
        })
    ],
    [1, () => ['set', 'res', 'sendDate', r0.chance(0.5)]],
    [1, () => ['local', r0.pick(['user', 'x']), r0.pick(['a', 1, { b: 2 }])]],
    [
      1,
      () => [
        'listen',
        'res',
        r0.times(1 + r0.int(2), () => r0.pick(['finish', 'close', 'prefinish', 'pipe', 'error']))
      ]
    ],
    [
      1,
      () => [
        'listen',
        'req',
        r0.times(1 + r0.int(2), () => r0.pick(['close', 'end', 'aborted', 'error']))
      ]
    ],
    [
      1,
      () => [
        'wrap',
        'res',
        r0.pick(['writeHead', 'end', 'write', 'setHeader', 'send', 'json', 'status']),
        r0.chance(0.5) ? [r('setHeader', 'X-Late', 'yes')] : null
      ]
    ],
    [
      1,
      () => [
        'get',
        'res',
        r0.pick([
          'headersSent',
          'statusCode',
          'writableEnded',
          'finished',
          'writable',
          'statusMessage',
          'writableFinished',
          'destroyed'
        ])
      ]
    ]
  ])()
}

const bodyOf = (r0) =>
  r0.weighted([
    [5, r0.pick(TEXTS)],
    [2, { $buffer: r0.pick(['', 'raw\xff', 'b'.repeat(2000)]) }],
    [1, { $bytes: [65, 66, 67] }]
  ])

/** What writes a whole body by Node's methods. */
function written(r0) {
  const chunks = r0.times(r0.int(4), () => bodyOf(r0))
  const status = r0.chance(0.3) ? r0.pick(STATUSES) : 200
  const head = r0.weighted([
    [3, () => []],
    [3, () => [r('writeHead', status)]],
    [2, () => [r('writeHead', status, { 'X-W': 'w', 'content-type': 'text/plain' })]],
    [1, () => [r('writeHead', status, 'Reason', { 'X-W': 'w' })]],
    [1, () => [r('writeHead', status, ['X-W', 'w', 'X-W', 'again'])]],
    [
      1,
      () => [
        r('writeHead', status, [
          ['X-W', 'w'],
          ['X-Q', 'q']
        ])
      ]
    ],
    [
      1,
      () => [
        r('writeHead', status, Object.fromEntries([headerPair(r0)].map(([k, v]) => [String(k), v])))
      ]
    ],
    [1, () => [r('flushHeaders')]]
  ])()
  const writes = r0.chance(0.2)
    ? [['stream', chunks]]
    : chunks.flatMap((c) =>
        r0.chance(0.2)
          ? [loud('res', 'write', c), ['wait', r0.pick(['immediate', 'tick', 'micro'])]]
          : [loud('res', 'write', c)]
      )
  const end = r0.weighted([
    [3, r('end')],
    [2, r('end', bodyOf(r0))],
    [1, r('end', '68c3a4', 'hex')],
    [1, r('end', 'last', { $callback: 'ended' })],
    [1, r('end', { $callback: 'ended' })]
  ])
  return [...head, ...writes, end]
}

function sendFileOptions(r0) {
  return r0.pick([
    {},
    { maxAge: 1000 },
    { maxAge: '1d', immutable: true },
    { cacheControl: false, lastModified: false },
    { etag: false },
    { acceptRanges: false },
    { headers: { 'X-File': 'yes', 'Content-Type': 'text/x-own' } },
    { dotfiles: 'allow' },
    { dotfiles: 'deny' },
    { start: 2, end: 5 }
  ])
}

/** Steps that answer. */
function answer(r0) {
  return r0.weighted([
    [6, () => [r('send', r0.chance(0.5) ? bodyOf(r0) : r0.pick(VALUES))]],
    [6, () => [r('json', r0.pick(VALUES))]],
    [1, () => [r('jsonp', r0.pick(VALUES))]],
    [2, () => [r('sendStatus', r0.chance(0.9) ? r0.pick(STATUSES) : r0.pick(ODD_STATUSES))]],
    [
      2,
      () => [
        r('status', r0.pick(STATUSES)),
        r0.pick([r('end'), r('send', 'sent'), r('json', { ok: 1 })])
      ]
    ],
    [
      2,
      () => [
        r0.chance(0.5)
          ? r('redirect', r0.pick(URLS))
          : r('redirect', r0.pick([301, 302, 307, 308, 200, 404]), r0.pick(URLS))
      ]
    ],
    [
      1,
      () => [
        r('format', {
          text: { $steps: [r('send', 'as text')] },
          html: { $steps: [r('send', '<p>')] },
          'application/json': { $steps: [r('json', { f: 1 })] },
          ...(r0.chance(0.5) && { default: { $steps: [r('send', 'default')] } })
        })
      ]
    ],
    [5, () => written(r0)],
    [
      2,
      () => [
        r(
          'sendFile',
          { $fixture: r0.pick(FILES) },
          sendFileOptions(r0),
          ...(r0.chance(0.3) ? [{ $callback: 'file' }] : [])
        )
      ]
    ],
    [
      2,
      () => [
        r('sendFile', r0.pick(FILE_NAMES), { ...sendFileOptions(r0), root: { $fixture: 'public' } })
      ]
    ],
    [
      1,
      () => [
        r(
          'download',
          { $fixture: r0.pick(FILES) },
          ...r0.pick([
            [],
            ['name.bin'],
            ['ü "q".txt', { headers: { 'X-D': 'd' } }],
            [{ $callback: 'down' }]
          ])
        )
      ]
    ],
    [
      1,
      () => [
        r(
          'render',
          r0.pick(['hello', 'hello.txt', 'none', 'page.html']),
          r0.pick([{}, { shown: 1 }, { $callback: 'rendered' }])
        )
      ]
    ],
    [1, () => [['pipe', r0.times(1 + r0.int(3), () => bodyOf(r0))]]]
  ])()
}

module.exports = { answer, bodyOf, headerPair, loud, preparation }
