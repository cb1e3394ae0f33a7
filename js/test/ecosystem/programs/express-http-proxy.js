'use strict'

// express-http-proxy: decorators for requests, paths, bodies, headers and answers, filters, errors, time-outs of the
// upstream. The upstream is a plain node:http server in the same process.

const proxy = require('express-http-proxy')

const hide = (value) => String(value).replace(/127\.0\.0\.1:\d+/g, '<upstream>')

module.exports = {
  name: 'express-http-proxy',
  packages: ['express-http-proxy'],

  async build(express, ctx) {
    const { url } = await ctx.upstream((req, res) => {
      if (req.url.startsWith('/reset')) return req.socket.destroy()
      if (req.url.startsWith('/none')) {
        res.writeHead(404, { 'Content-Type': 'text/plain' })
        return res.end('upstream has none')
      }
      const parts = []
      req.on('data', (d) => parts.push(d))
      req.on('end', () => {
        res.writeHead(200, {
          'Content-Type': 'application/json',
          'Set-Cookie': ['a=1', 'b=2'],
          'X-Drop': 'me'
        })
        res.end(
          JSON.stringify({
            method: req.method,
            url: req.url,
            headers: { ...req.headers, host: hide(req.headers.host) },
            body: Buffer.concat(parts).toString()
          })
        )
      })
    })
    const app = express()
    app.use('/proxy', proxy(url))
    app.use(
      '/missing',
      proxy(url, {
        proxyReqPathResolver: (req) => `/none${req.url}`,
        skipToNextHandlerFilter: (proxyRes) => proxyRes.statusCode === 404
      })
    )
    app.use('/missing', (req, res) => res.status(404).send('next handler'))
    app.use(
      '/decorated',
      proxy(url, {
        filter: (req) => req.method !== 'DELETE',
        proxyReqPathResolver: async (req) => `/resolved${req.url.toUpperCase()}`,
        proxyReqOptDecorator: (options) => {
          options.headers['x-added'] = 'yes'
          return options
        },
        proxyReqBodyDecorator: (body) =>
          body?.length ? `decorated ${JSON.stringify(body.toString())}` : body,
        userResHeaderDecorator: (headers) => {
          const { 'x-drop': dropped, ...rest } = headers
          return { ...rest, 'x-dropped': dropped }
        },
        userResDecorator: (proxyRes, data) =>
          JSON.stringify({ wrapped: JSON.parse(data.toString()) })
      })
    )
    app.use('/decorated', (req, res) => res.send('filtered out'))
    app.use('/stream', proxy(url, { parseReqBody: false }))
    app.use('/parsed', express.json(), proxy(url, { preserveHostHdr: true }))
    app.use('/limited', proxy(url, { limit: '1kb' }))
    app.use(
      '/reset',
      proxy(url, {
        proxyReqPathResolver: () => '/reset',
        proxyErrorHandler: (err, res, next) =>
          err.code === 'ECONNRESET' ? res.status(599).send('own') : next(err)
      })
    )
    app.use((err, req, res, next) =>
      res.status(err.status || 500).json({ message: err.message, code: err.code })
    )
    return app
  },

  requests: [
    { path: '/proxy/a?b=c' },
    { method: 'POST', path: '/proxy/a', json: { x: [1] } },
    { method: 'POST', path: '/proxy/form', form: { a: 'b c' } },
    { path: '/missing/x', expect: 404 },
    { path: '/decorated/path?q=1' },
    {
      method: 'POST',
      path: '/decorated/path',
      body: 'text',
      headers: { 'Content-Type': 'text/plain' }
    },
    { method: 'DELETE', path: '/decorated/path' },
    {
      method: 'PUT',
      path: '/stream/up',
      body: 'z'.repeat(50_000),
      headers: { 'Content-Type': 'application/octet-stream' }
    },
    {
      method: 'PUT',
      path: '/stream/chunked',
      headers: { 'Transfer-Encoding': 'chunked' },
      body: '3\r\nabc\r\n0\r\n\r\n'
    },
    { method: 'POST', path: '/parsed/x', json: { parsed: true } },
    { method: 'POST', path: '/limited/x', body: 'y'.repeat(5000), expect: 413 },
    { path: '/reset/x', expect: 599 },
    { method: 'HEAD', path: '/proxy/head' }
  ]
}
