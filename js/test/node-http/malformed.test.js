'use strict'

// What is not HTTP, or not quite: request lines, header lines, lengths, chunks and limits. Compared is every byte of the
// answer, whether the connection was closed, how many handlers ran and with what, and the 'clientError' event.

const assert = require('node:assert/strict')
const { suite } = require('./harness')

const serve =
  ({ log }) =>
  (req, res) => {
    let body = ''
    req.on('data', (d) => {
      body += d.toString('latin1')
    })
    req.on('end', () => {
      log('handled', req.method, req.url, body.length > 100 ? body.length : body, req.headers)
      res.end(`handled ${body.length}`)
    })
    req.on('error', (error) => log('request error', error.code))
  }

/** Refused before a handler is called, where Node calls it: what is no HTTP/1 request, or has a coding we cannot undo. */
const REFUSED = new Set([
  'request line "GET /"',
  'request line "GET / HTTP/2.0"',
  'request line "GET / HTTP/0.9"',
  'request line "DESCRIBE / RTSP/1.0"',
  ...['identity', 'xchunked', 'gzip', '"chunked"', ''].map((coding) =>
    JSON.stringify(`Transfer-Encoding: ${coding}`)
  )
])

const isRefused = (name) =>
  REFUSED.has(name) || REFUSED.has(name.replace(/^header ("(?:[^"\\]|\\.)*").*$/, '$1'))

function refused(ours) {
  assert.deepEqual(ours.log, [])
  assert.match(ours.seen.text, /^HTTP\/1\.1 400 Bad Request\r\nConnection: close\r\n\r\n$/)
}

/** A good request is answered before what is wrong behind it; Node drops the answer. */
function answeredFirst(ours, nodes) {
  assert.deepEqual(ours.log, nodes.log)
  assert.match(ours.seen.text, /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nhandled \d/)
  const rest = ours.seen.text.replace(/^[\s\S]*\r\n\r\nhandled \d/, '')
  const isClosing = /\r\nConnection: close\r\n[\s\S]*handled/.test(ours.seen.text)
  assert.equal(rest, isClosing ? '' : nodes.seen.text)
}

const ANSWERED_FIRST = new Set([
  'Transfer-Encoding over HTTP/1.0',
  'bytes after a Content-Length: 0',
  'headers of 17 kB in a second request',
  'garbage after a good request'
])

/** Sends `text` and a FIN, reads to the end: nothing may be left to a timeout. */
const bad = (name, text) => ({
  name,
  serve,
  differs: isRefused(name)
    ? refused
    : ANSWERED_FIRST.has(name) || name.startsWith('header "Connection: close')
      ? answeredFirst
      : undefined,
  exchange: ({ raw }) => raw(text, { end: true, allowHalfOpen: true })
})

const line = (requestLine) =>
  bad(`request line ${JSON.stringify(requestLine)}`, `${requestLine}\r\nHost: a\r\n\r\n`)
const header = (lines, { body = '', method = 'POST' } = {}) =>
  bad(
    `header ${JSON.stringify(lines)}${body ? ` body ${JSON.stringify(body)}` : ''}`,
    `${method} / HTTP/1.1\r\nHost: a\r\n${lines}\r\n\r\n${body}`
  )
const chunks = (body) =>
  bad(
    `chunks ${JSON.stringify(body.length > 80 ? `${body.slice(0, 40)}… ${body.length}` : body)}`,
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}`
  )

const FOLLOWER = 'GET /follower HTTP/1.1\r\nHost: a\r\n\r\n'

suite(__filename, [
  ...[
    'GET /',
    'GET',
    '',
    ' GET / HTTP/1.1',
    'GET  / HTTP/1.1',
    'GET /  HTTP/1.1',
    'GET / HTTP/1.1 ',
    'GET /\tHTTP/1.1',
    'GET / http/1.1',
    'GET / HTTP/1',
    'GET / HTTP/1.2',
    'GET / HTTP/1.9',
    'GET / HTTP/2.0',
    'GET / HTTP/9.9',
    'GET / HTTP/0.9',
    'GET / HTTP/1.01',
    'GET / HTTP/11.1',
    'GET / HTP/1.1',
    'GET /a b HTTP/1.1',
    'GET /\x00 HTTP/1.1',
    'GET /\x7f HTTP/1.1',
    'GET /\x01 HTTP/1.1',
    'GE\x00T / HTTP/1.1',
    'G(T / HTTP/1.1',
    'GET\r / HTTP/1.1',
    'PRI * HTTP/2.0',
    'CONNECT / HTTP/1.1',
    'CONNECT nohost HTTP/1.1',
    'GET * HTTP/1.1',
    'GET http:// HTTP/1.1',
    'GET http://a HTTP/1.1',
    'GET https://user:pw@a:1/x?y#z HTTP/1.1',
    'GET ?x HTTP/1.1',
    'GET # HTTP/1.1',
    'GET //x HTTP/1.1',
    'GET /\\x HTTP/1.1',
    'FOO / HTTP/1.1',
    'GETX / HTTP/1.1',
    'ICE / HTTP/1.1',
    'DESCRIBE / RTSP/1.0',
    'HTTP/1.1 200 OK',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    `GET /${'a'.repeat(20_000)} HTTP/1.1`,
    `${'A'.repeat(200)} / HTTP/1.1`
  ].map(line),
  ...[
    'No-Colon',
    ': empty name',
    'Space : before',
    'Space Inside: x',
    ' Leading: space',
    'Tab\t: x',
    'Name\x00: x',
    'Name: a\x00b',
    'Name: a\x01b',
    'Name: a\x7fb',
    'Name: a\rb',
    'Name: a\nb: c',
    'Name: a\r\n folded',
    'Name: a\r\n\tfolded',
    'Name: \xa0\x85',
    'N\xe4me: x',
    'Name(): x',
    'Name@: x',
    'Name;: x',
    'Name=: x',
    '"Name": x',
    '\x0bName: x',
    'Name: x\x0b',
    'Name: x\n\r',
    'Name\r: x'
  ].map((lines) => header(lines, { method: 'GET' })),
  ...[
    ['Content-Length: +5', 'hello'],
    ['Content-Length: 0x5', 'hello'],
    ['Content-Length: 5_0', 'hello'],
    ['Content-Length: 5,5', 'hello'],
    ['Content-Length: 5, 5', 'hello'],
    ['Content-Length: 5,6', 'hello!'],
    ['Content-Length: 5\r\nContent-Length: 5', 'hello'],
    ['Content-Length: 5\r\nContent-Length: 6', 'hello!'],
    ['Content-Length: -1', ''],
    ['Content-Length: ', 'hello'],
    ['Content-Length: 5 5', 'hello'],
    ['Content-Length: 5 ', 'hello'],
    ['Content-Length:\t5', 'hello'],
    ['Content-Length: 05', 'hello'],
    ['Content-Length : 5', 'hello'],
    [' Content-Length: 5', 'hello'],
    ['Content-Length: 5x', 'hello'],
    ['Content-Length: 18446744073709551616', 'hello'],
    ['Content-Length: 99999999999999999999999', 'hello'],
    ['Content-Length: 5\r\nTransfer-Encoding: chunked', '0\r\n\r\n'],
    ['Transfer-Encoding: chunked\r\nContent-Length: 5', '0\r\n\r\n'],
    ['Transfer-Encoding: identity\r\nContent-Length: 5', 'hello'],
    ['Transfer-Encoding: identity', 'hello'],
    ['Transfer-Encoding: xchunked', '0\r\n\r\n'],
    ['Transfer-Encoding: chunked, identity', '0\r\n\r\n'],
    ['Transfer-Encoding: gzip, chunked', '0\r\n\r\n'],
    ['Transfer-Encoding: gzip', ''],
    ['Transfer-Encoding: ,chunked', '0\r\n\r\n'],
    ['Transfer-Encoding: chunked,', '0\r\n\r\n'],
    ['Transfer-Encoding: chunked, chunked', '0\r\n\r\n'],
    ['Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', '0\r\n\r\n'],
    ['Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', '0\r\n\r\n'],
    ['Transfer-Encoding: Chunked', '0\r\n\r\n'],
    ['Transfer-Encoding:chunked', '0\r\n\r\n'],
    ['Transfer-Encoding: chunked ', '0\r\n\r\n'],
    ['Transfer-Encoding: \x0bchunked', '0\r\n\r\n'],
    ['Transfer-Encoding: "chunked"', '0\r\n\r\n'],
    ['Transfer-Encoding:\r\n chunked', '0\r\n\r\n'],
    ['Transfer-Encoding : chunked', '0\r\n\r\n'],
    ['Transfer_Encoding: chunked', ''],
    ['Transfer-Encoding: ', ''],
    ['Connection: close\r\nTransfer-Encoding: chunked', '3\r\nabc\r\n0\r\n\r\n']
  ].map(([lines, body]) => header(lines, { body: `${body}${FOLLOWER}` })),
  bad(
    'Transfer-Encoding over HTTP/1.0',
    `POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n${FOLLOWER}`
  ),
  bad(
    'a body of a GET with Content-Length',
    `GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc${FOLLOWER}`
  ),
  bad(
    'body shorter than its Content-Length',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nshort'
  ),
  bad(
    'bytes after a Content-Length: 0',
    `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\nGARBAGE${FOLLOWER}`
  ),
  ...[
    '3\r\nabc\r\n0\r\n\r\n',
    '3\nabc\n0\n\n',
    '3\r\nabc0\r\n\r\n',
    '3\r\nabcd\r\n0\r\n\r\n',
    '3\r\nab\r\n0\r\n\r\n',
    '03\r\nabc\r\n0\r\n\r\n',
    '0003\r\nabc\r\n000\r\n\r\n',
    '0x3\r\nabc\r\n0\r\n\r\n',
    '+3\r\nabc\r\n0\r\n\r\n',
    '-3\r\nabc\r\n0\r\n\r\n',
    ' 3\r\nabc\r\n0\r\n\r\n',
    '3 \r\nabc\r\n0\r\n\r\n',
    '3\t\r\nabc\r\n0\r\n\r\n',
    'g\r\nabc\r\n0\r\n\r\n',
    '\r\nabc\r\n0\r\n\r\n',
    'A\r\n0123456789\r\n0\r\n\r\n',
    'a\r\n0123456789\r\n0\r\n\r\n',
    '3;\r\nabc\r\n0\r\n\r\n',
    '3;ext\r\nabc\r\n0\r\n\r\n',
    '3;ext=value\r\nabc\r\n0\r\n\r\n',
    '3;ext="quoted; value"\r\nabc\r\n0\r\n\r\n',
    '3; ext = value\r\nabc\r\n0\r\n\r\n',
    '3;ext="open\r\nabc\r\n0\r\n\r\n',
    '3;ext\nabc\r\n0\r\n\r\n',
    '3;e\rxt\r\nabc\r\n0\r\n\r\n',
    '3;ext\x00\r\nabc\r\n0\r\n\r\n',
    `3;${'e'.repeat(20_000)}\r\nabc\r\n0\r\n\r\n`,
    'ffffffffffffffff\r\nabc\r\n0\r\n\r\n',
    '10000000000000000\r\nabc\r\n0\r\n\r\n',
    '3\r\nabc\r\n0\r\nTrailer: 1\r\n\r\n',
    '3\r\nabc\r\n0\r\nBad Trailer: 1\r\n\r\n',
    '3\r\nabc\r\n0\r\nNo-Colon\r\n\r\n',
    `3\r\nabc\r\n0\r\nBig: ${'t'.repeat(20_000)}\r\n\r\n`,
    '3\r\nabc\r\n0\r\nContent-Length: 100\r\n\r\n',
    '0\r\n\r\n',
    '0\n\n',
    '3\r\nabc\r\n',
    '3\r\nabc',
    '3\r\n',
    '3',
    ''
  ].map((body) => chunks(body + (body.endsWith('\r\n\r\n') ? FOLLOWER : ''))),
  bad('bare LF line ends', 'GET / HTTP/1.1\nHost: a\n\n'),
  bad('bare LF in the request line', 'GET / HTTP/1.1\nHost: a\r\n\r\n'),
  bad('bare LF at the end of the head', 'GET / HTTP/1.1\r\nHost: a\r\n\n'),
  bad('CR without LF after the head', 'GET / HTTP/1.1\r\nHost: a\r\n\rX'),
  bad('no Host', 'GET / HTTP/1.1\r\n\r\n'),
  bad('no Host in a second request', `${FOLLOWER}GET / HTTP/1.1\r\n\r\n`),
  bad('two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'),
  bad('Host with odd characters', 'GET / HTTP/1.1\r\nHost: a b/<c>\r\n\r\n'),
  bad(
    'header of 15 kB',
    `GET / HTTP/1.1\r\nHost: a\r\nBig: ${'h'.repeat(15_000)}\r\nConnection: close\r\n\r\n`
  ),
  bad('headers of 17 kB', `GET / HTTP/1.1\r\nHost: a\r\nBig: ${'h'.repeat(17_000)}\r\n\r\n`),
  {
    // The server closes with bytes unread, so what of its answer survives the reset is the kernel's business.
    ...bad('headers of 200 kB', ''),
    exchange: async ({ raw }) => {
      await raw(
        `GET / HTTP/1.1\r\nHost: a\r\n${Array.from({ length: 20 }, (_, i) => `Big-${i}: ${'h'.repeat(10_000)}\r\n`).join('')}\r\n`
      )
    }
  },
  bad(
    'headers of 17 kB in a second request',
    `${FOLLOWER}GET / HTTP/1.1\r\nHost: a\r\nBig: ${'h'.repeat(17_000)}\r\n\r\n`
  ),
  bad('2500 headers', `GET / HTTP/1.1\r\nHost: a\r\n${'a:\r\n'.repeat(2500)}\r\n`),
  bad('garbage after a good request', `${FOLLOWER}garbage garbage\r\n\r\n`),
  bad('only line ends', '\r\n\r\n\r\n\r\n'),
  bad('only zeros', '\x00\x00\x00\x00\x00\x00\x00\x00'),
  ...[
    ...[
      '3\nabc',
      '3\r\nabc\n',
      '3\r\nabcX',
      '3\r\nabc\rX',
      '3\rX',
      '3 \r\n',
      '3;\r\n',
      '3;a\n',
      '3;a=\n',
      '3;a b\r\n',
      '3;a=b c\r\n',
      '3;a="b\n',
      '3;a="b"\n',
      '3;a="b"x',
      '3;a="\\\n',
      '11111111111111111\r\n',
      '0\r\n\n',
      '0\r\n\rX',
      '0\r\n A: b\r\n\r\n',
      '0\r\nA: b\n\r\n',
      '0\r\nA: \x01\r\n\r\n',
      '0\r\nA: b\rX\r\n\r\n'
    ].map((body) => [
      `chunks ${JSON.stringify(body)}`,
      `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}`
    ]),
    ...['A: \x01', 'A: b\rX', 'A: b\n', '\n', ' A: b', 'A : b', ': b'].map((line) => [
      `line ${JSON.stringify(line)}`,
      `GET / HTTP/1.1\r\nHost: a\r\n${line}\r\n\r\n`
    ])
  ].map(([name, text]) => ({
    name: `the error for ${name}`,
    serve({ express, log }) {
      const app = express()
      app.use((req, res) => {
        // whether it comes before or behind 'clientError' is open
        req.on('error', () => {})
        req.resume()
        req.on('end', () => res.end())
      })
      const server = app.listen(0)
      server.on('clientError', (error, socket) => {
        log(error.code, error.reason, error.message)
        socket.destroy()
      })
      return server
    },
    async exchange({ raw, until }) {
      await raw(text)
      await until(1)
    }
  })),
  ...[
    ['bad request line', 'NOT HTTP\r\n\r\n'],
    ['bad header', 'GET / HTTP/1.1\r\nBad Header: x\r\n\r\n'],
    ['head too large', `GET / HTTP/1.1\r\nHost: a\r\nBig: ${'h'.repeat(17_000)}\r\n\r\n`],
    [
      'length and chunked',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'
    ],
    ['bad chunk', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnot hex\r\n'],
    ['cut head', 'GET / HTTP/1.1\r\nHost'],
    ['cut body', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf'],
    ['invalid version', 'GET / HTTP/7.7\r\nHost: a\r\n\r\n'],
    ['bad transfer-encoding', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: what\r\n\r\n'],
    ['bad content-length', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n']
  ].map(([name, text]) => ({
    name: `'clientError': ${name}`,
    serve(ctx) {
      const app = ctx.express()
      app.use(serve(ctx))
      const server = app.listen(0)
      server.on('clientError', (error, socket) => {
        ctx.log(
          'clientError',
          error.name,
          error.code,
          typeof error.bytesParsed,
          error.reason ?? null,
          error.message,
          Buffer.isBuffer(error.rawPacket),
          socket.writable,
          socket.destroyed
        )
        if (error.code === 'ECONNRESET' || !socket.writable) return socket.destroy()
        socket.end('HTTP/1.1 400 Own Answer\r\nConnection: close\r\nContent-Length: 3\r\n\r\nown')
      })
      return server
    },
    differs:
      name === 'bad transfer-encoding'
        ? // the request of the refused coding is never handed to a handler
          (ours, nodes) => assert.deepEqual(ours.log, nodes.log.slice(0, 1))
        : undefined,
    exchange: ({ raw }) => raw(text, { end: true, allowHalfOpen: true })
  }))
])
