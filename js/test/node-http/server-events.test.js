'use strict'

// Server-level events in full: what time-outs, limits and the ways to close tell the server, the socket, the request and the response, in
// which order. Values and headers are server-limits.test.js's.

const http = require('node:http')
const { suite } = require('./harness')

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const HALF = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf'
const UPGRADE = 'GET /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'

const text = (bytes) => bytes.toString('latin1').replace(/Date: .*/g, 'Date: <date>')

function watch(name, emitter, events, log) {
  for (const event of events) {
    emitter.on(event, (value) =>
      log(name, event, value?.code ?? value?.message ?? (typeof value === 'boolean' ? value : null))
    )
  }
}

function watchAll(req, res, log, socketEvents = ['end', 'error', 'finish', 'close']) {
  watch('req', req, ['aborted', 'error', 'end', 'close'], log)
  watch('res', res, ['error', 'finish', 'close'], log)
  watch('socket', req.socket, socketEvents, log)
  req.socket.on('close', () => setImmediate(() => setImmediate(() => log('over'))))
}

async function over({ until }) {
  for (let count = 1; ; count++) {
    const seen = await until(count)
    if (seen.at(-1) === 'over') return count
  }
}

const settings = (name, set, act, request, { drain } = {}) => ({
  name,
  async serve(ctx) {
    const app = ctx.express()
    app.use((req, res) => {
      watchAll(req, res, ctx.log)
      act(req, res, ctx)
    })
    const server = app.listen(0)
    set(server, ctx)
    return server
  },
  async exchange(client) {
    const connection = await client.open()
    connection.write(request)
    const { bytes, error } = await connection.readToEnd()
    if (!drain) await over(client)
    return [text(bytes), error]
  }
})

const waits = () => {}

