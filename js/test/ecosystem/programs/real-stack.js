'use strict'

// The packages together, in the order in which applications stack them: what one hooks (writeHead, write, end, setHeader)
// the next hooks again. Several requests share a connection, some are pipelined.

const path = require('node:path')
const compression = require('compression')
const cookieParser = require('cookie-parser')
const cors = require('cors')
const helmet = require('helmet')
const methodOverride = require('method-override')
const morgan = require('morgan')
const onFinished = require('on-finished')
const responseTime = require('response-time')
const session = require('express-session')
const timeout = require('connect-timeout')
const { rateLimit } = require('express-rate-limit')
const { body, validationResult } = require('express-validator')

module.exports = {
  name: 'real-stack',
  packages: ['express'],

  build(express, ctx) {
    let ids = 0
    const app = express()
    app.set('trust proxy', 'loopback')
    app.set('views', path.join(ctx.fixtures, 'views/ejs'))
    app.set('view engine', 'ejs')
    app.use(responseTime())
    app.use(
      morgan(':method :url :status :res[content-length] :res[content-encoding]', {
        stream: { write: (line) => ctx.log('log', line) }
      })
    )
    app.use(helmet())
    app.use(cors({ origin: true, credentials: true }))
    app.use(timeout('60s'))
    app.use(compression({ threshold: 100 }))
    app.use(express.static(path.join(ctx.fixtures, 'public'), { maxAge: '1h', index: false }))
    app.use(
      rateLimit({
        windowMs: 900_000,
        limit: 1000,
        standardHeaders: 'draft-7',
        legacyHeaders: false
      })
    )
    app.use(express.json(), express.urlencoded({ extended: true }), cookieParser('secret'))
    app.use(methodOverride('X-HTTP-Method-Override'))
    app.use(
      session({
        secret: 'keyboard cat',
        resave: false,
        saveUninitialized: true,
        genid: () => `id-${++ids}`
      })
    )
    app.use((req, res, next) => {
      onFinished(res, (error) => ctx.log('finished', [req.originalUrl, error?.code ?? null]))
      res.locals.title = 'stack'
      next()
    })
    app.get('/', (req, res) => {
      req.session.views = (req.session.views ?? 0) + 1
      res.render('index', { people: [{ name: 'Ada' }, { name: 'Grace' }], own: req.session.views })
    })
    const api = express.Router()
    api.get('/items/:id', async (req, res) => {
      await new Promise((resolve) => setImmediate(resolve))
      res.json({
        id: req.params.id,
        ip: req.ip,
        list: Array.from({ length: 50 }, (_, i) => ({ i }))
      })
    })
    api.post('/items', body('name').isLength({ min: 3 }), (req, res) => {
      const errors = validationResult(req)
      if (!errors.isEmpty()) return res.status(422).json({ errors: errors.array() })
      res
        .cookie('made', req.body.name, { signed: true })
        .status(201)
        .location('/api/items/1')
        .json(req.body)
    })
    api.delete('/items/:id', (req, res) => res.sendStatus(204))
    api.get('/stream', async (req, res) => {
      res.type('text')
      for (let i = 0; i < 100; i++) {
        if (!res.write(`line ${i} `.repeat(50)))
          await new Promise((resolve) => res.once('drain', resolve))
      }
      res.end()
    })
    api.get('/fails', async () => {
      throw Object.assign(new Error('failed'), { status: 502 })
    })
    app.use('/api', api)
    app.use((req, res) => res.status(404).json({ missing: req.originalUrl }))
    app.use((err, req, res, next) => {
      if (res.headersSent) return next(err)
      res.status(err.status ?? 500).json({ message: err.message })
    })
    return app
  },

  volatile: {
    'x-response-time': { shape: /^\d+\.\d{3}ms$/, reason: 'measured' },
    ratelimit: { shape: /(?<=reset=)(900|89\d)/, reason: 'seconds left of the window' }
  },

  requests: [
    { path: '/', headers: { Origin: 'http://x.test' } },
    { path: '/', headers: { 'Accept-Encoding': 'gzip' } },
    {
      path: '/api/items/7?x=1',
      headers: { 'Accept-Encoding': 'br', 'X-Forwarded-For': '9.8.7.6' }
    },
    { method: 'POST', path: '/api/items', json: { name: 'thing' }, expect: 201 },
    { method: 'POST', path: '/api/items', json: { name: 'x' }, expect: 422 },
    {
      method: 'POST',
      path: '/api/items',
      body: '{',
      headers: { 'Content-Type': 'application/json' },
      expect: 400
    },
    {
      method: 'POST',
      path: '/api/items/7',
      headers: { 'X-HTTP-Method-Override': 'DELETE' },
      expect: 204
    },
    {
      method: 'OPTIONS',
      path: '/api/items',
      headers: { Origin: 'http://x.test', 'Access-Control-Request-Method': 'POST' },
      expect: 204
    },
    { path: '/api/stream', headers: { 'Accept-Encoding': 'gzip' } },
    { path: '/api/fails', expect: 502 },
    { path: '/hello.txt' },
    { path: '/large.txt', headers: { 'Accept-Encoding': 'gzip' } },
    { path: '/nothing', expect: 404 },
    { method: 'HEAD', path: '/api/items/7' },
    async function oneConnection({ open, encodeRequest, cookieJar }) {
      const connection = await open()
      const out = []
      let cookies = ''
      for (const options of [
        { path: '/' },
        { path: '/' },
        { method: 'POST', path: '/api/items', json: { name: 'kept' } },
        { path: '/api/stream' },
        { path: '/' }
      ]) {
        connection.write(encodeRequest({ ...options, cookies }))
        const answer = await connection.readResponse(options.method)
        cookies = cookieJar(answer, cookies)
        out.push(answer)
      }
      connection.destroy()
      return out
    },
    async function pipelined({ open, encodeRequest }) {
      const connection = await open()
      const paths = ['/api/items/1', '/hello.txt', '/api/stream', '/nothing', '/api/items/2']
      connection.write(
        Buffer.concat(paths.map((p) => encodeRequest({ path: p, cookies: 'fixed=1' })))
      )
      const out = []
      for (const p of paths) out.push(await connection.readResponse(p))
      connection.destroy()
      return out
    }
  ],

  awaits: 'log',

  check({ answers }) {
    if (!answers.oneConnection[4].body.includes('3</p>'))
      throw new Error('the session was not kept')
  }
}
