'use strict'

// https.createServer(options, app): the target's app over Node's own TLS.

const fs = require('node:fs')
const https = require('node:https')
const path = require('node:path')

module.exports = {
  name: 'interop-https',
  packages: ['express'],

  build(express, ctx) {
    const app = express()
    app.use(express.json())
    app.get('/', (req, res) =>
      res.json({
        secure: req.secure,
        protocol: req.protocol,
        encrypted: req.socket.encrypted,
        cipher: typeof req.socket.getCipher
      })
    )
    app.post('/echo', (req, res) => res.cookie('s', '1', { secure: true }).json(req.body))
    app.get('/file', (req, res) => res.sendFile('public/large.txt', { root: ctx.fixtures }))
    app.get('/stream', async (req, res) => {
      for (let i = 0; i < 50; i++) {
        if (!res.write(`${i} `.repeat(1000)))
          await new Promise((resolve) => res.once('drain', resolve))
      }
      res.end()
    })
    const tls = path.join(ctx.fixtures, 'tls')
    const server = https.createServer(
      {
        key: fs.readFileSync(path.join(tls, 'key.pem')),
        cert: fs.readFileSync(path.join(tls, 'cert.pem'))
      },
      app
    )
    return { app, server, tls: true }
  },

  requests: [
    { path: '/' },
    { path: '/', headers: { 'X-Forwarded-Proto': 'http' } },
    { method: 'POST', path: '/echo', json: { over: 'tls' } },
    { path: '/file' },
    { path: '/file', headers: { Range: 'bytes=-10' }, expect: 206 },
    { path: '/stream' },
    { path: '/none', expect: 404 },
    { method: 'HEAD', path: '/' }
  ]
}
