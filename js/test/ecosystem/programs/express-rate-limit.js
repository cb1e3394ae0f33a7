'use strict'

// express-rate-limit: legacy and draft headers, the 429, keys, skip, trust proxy validation. Only the seconds until the
// reset are the clock's.

const { rateLimit, ipKeyGenerator } = require('express-rate-limit')

module.exports = {
  name: 'express-rate-limit',
  packages: ['express-rate-limit'],

  build(express, ctx) {
    const app = express()
    const limit = (options) => rateLimit({ windowMs: 15 * 60 * 1000, limit: 2, ...options })
    app.use('/legacy', limit({ legacyHeaders: true, standardHeaders: false }))
    app.use(
      '/draft6',
      limit({
        legacyHeaders: false,
        standardHeaders: 'draft-6',
        message: { error: 'slow down' },
        statusCode: 430
      })
    )
    app.use('/draft7', limit({ legacyHeaders: false, standardHeaders: 'draft-7' }))
    app.use(
      '/draft8',
      limit({ legacyHeaders: false, standardHeaders: 'draft-8', identifier: 'api' })
    )
    app.use(
      '/keyed',
      limit({
        standardHeaders: false,
        keyGenerator: (req) => req.get('x-key') ?? ipKeyGenerator(req.ip),
        skip: (req) => req.query.skip === 'yes',
        handler: (req, res, next, options) =>
          res
            .status(options.statusCode)
            .send(
              `limited ${req.rateLimit.used} of ${req.rateLimit.limit} for ${req.rateLimit.key}`
            )
      })
    )
    app.use('/failed-only', limit({ standardHeaders: false, skipSuccessfulRequests: true }))
    app.get('/failed-only/ok', (req, res) => {
      res.on('finish', () => ctx.log('finish', res.statusCode))
      res.send('ok')
    })
    app.get('/failed-only/bad', (req, res) => res.status(400).send('bad'))
    app.get('/{*rest}', (req, res) =>
      res.json({
        ip: req.ip,
        used: req.rateLimit?.used ?? null,
        remaining: req.rateLimit?.remaining ?? null
      })
    )
    return app
  },

  volatile: {
    'x-ratelimit-reset': { shape: /^\d+$/, reason: 'a point in time' },
    'ratelimit-reset': { shape: /^(900|89\d)$/, reason: 'seconds left of the window' },
    'retry-after': { shape: /^(900|89\d)$/, reason: 'seconds left of the window' },
    ratelimit: { shape: /(?<=reset=|t=)(900|89\d)/, reason: 'seconds left of the window' }
  },

  requests: [
    ...['/legacy', '/draft6', '/draft7', '/draft8'].flatMap((path) => [
      { path },
      { path },
      { path, expect: path === '/draft6' ? 430 : 429 }
    ]),
    { path: '/keyed', headers: { 'X-Key': 'a' } },
    { path: '/keyed', headers: { 'X-Key': 'a' } },
    { path: '/keyed', headers: { 'X-Key': 'a' }, expect: 429 },
    { path: '/keyed', headers: { 'X-Key': 'b' } },
    { path: '/keyed?skip=yes', headers: { 'X-Key': 'a' } },
    { path: '/failed-only/bad', expect: 400 },
    { path: '/failed-only/bad', expect: 400 },
    { path: '/failed-only/bad', expect: 429 },
    { path: '/free' }
  ]
}
