'use strict'

// serve-index beside serve-static: HTML, JSON and text listings, icons, filters, errors.

const path = require('node:path')
const serveIndex = require('serve-index')

module.exports = {
  name: 'serve-index',
  packages: ['serve-index'],

  build(express, ctx) {
    const root = path.join(ctx.fixtures, 'public')
    const app = express()
    app.use(
      '/ftp',
      express.static(root, { index: false, redirect: false }),
      serveIndex(root, { icons: true, view: 'details' })
    )
    app.use('/plain', serveIndex(root, { hidden: true, filter: (name) => name !== 'script.js' }))
    return app
  },

  requests: [
    { path: '/ftp/', headers: { Accept: 'text/html' } },
    { path: '/ftp/', headers: { Accept: 'application/json' } },
    { path: '/ftp/', headers: { Accept: 'text/plain' } },
    { path: '/ftp/', headers: { Accept: 'image/png' }, expect: 406 },
    { path: '/ftp/sub/', headers: { Accept: 'text/html' } },
    { path: '/ftp/hello.txt' },
    { path: '/ftp/none/', expect: 404 },
    { path: '/plain', headers: { Accept: 'application/json' } },
    { path: '/plain/../x', expect: 403 },
    { path: '/plain/..%2f..%2f', expect: 403 },
    { method: 'HEAD', path: '/plain' },
    { method: 'OPTIONS', path: '/plain' },
    { method: 'DELETE', path: '/plain', expect: 405 }
  ]
}
