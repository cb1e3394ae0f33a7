// When the final handler answers, as middleware in front of it can tell: what is set after next() is still sent, what comes
// later is too late, and the request has then been read. The same program runs on Express.
'use strict'

const assert = require('node:assert/strict')
const http = require('node:http')
const { mock, before, test } = require('node:test')
const { exchange, ours, serve, theirs, transports } = require('../helpers/differential')

before(() => mock.method(console, 'error', () => {}))

const requestState = (req) => ({
  complete: req.complete,
  dumped: req._dumped,
  ended: req.readableEnded,
  flowing: req.readableFlowing,
  listeners: req.eventNames().map(String).sort(),
  readable: req.readable
})

/** What runs around next(): each writes down what it sees. */
const around = {
  'headers set after next()'(_req, res, next) {
    next()
    res.setHeader('X-After', 'yes')
  },
  'headers set in the tick after next()'(_req, res, next) {
    next()
    process.nextTick(() => res.setHeader('X-Tick', 'yes'))
  },
  'whether the head was sent'(_req, res, next, note) {
    next()
    note('after next', res.headersSent)
    process.nextTick(() => note('tick', res.headersSent))
    queueMicrotask(() => note('microtask', res.headersSent))
    setImmediate(() => note('immediate', res.headersSent))
  },
  'the request when the response is finished'(req, res, next, note) {
    res.on('finish', () => note('finish', requestState(req)))
    next()
  },
  'the request an immediate later'(req, _res, next, note) {
    next()
    setImmediate(() => note('immediate', requestState(req)))
  },
  'end heard by a listener in front'(req, res, next, note) {
    req.on('end', () => note('end', res.headersSent))
    req.on('close', () => note('close'))
    res.on('close', () => note('res close'))
    next()
  },
  'end heard by a listener that comes with the next tick'(req, res, next, note) {
    next()
    process.nextTick(() => req.on('end', () => note('end', res.headersSent)))
  },
  'a body that is read with the next tick'(req, _res, next, note) {
    next()
    process.nextTick(() => req.on('data', (chunk) => note('data', String(chunk))))
  },
  'a request that is paused'(req, _res, next, note) {
    req.pause()
    setTimeout(() => note('timeout', requestState(req)), 5)
    next()
  },
  'an answer given meanwhile'(_req, res, next) {
    next()
    process.nextTick(() => res.status(418).send('quicker'))
  },
  'an answer given meanwhile, late'(_req, res, next) {
    next()
    process.nextTick(() => process.nextTick(() => process.nextTick(() => res.headersSent)))
  },
  'next() called later'(_req, res, next, note) {
    setImmediate(() => {
      next()
      note('after next', res.headersSent)
      process.nextTick(() => note('tick', res.headersSent))
      queueMicrotask(() => note('microtask', res.headersSent))
    })
  },
  'an error'(_req, res, next, note) {
    next(Object.assign(new Error('no'), { stack: 'no', status: 503 }))
    res.setHeader('X-After', 'yes')
    queueMicrotask(() => note('microtask', res.headersSent))
  },
  'an error whose stack is no text'(_req, _res, next) {
    next(Object.assign(new Error('no'), { stack: { toString: () => 'not a text' } }))
  },
  'an error without a text for its status'(_req, _res, next) {
    next(Object.assign(new Error('no'), { stack: '', status: 499, toString: () => '' }))
  }
}

const requests = {
  'a GET': { path: '/missing' },
  'a body that is there': {
    body: 'hello',
    headers: { 'Content-Length': 5 },
    method: 'POST',
    path: '/missing'
  }
}

async function observe(express, listen, middleware, request) {
  const seen = []
  const app = express()
  app.set('error pages', 'express')
  app.use((req, res, next) => middleware(req, res, next, (...what) => seen.push(what)))
  let response
  await serve(app, listen, async (port) => {
    response = await exchange(port, request)
    // what comes behind the answer
    for (let i = 0; i < 4; i++) await new Promise((resolve) => setTimeout(resolve, 3))
  })
  const headers = response.headers.filter(([name]) => name !== 'Date').sort()
  return { body: response.body.toString(), headers, seen, status: response.status }
}

const onNode = (app) => http.createServer(app).listen(0, '127.0.0.1')

for (const [what, middleware] of Object.entries(around)) {
  for (const [kind, request] of Object.entries(requests)) {
    test(`${what}: ${kind}`, async () => {
      const expected = await observe(theirs, onNode, middleware, request)
      for (const [transport, listen] of Object.entries(transports)) {
        assert.deepEqual(await observe(ours, listen, middleware, request), expected, transport)
      }
    })
  }
}
