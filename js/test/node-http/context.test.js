'use strict'

// What surrounds a handler: its asynchronous context and resource, exceptions that leave it, domains,
// and the request's own AbortSignal where Node has one.

const {
  AsyncLocalStorage,
  executionAsyncId,
  executionAsyncResource,
  triggerAsyncId
} = require('node:async_hooks')
const assert = require('node:assert/strict')
const domain = require('node:domain')
const http = require('node:http')
const { suite } = require('./harness')

const twice = async ({ open, encodeRequest }) => {
  const connection = await open()
  const out = []
  for (const path of ['/1', '/2', '/3']) {
    connection.write(encodeRequest({ path }))
    out.push(await connection.readResponse())
  }
  return out
}

const hasSignal = 'signal' in http.IncomingMessage.prototype

suite(__filename, [
  {
    name: 'every request has an asynchronous context of its own',
    serve() {
      const ids = new Set()
      return async (req, res) => {
        const id = executionAsyncId()
        const isNew = !ids.has(id)
        ids.add(id)
        const resource = executionAsyncResource()
        await null
        res.json([isNew, id > 0, triggerAsyncId() >= 0, typeof resource, executionAsyncId() > 0])
      }
    },
    exchange: twice,
    // the parser's is that of its connection
    differs(ours, nodes) {
      const news = ({ seen }) => seen.map(({ body }) => JSON.parse(body)[0])
      assert.deepEqual(
        [news(nodes), news(ours)],
        [
          [true, false, false],
          [true, true, true]
        ]
      )
      const rest = ({ seen }) => seen.map(({ body }) => JSON.parse(body).slice(1))
      assert.deepEqual(rest(ours), rest(nodes))
    }
  },
  {
    name: 'AsyncLocalStorage: enterWith and run do not reach the next request',
    serve() {
      const storage = new AsyncLocalStorage()
      return (req, res) => {
        const before = storage.getStore() ?? null
        storage.enterWith(req.url)
        setImmediate(() => res.json([before, storage.getStore() ?? null]))
      }
    },
    exchange: twice,
    // Node before 24 hands the store of a request to the next of its connection
    differs(ours) {
      const stores = ours.seen.map(({ body }) => JSON.parse(body))
      assert.deepEqual(stores, [
        [null, '/1'],
        [null, '/2'],
        [null, '/3']
      ])
    }
  },
  {
    name: 'a value on the resource is found again in callbacks of the request',
    serve: () => (req, res) => {
      executionAsyncResource().mark = req.url
      const own = executionAsyncResource()
      process.nextTick(() => res.json([own.mark, typeof executionAsyncResource()]))
    },
    exchange: twice
  },
  {
    name: 'an exception in a timer is an uncaughtException, and others are served',
    serve(ctx) {
      const listen = (error, origin) => {
        ctx.log(error.message, origin)
        ctx.waiting?.send('after it')
      }
      process.on('uncaughtException', listen)
      ctx.later(() => process.off('uncaughtException', listen))
      return (req, res) => {
        if (req.url !== '/1') return res.send('served')
        ctx.waiting = res
        setImmediate(() => {
          throw new Error('in a timer')
        })
      }
    },
    exchange: twice
  },
  {
    name: 'a domain of a middleware gets what is thrown later',
    serve(ctx) {
      const app = ctx.express()
      app.use((req, res, next) => {
        const one = domain.create()
        one.on('error', (error) => {
          ctx.log(error.message, error.domain === one)
          res.status(500).send('by the domain')
        })
        one.add(req)
        one.add(res)
        one.run(next)
      })
      app.get('/1', () => {
        setImmediate(() => {
          throw new Error('within the domain')
        })
      })
      app.get('/2', (req) => req.emit('error', new Error('of an emitter')))
      app.get('/3', (req, res) => res.send('fine'))
      return app
    },
    exchange: twice
  },
  {
    name: 'req.signal: not aborted by an answer',
    skip: hasSignal ? undefined : 'from Node 24 on',
    serve:
      ({ log }) =>
      (req, res) => {
        const { signal } = req
        log(signal instanceof AbortSignal, signal === req.signal, signal.aborted)
        res.on('close', () => setImmediate(() => log('closed', signal.aborted)))
        res.send('x')
      },
    async exchange({ request, until }) {
      const answer = await request({ path: '/' })
      await until(2)
      return answer
    }
  },
  {
    name: 'req.signal: aborted when the client leaves',
    skip: hasSignal ? undefined : 'from Node 24 on',
    serve:
      ({ log }) =>
      (req) => {
        req.signal.addEventListener('abort', () =>
          log('abort', req.signal.aborted, req.signal.reason?.name)
        )
        log('waiting')
      },
    async exchange({ open, encodeRequest, until }) {
      const connection = await open()
      connection.write(encodeRequest({ path: '/' }))
      await until(1)
      connection.destroy()
      return until(2)
    }
  }
])
