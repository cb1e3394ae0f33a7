// Runs of middleware without a path, which a walk passes without a look at the layers, and everything
// that must end such a run: layers changed while requests are under way, other URLs, errors, next() again.
'use strict'

const dc = require('node:diagnostics_channel')
const { differential } = require('../helpers/differential')

/** Middleware that notes its name. */
const note = (name) => (req, _res, next) => {
  req.trail = `${req.trail ?? ''}${name}`
  next()
}

const tell = (req, res) => res.json([req.trail, req.url, req.params])

const caught = (err, req, res, _next) => res.status(500).json([String(err), req.trail])

differential(
  'a layer changed by an earlier one, while the request is under way',
  (express) => {
    const app = express()
    let times = 0
    app.use(note('a'))
    app.use((_req, _res, next) => {
      if (++times === 1) app.router.stack[3].handle = note('X')
      if (times === 2) app.router.stack.splice(2, 1)
      next()
    })
    app.use(note('b'), note('c'), note('d'))
    app.get('/', tell)
    return app
  },
  Array.from({ length: 4 }, () => ({ path: '/', status: 200 }))
)

differential(
  'a layer held since the start, changed between two requests',
  (express) => {
    const app = express()
    app.use(note('a'), note('b'), note('c'))
    const layer = app.router.stack[1]
    app.get('/', tell)
    app.get('/change', (_req, res) => {
      layer.handle = note('Y')
      res.end()
    })
    app.get('/error-handler', (_req, res) => {
      layer.handle = (_err, _req, _res, next) => next()
      res.end()
    })
    app.get('/own-method', (_req, res) => {
      layer.handleRequest = (req, res, next) => note('Z')(req, res, next)
      res.end()
    })
    return app
  },
  ['/', '/change', '/', '/', '/error-handler', '/', '/own-method', '/', '/']
)

differential(
  'a layer given away by the tracing channel',
  (express) => {
    const app = express()
    const channel = dc.tracingChannel('express.router.request')
    let held
    app.use(note('a'))
    app.use(function named(req, _res, next) {
      note('b')(req, null, next)
    })
    app.use(note('c'))
    app.get('/', tell)
    app.get('/listen', (_req, res) => {
      const subscriber = ({ layer, req }) => {
        if (req.app !== app || layer.name !== 'named') return
        held = layer
        setImmediate(() => channel.start.unsubscribe(subscriber))
      }
      channel.start.subscribe(subscriber)
      res.end()
    })
    app.get('/change', (_req, res) => {
      held.handle = note('H')
      res.end()
    })
    return app
  },
  ['/', '/listen', '/', '/', '/change', '/', '/']
)

differential(
  'other URLs and methods in the middle of a run',
  (express) => {
    const app = express()
    app.use(note('a'), note('b'))
    app.use((req, _res, next) => {
      if (req.query.to) req.url = req.query.to
      if (req.query.as) req.method = req.query.as
      next()
    })
    app.get('/passed', (_req, res) => res.send('only as it came'))
    app.use(note('c'), note('d'))
    app.use('/mount', note('e'), note('f'))
    app.use(note('g'), note('h'))
    app.get('/:id', tell)
    app.post('/:id', (_req, res) => res.send('posted'))
    app.use(note('i'), tell)
    return app
  },
  [
    '/x',
    '/passed',
    '/x?to=/passed',
    '/x?to=/mount/y',
    '/x?to=/mount',
    '/x?to=/mount?q',
    '/mount/z?to=/elsewhere',
    '/x?as=POST',
    { method: 'POST', path: '/x?as=GET' },
    '/x?to=/%25/b&as=PUT',
    '/a/b/c'
  ]
)

differential(
  'next() again, and again later, in a run',
  (express) => {
    const app = express()
    app.use((_req, _res, next) => {
      next()
      next()
    })
    app.use(note('a'), note('b'))
    app.use((_req, _res, next) => {
      setImmediate(next)
      process.nextTick(next)
    })
    app.use(note('c'))
    app.use((req, res, next) => {
      req.ends = (req.ends ?? 0) + 1
      // four ways lead here
      if (req.ends === 4) res.json([req.trail, req.ends])
      else next()
    })
    app.use(note('d'), (_req, _res, _next) => {})
    return app
  },
  ['/']
)

differential(
  'errors and rejections in a run',
  (express) => {
    const app = express()
    const fail = (name) => (req, _res, next) => {
      if (req.query.at !== name) return next()
      if (req.query.how === 'throw') throw new Error(name)
      if (req.query.how === 'reject') return Promise.reject(new Error(name))
      if (req.query.how === 'nothing') return Promise.reject()
      if (req.query.how === 'later') return setImmediate(next, new Error(name))
      return next(req.query.how)
    }
    app.use(note('a'), fail('1'), note('b'), fail('2'))
    app.use((_err, req, _res, next) => {
      note('E')(req, null, () => next(req.query.on ? 'again' : undefined))
    })
    app.use(note('c'), fail('3'), note('d'))
    app.get('/', tell)
    app.use(caught)
    return app
  },
  ['1', '2', '3'].flatMap((at) =>
    ['throw', 'reject', 'nothing', 'later', 'route', 'router', 'other'].flatMap((how) => [
      `/?at=${at}&how=${how}`,
      `/?at=${at}&how=${how}&on=1`
    ])
  )
)

differential(
  'req.params is another object in every layer',
  (express) => {
    const app = express()
    const seen = new Set()
    const look = (req, _res, next) => {
      seen.add(req.params)
      req.params.kept = 'not'
      next()
    }
    app.use(look, look, look)
    app.get('/', (req, res) => res.json([seen.size, req.params]))
    return app
  },
  ['/', '/']
)

differential(
  'layers added and moved while a run goes on',
  (express) => {
    const app = express()
    let times = 0
    app.use(note('a'))
    app.use((_req, _res, next) => {
      times++
      if (times === 1) app.use(note('late'), tell)
      if (times === 2) app.router.stack.push(app.router.stack.splice(2, 1)[0])
      if (times === 3) app.router.stack.length = 3
      next()
    })
    app.use(note('b'), note('c'))
    return app
  },
  ['/', '/', '/', '/']
)

differential(
  'a long run goes on after the call stack was left',
  (express) => {
    const app = express()
    for (let i = 0; i < 350; i++) app.use(note('.'))
    app.use((req, _res, next) => {
      if (req.url === '/turn') req.url = '/turned'
      next()
    })
    for (let i = 0; i < 350; i++) app.use(note(':'))
    app.get('/*path', tell)
    return app
  },
  ['/', '/a', '/turn']
)
