// app.METHOD, all, route, use, param; next('route'), next('router'); HEAD, OPTIONS; errors and
// rejections. Routers and apps inside of others are in mounting.test.js.
'use strict'

const { differential } = require('../helpers/differential')
const { show } = require('../helpers/handlers')
const http = require('node:http')

const methods = http.METHODS.filter((method) => method !== 'CONNECT')

differential(
  'every method reaches its own route only',
  (express) => {
    const app = express()
    for (const method of methods)
      app[method.toLowerCase()]('/', (req, res) => res.send(`${method} ${req.method}`))
    app.all('/all', (req, res) => res.send(`all ${req.method}`))
    app.get('/get', (req, res) => res.set('X-Method', req.method).send('get'))
    app
      .route('/route')
      .get((_req, res) => res.send('route get'))
      .post((_req, res) => res.send('route post'))
    app
      .route('/route-all')
      .all((_req, _res, next) => next())
      .put((_req, res) => res.send('put'))
    app.get(['/one', '/two'], [(_req, _res, next) => next(), [(_req, res) => res.send('list')]])
    return app
  },
  [
    ...methods.flatMap((method) =>
      ['/', '/all', '/get', '/route', '/route-all', '/missing'].map((path) => ({ method, path }))
    ),
    { path: '/one', status: 200 },
    { path: '/two', status: 200 },
    { method: 'HEAD', path: '/get', status: 200 }
  ]
)

differential(
  'OPTIONS answers with the methods of the routes that match',
  (express) => {
    const app = express()
    const router = express.Router()
    app.get('/users', (_req, res) => res.send('x'))
    app.put('/users', (_req, res) => res.send('x'))
    app.all('/everything', (_req, res) => res.send(`all`))
    router.delete('/users', (_req, res) => res.send('x'))
    router.get('/inner', (_req, res) => res.send('x'))
    app.use(router)
    app.get('/own', (_req, res) => res.send('x'))
    app.options('/own', (_req, res) => res.send('own options'))
    app.get('/error', (_req, res) => res.send('x'))
    app.use('/error', (_req, _res, next) => next(new Error('failed')))
    app.use(show)
    return app
  },
  ['/users', '/everything', '/inner', '/own', '/error', '/missing', '/', '*'].map((path) => ({
    method: 'OPTIONS',
    path
  }))
)

differential(
  'parameters, wildcards, optional parts, decoding',
  (express) => {
    const app = express()
    const params = (name) => (req, res) =>
      res.json({ name, params: req.params, list: Object.keys(req.params) })
    app.get('/user/:id', params('id'))
    app.get('/user/:id/:op', params('two'))
    app.get('/files/*path', params('wildcard'))
    app.get('/opt{/:maybe}', params('optional'))
    app.get('/range/:from-:to', params('range'))
    app.get('/ext/:file.:ext', params('ext'))
    app.get(/^\/re\/(\d+)(?:\/(?<tail>\w+))?$/, params('regexp'))
    app.get(['/list/:a', /^\/list2\/(.+)$/], params('list'))
    app.get('/__proto__/:__proto__', params('proto'))
    app.use(show)
    return app
  },
  [
    '/user/1',
    '/user/1/',
    '/User/1',
    '/user/a%20b',
    '/user/%C3%BC',
    '/user/%zz',
    '/user/%',
    '/user/a%2Fb',
    '/user/1/edit',
    '/user/',
    '/files/a/b/c',
    '/files/a%2Fb/c',
    '/files/',
    '/files//',
    '/files/%zz',
    '/opt',
    '/opt/x',
    '/opt/',
    '/range/1-2',
    '/range/1-2-3',
    '/ext/a.b',
    '/ext/a.b.c',
    '/re/42',
    '/re/42/x',
    '/re/x',
    '/list/1',
    '/list2/a/b',
    '/user/1?x=%zz',
    '/__proto__/x',
    '//user/1',
    '/user/1;a=b',
    '/user/..',
    '/user/+',
    '/user/a:b'
  ]
)

differential(
  'case sensitive and strict routing',
  (express) => {
    const app = express()
    app.enable('case sensitive routing').enable('strict routing')
    app.get('/Path', (_req, res) => res.send('Path'))
    app.get('/slash/', (_req, res) => res.send('slash'))
    app.use('/mount/', (req, res) => res.send(`mount ${req.url}`))
    return app
  },
  ['/Path', '/path', '/Path/', '/slash', '/slash/', '/mount', '/mount/', '/mount/x', '/Mount/x']
)

differential(
  'app.param',
  (express) => {
    const app = express()
    const router = express.Router({ mergeParams: true })
    const calls = (req) => (req.calls ??= [])
    app.param('id', (req, _res, next, id, name) => {
      calls(req).push(`${name}=${id}`)
      if (id === 'error') next(new Error('bad id'))
      else if (id === 'throw') throw new Error('thrown id')
      else if (id === 'route') next('route')
      else next()
    })
    app.param('id', (req, _res, next, id) => {
      calls(req).push(`second ${id}`)
      next()
    })
    app.param(['a', 'b'], async (req, _res, next, value, name) => {
      if (value === 'reject') throw new Error(`rejected ${name}`)
      calls(req).push(`${name}:${value}`)
      next()
    })
    app.get('/user/:id', (req, _res, next) =>
      next(req.params.id === 'next' ? undefined : undefined)
    )
    app.get('/user/:id', (req, res) => res.json({ calls: req.calls, params: req.params }))
    app.get('/pair/:a/:b', (req, res) => res.json({ calls: req.calls, params: req.params }))
    router.param('inner', (req, _res, next, value) => {
      calls(req).push(`inner ${value}`)
      next()
    })
    router.get('/:inner', (req, res) => res.json({ calls: req.calls, params: req.params }))
    app.use('/nested/:id', router)
    app.get('/user/:other', (_req, res) => res.send('other'))
    app.use(show)
    return app
  },
  [
    '/user/1',
    '/user/error',
    '/user/throw',
    '/user/route',
    '/pair/1/2',
    '/pair/1/reject',
    '/pair/reject/1',
    '/nested/5/x',
    '/nested/error/x',
    '/user/%zz'
  ].map((path) => ({ path }))
)

