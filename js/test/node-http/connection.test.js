'use strict'

// Connections: keep-alive and its end in HTTP/1.1 and 1.0, pipelining and its order, requests that arrive in pieces, many
// requests and many connections, and bodies that are left over.

const { suite } = require('./harness')

const GET = (path, lines = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${lines}\r\n`

/** Answers with its url, or does what the url says. */
const serve =
  ({ log }) =>
  (req, res) => {
    if (req.url === '/later') return setImmediate(() => setImmediate(() => res.end('later')))
    if (req.url === '/stream') {
      res.write('s1')
      return setImmediate(() => res.end('s2'))
    }
    if (req.url === '/close') res.setHeader('Connection', 'close')
    if (req.url === '/nolength') {
      res.removeHeader('Transfer-Encoding')
      res.removeHeader('Content-Length')
      res.write('no ')
      return res.end('length')
    }
    if (req.url === '/log') log('handled')
    res.end(`${req.method} ${req.url}`)
  }

const several = (name, text, methods) => ({
  name,
  serve,
  async exchange({ open }) {
    const connection = await open()
    connection.write(text)
    const out = []
    for (const method of methods)
      out.push(await connection.readResponse(method).catch((error) => error.code))
    return out
  }
})

/** One connection, read to its end: `text` must make the server close. */
const toEnd = (name, text, options) => ({ name, serve, exchange: ({ raw }) => raw(text, options) })

suite(__filename, [
  several('keep-alive by default', GET('/1') + GET('/2'), ['GET', 'GET']),
  several(
    'pipelined: order is kept when the first is slow',
    GET('/later') + GET('/stream') + GET('/3'),
    ['GET', 'GET', 'GET']
  ),
  several(
    'pipelined: HEAD, GET, HEAD',
    `HEAD /1 HTTP/1.1\r\nHost: a\r\n\r\n${GET('/2')}HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n`,
    ['HEAD', 'GET', 'HEAD']
  ),
  several(
    'pipelined: bodies between',
    `POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcPOST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n${GET('/3')}`,
    ['POST', 'POST', 'GET']
  ),
  several(
    '50 pipelined requests',
    Array.from({ length: 50 }, (_, i) => GET(`/${i}`)).join(''),
    Array(50).fill('GET')
  ),
  several(
    '50 pipelined requests that answer later',
    GET('/later').repeat(50),
    Array(50).fill('GET')
  ),
  several('empty lines before and between requests', `\r\n\r\n${GET('/1')}\r\n\r\n${GET('/2')}`, [
    'GET',
    'GET'
  ]),
  toEnd('Connection: close of the client', GET('/1', 'Connection: close\r\n')),
  toEnd('Connection: Close, in a list', GET('/1', 'Connection: x, Close\r\n')),
  toEnd(
    'Connection: close, then a request that must not be answered',
    GET('/1', 'Connection: close\r\n') + GET('/2')
  ),
  toEnd('Connection: close of the server', GET('/close')),
  toEnd('Connection: close of the server, then a pipelined request', GET('/close') + GET('/2')),
  toEnd('an answer without length', GET('/nolength')),
  toEnd('HTTP/1.0', 'GET /1 HTTP/1.0\r\n\r\n'),
  toEnd('HTTP/1.0, streamed answer', 'GET /stream HTTP/1.0\r\n\r\n'),
  toEnd(
    'HTTP/1.0 with keep-alive, then close',
    'GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.0\r\n\r\n'
  ),
  toEnd(
    'HTTP/1.0 with keep-alive and a streamed answer',
    'GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'
  ),
  toEnd('HTTP/1.0 with a body', 'POST /1 HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc'),
  toEnd('HTTP/1.0 HEAD', 'HEAD /1 HTTP/1.0\r\n\r\n'),
  toEnd('half-closed after two requests', GET('/1') + GET('/2'), {
    end: true,
    allowHalfOpen: true
  }),
  toEnd('half-closed without a byte', '', { end: true, allowHalfOpen: true }),
  toEnd('half-closed in the middle of a head', 'GET / HT', { end: true, allowHalfOpen: true }),
  {
    name: 'a request byte by byte',
    serve,
    async exchange({ open }) {
      const connection = await open()
      const text =
        'POST /bytes HTTP/1.1\r\nHost: a\r\nX-Long: value\r\nContent-Length: 3\r\n\r\nabc'
      for (const byte of text) {
        connection.write(byte)
        await new Promise((resolve) => setImmediate(resolve))
      }
      return connection.readResponse('POST')
    }
  },
  {
    name: 'heads cut at every position, two requests per connection',
    serve,
    async exchange({ open }) {
      const text = GET('/cut', 'X-A: 1\r\n') + GET('/two')
      const out = []
      for (let at = 1; at < text.length; at += 3) {
        const connection = await open()
        connection.write(text.slice(0, at))
        await new Promise((resolve) => setImmediate(resolve))
        connection.write(text.slice(at))
        out.push(
          (await connection.readResponse()).body.toString(),
          (await connection.readResponse()).body.toString()
        )
        connection.destroy()
      }
      return out
    }
  },
  {
    name: 'chunked bodies cut at every position',
    serve: () => (req, res) => req.pipe(res),
    async exchange({ open }) {
      const text =
        'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\nX-T: 1\r\n\r\n'
      const out = []
      for (let at = 50; at < text.length; at++) {
        const connection = await open()
        connection.write(text.slice(0, at))
        await new Promise((resolve) => setImmediate(resolve))
        connection.write(text.slice(at))
        out.push((await connection.readResponse('POST')).body.toString())
        connection.destroy()
      }
      return out
    }
  },
  {
    name: '200 requests on one connection',
    serve,
    async exchange({ open, encodeRequest }) {
      const connection = await open()
      const out = []
      for (let i = 0; i < 200; i++) {
        connection.write(
          encodeRequest({
            method: i % 3 ? 'GET' : 'POST',
            path: `/${i}`,
            body: i % 3 ? undefined : 'b'
          })
        )
        out.push((await connection.readResponse()).body.toString())
      }
      return out
    }
  },
  {
    name: '100 connections at once',
    serve,
    async exchange({ request }) {
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, i) => request({ path: i % 2 ? '/later' : `/${i}` }))
      )
      return answers.map((a) => [a.status, a.body?.toString()])
    }
  },
  {
    name: 'a pipelined request behind a body that is read',
    serve:
      ({ log }) =>
      (req, res) => {
        log('start', req.url)
        let size = 0
        req.on('data', (d) => {
          size += d.length
        })
        req.on('end', () =>
          setImmediate(() => {
            log('end', req.url, size)
            res.end(String(size))
          })
        )
      },
    async exchange({ open }) {
      const connection = await open()
      connection.write(
        `POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n${'x'.repeat(200_000)}${GET('/2')}`
      )
      return [await connection.readResponse('POST'), await connection.readResponse()]
    }
  }
])
