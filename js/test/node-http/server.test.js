'use strict'

// The server object that listen() returns: close in its forms, connection counts, ref and unref, properties and defaults,
// time-outs, limits, events.

const fs = require('node:fs')
const http = require('node:http')
const net = require('node:net')
const path = require('node:path')
const { suite } = require('./harness')
const { hello, inside, once, closed, temporary, connect, received } = require('./server-cases')

suite(__filename, [
  inside('close: callback, event, error of the second', async (app, { log }) => {
    const server = app.listen(0)
    await once(server, 'listening')
    server.on('close', () => log('event', server.listening, server.address()))
    const order = await new Promise((resolve) => {
      const returned = server.close((error) => resolve(['callback', error ?? null]))
      log('returned', returned === server, server.listening)
    })
    log(order)
    log(
      await new Promise((resolve) =>
        server.close((error) => resolve([error?.code, error?.message]))
      )
    )
  }),
  inside('close before listening', async (app, { log }) => {
    const server = app.listen(0, '127.0.0.1')
    server.on('listening', () => log('listening'))
    server.on('close', () => log('close'))
    log(
      await new Promise((resolve) =>
        server.close((error) => resolve(['callback', error?.code ?? null]))
      )
    )
  }),
  inside('close with an idle keep-alive connection', async (app, { log }) => {
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const socket = connect(server.address().port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await received(socket, 'hello')
    const gone = once(socket, 'close')
    const error = await closed(server)
    await gone
    log('closed', error ?? null, socket.seen.split('\r\n\r\n')[1])
  }),
  inside('close waits for a request in flight and tells its client to go', async (app, ctx) => {
    const { log } = ctx
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    let answer
    const hanging = new Promise((resolve) => {
      ctx.hanging = (res) => {
        answer = res
        resolve()
      }
    })
    server.keepAliveTimeout = 100
    const { port } = server.address()
    const socket = connect(port, 'GET /hang HTTP/1.1\r\nHost: a\r\n\r\n')
    await hanging
    let done = false
    const closing = closed(server).then(() => {
      done = true
    })
    const refused = connect(port)
    log('new connection', (await once(refused, 'close'))[0])
    log('closed early', done)
    answer.end('finally')
    const ended = once(socket, 'close')
    await closing
    await ended
    log(socket.seen.replace(/Date: .*/, 'Date: <date>'))
  }),
  inside('closeIdleConnections', async (app, ctx) => {
    const { log } = ctx
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    let answer
    const hanging = new Promise((resolve) => {
      ctx.hanging = (res) => {
        answer = res
        resolve()
      }
    })
    const busy = connect(server.address().port, 'GET /hang HTTP/1.1\r\nHost: a\r\n\r\n')
    const idle = connect(server.address().port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await hanging
    await received(idle, 'hello')
    const idleGone = once(idle, 'close')
    log(server.closeIdleConnections() ?? null)
    await idleGone
    answer.end('busy survived')
    await received(busy, 'survived')
    busy.destroy()
    await closed(server)
    log('closed')
  }),
  inside('closeAllConnections', async (app, ctx) => {
    const { log } = ctx
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const hanging = new Promise((resolve) => {
      ctx.hanging = (res) => {
        res.on('close', () => log('res close', res.writableFinished))
        resolve()
      }
    })
    const busy = connect(server.address().port, 'GET /hang HTTP/1.1\r\nHost: a\r\n\r\n')
    await hanging
    const gone = once(busy, 'close')
    log(server.closeAllConnections() ?? null)
    await gone
    await closed(server)
    log('closed', busy.seen)
  }),
  inside('getConnections', async (app, { log }) => {
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const count = () =>
      new Promise((resolve) => server.getConnections((error, n) => resolve([error ?? null, n])))
    log(await count())
    const sockets = []
    for (let i = 0; i < 3; i++) {
      const socket = connect(server.address().port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await received(socket, 'hello')
      sockets.push(socket)
    }
    log(await count())
    for (const socket of sockets) socket.destroy()
    await closed(server)
    log(await count())
  }),
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
  inside('unref lets a process end', async (app, { log }) => {
    const { fork } = require('node:child_process')
    const script = path.join(temporary({ later() {} }), 'unref.js')
    fs.writeFileSync(
      script,
      `const express = require(${JSON.stringify(require('../ecosystem/lib/targets').pathOf(process.env.NODE_HTTP_SIDE))})\nconst server = express().listen(0, () => { server.unref(); process.disconnect() })\n`
    )
    const [code, signal] = await once(
      fork(script, { env: { ...process.env, NODE_HTTP_SIDE: '' }, stdio: 'ignore' }),
      'exit'
    )
    fs.rmSync(path.dirname(script), { recursive: true })
    log(code, signal)
  }),
  inside('a process ends by itself after close()', async (app, { log }) => {
    const { fork } = require('node:child_process')
    const script = path.join(temporary({ later() {} }), 'close.js')
    fs.writeFileSync(
      script,
      `const express = require(${JSON.stringify(require('../ecosystem/lib/targets').pathOf(process.env.NODE_HTTP_SIDE))})\nconst server = express().listen(0, () => { process.disconnect(); server.close() })\n`
    )
    const [code, signal] = await once(
      fork(script, { env: { ...process.env, NODE_HTTP_SIDE: '' }, stdio: 'ignore' }),
      'exit'
    )
    fs.rmSync(path.dirname(script), { recursive: true })
    log(code, signal)
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
    name: 'maxConnections',
    serve(ctx) {
      const server = hello(ctx).listen(0)
      server.maxConnections = 1
      server.on('drop', (data) => ctx.log('drop', Object.keys(data ?? {}).sort()))
      return server
    },
    async exchange({ open, encodeRequest, until }) {
      const first = await open()
      first.write(encodeRequest({ path: '/' }))
      const answer = await first.readResponse()
      const second = await open()
      const end = await second.readToEnd()
      await until(1)
      return [answer, end.bytes.toString()]
    }
  },
  {
    name: 'server.setTimeout with a callback',
    serve(ctx) {
      const server = hello(ctx).listen(0)
      server.setTimeout(30, (socket) => {
        ctx.log('timeout', socket instanceof net.Socket)
        socket.destroy()
      })
      return server
    },
    async exchange({ open }) {
      const connection = await open()
      return (await connection.readToEnd()).bytes.toString()
    }
  },
  {
    name: 'server.timeout ends a silent request',
    serve(ctx) {
      const server = hello(ctx).listen(0)
      server.timeout = 30
      return server
    },
    async exchange({ open, encodeRequest }) {
      const connection = await open()
      connection.write(encodeRequest({ path: '/hang' }))
      return (await connection.readToEnd()).bytes.toString()
    }
  },
  {
    name: 'keepAliveTimeout ends an idle connection and shows in the header',
    serve(ctx) {
      const server = hello(ctx).listen(0)
      server.keepAliveTimeout = 1000
      return server
    },
    async exchange({ open, encodeRequest }) {
      const connection = await open()
      connection.write(encodeRequest({ path: '/' }))
      const answer = await connection.readResponse()
      const end = await connection.readToEnd()
      return [answer, end.bytes.length, end.error]
    }
  },
  {
    name: 'keepAliveTimeoutBuffer keeps an idle connection open beyond the time that the header tells',
    skip: new http.Server().keepAliveTimeoutBuffer === undefined ? 'a constant here' : undefined,
    serve(ctx) {
      const server = hello(ctx).listen(0)
      server.keepAliveTimeout = 1
      server.keepAliveTimeoutBuffer = 600_000
      return server
    },
    async exchange({ open, encodeRequest }) {
      const connection = await open()
      connection.write(encodeRequest({ path: '/1' }))
      const answers = [await connection.readResponse()]
      await new Promise((resolve) => setTimeout(resolve, 1500))
      connection.write(encodeRequest({ path: '/2' }))
      answers.push(await connection.readResponse())
      return answers
    }
  },
  ...[0, 1, 999, 1500, 60_000].map((ms) => ({
    name: `keepAliveTimeout = ${ms}: the header`,
    serve(ctx) {
      const server = hello(ctx).listen(0)
      server.keepAliveTimeout = ms
      return server
    },
    exchange: ({ request }) => request({ path: '/' })
  })),
  {
    name: 'maxRequestsPerSocket',
    serve(ctx) {
      const server = hello(ctx).listen(0)
      server.maxRequestsPerSocket = 2
      server.on('dropRequest', (req, socket) =>
        ctx.log('dropRequest', req.url, socket instanceof net.Socket)
      )
      return server
    },
    async exchange({ open }) {
      const connection = await open()
      connection.write(
        'GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n'
      )
      const out = []
      for (let i = 0; i < 3; i++)
        out.push(await connection.readResponse().catch((error) => error.code))
      return out
    }
  },
  {
    name: 'maxHeadersCount',
    serve(ctx) {
      const app = ctx.express()
      app.use((req, res) => res.json([req.rawHeaders.length, Object.keys(req.headers).length]))
      const server = app.listen(0)
      server.maxHeadersCount = 5
      return server
    },
    exchange: ({ request }) =>
      request({
        path: '/',
        headers: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`X-${i}`, i]))
      })
  },
  ...[
    [null, 999],
    [null, 1000],
    [null, 1001],
    [null, 1100],
    [5, 5],
    [5, 6],
    [5, 40],
    [0, 2500],
    [-1, 40]
  ].flatMap(([limit, count]) =>
    ['headers', 'trailers'].map((kind) => ({
      name: `maxHeadersCount = ${limit}, ${count} ${kind}`,
      serve(ctx) {
        const app = ctx.express()
        app.use(async (req, res) => {
          for await (const _ of req);
          res.json([
            req.rawHeaders.length,
            Object.keys(req.headers).length,
            req.rawTrailers.length,
            Object.keys(req.trailers).length
          ])
        })
        const server = app.listen(0)
        server.maxHeadersCount = limit
        server.on('clientError', (error, socket) => {
          ctx.log(error.code, error.reason, error.message)
          socket.end('HTTP/1.1 431 Too Much\r\nConnection: close\r\n\r\n')
        })
        return server
      },
      exchange: ({ raw }) => {
        const lines = (n) => Array.from({ length: n }, (_, i) => `x-${i}:\r\n`).join('')
        return kind === 'headers'
          ? raw(`GET / HTTP/1.1\r\nHost: a\r\n${lines(count - 2)}Connection: close\r\n\r\n`)
          : raw(
              'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n' +
                `1\r\na\r\n0\r\n${lines(count)}\r\n`
            )
      }
    }))
  ),
  {
    name: 'requireHostHeader turned off and on again',
    serve(ctx) {
      const server = hello(ctx).listen(0)
      server.requireHostHeader = false
      server.prependListener('request', (req) => {
        if (req.url === '/on') server.requireHostHeader = true
      })
      return server
    },
    exchange: async ({ raw }) => [
      await raw('GET /1 HTTP/1.1\r\nConnection: close\r\n\r\n'),
      await raw('GET /on HTTP/1.1\r\nConnection: close\r\n\r\n'),
      await raw('GET /2 HTTP/1.1\r\nConnection: close\r\n\r\n')
    ]
  },
  {
    name: 'maxHeaderSize set on the server',
    serve(ctx) {
      const server = hello(ctx).listen(0)
      server.maxHeaderSize = 2000
      return server
    },
    exchange: async ({ request }) => [
      await request({ path: '/', headers: { X: 'x'.repeat(1500) } }),
      await request({ path: '/', headers: { X: 'x'.repeat(2500) } })
    ]
  },
  {
    name: 'joinDuplicateHeaders set on the server',
    serve(ctx) {
      const app = ctx.express()
      app.use((req, res) => res.json([req.headers, req.joinDuplicateHeaders ?? null]))
      const server = app.listen(0)
      server.joinDuplicateHeaders = true
      return server
    },
    exchange: ({ raw }) =>
      raw(
        'GET / HTTP/1.1\r\nHost: a\r\nAuthorization: a\r\nAuthorization: b\r\nConnection: close\r\n\r\n'
      )
  },
  ...['write', 'end'].map((method) => ({
    name: `rejectNonStandardBodyWrites set on the server: ${method}`,
    serve(ctx) {
      const app = ctx.express()
      app.use((req, res) => {
        if (req.url === '/head') {
          ctx.log(ctx.attempt(() => res[method]('body')))
        } else {
          res.statusCode = 204
          ctx.log(ctx.attempt(() => res[method]('body')))
        }
        if (!res.writableEnded) res.end()
      })
      const server = app.listen(0)
      server.rejectNonStandardBodyWrites = true
      return server
    },
    exchange: async ({ request }) => [
      await request({ method: 'HEAD', path: '/head' }),
      await request({ path: '/empty' })
    ]
  })),
  {
    name: 'limits that are set before the first connection hold for it',
    serve(ctx) {
      const app = ctx.express()
      app.use((req, res) => res.json(req.headers['x-a'].length))
      // bound at once: the connection may be there before 'listening'
      const server = app.listen(0)
      server.maxHeaderSize = 1000
      server.keepAliveTimeout = 7000
      return server
    },
    exchange: async ({ request }) => [
      await request({ path: '/', headers: { 'x-a': 'a'.repeat(900) } }),
      await request({ path: '/', headers: { 'x-a': 'a'.repeat(1200) } })
    ]
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
