'use strict'
// The server of soak.mjs: one app with a route for every way an answer is made and a body is read.
// Usage: soak.js <express | rnode> (with --expose-gc)

const path = require('node:path')
const { Readable, pipeline } = require('node:stream')
const fs = require('node:fs')
const cookieParser = require('cookie-parser')
const cors = require('cors')
const helmet = require('helmet')
const morgan = require('morgan')
const fixtures = require('../lib/fixtures')
const { listen, run } = require('./child')

const root = process.env.BENCH_RNODE_ROOT ?? path.join(__dirname, '..', '..')
const PIECE = Buffer.alloc(8192, 'p')
const TICK_MS = 5

/** Responses that have not emitted 'close' yet. */
let open = 0
let entered = 0

function program(express) {
  const directory = fixtures.ensure()
  const app = express()
  app.use((req, res, next) => {
    entered++
    open++
    res.on('close', () => open--)
    next()
  })
  app.get('/hello', (req, res) => {
    res.json({ hello: 'world' })
  })
  app.get('/later', (req, res) => {
    setTimeout(() => res.json({ later: true }), TICK_MS)
  })
  app.get('/items/:id/parts/:part', (req, res) => {
    res.json({ params: req.params, query: req.query })
  })
  app.post('/json', express.json(), (req, res) => {
    res.json({ keys: Object.keys(req.body).length })
  })
  app.post('/form', express.urlencoded(), (req, res) => {
    res.json({ keys: Object.keys(req.body).length })
  })
  // A body that is read as a stream, and the same bytes back.
  app.post('/echo', (req, res) => {
    pipeline(req, res, () => {})
  })
  // A body that nobody reads.
  app.post('/unread', (req, res) => {
    res.status(202).send('not read')
  })
  app.get('/pieces', (req, res) => {
    Readable.from(Array.from({ length: 12 }, () => PIECE)).pipe(res)
  })
  app.get('/events', (req, res) => {
    res.set('Content-Type', 'text/event-stream')
    let left = 5
    const timer = setInterval(() => {
      res.write(`data: ${left}\n\n`)
      if (--left === 0) res.end()
    }, TICK_MS)
    res.on('close', () => clearInterval(timer))
  })
  app.get('/file', (req, res) => {
    res.sendFile('icon-4k.png', { root: directory }, () => {})
  })
  app.get('/read', (req, res) => {
    pipeline(fs.createReadStream(path.join(directory, 'photo-250k.jpg')), res, () => {})
  })
  app.get('/throws', () => {
    throw Object.assign(new Error('thrown'), { status: 422 })
  })
  app.get('/rejects', async () => {
    await null
    throw new Error('rejected')
  })
  // Waits for what never comes: only a client that leaves ends it.
  app.get('/wait', (req) => {
    req.signal?.addEventListener('abort', () => {}, { once: true })
  })
  const stack = express.Router()
  stack.use(morgan('combined', { stream: { write() {} } }), helmet(), cors(), cookieParser())
  stack.get('/', (req, res) => {
    res.cookie('seen', 'yes').json({ cookies: req.cookies })
  })
  app.use('/stack', stack)
  app.use('/files', express.static(directory))
  app.use((error, req, res, _next) => {
    if (res.headersSent) res.destroy()
    else res.status(error.status ?? 500).send(error.message)
  })
  return app
}

let server
let native

run(
  async (kind) => {
    const ours = kind === 'rnode'
    const express = ours ? require(path.join(root, 'js', 'index.js')) : require('express')
    if (ours) native = require(path.join(root, 'js', 'lib', 'native'))
    server = (await listen(program(express))).server
    return server.address().port
  },
  {
    /** What is alive; `slots` and `queuedBytes` are the addon's own figures. */
    counters: async () => ({
      entered,
      open,
      connections: await new Promise((resolve, reject) => {
        server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
      }),
      resources: process.getActiveResourcesInfo().length,
      slots: native?.stats().slotsInUse ?? null,
      queuedBytes: native?.stats().queuedBytes ?? null
    }),
    snapshot: (file) => require('node:v8').writeHeapSnapshot(file)
  }
)
