'use strict'

// The server object that listen() returns: properties and defaults, events, request listeners. How it ends is in
// server-close.test.js, its limits and times in server-limits.test.js.

const http = require('node:http')
const net = require('node:net')
const { suite } = require('./harness')
const { hello, inside, once, closed } = require('./server-cases')

suite(__filename, [
  inside('properties, defaults, prototype', async (app, { log }) => {
    const server = app.listen(0)
    await once(server, 'listening')
    log(
      server instanceof http.Server,
      server instanceof net.Server,
      server instanceof require('node:events'),
      server.constructor.name
    )
    for (const name of [
      'timeout',
      'keepAliveTimeout',
      'headersTimeout',
      'requestTimeout',
      'maxHeadersCount',
      'maxRequestsPerSocket',
      'listening',
      'maxConnections',
      'connectionsCheckingInterval',
      'insecureHTTPParser',
      'requireHostHeader',
      'joinDuplicateHeaders',
      'rejectNonStandardBodyWrites',
      'httpAllowHalfOpen',
      'keepAliveTimeoutBuffer',
      'maxHeaderSize',
      'highWaterMark',
      'noDelay',
      'keepAlive',
      'allowHalfOpen',
      'pauseOnConnect'
    ])
      log(name, typeof server[name], server[name] ?? null)
    for (const name of [
      'listen',
      'close',
      'address',
      'getConnections',
      'ref',
      'unref',
      'setTimeout',
      'closeAllConnections',
      'closeIdleConnections',
      'on',
      'emit',
      'listeners'
    ])
      log(name, typeof server[name])
    log(
      server.listenerCount('request'),
      server.listenerCount('upgrade'),
      server.listenerCount('clientError'),
      server.listeners('request')[0] === app
    )
    log(
      server.ref() === server,
      server.unref() === server,
      server.ref() === server,
      server.setTimeout(0) === server,
      typeof server[Symbol.asyncDispose]
    )
    await closed(server)
  }),
  {
    name: "'connection' and socket events",
    serve(ctx) {
      const server = hello(ctx).listen(0)
      server.on('connection', (socket) => {
        ctx.log(
          'connection',
          socket instanceof net.Socket,
          socket instanceof require('node:stream').Duplex,
          typeof socket.remotePort,
          socket.server === server
        )
        socket.on('close', (hadError) => ctx.log('socket close', hadError))
      })
      server.on('request', (req) => ctx.log('request', req.url))
      return server
    },
    async exchange({ open, encodeRequest, until }) {
      const connection = await open()
      await until(1)
      connection.write(encodeRequest({ path: '/1' }))
      const out = [await connection.readResponse()]
      connection.write(encodeRequest({ path: '/2' }))
      out.push(await connection.readResponse())
      connection.destroy()
      await until(4)
      return out
    }
  },
  {
    name: 'the socket of the connection event is the socket of its requests',
    serve(ctx) {
      let seen
      const app = ctx.express()
      app.use((req, res) => {
        req.socket.counter = (req.socket.counter ?? 0) + 1
        res.json([req.socket === seen, req.socket.counter, req.socket.mark ?? null])
      })
      const server = app.listen(0)
      server.on('connection', (socket) => {
        seen = socket
        socket.mark = 'marked'
      })
      return server
    },
    async exchange({ open, encodeRequest }) {
      const connection = await open()
      const out = []
      for (const path of ['/1', '/2']) {
        connection.write(encodeRequest({ path }))
        out.push(await connection.readResponse())
      }
      return out
    }
  },
  {
    name: 'request listeners: one more, order, removal, replacement',
    serve(ctx) {
      const app = hello(ctx)
      const server = app.listen(0)
      server.prependListener('request', (req) => ctx.log('prepended', req.url))
      server.on('request', (req, res) => ctx.log('added', req.url, res.writableEnded))
      const replaced = server.listeners('request').slice()
      server.removeAllListeners('request')
      server.on('request', (req, res) => {
        if (req.url === '/own') return res.end('own listener')
        for (const listener of replaced) listener.call(server, req, res)
      })
      return server
    },
    exchange: async ({ request }) => [await request({ path: '/' }), await request({ path: '/own' })]
  },
  {
    name: "server.emit('request') by hand",
    serve(ctx) {
      const server = hello(ctx).listen(0)
      ctx.later(async () => {
        const req = new http.IncomingMessage(new net.Socket())
        req.method = 'GET'
        req.url = '/'
        req.headers = {}
        const res = new http.ServerResponse(req)
        const ended = once(res, 'finish')
        res.assignSocket(
          new (require('node:stream').Duplex)({
            read() {},
            write(c, e, done) {
              ctx.log(c.toString().replace(/Date: .*/, 'Date: <date>'))
              done()
            }
          })
        )
        server.emit('request', req, res)
        await ended
      })
      return server
    },
    exchange: async () => 'nothing sent'
  },
  {
    name: 'an exception in a handler of a bare server event does not end the process',
    serve(ctx) {
      const app = ctx.express()
      app.use(() => {
        throw new Error('in middleware')
      })
      app.set('error pages', 'express')
      return app
    },
    exchange: async ({ request }) => [
      await request({ path: '/' }),
      await request({ path: '/again' })
    ]
  }
])
