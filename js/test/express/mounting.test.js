// Routers and apps inside of others: url, baseUrl, params, app and locals, prototypes, apps of Express
// and of this project in each other.
'use strict'

const { differential, ours, theirs } = require('../helpers/differential')
const { show } = require('../helpers/handlers')

/** What a handler sees of where it is. */
const where = (name) => (req, res) =>
  res.json({
    base: req.baseUrl,
    name,
    original: req.originalUrl,
    params: req.params,
    path: req.path,
    route: req.route?.path,
    url: req.url
  })

differential(
  'nested routers and mounted apps: url, baseUrl, params, app',
  (express) => {
    const app = express()
    const blog = express()
    const admin = express()
    const router = express.Router()
    const merged = express.Router({ mergeParams: true })
    for (const [name, each] of Object.entries({ admin, app, blog }))
      each.set('title', name).locals.name = name

    admin.get('/', (req, res) =>
      res.json({ app: req.app.get('title'), base: req.baseUrl, path: req.app.path(), url: req.url })
    )
    admin.get('/error', () => {
      throw new Error('in admin')
    })
    blog.use('/admin', admin)
    blog.use((req, _res, next) => {
      req.trail = [...(req.trail ?? []), `${req.app.get('title')} ${req.baseUrl} ${req.url}`]
      next()
    })
    blog.get('/post/:id', where('post'))
    app.use('/blog', blog)
    app.use(['/m1', '/m2'], blog)
    app.use('/after', express().get('/none', where('none')))
    app.use((req, res, next) =>
      req.query.trail ? res.json([req.trail, req.app.get('title'), res.app === req.app]) : next()
    )
    router.get('/x', where('router x'))
    router.use('/deep', merged)
    merged.get('/:two', where('merged'))
    app.use('/r/:one', router)
    app.use('/r/:one', merged)
    app.use('/sub', (req, _res, next) => {
      req.url = req.url.replace('old', 'new')
      next()
    })
    app.get('/sub/new', where('rewritten'))
    app.use(show)
    return app
  },
  [
    '/blog/admin',
    '/blog/admin/',
    '/blog/admin/error',
    '/blog/admin/missing',
    '/blog/post/5?q=1',
    '/m1/post/1',
    '/m2/admin',
    '/blog/none?trail=1',
    '/after/none',
    '/after/other?trail=1',
    '/r/1/x',
    '/r/1/deep/2',
    '/r/a%20b/deep/2',
    '/r/%zz/x',
    '/sub/old',
    '/blogger',
    '/BLOG/post/1',
    '/blog//post/1'
  ]
)

for (const [outer, inner] of [
  ['ours', 'theirs'],
  ['theirs', 'ours']
]) {
  const pick = (which, express) =>
    which === 'theirs' ? theirs : express === theirs ? theirs : ours

  differential(
    `an app of ${inner} mounted in one of ${outer}`,
    (express) => {
      // the reference run has Express on both sides
      const app = pick(outer, express)()
      const child = pick(inner, express)()
      const router = pick(inner, express).Router()
      child.get('/', (req, res) =>
        res.json({ base: req.baseUrl, ip: req.ip, title: req.app.get('title'), url: req.url })
      )
      child.get('/redirect', (_req, res) => res.cookie('a', 'b').redirect('/there'))
      child.get('/error', () => {
        throw new Error('inner')
      })
      router.get('/x/:id', (req, res) => res.send(`router ${req.params.id} ${req.query.q}`))
      app.set('title', 'outer')
      app.use('/child', child)
      app.use('/router', router)
      app.use((_req, res, next) => (res.locals.done ? next() : res.status(404).send('outer 404')))
      app.use(show)
      return app
    },
    [
      '/child',
      '/child/',
      '/child/redirect',
      '/child/error',
      '/child/missing',
      '/router/x/1?q=2',
      '/router/none'
    ].map((path) => ({ path }))
  )
}

differential(
  'prototypes: extended for an app and what is mounted on it',
  (express) => {
    const app = express()
    const child = express()
    const sibling = express()
    app.request.shout = function () {
      return `${this.method}!`
    }
    app.response.ok = function () {
      return this.send('ok')
    }
    child.response.own = function () {
      return this.send('own')
    }
    child.get('/', (req, res) => res.set('X-Shout', req.shout()).own())
    sibling.get('/', (_req, res) => res.send(typeof res.own))
    app.use('/child', child)
    app.use('/sibling', sibling)
    app.use('/through', express(), (_req, res) => res.send(typeof res.own))
    app.get('/', (req, res) => res.set('X-Shout', req.shout()).ok())
    return app
  },
  ['/', '/child', '/sibling', '/through'].map((path) => ({ path, status: 200 }))
)

differential(
  'locals, req.res, res.req, app(req, res, next)',
  (express) => {
    const app = express()
    const inner = express()
    inner.get('/inner', (req, res) => res.send(`inner ${res.locals.seen} ${req.app === inner}`))
    app.use((req, res, next) => {
      const bare =
        Object.getPrototypeOf(res.locals) === null && Object.keys(res.locals).length === 0
      res.locals.seen = [
        bare,
        req.res === res,
        res.req === req,
        req.app === app,
        res.app === app
      ].join()
      next()
    })
    app.use((req, res, next) => inner(req, res, next))
    app.get('/', (_req, res) => res.send(res.locals.seen))
    app.use((req, res) => res.status(404).send(`fell through ${req.app === inner}`))
    return app
  },
  [
    { path: '/', status: 200 },
    { path: '/inner', status: 200 },
    { path: '/none', status: 404 }
  ]
)

differential(
  'targets with a host or a fragment reach nested routers',
  (express) => {
    const app = express()
    const router = express.Router()
    const inner = express.Router()
    const show = (req, res) =>
      res.json([req.url, req.baseUrl, req.originalUrl, req.path, req.params, req.query])
    inner.get('/:id', show)
    inner.get(/^\/re(.*)$/, show)
    router.use('/in', inner)
    router.get('/:id', show)
    app.use('/a', router)
    app.use((req, res) => res.status(404).send(`none ${req.url}`))
    return app
  },
  [
    'http://h/a/1',
    'http://h/a/in/1?q=1',
    'http://h/a/in/re/2',
    '/a/in/1#f',
    '/a/in/re/x#f',
    '/a/in/1?q#f',
    '/a#f',
    '/a/in#f',
    'http://h/a'
  ]
)