differential(
  "next('route') and next('router')",
  (express) => {
    const app = express()
    const router = express.Router()
    app.get(
      '/skip',
      (_req, _res, next) => next('route'),
      (_req, res) => res.send('not skipped')
    )
    app.get('/skip', (_req, res) => res.send('skipped'))
    app.get(
      '/late',
      (_req, _res, next) => setImmediate(next, 'route'),
      (_req, res) => res.send('not skipped')
    )
    app.get('/late', (_req, res) => res.send('late'))
    router.use((req, _res, next) => next(req.query.out ? 'router' : undefined))
    router.get('/', (_req, res) => res.send('inner'))
    app.use('/router', router, (_req, res) => res.send('after the router'))
    app.get('/app', (_req, _res, next) => next('router'))
    app.get('/app', (_req, res) => res.send('not reached'))
    app.use('/param/:x', (_req, _res, next) => next('route'))
    app.get('/param/:x', (_req, res) => res.send('param'))
    app.use(show)
    return app
  },
  ['/skip', '/late', '/router', '/router?out=1', '/app', '/param/1'].map((path) => ({ path }))
)

const thrown = [
  new Error('plain'),
  Object.assign(new Error('teapot'), { status: 418 }),
  'text',
  { odd: 1 },
  0,
  null,
  undefined,
  false
]
differential(
  'errors: thrown, passed, rejected; handlers in order',
  (express) => {
    const app = express()
    app.get('/throw/:i', (req) => {
      throw thrown[req.params.i]
    })
    app.get('/next/:i', (req, _res, next) => next(thrown[req.params.i]))
    app.get('/reject/:i', async (req) => {
      await null
      throw thrown[req.params.i]
    })
    app.get(
      '/late-reject/:i',
      (req) => new Promise((_resolve, reject) => setImmediate(reject, thrown[req.params.i]))
    )
    app.get('/recover', (_req, _res, next) => next(new Error('first')))
    app.use('/recover', (_err, _req, _res, next) => next())
    app.use('/recover', (_req, res) => res.send('recovered'))
    app.get('/replace', () => {
      throw new Error('first')
    })
    app.use('/replace', (err, _req, _res, _next) => {
      throw new Error(`second after ${err.message}`)
    })
    app.get('/async-handler', () => Promise.reject(new Error('first')))
    app.use('/async-handler', async (err, _req, _res, _next) => {
      throw new Error(`async after ${err.message}`)
    })
    app.get(
      '/in-route',
      (_req, _res, next) => next(new Error('route')),
      (_req, res) => res.send('no'),
      (err, _req, res, _next) => res.send(`route handler: ${err.message}`)
    )
    app.get(
      '/arity',
      (_req, _res, next) => next(new Error('x')),
      (_a, _b, _c, _d, _e) => {}
    )
    // biome-ignore lint/suspicious/noThenProperty: a thenable that is no Promise is the case
    app.get('/thenable', () => ({ then: (_ok, fail) => fail(new Error('thenable')) }))
    app.get('/async-ok', async (_req, res) => {
      await null
      res.send('async ok')
    })
    app.get('/async-next', async (_req, _res, next) => next())
    app.get('/async-next', (_req, res) => res.send('async next'))
    app.use(show)
    return app
  },
  [
    ...['throw', 'next', 'reject', 'late-reject'].flatMap((kind) =>
      thrown.map((_, i) => ({ path: `/${kind}/${i}` }))
    ),
    ...[
      '/recover',
      '/replace',
      '/async-handler',
      '/in-route',
      '/arity',
      '/thenable',
      '/async-ok',
      '/async-next'
    ].map((path) => ({ path }))
  ]
)

differential(
  'long stacks of synchronous handlers do not exhaust the call stack',
  (express) => {
    const app = express()
    for (let i = 0; i < 6000; i++) app.use((_req, _res, next) => next())
    app.get('/', ...Array.from({ length: 6000 }, () => (_req, _res, next) => next()), (_req, res) =>
      res.send('end')
    )
    return app
  },
  [{ path: '/', status: 200 }]
)

differential(
  'a parameter that cannot be decoded is an error in any route that the path fits',
  (express) => {
    const app = express()
    app.post('/post/:id', (req, res) => res.send('post'))
    app.put('/rest/*rest', (req, res) => res.send('put'))
    app.delete(/^\/expression\/(.+)/, (req, res) => res.send('delete'))
    app.get('/shown', (req, res) => res.send('shown'))
    app.param('id', (req, res, next, id) => next(new Error(`param ${id}`)))
    app.use((req, res) => res.send(`end of ${req.url}, route ${req.route?.path}`))
    app.use((err, req, res, next) => res.status(err.status || 500).send(err.message))
    return app
  },
  [
    { path: '/post/%zz', status: 400 },
    { method: 'POST', path: '/post/%ff', status: 400 },
    { method: 'DELETE', path: '/post/%', status: 400 },
    { path: '/rest/a/%zz/b', status: 400 },
    { path: '/expression/%zz', status: 400 },
    { path: '/expression/%20', status: 200 },
    { path: '/post/%20', status: 200 },
    { method: 'OPTIONS', path: '/expression/%20' },
    { method: 'HEAD', path: '/expression/%20' },
    { path: '/other/%zz', status: 200 },
    { path: '/shown', status: 200 }
  ]
)
