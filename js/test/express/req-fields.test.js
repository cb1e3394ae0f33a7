// The fields that the router puts on requests, as middleware reads them: which exist when (`'route' in req`), and
// parseurl's memo `req._parsedUrl` at every depth. Values of single accessors are in req.test.js.
'use strict'

const { differential } = require('../helpers/differential')

const NAMES = ['route', 'params', 'baseUrl', 'originalUrl', 'next', 'res', '_parsedUrl']

function fields(req) {
  const memo = req._parsedUrl
  return {
    there: NAMES.filter((name) => name in req),
    route: req.route?.path,
    url: req.url,
    memo: memo && [memo.pathname, memo.query, memo.search, memo.path, memo.href, memo._raw]
  }
}

/** Notes the fields at every step, with what `touch(req)` does before; the last answers with the notes. */
const noting = (touch) => (express) => {
  const note = (req, res, next) => {
    if (touch) touch(req)
    if (!req.notes) req.notes = []
    req.notes.push(fields(req))
    next()
  }
  const answer = (req, res) => res.json(req.notes)
  const app = express()
  app.use(note)
  app.use('/mount', note)
  app.use('/slash/', note)
  app.use('/mount/deep', note, answer)
  app.get('/plain/:id', note, answer)
  app.get('/passes', note, (req, res, next) => next())
  const router = express.Router({ mergeParams: true })
  router.use(note)
  router.use('/in', note)
  router.get('/in/:x', note, answer)
  app.use('/router', router, note)
  app.use('/rewrite', (req, res, next) => {
    req.url = '/elsewhere?new=1'
    next()
  })
  app.use(note, answer)
  return app
}

const requests = [
  '/',
  '/?a=1&b',
  '/plain/7?q=1',
  '/passes',
  '/mount',
  '/mount?q',
  '/mount/x?q=2',
  '/slash?q=2',
  '/mount/deep/er?q=3',
  '/router',
  '/router/in/5?y=%20',
  '/router/other',
  '/rewrite/me?old=1',
  '/none?'
].map((path) => ({ path, status: 200 }))

differential('fields of a request', noting(), requests)
differential(
  'fields of a request whose query is read',
  noting((req) => req.query),
  requests
)
differential(
  'fields of a request whose memo is thrown away',
  noting((req) => {
    req._parsedUrl = undefined
    req.path
  }),
  requests
)
differential(
  'a response sees when there was no route',
  (express) => {
    const app = express()
    app.use((req, res, next) => {
      const { end } = res
      res.end = function (...args) {
        res.setHeader('X-Route', String('route' in req))
        return end.apply(this, args)
      }
      next()
    })
    app.get('/route', (_req, res) => res.send('x'))
    return app
  },
  [
    { path: '/route', status: 200 },
    { path: '/none', status: 404 }
  ]
)
