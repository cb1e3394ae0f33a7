'use strict'

// Real Express apps and routers mounted inside the target's app, and the target's inside a real Express app: settings, urls,
// params, errors, response helpers, middleware on both sides of the border.

const path = require('node:path')
const { oraclePath } = require('../lib/targets')

const real = require(oraclePath())

/** One app and one router of a given framework, with what is likely to cross the border. */
function parts(express, name, ctx) {
  const app = express()
  app.use(express.json())
  app.locals.owner = name
  app.get('/', (req, res) =>
    res.json({
      owner: req.app.locals.owner,
      baseUrl: req.baseUrl,
      url: req.url,
      original: req.originalUrl,
      mountpath: req.app.mountpath,
      path: req.app.path(),
      res: res.app === req.app
    })
  )
  app.get('/params/:a/*rest', (req, res) =>
    res.json({
      params: req.params,
      query: req.query,
      ip: typeof req.ip,
      protocol: req.protocol,
      fresh: req.fresh,
      hostname: req.hostname
    })
  )
  app.post('/body', (req, res) => res.status(201).location('/made').json(req.body))
  app.get('/file', (req, res) => res.sendFile('public/hello.txt', { root: ctx.fixtures }))
  app.get('/format', (req, res) =>
    res.format({ text: () => res.send('text'), json: () => res.json({ json: true }) })
  )
  app.get('/cookie', (req, res) =>
    res
      .cookie('a', 'b', { httpOnly: true })
      .append('X-A', '1')
      .append('X-A', '2')
      .vary('Accept')
      .redirect('back/there')
  )
  app.get('/stream', (req, res) => {
    res.type('txt').write('one,')
    setImmediate(() => res.end('two'))
  })
  app.get('/throws', () => {
    throw Object.assign(new Error(`thrown in ${name}`), { status: 409 })
  })
  app.get('/rejects', async () => {
    throw Object.assign(new Error(`rejected in ${name}`), { status: 410 })
  })
  app.use('/static', express.static(path.join(ctx.fixtures, 'public')))
  const router = express.Router({ mergeParams: true })
  router.use((req, res, next) => {
    res.set('X-Router', name)
    next()
  })
  router.param('id', (req, res, next, id) => {
    req.found = `found ${id}`
    next()
  })
  router.get('/item/:id', (req, res) =>
    res.json({
      params: req.params,
      found: req.found,
      baseUrl: req.baseUrl,
      url: req.url,
      route: req.route.path
    })
  )
  router.get('/out', (req, res, next) => next('router'))
  router
    .route('/many')
    .get(
      (req, res, next) => next(),
      (req, res) => res.send('many')
    )
    .post((req, res) => res.status(202).end())
  return { app, router }
}

/** Mounts `inner` (of the other framework) in a new app of `express`. */
function outer(express, inner, extra) {
  const app = express()
  app.locals.owner = 'outer'
  app.use((req, res, next) => {
    res.set('X-Outer', 'yes')
    next()
  })
  app.use('/sub', inner.app)
  app.use('/router/:outer', inner.router)
  app.get('/handler', inner.handler)
  app.get('/after', (req, res) => res.json({ owner: req.app.locals.owner, baseUrl: req.baseUrl }))
  app.use('/router/:outer/out', (req, res) => res.send('left the router'))
  app.use((err, req, res, next) =>
    res.status(err.status ?? 500).json({ message: err.message, app: req.app.locals.owner })
  )
  extra?.(app)
  return app
}

const paths = [
  ...[
    '/',
    '/params/x/y/z?q=1&q=2',
    '/file',
    '/format',
    '/stream',
    '/static/hello.txt',
    '/static/sub',
    '/none'
  ].map((p) => ({ path: `/sub${p}`, expect: { '/none': 404, '/static/sub': 301 }[p] ?? 200 })),
  { path: '/sub/cookie', expect: 302 },
  { path: '/sub/throws', expect: 409 },
  { path: '/sub/rejects', expect: 410 },
  { method: 'POST', path: '/sub/body', json: { a: 1 }, expect: 201 },
  {
    method: 'POST',
    path: '/sub/body',
    body: '{',
    headers: { 'Content-Type': 'application/json' },
    expect: 400
  },
  { method: 'OPTIONS', path: '/sub/body' },
  { method: 'HEAD', path: '/sub/format', headers: { Accept: 'application/json' } },
  { path: '/sub/file', headers: { Range: 'bytes=1-3' }, expect: 206 },
  { path: '/router/o/item/5' },
  { path: '/router/o/out' },
  { path: '/router/o/many' },
  { method: 'POST', path: '/router/o/many', expect: 202 },
  { method: 'OPTIONS', path: '/router/o/many' },
  { path: '/handler' },
  { path: '/after' }
]

module.exports = {
  name: 'interop-mount',
  packages: ['express'],

  build(express, ctx) {
    // Everything hangs under one app of the target, which listens; the second half goes back into it from real Express.
    const innerReal = parts(real, 'inner', ctx)
    const innerOurs = parts(express, 'inner', ctx)
    const handler = (req, res) =>
      res.json({ json: typeof res.json, app: typeof req.app, url: req.url })
    const app = outer(express, { ...innerReal, handler })
    const realOutside = outer(real, { ...innerOurs, handler })
    app.use('/real-outside', realOutside)
    return app
  },

  requests: [
    ...paths,
    ...paths.map((p) => ({ ...p, path: `/real-outside${p.path}`, expect: p.expect }))
  ]
}
