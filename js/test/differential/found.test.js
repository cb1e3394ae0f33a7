'use strict'
// What generated programs have found, each as the smallest program that shows it: answers are those of Express, byte for byte.

const { describe, test } = require('node:test')
const path = require('node:path')
const { get, post, sideBySide } = require('./side-by-side')

const FILE = path.join(__dirname, '..', 'ecosystem', 'fixtures', 'public', 'hello.txt')

/** Headers that the answer with a file gets unless it has them. */
const FIELDS = ['Cache-Control', 'ETag', 'Last-Modified', 'Accept-Ranges', 'Content-Type', 'X-A']

/** Each fills an app, and says what it is asked for. */
const programs = {
  'a param callback rewrites the URL of a mounted router': (express, app) => {
    const router = express.Router()
    router.use('/:more', (req, res) => res.send(`stale ${req.url}`))
    router.get('/path', (req, res) => res.send(`new ${req.baseUrl} ${req.url} ${req.params.id}`))
    app.param('id', (req, _res, next, id) => {
      if (id === 'move') req.url = '/move/path'
      if (id === 'short') req.url = '/short'
      if (id === 'post') req.method = 'POST'
      next()
    })
    router.post('/:more', (req, res) => res.send(`posted ${req.params.more}`))
    app.use('/:id', router, (req, res) => res.send(`behind ${req.url}`))
    return ['/move/old', '/move/path', '/short/a', '/post/a', '/other/a', '/other']
  },
  'a param callback calls next() twice': (express, app) => {
    const router = express.Router()
    router.use((req, res, next) => {
      res.append('X-Seen', `${req.baseUrl}|${req.url}`)
      next()
    })
    router.get('/a', (_req, _res, next) => next())
    app.param('id', (_req, res, next) => {
      next()
      if (!res.headersSent) next()
    })
    app.use('/:id', router)
    app.use('/:id/a', router)
    app.use((req, res, next) => {
      if (res.get('X-Last')) return res.headersSent ? undefined : res.send('end')
      res.set('X-Last', '1')
      req.url = '/other/a'
      next()
    })
    app.use((_req, res) => (res.headersSent ? undefined : res.send('end')))
    return ['/1/a', '/1/a/a', '/1']
  },
  'OPTIONS becomes another method on its way': (express, app) => {
    app.get('/:id', (_req, res) => res.send('the route'))
    app.use((req, _res, next) => {
      const method = { '/lower': 'get', '/odd': 'ODD', '/upper': 'GET', '/head': 'HEAD' }[req.url]
      if (method) req.method = method
      next()
    })
    app.put('/:id', (_req, res) => res.send('put'))
    app.post(/^\/(\w+)$/, (_req, res) => res.send('posted'))
    const router = express.Router()
    router.delete('/', (_req, res) => res.send('deleted'))
    app.use('/:id', router)
    return ['/lower', '/odd', '/upper', '/head', '/none']
  },
  'a status that is no number is not fresh': (_express, app) => {
    app.use((req, res) => {
      const status = { nan: NaN, text: '200', undefined: undefined, null: null }
      const { fresh } = Object.assign(req, { note: (res.statusCode = status[req.url.slice(1)]) })
      res.statusCode = 200
      res.json({ fresh })
    })
    return ['/nan', '/text', '/undefined', '/null']
  },
  'HEAD becomes GET in front of a file, with a replaced writeHead': (express, app) => {
    app.use((req, res, next) => {
      const { writeHead } = res
      res.writeHead = function (...args) {
        this.setHeader('X-Hooked', req.method)
        return writeHead.apply(this, args)
      }
      if (req.url !== '/as-it-is') req.method = 'GET'
      next()
    })
    app.get('/file', (_req, res) => res.sendFile(FILE))
    app.use(express.static(path.dirname(FILE)))
    return ['/file', '/hello.txt', '/none', '/as-it-is']
  },
  'what is written behind an answer does not come to the next one': (_express, app) => {
    const seen = []
    app.get('/first', (_req, res) => {
      res.once('close', () => {
        res.writeProcessing()
        res.flushHeaders()
        seen.push('late')
      })
      res.send('first')
    })
    app.get('/second', (_req, res) => {
      res.send('second')
      const { outputSize } = res.setTimeout(60_000)
      try {
        res.flushHeaders()
        seen.push(`${outputSize}`)
      } catch (err) {
        seen.push(err.message)
      }
    })
    app.get('/seen', (_req, res) => res.send(seen.splice(0).sort()))
    return ['/first', '/second', '/first', '/second', '/seen']
  },
  'a header without a value does not keep a file from its own': (_express, app) => {
    app.use((req, res) => {
      res.set(req.url.slice(1), '')
      res.sendFile(FILE)
    })
    return FIELDS.map((name) => `/${name}`)
  },
  'a header of no values at all does': (_express, app) => {
    app.use((req, res) => {
      res.setHeader(req.url.slice(1), [])
      res.sendFile(FILE)
    })
    return FIELDS.map((name) => `/${name}`)
  },
  'the same of headers that the file brings': (_express, app) => {
    app.use('/empty', (req, res) => {
      res.sendFile(FILE, { headers: { [req.url.slice(1)]: '' } })
    })
    app.use('/none', (req, res) => {
      res.sendFile(FILE, { headers: { [req.url.slice(1)]: [] } })
    })
    return FIELDS.flatMap((name) => [`/empty/${name}`, `/none/${name}`])
  }
}

for (const [name, program] of Object.entries(programs)) {
  describe(name, () => {
    let targets
    const { same } = sideBySide((express) => {
      const app = express()
      app.set('error pages', 'express')
      app.set('env', 'test')
      targets = program(express, app)
      return app
    })
    test('answers as Express does', () =>
      same(
        targets.flatMap((target) => [
          get(target),
          get(target, 'If-None-Match: *\r\n'),
          post(target, 'text/plain', 'body'),
          get(target).replace('GET', 'OPTIONS'),
          get(target).replace('GET', 'HEAD')
        ])
      ))
  })
}
