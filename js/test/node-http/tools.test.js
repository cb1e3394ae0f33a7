'use strict'

// What tools around an application rely on: diagnostics channels, AsyncLocalStorage, proxies and derived objects of request
// and response, redefined properties, events helpers, exceptions outside of a handler's call, loopback requests.

const { AsyncLocalStorage, executionAsyncId } = require('node:async_hooks')
const channels = require('node:diagnostics_channel')
const { once, on } = require('node:events')
const http = require('node:http')
const util = require('node:util')
const assert = require('node:assert/strict')
const { one, suite } = require('./harness')

const POST = { method: 'POST', path: '/', body: 'some body' }

suite(__filename, [
  ...[
    'http.server.request.start',
    'http.server.response.created',
    'http.server.response.finish'
  ].map((name) => ({
    name: `diagnostics channel ${name}`,
    serve(ctx) {
      let handled
      const seen = (message) => {
        ctx.log(
          Object.keys(message).sort(),
          message.request?.url,
          message.response instanceof http.ServerResponse,
          message.server === server,
          handled === undefined,
          message.request === handled || handled === undefined
        )
      }
      channels.subscribe(name, seen)
      ctx.later(() => channels.unsubscribe(name, seen))
      const app = ctx.express()
      app.use((req, res) => {
        handled = req
        res.end('x')
      })
      const server = app.listen(0)
      return server
    },
    async exchange({ request, until }) {
      const answer = await request({ path: '/traced' })
      // The first channel exists on every Node; where one is missing, nothing is logged on either side.
      if (name !== 'http.server.response.created') await until(1)
      return answer
    }
  })),
  ...['end', 'send'].map((how) => ({
    name: `diagnostics channels in the order of events: ${how}`,
    serve(ctx) {
      const names = [
        'http.server.request.start',
        'http.server.response.created',
        'http.server.response.finish'
      ]
      for (const name of names) {
        const seen = ({ request, response, socket, server }) =>
          ctx.log(
            name,
            request === response.req,
            socket === undefined ? 'no socket' : socket === request.socket,
            server === undefined ? 'no server' : server === made,
            response.headersSent,
            response.writableFinished,
            request.complete
          )
        channels.subscribe(name, seen)
        ctx.later(() => channels.unsubscribe(name, seen))
      }
      const app = ctx.express()
      app.use((req, res) => {
        ctx.log('handler')
        res.on('finish', () => ctx.log('finish'))
        if (how === 'send') res.send('x')
        else res.end('x')
      })
      const made = app.listen(0)
      return made
    },
    async exchange({ request, until }) {
      const answer = await request({ path: '/' })
      await until(4)
      return answer
    }
  })),
  {
    name: 'AsyncLocalStorage through middleware, body parsing, events and timers',
    serve: ({ express, log }) => {
      const storage = new AsyncLocalStorage()
      const app = express()
      app.use((req, res, next) => storage.run({ id: req.headers['x-id'] }, next))
      app.use((req, res, next) => {
        // Requests that are asked at once may finish in any order: only the others are logged.
        if (!req.headers['x-id'].startsWith('parallel')) {
          res.on('finish', () => log('finish', storage.getStore()?.id ?? null))
          res.on('close', () => log('close', storage.getStore()?.id ?? null))
        }
        next()
      })
      app.post('/parsed', express.json(), (req, res) =>
        res.json([storage.getStore()?.id ?? null, req.body])
      )
      app.post('/events', (req, res) => {
        const seen = []
        req.on('data', () => seen.push(storage.getStore()?.id ?? null))
        req.on('end', () => {
          seen.push(storage.getStore()?.id ?? null)
          setTimeout(() => res.json([...seen, storage.getStore()?.id ?? null]), 1)
        })
      })
      app.post('/async', async (req, res) => {
        let size = 0
        for await (const chunk of req) size += chunk.length
        await new Promise((resolve) => setImmediate(resolve))
        res.json([size, storage.getStore()?.id ?? null])
      })
      app.post('/none', (req, res) => {
        storage.exit(() => res.json([storage.getStore()?.id ?? null]))
      })
      return app
    },
    async exchange({ request, until }) {
      const paths = ['/parsed', '/events', '/async', '/none']
      const answers = []
      for (const [i, path] of paths.entries()) {
        answers.push(
          (await request({ method: 'POST', path, json: { i }, headers: { 'X-Id': `id-${i}` } }))
            .body
        )
        await until(2 * (i + 1))
      }
      answers.push(
        ...(
          await Promise.all(
            Array.from({ length: 20 }, (_, i) =>
              request({
                method: 'POST',
                path: '/async',
                json: { i },
                headers: { 'X-Id': `parallel-${i}` }
              })
            )
          )
        ).map((a) => a.body)
      )
      return answers
    },
    // A body that came with its head is delivered in the context of who reads it, under Node in the parser's: what is
    // lost there is kept here, and nothing else differs.
    differs(ours, nodes) {
      assert.deepEqual(JSON.parse(ours.seen[1]), ['id-1', 'id-1', 'id-1'])
      assert.equal(JSON.parse(nodes.seen[1])[0], 'id-1')
      assert.deepEqual(ours.seen.toSpliced(1, 1), nodes.seen.toSpliced(1, 1))
      assert.equal(ours.log.length, nodes.log.length)
      for (const [i, [name, id]] of nodes.log.entries()) {
        assert.equal(ours.log[i][0], name)
        if (id !== null) assert.equal(ours.log[i][1], id)
      }
    }
  },
  one('handlers run in an async context of their own', (req, res, { log }) => {
    log(executionAsyncId() > 0)
    res.end()
  }),
  one(
    'a proxy of the request',
    (req, res) => {
      const proxy = new Proxy(req, {})
      let text = ''
      proxy.on('data', (d) => {
        text += d
      })
      proxy.on('end', () =>
        res.json([
          text,
          proxy.url,
          proxy.method,
          proxy.headers.host,
          proxy.get('host'),
          proxy.socket === req.socket,
          proxy.complete
        ])
      )
    },
    POST
  ),
  one('Object.create of a request', (req, res) => {
    const child = Object.create(req)
    child.added = 1
    res.json([
      child.url,
      child.method,
      child.headers.host,
      child.get('host'),
      child.ip,
      child.path,
      child.socket === req.socket,
      req.added ?? null
    ])
  }),
  one(
    'redefined properties',
    (req, res) => {
      Object.defineProperty(req, 'query', {
        value: { own: 'query' },
        writable: true,
        configurable: true,
        enumerable: true
      })
      Object.defineProperty(req, 'ip', { get: () => 'redefined' })
      Object.defineProperty(req, 'url', { value: '/defined', writable: true })
      Object.defineProperty(res, 'own', { value: 1 })
      req.query.more = 1
      res.json([req.query, req.ip, req.url, res.own, req.originalUrl])
    },
    { path: '/x?a=b' }
  ),
  one('assigning what is a getter', (req, res, { attempt }) => {
    res.json([
      attempt(() => (req.headers = { a: 'b' })),
      req.headers,
      attempt(() => (req.rawHeaders = ['A', 'b'])),
      attempt(() => (req.trailers = { t: '1' })),
      attempt(() => (req.httpVersion = '3.0')),
      req.httpVersion,
      attempt(() => (req.complete = 'own')),
      attempt(() => (req.aborted = 'own')),
      attempt(() => (res.statusMessage = 'own')),
      attempt(() => (res.shouldKeepAlive = true)),
      attempt(() => (req.socket = res.socket)),
      attempt(() => (req.connection = req.socket))
    ])
  }),
  one('util.inspect, keys and in', (req, res) => {
    res.json([
      util.inspect(req, { depth: 0 }).length > 10,
      util.inspect(res, { depth: 0 }).length > 10,
      util.inspect(req.socket, { depth: 0 }).length > 10,
      'body' in req,
      'url' in req,
      'headers' in req,
      'socket' in req,
      'on' in req,
      'statusCode' in res,
      typeof req.toString(),
      Object.keys(req).length > 0
    ])
  }),
  one('own keys that wrappers look for', (req, res) => {
    const own = (o, names) => names.map((n) => [n, Object.hasOwn(o, n)])
    res.json([
      // res is an accessor of ours, until an Express of another package assigns it
      own(req, ['url', 'method', 'next', 'baseUrl', 'originalUrl', 'params']),
      // statusCode is an own property of ours from the start
      own(res, ['req', 'locals'])
    ])
  }),
  one(
    'events.once and events.on with a request',
    async (req, res) => {
      const parts = []
      const iterator = on(req, 'data', { close: ['end'] })
      for await (const [chunk] of iterator) parts.push(chunk.toString())
      res.end(parts.join())
    },
    POST
  ),
  one(
    "events.once(req, 'end') and events.once(res, 'finish')",
    async (req, res, { log }) => {
      req.resume()
      await once(req, 'end')
      res.end('x')
      await once(res, 'finish')
      log('finished', res.writableFinished)
    },
    POST
  ),
  one('captureRejections and error listeners', (req, res, { log }) => {
    res.on('error', (error) => log('error', error.message))
    res.emit('error', new Error('emitted'))
    res.end('still there')
  }),
  {
    name: 'an exception in a timer reaches uncaughtException; other requests go on',
    serve: ({ log, later }) => {
      const caught = (error) => log('caught', error.message)
      process.on('uncaughtException', caught)
      later(() => process.off('uncaughtException', caught))
      return (req, res) => {
        if (req.url === '/throws') {
          setImmediate(() => {
            throw new Error('thrown later')
          })
          res.on('close', () => log('close'))
          return
        }
        if (req.url === '/listener') {
          res.on('finish', () => {
            throw new Error('thrown in a listener')
          })
        }
        res.end('fine')
      }
    },
    async exchange({ open, request, encodeRequest, until }) {
      const connection = await open()
      connection.write(encodeRequest({ path: '/throws' }))
      await until(1)
      const out = [await request({ path: '/fine' }), await request({ path: '/listener' })]
      await until(2)
      out.push(await request({ path: '/fine' }))
      connection.destroy()
      await until(3)
      return out
    }
  },
  {
    name: 'rejections that nobody handles',
    serve: ({ log, later }) => {
      const caught = (error) => log('caught', error.message)
      process.on('unhandledRejection', caught)
      later(() => process.off('unhandledRejection', caught))
      return (req, res) => {
        Promise.reject(new Error('nobody waits'))
        res.end('fine')
      }
    },
    exchange: async ({ request, until }) => [await request({ path: '/' }), await until(1)]
  },
  {
    name: 'a handler that asks its own server',
    serve(ctx) {
      const app = ctx.express()
      app.get('/inner', (req, res) =>
        res.json({ inner: true, agent: req.headers['x-agent'] ?? null })
      )
      app.get('/fetch', async (req, res) => {
        const answer = await fetch(`http://127.0.0.1:${server.address().port}/inner`, {
          headers: { 'X-Agent': 'fetch' }
        })
        res.json([answer.status, await answer.json()])
      })
      app.get('/http', (req, res) => {
        http.get(
          { port: server.address().port, host: '127.0.0.1', path: '/inner', agent: false },
          (answer) => answer.pipe(res)
        )
      })
      const server = app.listen(0)
      return server
    },
    exchange: async ({ request }) => [
      await request({ path: '/fetch' }),
      await request({ path: '/http' })
    ]
  },
  {
    name: 'node:http clients: agent with keep-alive, abort, 100 requests',
    serve: () => (req, res) => res.end(req.url),
    async exchange({ port }) {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 2 })
      const ask = (path) =>
        new Promise((resolve, reject) => {
          const request = http.get({ port, host: '127.0.0.1', path, agent }, (answer) => {
            let text = ''
            answer.on('data', (d) => {
              text += d
            })
            answer.on('end', () =>
              resolve([
                text,
                answer.statusCode,
                answer.rawHeaders.filter((_, i) => i % 2 === 0),
                answer.complete
              ])
            )
          })
          request.on('error', reject)
        })
      const out = await Promise.all(Array.from({ length: 100 }, (_, i) => ask(`/${i}`)))
      agent.destroy()
      return out
    }
  },
  {
    name: 'fetch: streams in both directions',
    serve: () => (req, res) => {
      res.writeHead(200, { 'Content-Type': 'application/octet-stream' })
      req.pipe(res)
    },
    async exchange({ port }) {
      const body = new ReadableStream({
        start(controller) {
          for (let i = 0; i < 50; i++) controller.enqueue(new Uint8Array(10_000).fill(i))
          controller.close()
        }
      })
      const answer = await fetch(`http://127.0.0.1:${port}/`, {
        method: 'POST',
        body,
        duplex: 'half'
      })
      const bytes = Buffer.from(await answer.arrayBuffer())
      return [answer.status, bytes.length, bytes[0], bytes[499_999]]
    }
  }
])
