'use strict'

// express.static and res.sendFile behind middleware that waits for the head or replaces write and end: morgan, response-time,
// cookie-session, express-session, compression.

const path = require('node:path')
const compression = require('compression')
const cookieSession = require('cookie-session')
const session = require('express-session')
const morgan = require('morgan')
const onHeaders = require('on-headers')
const responseTime = require('response-time')

const files = (prefix) => [
  { path: `${prefix}/hello.txt` },
  { path: `${prefix}/large.txt` },
  { path: `${prefix}/large.txt`, headers: { 'Accept-Encoding': 'gzip' } },
  { path: `${prefix}/none.txt`, expect: 404 },
  { path: `${prefix}/sub`, expect: 301 },
  { path: `${prefix}/sub/` },
  { path: `${prefix}/sent` },
  { method: 'HEAD', path: `${prefix}/hello.txt` },
  { path: `${prefix}/hello.txt`, headers: { 'If-None-Match': '*' }, expect: 304 },
  { path: `${prefix}/hello.txt`, headers: { 'If-Match': '"x"' }, expect: 412 },
  { path: `${prefix}/large.txt`, headers: { Range: 'bytes=5-9' }, expect: 206 },
  { path: `${prefix}/hello.txt`, headers: { Range: 'bytes=1000000-' }, expect: 416 }
]

module.exports = {
  name: 'static-behind',
  packages: [
    'morgan',
    'response-time',
    'cookie-session',
    'express-session',
    'compression',
    'on-headers'
  ],

  awaits: 'morgan',

  build(express, ctx) {
    const root = path.join(ctx.fixtures, 'public')
    const app = express()
    const format = ':method :url :status :res[content-length] :res[content-type] :res[x-changed]'
    app.use(morgan(format, { stream: { write: (line) => ctx.log('morgan', line) } }))
    app.use('/time', responseTime())
    app.use('/cookie', cookieSession({ name: 'session', keys: ['key'] }), (req, _res, next) => {
      req.session.seen = req.url
      next()
    })
    app.use(
      '/session',
      session({
        secret: 'secret',
        resave: false,
        saveUninitialized: true,
        genid: (req) => `id of ${req.url}`
      })
    )
    app.use('/compressed', compression({ threshold: 0 }))
    app.use('/changed', (_req, res, next) => {
      onHeaders(res, function () {
        this.setHeader('X-Changed', String(this.getHeader('content-length')))
        this.removeHeader('Last-Modified')
        if (this.statusCode === 200) this.statusCode = 203
      })
      next()
    })
    for (const prefix of ['/time', '/cookie', '/session', '/compressed', '/changed', '/']) {
      app.get(path.posix.join(prefix, 'sent'), (_req, res) => {
        res.sendFile('page.html', { root, maxAge: '1h', headers: { 'X-Sent': 'yes' } })
      })
      app.use(prefix, express.static(root))
    }
    app.use((err, _req, res, _next) => res.status(err.status).json({ message: err.message }))
    return app
  },

  volatile: {
    'x-response-time': { shape: /^\d+\.\d{3}ms$/, reason: 'measured' }
  },

  requests: [
    ...files(''),
    ...files('/time'),
    ...files('/cookie'),
    ...files('/session'),
    ...files('/compressed'),
    ...files('/changed').map((request) => ({
      ...request,
      expect: request.expect ?? 203
    }))
  ]
}
