'use strict'
// Steps of handlers as people write them: what they look at, how they prepare an answer, and the answer, given once. Plain JSON of
// the steps of interpret.js and recipes.js. It must not make what depends on the time of day.

const loud = (target, method, ...args) => ['call', target, method, args]
const quiet = (method, ...args) => ['call', 'res', method, args, true]
const NONE = { $undefined: 1 }

const TEXTS = ['hello', '', 'häß ☃', '<b>&"</b>', { $repeat: 'line\n', times: 40 }]
const LONG = { $repeat: '0123456789abcdef', times: 20000 }
const OBJECTS = [
  { ok: true },
  [],
  [{ id: 1, name: 'ä' }, null],
  { html: '<p>&\u2028</p>', nested: { deep: [1, 2, { x: NONE }] } },
  null,
  'text',
  0,
  { date: { $date: 86400000 } },
  { list: { $repeat: 'x', times: 3000 } }
]
const TAGS = ['"v1"', 'W/"v1"', '"v2"']
const LAST = ['Thu, 01 Jan 2015 00:00:00 GMT', 'Fri, 02 Jan 2015 00:00:00 GMT']

/** What handlers look at, by what it is about. */
const LOOKS = [
  ['url', 'originalUrl', 'baseUrl', 'path', 'route'],
  ['params', 'query'],
  ['ip', 'ips', 'protocol', 'secure', 'hostname', 'host', 'subdomains'],
  ['fresh', 'stale', 'xhr', 'method', 'httpVersion'],
  ['body'],
  ['headers'],
  ['rawHeaders', 'headersDistinct'],
  ['cookies', 'signedCookies', 'secret'],
  ['readableEnded', 'aborted', 'trailers']
]

const ASKS = [
  ['accepts', 'html'],
  ['accepts', ['json', 'html', 'text']],
  ['accepts'],
  ['accepts', 'image/*', 'text/plain'],
  ['acceptsCharsets', 'utf-8', 'iso-8859-1'],
  ['acceptsEncodings', 'gzip', 'br', 'identity'],
  ['acceptsEncodings'],
  ['acceptsLanguages', ['en', 'de-DE', 'fr']],
  ['acceptsLanguages'],
  ['is', 'json'],
  ['is', ['urlencoded', 'text/*']],
  ['is', 'multipart/*', '+json'],
  ['range', 100],
  ['range', 10, { combine: true }],
  ['get', 'referrer'],
  ['get', 'HOST'],
  ['header', 'content-length'],
  ['get', 'x-forwarded-for']
]

const looks = (r) => (r.chance(0.6) ? ['look', r.pick(LOOKS)] : loud('req', ...r.pick(ASKS)))
function cookieOptions(r) {
  return r.pick([
    [],
    [{ maxAge: 60000, httpOnly: true }],
    [{ signed: true }],
    [{ signed: true, path: '/admin', sameSite: 'none', secure: true }],
    [{ expires: { $date: 0 }, domain: '.example.test' }],
    [{ sameSite: true, partitioned: true, priority: 'Low' }],
    [{ encode: { $named: 'upper' } }]
  ])
}

