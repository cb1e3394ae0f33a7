'use strict'

// http-proxy-middleware: path rewriting, headers, bodies both ways, a response interceptor, errors of the upstream, and a
// WebSocket proxy (both ways of attaching it). The upstream is a plain node:http server in the same process.

const {
  createProxyMiddleware,
  responseInterceptor,
  fixRequestBody
} = require('http-proxy-middleware')
const { WebSocketServer, WebSocket } = require('ws')
const { messagesOf } = require('../lib/messages')
const { Connection } = require('../lib/raw-http')

const hide = (value) => String(value).replace(/127\.0\.0\.1:\d+/g, '<upstream>')

module.exports = {
  name: 'http-proxy-middleware',
  packages: ['http-proxy-middleware'],

  async build(express, ctx) {
    const { server, url } = await ctx.upstream((req, res) => {
      if (req.url.startsWith('/slow-stream')) {
        res.writeHead(200, { 'Content-Type': 'text/plain', 'X-Upstream': 'yes' })
        res.write('first,')
        setImmediate(() => res.end('second'))
        return
      }
      if (req.url.startsWith('/cookie')) {
        res.writeHead(302, {
          'Set-Cookie': ['a=1; Domain=upstream.test; Path=/', 'b=2'],
          Location: `${url}/elsewhere`
        })
        return res.end()
      }
      if (req.url.startsWith('/reset')) return req.socket.destroy()
      let body = ''
      req.on('data', (d) => {
        body += d
      })
      req.on('end', () => {
        res.setHeader('X-Upstream', 'yes')
        res.setHeader('Content-Type', 'application/json')
        res.end(
          JSON.stringify({
            method: req.method,
            url: req.url,
            headers: { ...req.headers, host: hide(req.headers.host) },
            body
          })
        )
      })
    })
    const wss = new WebSocketServer({ server, path: '/socket' })
    wss.on('connection', (ws, req) => {
      ws.send(`welcome ${req.url} ${req.headers['x-added'] ?? 'nothing added'}`)
      ws.on('message', (data, binary) => ws.send(binary ? data : `echo ${data}`, { binary }))
      ws.on('close', (code) => ctx.log('upstream-close', code))
    })

    const app = express()
    app.use('/api', createProxyMiddleware({ target: `${url}/base`, changeOrigin: true }))
    app.use(
      createProxyMiddleware({
        target: url,
        pathFilter: ['/filtered/**', '!/filtered/not'],
        pathRewrite: { '^/filtered': '/rewritten' },
        xfwd: true,
        headers: { 'X-Static': 's' },
        on: {
          proxyReq: (proxyReq, req) =>
            proxyReq.setHeader('X-Proxy-Req', `${req.method} ${req.originalUrl}`),
          proxyRes: (proxyRes) => {
            proxyRes.headers['x-proxy-res'] = String(proxyRes.statusCode)
          }
        }
      })
    )
    app.use(
      '/parsed',
      express.json(),
      createProxyMiddleware({ target: url, on: { proxyReq: fixRequestBody } })
    )
    app.use(
      '/changed',
      createProxyMiddleware({
        target: url,
        selfHandleResponse: true,
        on: {
          proxyRes: responseInterceptor(async (buffer, proxyRes, req, res) => {
            res.setHeader('X-Changed', 'yes')
            return `changed:${buffer.toString('utf8').length}`
          })
        }
      })
    )
    app.use(
      '/cookies',
      createProxyMiddleware({
        target: url,
        cookieDomainRewrite: 'app.test',
        autoRewrite: true,
        hostRewrite: 'app.test',
        pathRewrite: { '^/': '/cookie' }
      })
    )
    app.use('/broken', createProxyMiddleware({ target: url, pathRewrite: () => '/reset' }))
    app.use(
      '/handled',
      createProxyMiddleware({
        target: url,
        pathRewrite: () => '/reset',
        on: {
          error: (err, req, res) =>
            res.writeHead(599, { 'Content-Type': 'text/plain' }).end(`own ${err.code}`)
        }
      })
    )
    const sockets = createProxyMiddleware({
      target: url,
      pathFilter: '/socket',
      ws: true,
      on: { proxyReqWs: (proxyReq) => proxyReq.setHeader('X-Added', 'by proxy') }
    })
    app.use(sockets)
    app.get('/local', (req, res) => res.send('local'))
    return { app, attach: (front) => front.on('upgrade', sockets.upgrade) }
  },

  normalize(result) {
    return {
      ...result,
      headers: result.headers.map(([n, v]) => [n, hide(v)]),
      body: hide(result.body)
    }
  },

  requests: [
    { path: '/api/users?x=1' },
    { method: 'POST', path: '/api/users', json: { a: 1 } },
    {
      method: 'PUT',
      path: '/api/chunked',
      headers: { 'Transfer-Encoding': 'chunked' },
      body: '5\r\nhello\r\n0\r\n\r\n'
    },
    { path: '/filtered/a%20b?q=%C3%A4' },
    { path: '/filtered/not', expect: 404 },
    { method: 'POST', path: '/parsed/x', json: { parsed: true } },
    { path: '/changed/x' },
    { path: '/cookies/', expect: 302 },
    { path: '/api/slow-stream' },
    { path: '/filtered/../slow-stream', expect: 404 },
    { path: '/broken/', expect: 504 },
    { path: '/handled/', expect: 599 },
    { path: '/local' },
    { method: 'HEAD', path: '/api/head' },
    { method: 'OPTIONS', path: '/api/options' },
    { method: 'DELETE', path: '/api/delete' },
    async function streams({ request }) {
      return request({ path: '/api/slow-stream', headers: { Connection: 'close' } })
    }
  ],

  async transcript(baseUrl, { port, until }) {
    const lines = []
    const ws = new WebSocket(`ws://127.0.0.1:${port}/socket?q=1`, { headers: { Host: 'app.test' } })
    const next = messagesOf(ws)
    lines.push(await next())
    ws.send('one')
    lines.push(await next())
    ws.send(Buffer.from([1, 2, 3]))
    lines.push((await next()).toString())
    ws.send('x'.repeat(200_000))
    lines.push((await next()).length)
    const closed = new Promise((resolve) => ws.on('close', (code) => resolve(code)))
    ws.close(4001, 'done')
    lines.push(await closed, await until('upstream-close', 1))

    const raw = await Connection.open({ port })
    raw.write(
      'GET /socket HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
    )
    lines.push(await raw.readResponse())
    raw.destroy()
    lines.push(await until('upstream-close', 2))
    return lines
  }
}
