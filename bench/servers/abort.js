'use strict'
// The server of abort.mjs: an app whose requests never end by themselves, and counters of what is still alive.
// Usage: abort.js <express | rnode> (with --expose-gc)

const path = require('node:path')
const { listen, run } = require('./child')

const root = process.env.BENCH_RNODE_ROOT ?? path.join(__dirname, '..', '..')

/** Requests that have reached the app, and responses that have not emitted 'close' yet. */
let entered = 0
const open = new Set()
/** Answers to give when their clients have gone. */
const late = []
let signals = 0
/** Requests (one of ten) that the garbage collector has not taken yet. */
let watched = 0
const registry = new FinalizationRegistry(() => watched--)

/** Promises waiting for a state, checked after every change. */
const waiting = new Set()

function changed() {
  for (const entry of waiting) {
    if (!entry.reached()) continue
    waiting.delete(entry)
    entry.resolve()
  }
}

/** Resolves when `reached()` is true; rejects after `ms` with what `describe()` says then. */
function until(reached, ms, describe) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      waiting.delete(entry)
      reject(new Error(describe()))
    }, ms)
    const done = () => {
      clearTimeout(timer)
      resolve()
    }
    const entry = { reached, resolve: done }
    waiting.add(entry)
    changed()
  })
}

function program(express) {
  const app = express()
  app.get('/hello', (req, res) => {
    res.json({ hello: 'world' })
  })
  app.use((req, res, next) => {
    entered++
    open.add(res)
    if (entered % 10 === 0) {
      watched++
      registry.register(req)
    }
    res.on('close', () => {
      open.delete(res)
      changed()
    })
    changed()
    next()
  })
  // Never answers.
  app.get('/wait', (req) => {
    req.signal?.addEventListener('abort', () => signals++, { once: true })
  })
  // Answers when nobody is there any more.
  app.get('/late', (req, res) => {
    late.push(res)
  })
  // Reads a body that never comes to its end.
  app.post('/upload', (req) => {
    req.on('data', () => {})
  })
  // The body parser waits for the rest of a body.
  app.post('/json', express.json(), (req, res) => {
    res.json(req.body)
  })
  // Has sent a part of its answer.
  app.get('/stream', (req, res) => {
    res.write('part\n')
  })
  // What express.json() says about an aborted body must not be logged a hundred thousand times.
  app.use((error, req, res, next) => {
    res.status(error.status ?? 500).end()
  })
  return app
}

const emitters = () => [process, server]
const listeners = () =>
  emitters().reduce(
    (sum, it) => sum + it.eventNames().reduce((n, name) => n + it.listenerCount(name), 0),
    0
  )

let server

run(
  async (kind) => {
    const express =
      kind === 'rnode' ? require(path.join(root, 'js', 'index.js')) : require('express')
    server = (await listen(program(express))).server
    return server.address().port
  },
  {
    /** Waits until the app has seen that many requests. */
    entered: (count) =>
      until(
        () => entered >= count,
        20_000,
        () => `${entered} requests have reached the app, not ${count}`
      ),
    /** Answers the requests of /late, then waits until every response has emitted 'close'. */
    async closed() {
      for (const res of late.splice(0)) res.json({ late: true })
      const urls = () => [...open].map((res) => res.req.url).join(' ')
      await until(
        () => open.size === 0,
        20_000,
        () => `${open.size} responses have not emitted 'close': ${urls().slice(0, 200)}`
      )
    },
    /** What is alive. */
    counters: async () => ({
      entered,
      open: open.size,
      connections: await new Promise((resolve, reject) => {
        server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
      }),
      listeners: listeners(),
      resources: process.getActiveResourcesInfo().length,
      watched,
      signals
    })
  }
)