/** Steps that prepare an answer. */
function preparation(r) {
  return r.weighted([
    [3, () => quiet('set', 'X-A', r.pick(['1', ['a', 'b'], 5]))],
    [1, () => quiet('set', { 'X-A': 'x', 'Cache-Control': 'private', 'content-language': 'de' })],
    [
      1,
      () => quiet('header', 'Content-Type', r.pick(['text/plain', 'application/xml', 'a/b; q=1']))
    ],
    [2, () => quiet('status', r.pick([200, 201, 202, 400, 404, 422, 503]))],
    [
      2,
      () => quiet('type', r.pick(['html', '.json', 'png', 'text/x; charset=iso-8859-1', 'none']))
    ],
    [
      1,
      () => quiet('append', r.pick(['Link', 'Warning', 'Set-Cookie']), r.pick(['<a>', ['b', 'c']]))
    ],
    [
      2,
      () => quiet('vary', r.pick(['Accept', ['Origin', 'Cookie'], 'accept, accept-encoding', '*']))
    ],
    [1, () => quiet('links', { next: '/?p=2', prev: ['/?p=0', '/?p=1'] })],
    [
      2,
      () =>
        quiet(
          'cookie',
          r.pick(['a', 'sid', 'b.c']),
          r.pick(['v', 'a b;c', { j: 1 }, 7, 'ü']),
          ...cookieOptions(r)
        )
    ],
    [
      1,
      () =>
        quiet(
          'clearCookie',
          r.pick(['a', 'sid']),
          ...r.pick([[], [{ path: '/admin' }], [{ maxAge: 5 }]])
        )
    ],
    [
      1,
      () =>
        quiet('location', r.pick(['/x', 'http://h/ä?q=ü', '../up', 'back', 'https://é.test/%zz']))
    ],
    [1, () => quiet('attachment', ...r.pick([[], ['a.csv'], ['dir/ü "x".pdf']]))],
    [2, () => ['local', r.pick(['user', 'title']), r.pick(['a', { n: 1 }])]],
    [1, () => ['set', 'res', 'statusCode', r.pick([200, 203, 404])]],
    [1, () => ['set', 'res', 'statusMessage', r.pick(['Fine', 'Not So Fine'])]],
    [1, () => quiet('set', 'ETag', r.pick(TAGS))],
    [1, () => quiet('set', 'Last-Modified', r.pick(LAST))],
    [1, () => quiet('removeHeader', 'X-Powered-By')],
    [
      1,
      () =>
        loud(
          'res',
          r.pick(['get', 'getHeader', 'hasHeader']),
          r.pick(['X-Powered-By', 'etag', 'Content-Type', 'x-a'])
        )
    ],
    [1, () => loud('res', 'getHeaders')],
    [2, () => ['listen', 'res', [r.pick(['finish', 'close'])]]],
    [1, () => ['listen', 'req', [r.pick(['end', 'close'])]]],
    [
      1,
      () => [
        'wrap',
        'res',
        r.pick(['end', 'json', 'send', 'writeHead', 'write']),
        r.chance(0.5) ? [quiet('setHeader', 'X-Late', 'yes')] : null
      ]
    ],
    [0.5, () => ['get', 'res', r.pick(['headersSent', 'statusCode', 'writableEnded', 'locals'])]]
  ])()
}

const FILES = [
  'hello.txt',
  'data.json',
  'page.html',
  'sub/name with space.txt',
  'large.txt',
  'style.css',
  'none.txt',
  '.hidden',
  'sub',
  'sub/',
  '../public/hello.txt',
  'sub/../hello.txt',
  'a\0b',
  ''
]

function fileOptions(r) {
  const o = {}
  const maybe = (p, name, values) => {
    if (r.chance(p)) o[name] = r.pick(values)
  }
  maybe(0.3, 'maxAge', [0, 1500, '1h', '2 days', 99999999999999])
  maybe(0.15, 'immutable', [true])
  maybe(0.15, 'cacheControl', [false, true])
  maybe(0.15, 'lastModified', [false])
  maybe(0.15, 'etag', [false])
  maybe(0.15, 'acceptRanges', [false])
  maybe(0.2, 'dotfiles', ['allow', 'deny', 'ignore'])
  maybe(0.1, 'headers', [
    { 'X-File': 'f', 'Content-Type': 'text/x-own' },
    { 'Cache-Control': 'no-store', ETag: '"own"' }
  ])
  maybe(0.1, 'start', [0, 3, 1000000])
  maybe(0.1, 'end', [0, 10])
  maybe(0.1, 'extensions', [['txt', 'html']])
  maybe(0.1, 'index', [false, 'page.html'])
  return o
}

/** The usual callback: an error goes on unless something was sent. */
const forward = (label) => ({ $forward: label })

function sendsFile(r) {
  const name = r.pick(FILES)
  const args = [
    name,
    { ...fileOptions(r), root: { $fixture: r.pick(['public', 'public/sub', '.']) } }
  ]
  return [quiet('sendFile', ...args, ...(r.chance(0.4) ? [forward('file')] : []))]
}

function downloads(r) {
  const options = { ...fileOptions(r), root: { $fixture: 'public' } }
  const name = r.pick(['report.txt', 'ü €.txt', 'a"b\\c.bin', 'no-extension'])
  return [
    quiet(
      'download',
      ...r.pick([
        [r.pick(FILES), options],
        [r.pick(FILES), name, options],
        [r.pick(FILES), name, options, forward('down')],
        [r.pick(FILES), options, forward('down')],
        [{ $fixture: 'public/data.json' }],
        [{ $fixture: 'public/data.json' }, forward('down')],
        [{ $fixture: 'public/data.json' }, name, forward('down')]
      ])
    )
  ]
}