suite(__filename, [
  settings('server.timeout, nobody listens', (server) => server.setTimeout(60), waits, GET),
  settings(
    "server.timeout, 'timeout' on the server",
    (server, { log }) =>
      server.setTimeout(60, (socket) => {
        log('server timeout')
        socket.destroy()
      }),
    waits,
    GET
  ),
  settings(
    "server.timeout, 'timeout' on all three",
    (server, { log }) => server.setTimeout(60, () => log('server timeout')),
    (req, res, { log }) => {
      req.on('timeout', () => log('req timeout'))
      res.on('timeout', () => {
        log('res timeout')
        res.end('late')
        req.socket.end()
      })
    },
    GET
  ),
  settings(
    "server.timeout in the middle of a body, 'timeout' on all three",
    (server, { log }) => server.setTimeout(60, () => log('server timeout')),
    (req, res, { log }) => {
      req.on('timeout', () => log('req timeout'))
      res.on('timeout', () => {
        log('res timeout')
        req.socket.destroy()
      })
    },
    HALF
  ),
  settings(
    'socket.setTimeout for one request, and the next one without',
    waits,
    (req, res) => {
      req.socket.setTimeout(60, () => res.set('Connection', 'close').end('timed out'))
    },
    GET
  ),
  {
    name: 'closeAllConnections() under a handler',
    serve: ({ express, log }) => {
      const app = express()
      const server = app.listen(0)
      app.use((req, res) => {
        watchAll(req, res, log)
        server.closeAllConnections()
        log('returned', req.socket.destroyed)
      })
      return server
    },
    async exchange(client) {
      const connection = await client.open()
      connection.write(GET)
      const { bytes, error } = await connection.readToEnd()
      await over(client)
      return [text(bytes), error]
    }
  },
  {
    name: 'closeAllConnections() behind an answer',
    serve: ({ express, log }) => {
      const app = express()
      const server = app.listen(0)
      app.use((req, res) => {
        watchAll(req, res, log)
        res.send('answered')
        server.closeAllConnections()
        log('returned')
      })
      return server
    },
    async exchange(client) {
      const connection = await client.open()
      connection.write(GET)
      const { bytes, error } = await connection.readToEnd()
      await over(client)
      return [text(bytes), error]
    }
  },
  {
    name: 'closeIdleConnections() leaves those at work',
    serve: ({ express, log }) => {
      const app = express()
      const server = app.listen(0)
      app.get('/idle', (req, res) => {
        watch('idle', req.socket, ['end', 'error', 'finish', 'close'], log)
        res.send('idle')
      })
      app.get('/', (req, res) => {
        log('handler')
        server.closeIdleConnections()
        setTimeout(() => {
          server.getConnections((error, count) => {
            log('connections', error, count)
            res.send('served')
          })
        }, 100)
      })
      return server
    },
    async exchange(client) {
      const idle = await client.open()
      idle.write('GET /idle HTTP/1.1\r\nHost: a\r\n\r\n')
      await idle.readUntil('idle')
      const busy = await client.open()
      busy.write(GET)
      const { body } = await busy.readResponse()
      return [body.toString(), text((await idle.readToEnd()).bytes)]
    }
  },
  {
    name: 'listening and address in every state',
    serve: ({ express, log }) => {
      const app = express()
      const server = app.listen(0)
      const tell = (when) => log(when, server.listening, typeof server.address())
      tell('at once')
      server.on('listening', () => tell('listening'))
      server.on('close', () => tell('closed'))
      app.get('/', (_req, res) => {
        server.close(() => tell('callback'))
        tell('closing')
        res.set('Connection', 'close').end()
      })
      return server
    },
    async exchange(client) {
      const answer = await client.request({ path: '/' })
      await client.until(5)
      return answer.status
    }
  },
  {
    name: 'asyncDispose',
    skip: Symbol.asyncDispose ? undefined : 'no such symbol',
    serve: ({ express, log }) => {
      const app = express()
      const server = app.listen(0)
      app.get('/', async (_req, res) => {
        res.set('Connection', 'close').end()
        log((await server[Symbol.asyncDispose]()) ?? null)
        log(server.listening)
        log(await server[Symbol.asyncDispose]().catch((err) => err.code))
      })
      return server
    },
    async exchange(client) {
      const answer = await client.request({ path: '/' })
      await client.until(3)
      return answer.status
    }
  },
  ...[true, false].map((should) => ({
    name: `shouldUpgradeCallback: ${should}`,
    skip: 'shouldUpgradeCallback' in http.createServer() ? undefined : 'not on this Node',
    serve: ({ express, log }) => {
      const app = express()
      const server = app.listen(0)
      server.shouldUpgradeCallback = (req) => {
        log('asked', req.url, req.headers.upgrade, req.method)
        return should
      }
      server.on('upgrade', (req, socket, head) => {
        log('upgrade', req.url, head.toString())
        socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n')
      })
      app.use((req, res) => {
        log('handler', req.url, req.headers.upgrade ?? null, req.upgrade)
        res.send('as HTTP')
      })
      return server
    },
    async exchange(client) {
      const connection = await client.open()
      connection.write(UPGRADE)
      if (should) return text((await connection.readToEnd()).bytes)
      const first = await connection.readResponse()
      connection.write('GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
      return [first, text((await connection.readToEnd()).bytes)]
    }
  })),
  {
    name: 'dropRequest, its socket and the answer',
    serve: ({ express, log }) => {
      const app = express()
      const server = app.listen(0)
      server.maxRequestsPerSocket = 1
      server.on('dropRequest', (req, socket) => log('drop', req.url, socket === req.socket))
      app.use((req, res) => res.send(`served ${req.url}`))
      return server
    },
    async exchange({ open }) {
      const connection = await open()
      connection.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n')
      return text((await connection.readToEnd()).bytes)
    }
  },
  {
    name: 'an event stream whose client leaves',
    serve:
      ({ log }) =>
      (req, res) => {
        watchAll(req, res, log)
        res.writeHead(200, { 'Content-Type': 'text/event-stream' })
        res.flushHeaders()
        const timer = setInterval(() => res.write('data: tick\n\n'), 5)
        res.on('close', () => clearInterval(timer))
      },
    async exchange(client) {
      const connection = await client.open()
      connection.write(GET)
      await connection.readUntil('data: tick')
      connection.destroy()
      return over(client)
    }
  }
])
