'use strict'

// on-finished and on-headers as other packages use them: order of calls, errors for clients that leave, header changes at
// the last moment for every way of sending a head.

const onFinished = require('on-finished')
const onHeaders = require('on-headers')

module.exports = {
  name: 'on-finished',
  packages: ['on-finished', 'on-headers'],

  build(express, ctx) {
    const app = express()
    app.use((req, res, next) => {
      const note = (what) => ctx.log(req.path, what)
      note(['at start', onFinished.isFinished(req), onFinished.isFinished(res)])
      onFinished(req, (err, msg) => note(['request finished', err?.code ?? null, msg === req]))
      onFinished(res, (err, msg) =>
        note(['response finished', err?.code ?? null, msg === res, msg.statusCode, msg.headersSent])
      )
      onHeaders(res, function () {
        note(['headers second', this === res, this.getHeader('x-order')])
        this.setHeader('X-Order', `${this.getHeader('x-order')}, second registered`)
        this.removeHeader('X-Powered-By')
      })
      onHeaders(res, function () {
        note(['headers first', this.statusCode, this.getHeaderNames()])
        this.setHeader('X-Order', 'last registered')
        if (this.statusCode === 299) this.statusCode = 203
      })
      next()
    })
    app.get('/send', (req, res) => res.send('send'))
    app.get('/json', (req, res) => res.status(299).json({ status: 'changed on the way' }))
    app.get('/end', (req, res) => res.end())
    app.get('/write', (req, res) => {
      res.write('a')
      res.end('b')
    })
    app.get('/head-object', (req, res) => res.writeHead(201, { 'X-One': '1' }).end())
    app.get('/head-array', (req, res) =>
      res
        .writeHead(202, 'Fine', [
          ['X-One', '1'],
          ['X-Two', '2']
        ])
        .end()
    )
    app.get('/head-flat', (req, res) =>
      res.writeHead(200, ['X-One', '1', 'X-Two', '2']).end('flat')
    )
    app.get('/flush', (req, res) => {
      res.flushHeaders()
      setImmediate(() => res.end('flushed'))
    })
    app.get('/redirect', (req, res) => res.redirect('/send'))
    app.get('/file', (req, res) => res.sendFile('public/hello.txt', { root: ctx.fixtures }))
    app.post('/body', (req, res) => {
      req.resume()
      req.on('end', () => {
        ctx.log('/body', ['isFinished at end', onFinished.isFinished(req)])
        res.send('read')
      })
    })
    app.post('/unread', (req, res) => res.send('not read'))
    app.get('/leave', (req, res) => {
      res.write('begun')
    })
    app.get('/late', (req, res) => {
      onFinished(res, () => {
        ctx.log('/late', ['is finished', onFinished.isFinished(res)])
        onFinished(res, () => ctx.log('/late', 'registered when finished already'))
      })
      res.end('late')
    })
    return app
  },

  requests: [
    { path: '/send' },
    { path: '/json', expect: 203 },
    { path: '/end' },
    { path: '/write' },
    { path: '/head-object', expect: 201 },
    { path: '/head-array', expect: 202 },
    { path: '/head-flat' },
    { path: '/flush' },
    { path: '/redirect', expect: 302 },
    { path: '/file' },
    { path: '/late' },
    { path: '/none', expect: 404 },
    { method: 'HEAD', path: '/send' },
    { method: 'POST', path: '/body', body: 'some body' },
    { method: 'POST', path: '/unread', body: 'some body' },
    async function leaves({ open, encodeRequest, until }) {
      const connection = await open()
      connection.write(encodeRequest({ path: '/leave' }))
      await connection.readUntil('begun')
      connection.destroy()
      return until('/leave', 5)
    },
    async function keepAlive({ open, encodeRequest }) {
      const connection = await open()
      const out = []
      for (const path of ['/send', '/write', '/end']) {
        connection.write(encodeRequest({ path }))
        out.push(await connection.readResponse())
      }
      connection.destroy()
      return out
    }
  ]
}