function renders(r) {
  const view = r.pick([
    'hello',
    'hello.txt',
    'page.html',
    'sub/index',
    'none',
    'style.css',
    'data.json'
  ])
  const locals = r.pick([
    {},
    { shown: [1, '<x>'] },
    { title: 'own', cache: true },
    { settings: 'mine' }
  ])
  return [
    quiet(
      'render',
      ...r.pick([
        [view],
        [view, locals],
        [view, forward('view')],
        [view, locals, { $rendered: 'view' }]
      ])
    )
  ]
}

function streams(r) {
  const chunks = r.times(1 + r.int(4), () =>
    r.pick([...TEXTS.filter((t) => t !== ''), { $buffer: 'raw\xff' }])
  )
  if (r.chance(0.15)) chunks.push(LONG)
  const how = r.pick([
    'pipeline',
    'readable',
    'iterate',
    'immediate',
    'file',
    'transform',
    'stream'
  ])
  const head = r.weighted([
    [3, []],
    [
      1,
      [
        quiet('writeHead', 200, {
          'Content-Type': 'text/event-stream',
          'Cache-Control': 'no-cache'
        })
      ]
    ],
    [1, [quiet('flushHeaders')]],
    [1, [quiet('type', 'txt'), quiet('status', 206)]]
  ])
  if (how === 'stream') return [...head, ['stream', chunks], quiet('end')]
  return [...head, ['flow', how, chunks]]
}

/** Reads a body, or sends it back as it comes. */
function reads(r) {
  if (r.chance(0.3)) return [['echo', r.pick(['pipe', 'pipeline', 'iterate'])]]
  const answer = r.pick([
    quiet('json', { read: true }),
    quiet('send', 'read'),
    quiet('sendStatus', 201)
  ])
  return [
    ['read', r.pick(['data', 'readable', 'iterate', 'pipe', 'pause', 'text', 'resume'])],
    answer
  ]
}

function formats(r) {
  const all = {
    text: { $steps: [quiet('send', 'as text')] },
    html: { $steps: [quiet('send', '<p>')] },
    json: { $steps: [quiet('json', { f: 1 })] },
    'image/png': { $steps: [quiet('send', { $buffer: 'png' })] },
    'application/vnd.x+json; v=1': { $steps: [quiet('send', 'v')] },
    default: { $steps: [quiet('status', 406), quiet('send', 'default')] }
  }
  const keys = Object.keys(all).filter(() => r.chance(0.5))
  return [quiet('format', Object.fromEntries(keys.map((key) => [key, all[key]])))]
}

/** Steps that answer, once. */
function answer(r) {
  return r.weighted([
    [
      5,
      () => [
        quiet(
          'send',
          r.pick([...TEXTS, ...OBJECTS, { $buffer: 'bytes\xff' }, { $bytes: [1, 2] }, LONG])
        )
      ]
    ],
    [6, () => [quiet('json', r.pick(OBJECTS))]],
    [1.5, () => [quiet('jsonp', r.pick(OBJECTS))]],
    [1.5, () => [quiet('sendStatus', r.pick([200, 204, 304, 400, 404, 418, 500, 799]))]],
    [
      2,
      () => [
        quiet(
          'redirect',
          ...r.pick([
            ['/login'],
            [301, '/a b?q=ü'],
            [307, 'http://x.test/ä'],
            [303, '..'],
            ['back'],
            [308, '//h/%zz']
          ])
        )
      ]
    ],
    [2, () => formats(r)],
    [6, () => sendsFile(r)],
    [3, () => downloads(r)],
    [4, () => renders(r)],
    [5, () => streams(r)],
    [3, () => reads(r)],
    [1, () => [quiet('end')]],
    [1, () => [quiet('end', r.pick(TEXTS.slice(0, 4)), 'utf8', { $callback: 'ended' })]],
    [1, () => [quiet('writeHead', 201, { 'X-W': '1' }), quiet('end', 'written')]],
    [
      2,
      () => [
        [
          'again',
          r.pick(['json', 'send']),
          r.pick(LOOKS).filter((l) => !['headers', 'rawHeaders', 'headersDistinct'].includes(l))
        ]
      ]
    ]
  ])()
}

module.exports = { answer, fileOptions, looks, preparation }
