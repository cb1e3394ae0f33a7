// Middleware may replace methods of a response. Whoever does must see the calls that Express makes:
// the same methods, with the same arguments, in the same order.
'use strict'

const { exchange, ours, serve, theirs, transports } = require('../helpers/differential')
const { temporaryTree } = require('../helpers/tree')
const assert = require('node:assert/strict')
const { test } = require('node:test')

const file = temporaryTree('calls').write('file.txt', 'file')

const node = ['setHeader', 'getHeader', 'removeHeader', 'appendHeader', 'writeHead', 'write', 'end']
const express = ['append', 'cookie', 'format', 'get', 'json', 'location', 'redirect', 'send', 'set']
const also = ['sendFile', 'sendStatus', 'status', 'type', 'vary']

const handlers = {
  string: (_req, res) => res.send('text'),
  buffer: (_req, res) => res.send(Buffer.from('bytes')),
  object: (_req, res) => res.send({ a: 1 }),
  nothing: (_req, res) => res.send(),
  json: (_req, res) => res.status(201).json({ a: 1 }),
  jsonp: (_req, res) => res.jsonp({ a: 1 }),
  sendStatus: (_req, res) => res.sendStatus(404),
  204: (_req, res) => res.status(204).send('x'),
  205: (_req, res) => res.status(205).send('x'),
  typed: (_req, res) => res.type('txt').send('x'),
  etag: (_req, res) => res.set('ETag', '"x"').send('x'),
  redirect: (_req, res) => res.redirect(301, '/there'),
  cookie: (_req, res) => res.cookie('a', 'b').cookie('c', 'd').clearCookie('e').send('x'),
  headers: (_req, res) => {
    res
      .set({ A: 1, B: [2, 3] })
      .append('A', 4)
      .vary('Origin')
      .links({ next: '/2' })
      .attachment('a.txt')
    res.end()
  },
  format: (_req, res) => res.format({ html: () => res.send('html'), text: () => res.send('text') }),
  file: (_req, res) => res.sendFile(file, { headers: { 'X-A': 'b' }, lastModified: false }),
  download: (_req, res) => res.download(file, { lastModified: false }),
  missing: (_req, _res, next) => next(),
  error: (_req, _res, next) => next(Object.assign(new Error('e'), { stack: 'e', status: 400 }))
}

/** Values that can be compared: functions, options and errors by their kind only. */
const plain = (value) => {
  if (Buffer.isBuffer(value)) return `Buffer ${value.toString('latin1')}`
  return typeof value === 'function' ? 'function' : JSON.stringify(value)
}

async function record(framework, listen, names, request) {
  const calls = []
  const app = framework()
  app.use((_req, res, next) => {
    for (const name of names) {
      const original = res[name]
      res[name] = function (...args) {
        calls.push([name, ...args.map(plain)])
        return original.apply(this, args)
      }
    }
    next()
  })
  for (const [name, handler] of Object.entries(handlers)) app.all(`/${name}`, handler)
  app.set('error pages', 'express')

  await serve(app, listen, (port) => exchange(port, request))
  return calls
}

for (const [transport, listen] of Object.entries(transports)) {
  for (const [kind, names] of Object.entries({
    "Node's methods": node,
    'all methods': [...node, ...express, ...also]
  })) {
    test(`${kind} are called as Express calls them [${transport}]`, async () => {
      for (const path of Object.keys(handlers)) {
        for (const request of [
          { path: `/${path}` },
          { method: 'HEAD', path: `/${path}` },
          { headers: { 'If-None-Match': '*' }, path: `/${path}?callback=cb` }
        ]) {
          const [actual, expected] = await Promise.all([
            record(ours, listen, names, request),
            record(theirs, transports['http.createServer(app)'], names, request)
          ])
          assert.ok(expected.length > 0)
          assert.deepEqual(actual, expected, `${request.method ?? 'GET'} ${request.path}`)
        }
      }
    })
  }
}

for (const [transport, listen] of Object.entries(transports)) {
  test(`each method alone is called as Express calls it [${transport}]`, async () => {
    for (const path of ['/json', '/string', '/etag']) {
      for (const name of [...node, ...express]) {
        const [actual, expected] = await Promise.all([
          record(ours, listen, [name], { path }),
          record(theirs, transports['http.createServer(app)'], [name], { path })
        ])
        assert.deepEqual(actual, expected, `${path}, ${name}`)
      }
    }
  })
}

test('messages that have the right prototypes are left as they are', async (t) => {
  const app = ours()
  const child = ours()
  app.use(child)
  app.use((req, _res, next) => {
    req.reached = true
    next()
  })

  const req = Object.create(app.request, {
    method: { value: 'GET' },
    url: { value: '/', writable: true }
  })
  const res = Object.create(app.response, { setHeader: { value: () => {} } })
  const change = t.mock.method(Object, 'setPrototypeOf')
  await new Promise((resolve) => app.handle(req, res, resolve))
  const changed = change.mock.calls.map(({ arguments: [object, proto] }) => [object, proto])
  change.mock.restore()

  assert.equal(req.reached, true)
  // into the mounted app and out of it again, nothing for the outer one
  assert.deepEqual(
    changed.filter(([object]) => object === req || object === res).map(([, proto]) => proto),
    [child.request, child.response, app.request, app.response]
  )
})
