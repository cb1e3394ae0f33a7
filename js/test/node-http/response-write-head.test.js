'use strict'

// res.writeHead in all its forms, over headers set before, and the status line: codes and reasons.

const { one, suite } = require('./harness')

const headFields = (res) => [
  res.headersSent,
  res.statusCode,
  res.statusMessage ?? null,
  res.getHeaderNames(),
  Object.entries(res.getHeaders())
]

suite(__filename, [
  // what a program makes of these once they are sent is not looked at
  ...Object.entries({
    statusCode: 0,
    statusMessage: 'bad\r\n',
    useChunkedEncodingByDefault: false
  }).flatMap(([field, value]) =>
    Object.entries({
      head: (res) => res.writeHead(204),
      chunk: (res) => res.write('a')
    }).map(([what, begin]) =>
      one(`${field} changes behind a ${what}`, (_req, res, { log, attempt }) => {
        begin(res)
        res[field] = value
        log(attempt(() => res.setHeaders?.(new Map([['x-a', 'b']]))))
        log(attempt(() => res.appendHeader('X-A', 'b')))
        res.end()
      })
    )
  ),
  one('writeHead: status', (req, res) => res.writeHead(204).end()),
  one('writeHead: object', (req, res) => {
    res.setHeader('X-Before', 'kept')
    res.setHeader('X-Over', 'lost')
    res.writeHead(201, { 'X-Over': 'wins', 'Content-Type': 'text/plain', 'X-List': ['a', 'b'] })
    res.end('ok')
  }),
  one('writeHead: object, nothing set before', (req, res) =>
    res
      .writeHead(201, {
        'X-A': 'a',
        'content-length': 2,
        'X-List': ['a', 'b'],
        'Set-Cookie': ['a=1', 'b=2']
      })
      .end('ok')
  ),
  one('writeHead: reason', (req, res) => res.writeHead(200, 'Very Fine').end()),
  one('writeHead: reason and object', (req, res) =>
    res.writeHead(404, 'Gone Fishing', { 'X-A': 'a' }).end('x')
  ),
  one('writeHead: empty reason', (req, res) => res.writeHead(200, '').end()),
  one('writeHead: reason with latin1', (req, res) => res.writeHead(200, 'gr\xfcn').end()),
  one('writeHead: flat array', (req, res) =>
    res.writeHead(200, ['X-A', '1', 'x-b', '2', 'X-A', '3']).end('flat')
  ),
  one('writeHead: array of pairs', (req, res) =>
    res
      .writeHead(200, [
        ['X-A', '1'],
        ['x-b', '2'],
        ['X-A', '3']
      ])
      .end('pairs')
  ),
  one('writeHead: flat array over set headers', (req, res) => {
    res.setHeader('x-a', 'before')
    res.setHeader('X-Kept', 'k')
    res.writeHead(200, ['X-A', '1', 'X-A', '2'])
    res.end('flat')
  }),
  one('writeHead: pairs over set headers', (req, res) => {
    res.setHeader('x-a', 'before')
    res.setHeader('X-Kept', 'k')
    res.writeHead(200, [
      ['X-A', '1'],
      ['X-A', '2']
    ])
    res.end('pairs')
  }),
  one('writeHead: numeric string and float', (req, res) => res.writeHead('201').end()),
  one('writeHead: undefined reason, headers third', (req, res) =>
    res.writeHead(200, undefined, { 'X-A': 'a' }).end('x')
  ),
  one('writeHead: null headers', (req, res) => res.writeHead(200, null).end('x')),
  one('writeHead twice', (req, res, { log, attempt }) => {
    res.writeHead(200, { A: '1' })
    log(attempt(() => res.writeHead(201)))
    res.end()
  }),
  one('writeHead does not send; the properties', (req, res, { log }) => {
    log(headFields(res))
    res.setHeader('X-A', 'a')
    log(headFields(res))
    res.writeHead(202, 'Acc', { 'X-B': 'b' })
    log(headFields(res))
    log(typeof res._header, res._headerSent)
    res.end('x')
    log(headFields(res))
  }),
  one('unknown status code', (req, res) => {
    res.statusCode = 599
    res.end()
  }),
  one('unknown status code 299 with body', (req, res) => {
    res.statusCode = 299
    res.end('x')
  }),
  one('statusMessage with a line break', (req, res, { log, attempt }) => {
    res.statusMessage = 'a\r\nX-Injected: 1'
    log(attempt(() => res.flushHeaders()))
    res.statusMessage = 'fine'
    res.end()
  })
])
