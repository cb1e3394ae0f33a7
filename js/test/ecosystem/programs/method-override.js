'use strict'

// method-override: by header, by query, by a function over the parsed body. It must come before the routes, as documented.

const methodOverride = require('method-override')

module.exports = {
  name: 'method-override',
  packages: ['method-override'],

  build(express) {
    const app = express()
    app.use(methodOverride())
    app.use(methodOverride('X-Method-Override'))
    app.use(methodOverride('_method', { methods: ['POST', 'GET'] }))
    app.use(express.urlencoded({ extended: true }))
    app.use(
      methodOverride((req) => {
        if (req.body && typeof req.body === 'object' && '_method' in req.body) {
          const method = req.body._method
          delete req.body._method
          return method
        }
      })
    )
    const show = (name) => (req, res) =>
      res.json({
        route: name,
        method: req.method,
        original: req.originalMethod,
        body: req.body ?? null
      })
    app.get('/thing', show('get'))
    app.post('/thing', show('post'))
    app.put('/thing', show('put'))
    app.patch('/thing', show('patch'))
    app.delete('/thing', show('delete'))
    const router = express.Router()
    router.delete('/inner/:id', (req, res) => res.json({ id: req.params.id, method: req.method }))
    app.use('/nested', router)
    return app
  },

  requests: [
    { path: '/thing' },
    { method: 'POST', path: '/thing' },
    { method: 'POST', path: '/thing', headers: { 'X-HTTP-Method-Override': 'PUT' } },
    { method: 'POST', path: '/thing', headers: { 'X-Method-Override': 'patch' } },
    { method: 'POST', path: '/thing?_method=DELETE' },
    { path: '/thing?_method=DELETE' },
    { method: 'POST', path: '/thing', form: { _method: 'delete', a: '1' } },
    { method: 'POST', path: '/thing?_method=BOGUS' },
    { method: 'PUT', path: '/thing?_method=DELETE' },
    { method: 'POST', path: '/nested/inner/3?_method=DELETE' },
    { method: 'POST', path: '/none?_method=DELETE', expect: 404 },
    { method: 'POST', path: '/thing?_method=HEAD', readAs: 'HEAD', name: 'overridden by HEAD' }
  ]
}
