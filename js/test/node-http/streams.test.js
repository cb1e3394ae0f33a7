'use strict'

// server.emit('connection', stream): the program accepts connections itself and has a server that never listens read HTTP on
// them, as balancers over a cluster and ports of two protocols do. It must not hold expectations: node:http is the oracle.

const net = require('node:net')
const { Duplex } = require('node:stream')
const { suite } = require('./harness')

const GET = 'GET /one HTTP/1.1\r\nHost: a\r\n\r\n'
const CLOSE = 'GET /two HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'

/** A server of the app that has never listened; express's listen() would. */
function bare(ctx, handler, options) {
  const listening = ctx.express().listen(0)
  listening.close()
  const server = new listening.constructor(options ?? {}, handler)
  ctx.later(() => server.closeAllConnections())
  return server
}

/** `setUp(server, ctx)` for a server that gets the connections of a net.Server. */
const handed = (name, { handler, options, setUp, ...rest }) => ({
  name,
  serve(ctx) {
    const server = bare(ctx, handler?.(ctx), options)
    setUp?.(server, ctx)
    const front = net.createServer((socket) => {
      ctx.log('emit', server.emit('connection', socket), socket.server === server)
    })
    front.closeAllConnections = () => server.closeAllConnections()
    return front.listen(0)
  },
  ...rest
})

const echo =
  ({ log }) =>
  (req, res) => {
    log('request', req.url, req.socket.server?.constructor.name, req.socket instanceof net.Socket)
    res.end(`you asked for ${req.url}`)
  }

/** The same for an Express app, which gets Node's own messages then. */
const viaApp = (ctx) => {
  const app = ctx.express()
  app.post('/one', ctx.express.json(), (req, res) => res.json(req.body))
  app.get('/one', (req, res) => res.json({ ip: typeof req.ip, url: req.url }))
  app.get('/two', (_req, res) => res.status(201).send('<p>two'))
  return app
}

suite(__filename, [
  handed('a socket of one request', { handler: echo, exchange: ({ raw }) => raw(CLOSE) }),
  handed('keep-alive, then close', { handler: echo, exchange: ({ raw }) => raw(GET + CLOSE) }),
  handed('an Express app', { handler: viaApp, exchange: ({ raw }) => raw(GET + CLOSE) }),
  handed('an Express app reads a body', {
    handler: viaApp,
    exchange: ({ raw }) =>
      raw(
        'POST /one HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}'
      )
  }),
  handed('limits of the server hold, also when set later', {
    handler: echo,
    setUp: (server) => {
      server.keepAliveTimeout = 7000
      server.maxRequestsPerSocket = 2
    },
    exchange: ({ raw }) => raw(GET + GET + GET)
  }),
  handed('options of the server hold', {
    handler: echo,
    options: { requireHostHeader: false, maxHeaderSize: 300 },
    exchange: async ({ raw }) => [
      await raw('GET / HTTP/1.1\r\nConnection: close\r\n\r\n'),
      await raw(`GET / HTTP/1.1\r\nBig: ${'b'.repeat(400)}\r\n\r\n`)
    ]
  }),
  handed('a bad request', { handler: echo, exchange: ({ raw }) => raw('NOT HTTP\r\n\r\n') }),
  handed("a bad request with 'clientError'", {
    handler: echo,
    setUp: (server, { log }) =>
      server.on('clientError', (err, socket) => {
        log('clientError', err.code)
        socket.end('HTTP/1.1 400 Own\r\n\r\n')
      }),
    exchange: ({ raw }) => raw('NOT HTTP\r\n\r\n')
  }),
  handed("'upgrade'", {
    handler: echo,
    setUp: (server, { log }) =>
      server.on('upgrade', (req, socket, head) => {
        log('upgrade', req.url, head.toString())
        socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\nbye')
      }),
    exchange: ({ raw }) =>
      raw('GET /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhead')
  }),
  handed('an upgrade that nobody listens to is a request', {
    handler: echo,
    exchange: ({ raw }) =>
      raw(`${GET.replace('\r\n\r\n', '\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')}${CLOSE}`)
  }),
  handed("'checkContinue'", {
    handler: echo,
    setUp: (server, { log }) =>
      server.on('checkContinue', (req, res) => {
        log('checkContinue', req.url)
        res.end('no need')
      }),
    exchange: ({ raw }) =>
      raw(
        'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n'
      )
  }),
  handed('close() ends those that wait', {
    handler: echo,
    async exchange({ open, until }) {
      const connection = await open()
      connection.write(GET)
      await connection.readUntil('one')
      await until(2)
      const { bytes } = await connection.readToEnd()
      return bytes.toString('latin1').replace(/Date: .*/, 'Date: <date>')
    },
    setUp: (server) =>
      server.on('request', (_req, res) => res.on('close', () => setImmediate(() => server.close())))
  }),
  handed("the program's own listeners are called after", {
    handler: echo,
    setUp: (server, { log }) => {
      log(server.listeners('connection').map((listener) => listener.name))
      server.prependListener('connection', () => log('before'))
      server.on('connection', (socket) => log('after', socket.server === server))
    },
    exchange: ({ raw }) => raw(CLOSE)
  }),
  {
    name: 'a listening server takes streams as well, of any kind',
    serve(ctx) {
      const app = ctx.express()
      app.disable('x-powered-by')
      app.get('/inner', (req, res) => res.send(`inner ${req.socket.remoteAddress}`))
      app.get('/', (_req, res) => {
        const server = res.socket.server
        let answer = ''
        const stream = new Duplex({
          read() {},
          write(chunk, _encoding, done) {
            answer += chunk
            done()
          }
        })
        stream.on('finish', () => res.type('text').send(answer.replace(/Date: .*/, 'Date: <date>')))
        server.emit('connection', stream)
        stream.push('GET /inner HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
      })
      return app
    },
    exchange: ({ request }) => request({ path: '/' })
  },
  {
    name: 'without its own listener a server does not read',
    serve(ctx) {
      const server = bare(ctx, echo(ctx))
      server.removeAllListeners('connection')
      const front = net.createServer((socket) => {
        ctx.log('emit', server.emit('connection', socket))
        socket.end()
      })
      front.closeAllConnections = () => {}
      return front.listen(0)
    },
    exchange: ({ raw }) => raw(GET)
  }
])
