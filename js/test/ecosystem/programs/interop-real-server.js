'use strict'

// The target's app under servers that it did not make: http.createServer(app), a real Express app that listens and mounts it,
// and the app called as a function. Requests go to http.createServer's; the others are asked from inside.

const http = require('node:http')
const path = require('node:path')
const { oraclePath } = require('../lib/targets')

const real = require(oraclePath())
const { request } = require('../lib/raw-http')

function make(express, ctx) {
  const app = express()
  app.set('trust proxy', true)
  app.use(express.json(), express.urlencoded({ extended: true }))
  app.get('/', (req, res) =>
    res.json({ hello: 'world', ip: typeof req.ip, protocol: req.protocol, ips: req.ips })
  )
  app.get('/users/:id', (req, res) => res.send(`<p>${req.params.id}</p>`))
  app.post('/echo', (req, res) => res.json(req.body))
  app.post('/pipe', (req, res) => req.pipe(res))
  app.post('/iterate', async (req, res) => {
    let size = 0
    for await (const chunk of req) size += chunk.length
    res.send(String(size))
  })
  app.get('/instances', (req, res) =>
    res.json({
      req: req instanceof http.IncomingMessage,
      res: res instanceof http.ServerResponse,
      own: Object.getPrototypeOf(req) === app.request,
      ownRes: Object.getPrototypeOf(res) === app.response
    })
  )
  app.get('/head', (req, res) =>
    res.writeHead(201, 'Own Reason', { 'X-CaSe': 'kept', 'x-list': ['a', 'b'] }).end('written')
  )
  app.get('/trailers', (req, res) => {
    res.setHeader('Trailer', 'X-End')
    res.write('body')
    res.addTrailers({ 'X-End': 'done' })
    res.end()
  })
  app.get('/redirect', (req, res) => res.redirect('/?q=<b>'))
  app.get('/jsonp', (req, res) => res.jsonp({ a: 1 }))
  app.get('/download', (req, res) =>
    res.download(path.join(ctx.fixtures, 'public/hello.txt'), 'näme.txt')
  )
  app.get('/throws', () => {
    throw Object.assign(new Error('x'), { status: 503, expose: true })
  })
  app.use(express.static(path.join(ctx.fixtures, 'public')))
  return app
}

const requests = [
  { path: '/' },
  { path: '/', headers: { 'X-Forwarded-For': '1.2.3.4, 5.6.7.8', 'X-Forwarded-Proto': 'https' } },
  { path: '/users/%C3%A4%20b' },
  { path: '/users/%zz', expect: 400 },
  { method: 'POST', path: '/echo', json: { a: { b: [1] } } },
  { method: 'POST', path: '/echo', form: 'a[b]=1&c=d' },
  { method: 'POST', path: '/pipe', body: 'p'.repeat(200_000) },
  { method: 'POST', path: '/iterate', body: 'i'.repeat(200_000) },
  { path: '/instances' },
  { path: '/head', expect: 201 },
  { path: '/trailers' },
  { path: '/redirect', expect: 302 },
  { path: '/jsonp?callback=cb' },
  { path: '/download' },
  { path: '/throws', expect: 503 },
  { path: '/none', expect: 404 },
  { path: '/hello.txt' },
  { path: '/hello.txt', headers: { Range: 'bytes=2-5' }, expect: 206 },
  { path: '/sub', expect: 301 },
  { method: 'HEAD', path: '/' },
  { method: 'OPTIONS', path: '/echo' }
]

module.exports = {
  name: 'interop-real-server',
  packages: ['express'],

  build(express, ctx) {
    const app = make(express, ctx)
    return { app, server: http.createServer(app) }
  },

  async inside(express, ctx) {
    const app = make(express, ctx)
    app.set('error pages', 'express')
    const outside = real()
    outside.use((req, res, next) => {
      res.set('X-Outside', 'yes')
      next()
    })
    outside.use('/mounted', app)
    outside.use((err, req, res, next) => res.status(err.status).send(`outside: ${err.message}`))
    const called = http.createServer((req, res) => {
      if (req.url === '/before') return res.end('before')
      app(req, res)
    })
    const handled = http.createServer((req, res) => {
      app.handle(req, res, (err) => {
        res.statusCode = 499
        res.end(`done: ${err?.message ?? 'no error'}`)
      })
    })
    const out = {}
    for (const [name, server, prefix] of [
      ['mounted', http.createServer(outside), '/mounted'],
      ['called', called, ''],
      ['handled', handled, '']
    ]) {
      await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
      const { port } = server.address()
      out[name] = []
      for (const one of requests)
        out[name].push(await request({ port }, { ...one, path: prefix + one.path }))
      server.close()
      server.closeAllConnections()
    }
    // Over IPC a body would be a plain object: text goes.
    for (const list of Object.values(out))
      for (const answer of list) answer.body = answer.body?.toString('latin1')
    return out
  },

  requests
}
