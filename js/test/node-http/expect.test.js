'use strict'

// Interim responses: Expect: 100-continue and its events, other expectations, writeContinue, writeProcessing,
// writeEarlyHints. Seen as bytes by the client and as events by the server.

const { suite } = require('./harness')

const EXPECT = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n'
const clean = (bytes) => bytes.toString('latin1').replace(/Date: .*/g, 'Date: <date>')

/** An app whose server is prepared before it listens. */
const withServer = (prepare, handler) => (ctx) => {
  const app = ctx.express()
  app.disable('x-powered-by')
  app.use((req, res) => handler(req, res, ctx))
  const server = app.listen(0)
  prepare(server, ctx)
  return server
}

const echo = (req, res) => {
  let text = ''
  req.on('data', (d) => {
    text += d
  })
  req.on('end', () => res.end(`body ${text}`))
}

suite(__filename, [
  {
    name: '100-continue is answered by itself before the handler runs',
    serve:
      ({ log }) =>
      (req, res) => {
        log('handler', req.headers.expect)
        echo(req, res)
      },
    async exchange({ open }) {
      const connection = await open()
      connection.write(EXPECT)
      const interim = clean(await connection.readUntil('\r\n\r\n'))
      connection.write('body')
      return [interim, await connection.readResponse('POST')]
    }
  },
  {
    name: '100-continue with the body sent at once',
    serve: () => echo,
    async exchange({ open }) {
      const connection = await open()
      connection.write(`${EXPECT}body`)
      return connection.readResponse('POST')
    }
  },
  {
    name: '100-continue, handler answers without reading',
    serve: () => (req, res) => res.status(413).end('no'),
    async exchange({ open }) {
      const connection = await open()
      connection.write(EXPECT)
      return connection.readResponse('POST')
    }
  },
  {
    name: '100-continue over HTTP/1.0',
    serve: () => echo,
    async exchange({ open }) {
      const connection = await open()
      connection.write('POST / HTTP/1.0\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nbody')
      return connection.readResponse('POST')
    }
  },
  {
    name: '100-Continue in another case, and a GET',
    serve: () => echo,
    async exchange({ open }) {
      const connection = await open()
      connection.write('GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\r\n')
      return connection.readResponse('GET')
    }
  },
  {
    name: "'checkContinue': accepted",
    serve: withServer(
      (server, { log }) =>
        server.on('checkContinue', (req, res) => {
          log('checkContinue', req.url)
          res.writeContinue(() => log('written'))
          server.emit('request', req, res)
        }),
      echo
    ),
    async exchange({ open, until }) {
      const connection = await open()
      connection.write(EXPECT)
      const interim = clean(await connection.readUntil('\r\n\r\n'))
      await until(2)
      connection.write('body')
      return [interim, await connection.readResponse('POST')]
    }
  },
  {
    name: "'checkContinue': refused",
    serve: withServer(
      (server, { log }) =>
        server.on('checkContinue', (req, res) => {
          log('checkContinue')
          res.writeHead(417, { 'Content-Type': 'text/plain', Connection: 'close' })
          res.end('refused')
        }),
      echo
    ),
    async exchange({ open }) {
      const connection = await open()
      connection.write(EXPECT)
      return connection.readResponse('POST')
    }
  },
  {
    name: "'checkContinue' is not asked without an expectation",
    serve: withServer(
      (server, { log }) => server.on('checkContinue', () => log('must not come')),
      echo
    ),
    exchange: ({ request }) => request({ method: 'POST', path: '/', body: 'body' })
  },
  {
    name: 'another expectation: 417',
    serve:
      ({ log }) =>
      (req, res) => {
        log('handler')
        res.end()
      },
    exchange: ({ raw }) =>
      raw('GET / HTTP/1.1\r\nHost: a\r\nExpect: something-else\r\nConnection: close\r\n\r\n')
  },
  {
    name: "'checkExpectation'",
    serve: withServer(
      (server, { log }) =>
        server.on('checkExpectation', (req, res) => {
          log('checkExpectation', req.headers.expect)
          res.statusCode = 202
          res.end('expected')
        }),
      echo
    ),
    exchange: ({ raw }) =>
      raw('GET / HTTP/1.1\r\nHost: a\r\nExpect: something-else\r\nConnection: close\r\n\r\n')
  },
  {
    name: 'writeContinue and writeProcessing by hand',
    serve:
      ({ log, attempt }) =>
      (req, res) => {
        log(attempt(() => res.writeContinue(() => log('continue written'))))
        log(attempt(() => res.writeProcessing(() => log('processing written'))))
        log(res.headersSent)
        res.end('after')
      },
    exchange: ({ raw }) => raw('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  },
  {
    name: 'writeEarlyHints: forms',
    serve:
      ({ log, attempt }) =>
      (req, res) => {
        log(
          attempt(() =>
            res.writeEarlyHints({ link: '</styles.css>; rel=preload; as=style' }, () =>
              log('callback')
            )
          )
        )
        log(
          attempt(() =>
            res.writeEarlyHints({
              link: ['</a.css>; rel=preload; as=style', '</b.js>; rel=preload; as=script'],
              'x-trace-id': 'id for diagnostics'
            })
          )
        )
        log(attempt(() => res.writeEarlyHints({ 'X-Only': 'x' })))
        log(attempt(() => res.writeEarlyHints({})))
        log(res.headersSent)
        res.end('final')
      },
    exchange: ({ raw }) => raw('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  },
  {
    name: 'writeEarlyHints: errors',
    serve:
      ({ log, attempt }) =>
      (req, res) => {
        for (const value of [
          undefined,
          null,
          'text',
          5,
          { link: 'not a link' },
          { link: [] },
          { link: ['</a>; rel=x', 'bad'] },
          { link: 7 },
          { link: '' }
        ])
          log(attempt(() => res.writeEarlyHints(value)))
        res.end('final')
      },
    exchange: ({ raw }) => raw('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  },
  {
    name: 'early hints are seen before the answer exists',
    serve: () => {
      let release
      return (req, res) => {
        if (req.url === '/release') {
          res.end()
          return release()
        }
        res.writeEarlyHints({ link: '</x>; rel=preload' })
        release = () => res.end('released')
      }
    },
    async exchange({ open, request }) {
      const connection = await open()
      connection.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      const interim = clean(await connection.readUntil('\r\n\r\n'))
      await request({ path: '/release' })
      return [interim, await connection.readResponse()]
    }
  }
])
