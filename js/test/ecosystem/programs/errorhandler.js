'use strict'

// errorhandler: HTML, JSON and text by Accept, status from the error, its log callback. Stacks are fixed texts, because
// real ones name files.

const errorhandler = require('errorhandler')

module.exports = {
  name: 'errorhandler',
  packages: ['errorhandler'],

  build(express, ctx) {
    const app = express()
    const fail = (properties) =>
      Object.assign(
        new Error('boom <b>'),
        { stack: 'Error: boom <b>\n    at somewhere (file.js:1:2)' },
        properties
      )
    app.get('/sync', () => {
      throw fail()
    })
    app.get('/async', async () => {
      throw fail({ status: 422, extra: { detail: [1] } })
    })
    app.get('/next', (req, res, next) => next(fail({ statusCode: 503 })))
    app.get('/status-set', (req, res, next) => {
      res.status(409)
      next(fail())
    })
    app.get('/string', (req, res, next) => next('just a string'))
    app.get('/object', (req, res, next) => next({ plain: 'object' }))
    app.get('/late', (req, res, next) => {
      res.write('begun')
      next(fail())
    })
    app.use(
      errorhandler({ log: (err, text, req) => ctx.log('errors', [text, req.url, req.method]) })
    )
    return app
  },

  requests: ['/sync', '/async', '/next', '/status-set', '/string', '/object']
    .flatMap((path) =>
      ['text/html', 'application/json', 'text/plain'].map((accept) => ({
        name: `${path} ${accept}`,
        path,
        headers: { Accept: accept },
        expect: { '/async': 422, '/next': 503, '/status-set': 409 }[path] ?? 500
      }))
    )
    .concat([
      { path: '/late', expect: 'EOF' },
      { path: '/none', expect: 404 },
      { method: 'HEAD', path: '/sync', expect: 500 }
    ])
}
