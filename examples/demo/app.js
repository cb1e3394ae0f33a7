'use strict'

// The demo: a notice board with middleware, nested routers, async handlers, a JSON body, static
// files, server-sent events, a slow route that times out and error pages. It exports its app and
// must not listen: server.js does, and js/test/examples/demo.test.js does on a free port.

const path = require('node:path')
const { setTimeout: sleep } = require('node:timers/promises')
const express = require('../..')
const notes = require('./routes/notes')
const admin = require('./routes/admin')

const app = express()

// A middleware as any other: every answer tells how long its handler took.
app.use((req, res, next) => {
  const start = process.hrtime.bigint()
  const writeHead = res.writeHead
  res.writeHead = function (...args) {
    const ms = Number(process.hrtime.bigint() - start) / 1e6
    if (!res.headersSent) res.setHeader('Server-Timing', `handler;dur=${ms.toFixed(2)}`)
    return writeHead.apply(this, args)
  }
  next()
})

app.use(express.static(path.join(__dirname, 'public')))

app.get('/hello/:name', (req, res) => {
  res.json({ hello: req.params.name, query: req.query })
})

// An async handler needs no wrapper: a rejection goes to the error middleware.
app.get('/wait/:ms', async (req, res) => {
  const ms = Math.min(Number(req.params.ms) || 0, 5000)
  await sleep(ms, null, { signal: req.signal })
  res.send(`waited ${ms} ms\n`)
})

// The handler never answers in time: the client gets a 503 after a second, and `req.signal`
// stops what the handler was waiting for.
app.get('/slow', express.timeout(1000), async (req, res) => {
  await sleep(60_000, null, { signal: req.signal })
  res.send('nobody reads this\n')
})

app.get('/broken', () => {
  throw new Error('this handler always throws')
})

app.use('/api/notes', notes())
app.use('/admin', admin())

// Errors of the API are JSON; everything else falls through to the error page.
app.use('/api', (req, res) => {
  res.status(404).json({ error: `no ${req.method} ${req.originalUrl} here` })
})
app.use('/api', (err, req, res, next) => {
  if (res.headersSent) return next(err)
  res.status(err.status ?? 500).json({ error: err.message })
})

// A handler that was stopped by its signal has nobody left to answer, and nothing to report.
app.use((err, req, res, next) => {
  if (!req.signal.aborted) next(err)
})

module.exports = app
