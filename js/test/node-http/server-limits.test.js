'use strict'

// What is set on a server and holds for its connections: limits of connections, requests, headers; times; parser options.

const http = require('node:http')
const net = require('node:net')
const { suite } = require('./harness')
const { hello } = require('./server-cases')

suite(__filename, [
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
  }
])
