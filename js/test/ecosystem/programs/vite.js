'use strict'

// vite in middleware mode, as its server-side rendering guide shows: transformed modules, HTML, CSS, 404s, ssrLoadModule, and
// the socket of hot module replacement on the server that listen() returned.

const path = require('node:path')
const fs = require('node:fs')
const { WebSocket } = require('ws')

module.exports = {
  name: 'vite',
  packages: ['vite'],
  env: { NODE_ENV: 'development' },

  build(express, ctx) {
    const app = express()
    app.get('/api', (req, res) => res.json({ before: 'vite' }))
    const root = path.join(ctx.fixtures, 'vite')
    let vite
    return {
      app,
      async attach(server) {
        const { createServer } = await import('vite')
        vite = await createServer({
          root,
          configFile: false,
          logLevel: 'silent',
          appType: 'custom',
          cacheDir: ctx.temporaryDirectory(),
          optimizeDeps: { noDiscovery: true },
          legacy: { skipWebSocketTokenCheck: true },
          server: {
            middlewareMode: { server },
            hmr: { server },
            watch: null,
            allowedHosts: ['app.test']
          }
        })
        app.use(vite.middlewares)
        app.use('/{*rest}', async (req, res, next) => {
          if (!req.accepts('html') || !/^\/(page)?(\?|$)/.test(req.originalUrl)) return next()
          try {
            const template = await vite.transformIndexHtml(
              req.originalUrl,
              fs.readFileSync(path.join(root, 'index.html'), 'utf8')
            )
            const { render } = await vite.ssrLoadModule('/entry-server.js')
            res
              .status(200)
              .set({ 'Content-Type': 'text/html' })
              .end(template.replace('<!--app-html-->', await render(req.originalUrl)))
          } catch (error) {
            next(error)
          }
        })
        vite.ws.on('own:ping', (data, client) => client.send('own:pong', { got: data }))
      },
      close: () => vite.close()
    }
  },

  normalize(result) {
    const hide = (text) =>
      text
        ?.replace(/const wsToken = "[^"]+"/, 'const wsToken = "<random>"')
        .replace(
          /(const wsToken = "<random>"[\s\S]*sourceMappingURL=)\S+/,
          '$1<the source again, with the token>'
        )
        .replace(/\?t=\d+/g, '?t=<time>')
        .replace(/ecosystem-\w{6}/g, '<cache>')
        .replace(/\?v=[0-9a-f]{8}/g, '?v=<hash>')
        .replace(/(serverHost = ")[^"]*/, '$1<host>')
    return {
      ...result,
      body: hide(result.body),
      headers: result.headers.map(([n, v]) =>
        (n === 'Etag' || n === 'Content-Length') && hide(result.body) !== result.body
          ? [n, '<of random text>']
          : [n, v]
      )
    }
  },

  requests: [
    { path: '/api' },
    { path: '/', headers: { Accept: 'text/html' } },
    { path: '/page?x=1', headers: { Accept: 'text/html' } },
    { path: '/main.js' },
    { path: '/style.css', headers: { 'Sec-Fetch-Dest': 'script' } },
    { path: '/style.css?direct', headers: { Accept: 'text/css' } },
    { path: '/data.json?import' },
    { path: '/logo.svg' },
    { path: '/logo.svg?import' },
    { path: '/@vite/client' },
    { path: '/broken.js', expect: 404 },
    { path: '/none.js', expect: 404 },
    { path: '/../../package.json', expect: 404 },
    { path: '/', headers: { Host: 'evil.test' }, expect: 403 },
    { method: 'HEAD', path: '/main.js' },
    async function cached({ request }) {
      const first = await request({ path: '/main.js' })
      return request({
        path: '/main.js',
        headers: { 'If-None-Match': first.headers.find(([n]) => n === 'Etag')[1] }
      })
    }
  ],

  async transcript(baseUrl, { port }) {
    const ws = new WebSocket(`ws://127.0.0.1:${port}/`, 'vite-hmr', {
      headers: { Host: 'app.test' }
    })
    // The error of /broken.js arrives as a message of its own, at a time of its own: only the awaited types count.
    const heard = (type) =>
      new Promise((resolve, reject) => {
        ws.on('message', (data) => {
          const message = JSON.parse(data)
          if (message.type === type) resolve(message)
        })
        ws.once('error', reject)
      })
    const lines = [await heard('connected'), ws.protocol]
    const pong = heard('custom')
    ws.send(JSON.stringify({ type: 'custom', event: 'own:ping', data: { n: 1 } }))
    lines.push(await pong)
    const closed = new Promise((resolve) => ws.once('close', resolve))
    ws.close(1000)
    lines.push(await closed)
    return lines
  }
}
