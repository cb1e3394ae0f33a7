'use strict'
// The layers on the call stack of a handler have Express' names: libraries search `err.stack` for them to tell whether they are
// called within a request (express-rate-limit warns of a limiter that is made there).

const assert = require('node:assert/strict')
const http = require('node:http')
const { test } = require('node:test')
const theirs = require('express')
const ours = require('../../index.js')

// ours has more frames between two layers than fit the usual ten
Error.stackTraceLimit = 100

function build(express, told) {
  const app = express()
  const tell = () => told.push(new Error('where').stack.match(/\bLayer\.\w+/g))
  const seen = (_req, _res, next) => {
    tell()
    next()
  }
  app.use(seen, seen)
  app.use('/path', seen)
  const router = express.Router({ mergeParams: true })
  router.use(seen)
  router.all('/', seen)
  router.get('/', seen, (_req, _res, next) => next(new Error('failed')))
  app.use('/path', router)
  app.use((_err, _req, res, _next) => {
    tell()
    res.end()
  })
  return app
}

async function frames(express, listen) {
  const told = []
  const server = await new Promise((resolve) => {
    const server = listen(build(express, told), () => resolve(server))
  })
  for (let i = 0; i < 2; i++) await fetch(`http://127.0.0.1:${server.address().port}/path`)
  server.close()
  return told
}

test('as Express has them', async () => {
  const expected = await frames(theirs, (app, done) => app.listen(0, done))
  assert.equal(expected.length, 14)
  assert.deepEqual(await frames(ours, (app, done) => app.listen(0, done)), expected)
  const onNode = (app, done) => http.createServer(app).listen(0, done)
  assert.deepEqual(await frames(ours, onNode), expected)
})
