'use strict'
// The diagnostics_channel tracing of the router: the same events in the same order, with the same
// context, as Express with router 2.3 publishes for the same program.

const assert = require('node:assert/strict')
const dc = require('node:diagnostics_channel')
const http = require('node:http')
const { test } = require('node:test')
const theirs = require('express')
const ours = require('../../index.js')

const channel = dc.tracingChannel('express.router.request')

function build(express) {
  const app = express()
  app.set('env', 'test')
  app.use(function first(_req, _res, next) {
    next()
  })
  app.param('id', function loadId(_req, _res, next) {
    next()
  })
  app.param('later', async function loadLater(_req, _res, next) {
    await null
    next()
  })
  app.get('/sync/:id', function sync(req, res) {
    res.json(req.params)
  })
  app.get('/async/:later', async function slow(req, res) {
    await null
    res.json(req.params)
  })
  app.get('/throws', function throws() {
    throw new Error('thrown')
  })
  app.get('/rejects', async function rejects() {
    await null
    throw new Error('rejected')
  })
  app.get('/next-error', function passes(_req, _res, next) {
    next(new Error('passed'))
  })
  app.get(
    '/skips',
    function skips(_req, _res, next) {
      next('route')
    },
    function never() {}
  )
  const nested = express.Router()
  nested.use(function inner(_req, _res, next) {
    next('router')
  })
  app.use('/nested', nested)
  app.use(function handled(err, _req, res, _next) {
    res.status(500).send(err.message)
  })
  return app
}

async function record(express, path, native) {
  const events = []
  const subscribers = {}
  for (const name of ['start', 'end', 'asyncStart', 'asyncEnd', 'error']) {
    subscribers[name] = (context) => {
      events.push({
        name,
        handler: context.handler.name,
        route: String(context.route),
        param: context.param,
        errorHandler: context.errorHandler,
        layer: context.layer?.name,
        error: context.error?.message,
        hasResult: 'result' in context
      })
    }
  }
  channel.subscribe(subscribers)
  const app = build(express)
  const server = native ? app.listen(0) : http.createServer(app).listen(0)
  try {
    await new Promise((resolve) => server.once('listening', resolve))
    const answer = await fetch(`http://localhost:${server.address().port}${path}`)
    return { status: answer.status, body: await answer.text(), events }
  } finally {
    channel.unsubscribe(subscribers)
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

const paths = ['/sync/1', '/async/2', '/throws', '/rejects', '/next-error', '/skips', '/nested/x']
for (const path of paths) {
  for (const native of [false, true]) {
    test(`trace of ${path} [${native ? 'app.listen(0)' : 'http.createServer(app)'}]`, async () => {
      const expected = await record(theirs, path, false)
      const actual = await record(ours, path, native)
      // the 404 page is ours by default
      if (expected.status === 404) expected.body = actual.body
      assert.notEqual(expected.events.length, 0)
      assert.deepEqual(actual, expected)
    })
  }
}
