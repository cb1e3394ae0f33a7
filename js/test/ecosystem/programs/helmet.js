'use strict'

// helmet: the defaults, single middlewares, a nonce per request. The nonce must be deterministic to be comparable.

const helmet = require('helmet')

module.exports = {
  name: 'helmet',
  packages: ['helmet'],

  build(express) {
    const app = express()
    const own = express.Router()
    let count = 0
    own.use((req, res, next) => {
      res.locals.cspNonce = `nonce-${++count}`
      next()
    })
    own.use(
      helmet({
        contentSecurityPolicy: {
          directives: {
            'script-src': ["'self'", (req, res) => `'nonce-${res.locals.cspNonce}'`],
            'style-src': null
          },
          reportOnly: false
        },
        crossOriginEmbedderPolicy: { policy: 'credentialless' },
        referrerPolicy: { policy: ['origin', 'unsafe-url'] },
        strictTransportSecurity: { maxAge: 123456, includeSubDomains: false, preload: true },
        xFrameOptions: { action: 'deny' },
        xPoweredBy: false
      })
    )
    own.get('/', (req, res) => res.send(`<script nonce="${res.locals.cspNonce}"></script>`))
    app.use('/own', own)
    app.get(
      '/single',
      helmet.frameguard({ action: 'deny' }),
      helmet.noSniff(),
      helmet.hidePoweredBy(),
      (req, res) => res.send('single')
    )
    app.use(helmet())
    app.get('/', (req, res) => res.send('Hello world!'))
    app.get('/json', (req, res) => res.json({ ok: true }))
    app.get('/fails', () => {
      throw Object.assign(new Error('no tea'), { status: 418, headers: { 'X-Kept': 'yes' } })
    })
    return app
  },

  requests: [
    { path: '/' },
    { path: '/json' },
    { path: '/own' },
    { path: '/own' },
    { path: '/single' },
    { path: '/missing', expect: 404 },
    { path: '/fails', expect: 418 },
    { method: 'HEAD', path: '/' }
  ]
}
