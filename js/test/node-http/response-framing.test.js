'use strict'

// What Node adds to a head, and what is left of it when a program has set or removed such lines: lengths and transfer codings,
// Date, Connection, Keep-Alive.

const { one, suite } = require('./harness')

suite(__filename, [
  ...[100, 101, 200, 204, 205, 304, 400, 500, 999].map((status) =>
    one(
      `status ${status} with end(body)`,
      (req, res, { log, attempt }) => {
        log(attempt(() => res.writeHead(status)))
        log(attempt(() => res.end('body')))
      },
      { path: '/', headers: { Connection: 'close' }, readAs: status < 200 ? 'HEAD' : 'GET' }
    )
  ),
  one('304 with a Content-Length', (req, res) =>
    res.writeHead(304, { 'Content-Length': 10, ETag: '"x"' }).end()
  ),
  one('204 with headers', (req, res) =>
    res.writeHead(204, { 'Content-Length': 0, 'Transfer-Encoding': 'chunked' }).end()
  ),
  one('Content-Length given by hand', (req, res) => {
    res.setHeader('Content-Length', 4)
    res.write('ab')
    res.end('cd')
  }),
  one(
    'Content-Length and HEAD',
    (req, res) => {
      res.setHeader('Content-Length', 4)
      res.end('abcd')
    },
    { method: 'HEAD', path: '/' }
  ),
  one(
    'write, HEAD',
    (req, res) => {
      res.write('abcd')
      res.end()
    },
    { method: 'HEAD', path: '/' }
  ),
  one('Transfer-Encoding given by hand', (req, res) => {
    res.setHeader('Transfer-Encoding', 'chunked')
    res.end('chunked by hand')
  }),
  one(
    'Transfer-Encoding: identity',
    (req, res) => {
      res.writeHead(200, { 'Transfer-Encoding': 'identity' })
      res.end('not chunked')
    },
    { path: '/', headers: { Connection: 'close' } }
  ),
  one('removed Transfer-Encoding', (req, res) => {
    res.removeHeader('Transfer-Encoding')
    res.write('until ')
    res.end('close')
  }),
  one('removed Content-Length', (req, res) => {
    res.removeHeader('Content-Length')
    res.end('no length')
  }),
  one('removed Connection', (req, res) => {
    res.removeHeader('Connection')
    res.end('x')
  }),
  one('removed Date', (req, res) => {
    res.removeHeader('Date')
    res.end('x')
  }),
  one('sendDate = false', (req, res) => {
    res.sendDate = false
    res.end('x')
  }),
  one('Date by hand', (req, res) => {
    res.setHeader('Date', 'my own date')
    res.end('x')
  }),
  one('Connection: close by hand', (req, res) => {
    res.setHeader('Connection', 'close')
    res.end('x')
  }),
  one('connection: Keep-Alive by hand', (req, res) => {
    res.setHeader('connection', 'Keep-Alive')
    res.end('x')
  }),
  one('Keep-Alive by hand', (req, res) => {
    res.setHeader('Keep-Alive', 'timeout=77')
    res.end('x')
  }),
  one('Connection with another option', (req, res) => {
    res.setHeader('Connection', 'X-Own')
    res.end('x')
  }),
  one('shouldKeepAlive = false', (req, res) => {
    res.shouldKeepAlive = false
    res.end('x')
  }),
  one('useChunkedEncodingByDefault = false', (req, res) => {
    res.useChunkedEncodingByDefault = false
    res.write('a')
    res.end('b')
  }),
  one('Trailer header without chunked', (req, res, { log, attempt }) => {
    res.setHeader('Content-Length', 2)
    res.setHeader('Trailer', 'X-T')
    log(attempt(() => res.end('ok')))
    if (!res.headersSent) {
      res.removeHeader('Trailer')
      res.end('ok')
    }
  })
])
