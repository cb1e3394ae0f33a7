'use strict'

// serve-static from npm (not express.static): conditional requests, ranges, dotfiles, redirects, options, errors.

const path = require('node:path')
const serveStatic = require('serve-static')

module.exports = {
  name: 'serve-static',
  packages: ['serve-static'],

  build(express, ctx) {
    const root = path.join(ctx.fixtures, 'public')
    const app = express()
    app.use(
      '/options',
      serveStatic(root, {
        index: ['none.html', 'page.html'],
        extensions: ['html', 'txt'],
        dotfiles: 'allow',
        maxAge: '1d',
        immutable: true,
        etag: false,
        lastModified: false,
        acceptRanges: false,
        cacheControl: true
      })
    )
    app.use('/strict', serveStatic(root, { fallthrough: false, redirect: false, dotfiles: 'deny' }))
    app.use(
      '/headers',
      serveStatic(root, {
        setHeaders: (res, file, stat) =>
          res.setHeader('X-File', `${path.basename(file)} ${stat.size}`),
        maxAge: 1000
      })
    )
    app.use(serveStatic(root))
    app.use((err, req, res, next) =>
      res.status(err.status).json({ message: err.message, code: err.code, status: err.status })
    )
    return app
  },

  requests: [
    { path: '/' },
    { path: '/hello.txt' },
    { path: '/data.json' },
    { path: '/style.css?v=1' },
    { path: '/script.js' },
    { path: '/sub', expect: 301 },
    { path: '/sub?x=<y>', expect: 301 },
    { path: '/sub/' },
    { path: '/sub/name%20with%20space.txt' },
    { path: '/.hidden', expect: 404 },
    { path: '/missing', expect: 404 },
    { path: '/hello.txt/', expect: 404 },
    { path: '/../package.json', expect: 404 },
    { path: '/%2e%2e/package.json', expect: 404 },
    { path: '/%00', expect: 404 },
    { path: '/%zz', expect: 404 },
    { method: 'HEAD', path: '/hello.txt' },
    { method: 'POST', path: '/hello.txt', expect: 404 },
    ...[
      'bytes=0-4',
      'bytes=-5',
      'bytes=10-',
      'bytes=0-0,5-6',
      'bytes=9999-',
      'items=0-1',
      'bytes=abc'
    ].map((range) => ({
      name: `range ${range}`,
      path: '/hello.txt',
      headers: { Range: range },
      expect:
        { 'bytes=9999-': 416, 'items=0-1': 200, 'bytes=abc': 200, 'bytes=0-0,5-6': 200 }[range] ??
        206
    })),
    { method: 'HEAD', path: '/hello.txt', headers: { Range: 'bytes=0-4' }, expect: 206 },
    async function conditional({ request }) {
      const value = (answer, name) => answer.headers.find(([n]) => n === name)[1]
      const first = await request({ path: '/large.txt' })
      const etag = value(first, 'ETag')
      const modified = value(first, 'Last-Modified')
      const tries = [
        { 'If-None-Match': etag },
        { 'If-None-Match': `"x", ${etag}` },
        { 'If-None-Match': '*' },
        { 'If-None-Match': '"x"' },
        { 'If-Modified-Since': modified },
        { 'If-Modified-Since': 'Thu, 01 Jan 1970 00:00:00 GMT' },
        { 'If-Match': '"x"' },
        { 'If-Match': etag },
        { 'If-Unmodified-Since': 'Thu, 01 Jan 1970 00:00:00 GMT' },
        { 'If-Range': etag, Range: 'bytes=0-3' },
        { 'If-Range': '"x"', Range: 'bytes=69998-' },
        { 'If-Range': modified, Range: 'bytes=0-3' },
        { 'If-None-Match': etag, 'Cache-Control': 'no-cache' }
      ]
      const out = [first]
      for (const headers of tries) out.push(await request({ path: '/large.txt', headers }))
      return out
    },
    { path: '/options/' },
    { path: '/options/hello' },
    { path: '/options/.hidden' },
    { path: '/options/hello.txt', headers: { Range: 'bytes=0-1' } },
    { path: '/strict/missing', expect: 404 },
    { path: '/strict/sub', expect: 404 },
    { path: '/strict/.hidden', expect: 403 },
    { method: 'PUT', path: '/strict/hello.txt', expect: 405 },
    { path: '/headers/hello.txt' }
  ]
}
