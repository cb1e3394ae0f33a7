'use strict'
// Random steps that call methods of a request and a response in any order, right or wrong. The steps
// are those of interpret.js. It must not make what depends on the time of day.

const { answer, bodyOf, headerPair, loud, preparation } = require('./answers')
const { BAD_NAMES, FRAMING, NAMES, ODD_STATUSES, STATUSES, VALUES } = require('./values')

/** Calls in any order, right or wrong: each is recorded, whatever it throws. */
function anyCall(r0) {
  const length = r0.pick([0, 1, 3, 5, 100, 20000])
  const chunk = () =>
    r0.weighted([
      [6, bodyOf(r0)],
      [1, { $repeat: 'z', times: length }],
      [1, r0.pick(VALUES)]
    ])
  const events = [
    'finish',
    'close',
    'drain',
    'prefinish',
    'error',
    'pipe',
    'unpipe',
    'timeout',
    'header'
  ]
  return r0.weighted([
    [6, () => loud('res', 'setHeader', ...headerPair(r0))],
    [3, () => loud('res', 'appendHeader', ...headerPair(r0))],
    [3, () => loud('res', 'removeHeader', r0.pick([...NAMES, ...FRAMING, ...BAD_NAMES]))],
    [2, () => loud('res', 'getHeader', r0.pick([...NAMES, ...FRAMING, ...BAD_NAMES]))],
    [1, () => loud('res', 'hasHeader', r0.pick([...NAMES, ...FRAMING, ...BAD_NAMES]))],
    [2, () => loud('res', r0.pick(['getHeaders', 'getHeaderNames', 'getRawHeaderNames']))],
    [1, () => loud('res', 'setHeaders', { $map: [headerPair(r0), headerPair(r0)] })],
    [
      3,
      () =>
        loud(
          'res',
          'writeHead',
          ...r0.pick([
            [200],
            [404, 'Gone away'],
            [200, { 'X-W': 'w' }],
            [200, ['A', 'b', 'A', 'c']],
            [r0.pick(ODD_STATUSES)],
            [204],
            [304],
            [200, 'Bad\r\n'],
            [200, ['odd']],
            [200, { 'content-length': length }],
            [200, { 'transfer-encoding': 'chunked' }],
            [200, Object.fromEntries([headerPair(r0)].map(([k, v]) => [String(k), v]))]
          ])
        )
    ],
    [
      5,
      () => {
        const data = chunk()
        const more = r0.pick([
          [],
          ['latin1'],
          ['nope'],
          [{ $callback: 'wrote' }],
          ['utf8', { $callback: 'wrote' }],
          ['base64']
        ])
        // of what is none, Node writes a wrong length
        return loud('res', 'write', more[0] === 'base64' ? 'aGVsbG8=' : data, ...more)
      }
    ],
    [
      3,
      () =>
        loud(
          'res',
          'end',
          ...r0.pick([
            [],
            [chunk()],
            [{ $callback: 'ended' }],
            [chunk(), 'latin1'],
            [chunk(), { $callback: 'ended' }],
            [null],
            [5]
          ])
        )
    ],
    [1, () => loud('res', 'flushHeaders')],
    [1, () => loud('res', 'cork')],
    [2, () => loud('res', 'uncork')],
    [
      1,
      () =>
        loud(
          'res',
          'addTrailers',
          r0.pick([{ 'X-Trailer': 't' }, { 'bad name': 'x' }, { a: 'b\r\n' }, []])
        )
    ],
    [
      1,
      () =>
        loud('res', 'setTimeout', r0.pick([0, 60000]), ...r0.pick([[], [{ $callback: 'timeout' }]]))
    ],
    [0.3, () => loud('res', 'destroy', ...r0.pick([[], [{ $error: { message: 'gone' } }]]))],
    [0.5, () => loud('res', '_implicitHeader')],
    [4, () => ['listen', 'res', [r0.pick(events)]]],
    [1, () => loud('res', 'removeAllListeners', r0.pick(['drain', 'error', 'timeout']))],
    [1, () => loud('res', 'listenerCount', r0.pick(['close', 'drain', 'error']))],
    [1, () => loud('res', 'emit', r0.pick(['custom', 'drain']))],
    [
      3,
      () => [
        'get',
        'res',
        r0.pick([
          'headersSent',
          'statusCode',
          'statusMessage',
          'writableEnded',
          'writableFinished',
          'finished',
          'writable',
          'destroyed',
          'closed',
          'errored',
          'writableCorked',
          'writableLength',
          'writableNeedDrain',
          'writableHighWaterMark',
          'writableObjectMode',
          'sendDate',
          'chunkedEncoding',
          'useChunkedEncodingByDefault',
          'strictContentLength',
          '_header',
          '_hasBody',
          '_contentLength',
          '_last',
          'outputSize',
          '_removedConnection',
          '_removedContLen',
          '_removedTE',
          '_trailer'
        ])
      ]
    ],
    [
      2,
      () => [
        'set',
        'res',
        ...r0.pick([
          ['statusCode', r0.pick(STATUSES)],
          ['statusCode', r0.pick(ODD_STATUSES)],
          ['statusMessage', r0.pick(['Own', 'bad\r\n', ''])],
          ['sendDate', false],
          [false],
          ['strictContentLength', true],
          ['useChunkedEncodingByDefault', false]
        ])
      ]
    ],
    [
      2,
      () => [
        'wrap',
        'res',
        r0.pick([
          'writeHead',
          'write',
          'end',
          'setHeader',
          'removeHeader',
          '_implicitHeader',
          'flushHeaders',
          'getHeader',
          'on',
          '_send',
          '_storeHeader'
        ]),
        r0.chance(0.3) ? [loud('res', 'setHeader', 'X-Late', 'yes')] : null
      ]
    ],
    [1, () => preparation(r0)],
    [0.5, () => ['wait', r0.pick(['immediate', 'tick', 'micro'])]],
    [0.7, () => r0.pick(answer(r0))]
  ])()
}

