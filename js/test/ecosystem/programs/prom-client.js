'use strict'

// prom-client by hand (a counter and a histogram on 'finish') and through express-prom-bundle. Durations are the clock's:
// their sums and buckets are replaced, counts stay.

const client = require('prom-client')
const promBundle = require('express-prom-bundle')

module.exports = {
  name: 'prom-client',
  packages: ['prom-client', 'express-prom-bundle'],

  awaits: 'finished',

  build(express, ctx) {
    const app = express()
    const register = new client.Registry()
    const total = new client.Counter({
      name: 'http_requests_total',
      help: 'requests',
      labelNames: ['method', 'route', 'status'],
      registers: [register]
    })
    const duration = new client.Histogram({
      name: 'http_duration_seconds',
      help: 'duration',
      labelNames: ['route'],
      buckets: [0.5, 60],
      registers: [register]
    })
    app.use((req, res, next) => {
      const end = duration.startTimer()
      res.on('finish', () => {
        const route = (req.baseUrl || '') + (req.route?.path ?? 'none')
        total.inc({ method: req.method, route, status: res.statusCode })
        end({ route })
        ctx.log('finished', req.originalUrl)
      })
      next()
    })
    app.get('/metrics', async (req, res) => {
      res.set('Content-Type', register.contentType)
      res.end(await register.metrics())
    })
    app.use(
      '/bundled',
      promBundle({
        includeMethod: true,
        includePath: true,
        includeStatusCode: true,
        customLabels: { project: 'p' },
        buckets: [60],
        promRegistry: new client.Registry(),
        normalizePath: [['^.*/user/.*', '/user/#val']],
        metricsPath: '/bundled/metrics'
      })
    )
    app.get('/bundled/user/:id', (req, res) => res.json(req.params))
    app.get('/hello/:name', (req, res) => res.send(`hello ${req.params.name}`))
    const router = express.Router()
    router.post('/inner', (req, res) => res.status(201).end())
    app.use('/outer', router)
    return app
  },

  normalize(result) {
    return {
      ...result,
      headers: result.headers.filter(([n]) => n !== 'Content-Length' && n !== 'ETag'),
      body: result.body?.replace(/^(\w+_sum\{?[^ ]*) .+$/gm, '$1 <seconds>')
    }
  },

  requests: [
    { path: '/hello/a' },
    { path: '/hello/b' },
    { method: 'POST', path: '/outer/inner', expect: 201 },
    { path: '/none', expect: 404 },
    { path: '/bundled/user/1' },
    { path: '/bundled/user/2' },
    async function metrics({ request, until }) {
      await until('finished', 6)
      return [await request({ path: '/metrics' }), await request({ path: '/bundled/metrics' })]
    }
  ]
}
