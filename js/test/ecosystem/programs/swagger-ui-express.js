'use strict'

// swagger-ui-express: the page, its generated init script, assets, options, two documents. It must not fetch anything.

const swaggerUi = require('swagger-ui-express')

const document = {
  openapi: '3.0.0',
  info: { title: 'Test', version: '1.0.0' },
  paths: { '/pets': { get: { responses: { 200: { description: 'ok' } } } } }
}

module.exports = {
  name: 'swagger-ui-express',
  packages: ['swagger-ui-express'],

  build(express) {
    const app = express()
    app.use(
      '/docs',
      swaggerUi.serve,
      swaggerUi.setup(document, {
        explorer: true,
        customSiteTitle: 'Own <title>',
        customCss: '.topbar { display: none }',
        swaggerOptions: { docExpansion: 'none', persistAuthorization: true }
      })
    )
    app.use('/one', swaggerUi.serveFiles(document, {}), swaggerUi.setup(document))
    app.use('/static', swaggerUi.serveWithOptions({ redirect: false, cacheControl: false }))
    app.get('/static', swaggerUi.setup(document))
    app.use(
      '/dynamic',
      (req, res, next) => {
        req.swaggerDoc = { ...document, host: req.get('host') }
        next()
      },
      swaggerUi.serveFiles(),
      swaggerUi.setup()
    )
    return app
  },

  requests: [
    { path: '/docs', expect: 301 },
    { path: '/docs/' },
    { path: '/docs/swagger-ui-init.js' },
    { path: '/docs/swagger-ui.css' },
    { path: '/docs/favicon-32x32.png' },
    { path: '/docs/package.json', expect: 404 },
    { path: '/one/' },
    { path: '/one/swagger-ui-init.js' },
    { path: '/static/' },
    { path: '/static/swagger-ui.css', headers: { Range: 'bytes=0-99' }, expect: 206 },
    { path: '/dynamic/' },
    { path: '/dynamic/swagger-ui-init.js' }
  ]
}