/** Informational answers, which are for the beginning: behind a response Node writes them into the next one. */
function informational(r0) {
  return r0.pick([
    loud('res', 'writeContinue'),
    loud('res', 'writeProcessing'),
    loud('res', 'writeEarlyHints', { link: '</s.css>; rel=preload' }),
    loud('res', 'writeEarlyHints', {
      link: ['</a>; rel=preload', '</b>; rel=preload'],
      'X-E': 'e'
    }),
    loud('res', 'writeEarlyHints', {})
  ])
}

/** Calls on the request, in any order. */
function anyRead(r0) {
  const events = [
    'data',
    'end',
    'close',
    'readable',
    'error',
    'aborted',
    'pause',
    'resume',
    'timeout'
  ]
  return r0.weighted([
    [4, () => ['listen', 'req', [r0.pick(events)]]],
    [
      2,
      () =>
        loud(
          'req',
          r0.pick(['pause', 'resume', 'isPaused', 'unpipe', 'listenerCount']),
          ...r0.pick([[], ['data']])
        )
    ],
    [2, () => loud('req', 'read', ...r0.pick([[], [1], [0], [5], [100000]]))],
    [1, () => loud('req', 'setEncoding', r0.pick(['utf8', 'hex', 'latin1']))],
    [1, () => loud('req', 'unshift', 'un')],
    [0.3, () => loud('req', 'destroy', ...r0.pick([[], [{ $error: { message: 'req gone' } }]]))],
    [1, () => loud('req', 'removeAllListeners', ...r0.pick([[], [r0.pick(events)]]))],
    [0.5, () => loud('req', 'setTimeout', 60000)],
    [
      4,
      () => [
        'get',
        'req',
        r0.pick([
          'readable',
          'readableEnded',
          'readableFlowing',
          'readableLength',
          'readableDidRead',
          'readableAborted',
          'destroyed',
          'closed',
          'errored',
          'complete',
          'aborted',
          'headers',
          'headersDistinct',
          'rawHeaders',
          'trailers',
          'rawTrailers',
          'trailersDistinct',
          'httpVersion',
          'httpVersionMajor',
          'httpVersionMinor',
          'method',
          'url',
          'readableEncoding',
          'readableHighWaterMark',
          'readableObjectMode',
          'upgrade',
          'statusCode',
          'statusMessage',
          '_consuming',
          '_dumped'
        ])
      ]
    ],
    [
      0.5,
      () => [
        'get',
        'socket',
        r0.pick([
          'encrypted',
          'destroyed',
          'readable',
          'writable',
          'remoteAddress',
          'remoteFamily',
          'localAddress',
          'readyState',
          'writableLength',
          'writableNeedDrain',
          'allowHalfOpen',
          'timeout',
          'connecting',
          'pending',
          'closed',
          'errored'
        ])
      ]
    ],
    [2, () => ['wait', r0.pick(['immediate', 'tick', 'micro'])]],
    [
      1,
      () => [
        'set',
        'req',
        ...r0.pick([
          ['headers', { a: 'b' }],
          ['url', '/new'],
          ['body', { b: 1 }],
          ['aborted', true]
        ])
      ]
    ],
    [0.7, () => ['read', r0.pick(['data', 'readable', 'iterate', 'pipe', 'pause', 'text'])]]
  ])()
}

module.exports = { anyCall, anyRead, informational }
