'use strict'

// morgan: predefined formats, tokens, skip, immediate, and an aborted request. Log lines must reach ctx.log unchanged
// but for the clock.

const morgan = require('morgan')

module.exports = {
  name: 'morgan',
  packages: ['morgan'],

  awaits: 'combined',

  build(express, ctx) {
    const app = express()
    const to = (channel) => ({
      write(line) {
        ctx.log(
          channel,
          line
            .replace(/\[\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d \+0000\]/, '[clf-date]')
            .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/, 'iso-date')
            .replace(/\w{3}, \d\d \w{3} \d{4} [\d:]+ GMT/, 'web-date')
            .replace(/\d+\.\d+( ms|$)/g, 'clock$1')
            .replace(/\d+\.\d{3}/g, 'clock')
        )
      }
    })
    morgan.token('id', (req) => req.headers['x-request-id'])
    morgan.token('type', (req, res) => res.getHeader('content-type'))
    for (const format of ['combined', 'common', 'short', 'tiny'])
      app.use(morgan(format, { stream: to(format) }))
    app.use(
      morgan('immediate :method :url :status :res[content-type] :http-version', {
        immediate: true,
        stream: to('immediate')
      })
    )
    app.use(
      morgan('errors :status :url', {
        skip: (req, res) => res.statusCode < 400,
        stream: to('errors')
      })
    )
    app.use(
      morgan(
        ':id :type :req[X-Thing] :res[x-answer] :remote-user :referrer :date[iso] :response-time :total-time',
        { stream: to('tokens') }
      )
    )
    app.use(
      morgan(
        (tokens, req, res) =>
          [
            tokens.method(req, res),
            tokens.url(req, res),
            tokens.status(req, res),
            tokens.res(req, res, 'content-length')
          ].join(' '),
        { stream: to('function') }
      )
    )
    app.get('/', (req, res) => res.set('X-Answer', '42').send('hello, world!'))
    app.get('/json', (req, res) => res.status(201).json({ json: true }))
    app.get('/stream', (req, res) => {
      res.write('one')
      setImmediate(() => res.end('two'))
    })
    app.post('/echo', (req, res) => req.pipe(res))
    app.get('/not-modified', (req, res) => res.set('ETag', '"x"').send('never'))
    app.get('/abort', (req, res) => {
      res.on('close', () => ctx.log('close', [res.headersSent, res.writableFinished]))
      res.write('started')
    })
    return app
  },

  requests: [
    {
      path: '/',
      headers: {
        'X-Request-Id': 'abc',
        'X-Thing': 'thing',
        'User-Agent': 'tester/1.0',
        Referer: 'http://from.test/'
      }
    },
    { path: '/json?a=b', expect: 201 },
    { path: '/stream' },
    { method: 'POST', path: '/echo', body: 'body' },
    {
      path: '/',
      headers: { Authorization: `Basic ${Buffer.from('tj:secret').toString('base64')}` }
    },
    { path: '/not-modified', headers: { 'If-None-Match': '"x"' }, expect: 304 },
    { method: 'HEAD', path: '/' },
    { path: '/none', expect: 404 },
    async function clientLeavesMidResponse({ open, encodeRequest, until }) {
      const connection = await open()
      connection.write(encodeRequest({ path: '/abort' }))
      await connection.readUntil('started')
      connection.destroy()
      return [await until('close', 1), await until('combined', 9)]
    }
  ],

  check({ collected, log }) {
    if (log.combined.length !== 9 || log.close.length !== 1)
      throw new Error(`unexpected log: ${JSON.stringify(log)}`)
  }
}
