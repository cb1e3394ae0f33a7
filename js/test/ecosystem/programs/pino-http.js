'use strict'

// pino-http: request logging with ids, levels, serializers, req.log, errors, an aborted request. Time, pid and host name
// are left out of the lines by pino's own options or replaced.

const { Writable } = require('node:stream')
const pinoHttp = require('pino-http')

module.exports = {
  name: 'pino-http',
  packages: ['pino-http'],

  build(express, ctx) {
    const app = express()
    let ids = 0
    const stream = new Writable({
      write(line, encoding, done) {
        const entry = JSON.parse(line)
        if (entry.responseTime !== undefined) entry.responseTime = typeof entry.responseTime
        if (entry.req) entry.req.remotePort = typeof entry.req.remotePort
        if (entry.err) entry.err.stack = typeof entry.err.stack
        if (entry.res?.headers?.date) entry.res.headers.date = '<date>'
        ctx.log(entry.req?.url ?? 'none', entry)
        done()
      }
    })
    app.use(
      pinoHttp(
        {
          base: null,
          timestamp: false,
          genReqId: (req, res) => {
            const id = req.get('x-request-id') ?? `id-${++ids}`
            res.setHeader('X-Request-Id', id)
            return id
          },
          customLogLevel: (req, res, err) =>
            res.statusCode >= 500 || err ? 'error' : res.statusCode >= 400 ? 'warn' : 'info',
          customSuccessMessage: (req, res) => `${req.method} completed with ${res.statusCode}`,
          customProps: (req) => ({ original: req.originalUrl, route: req.route?.path }),
          redact: ['req.headers.authorization']
        },
        stream
      )
    )
    app.get('/', (req, res) => {
      req.log.info('something else')
      res.send('hello world')
    })
    app.get('/user/:id', (req, res) => {
      res.log.warn({ params: req.params }, 'user')
      res.status(404).json({})
    })
    app.get('/fails', (req, res) => {
      res.err = new Error('own error')
      res.status(500).end()
    })
    app.get('/throws', () => {
      throw new Error('thrown')
    })
    app.get('/abort', (req, res) => {
      res.on('close', () => ctx.log('closed', true))
      res.write('begun')
    })
    return app
  },

  requests: [
    { path: '/', headers: { Authorization: 'Bearer secret', 'User-Agent': 'x' } },
    { path: '/user/7?q=1', headers: { 'X-Request-Id': 'given' }, expect: 404 },
    { path: '/fails', expect: 500 },
    { path: '/throws', expect: 500 },
    { path: '/none', expect: 404 },
    async function leaves({ open, encodeRequest, until }) {
      const connection = await open()
      connection.write(encodeRequest({ path: '/abort' }))
      await connection.readUntil('begun')
      connection.destroy()
      return [await until('closed', 1), await until('/abort', 1)]
    }
  ]
}
