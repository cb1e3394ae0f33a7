'use strict'

// response-time: the header with its options and the function form. The time itself is the clock's.

const responseTime = require('response-time')

module.exports = {
  name: 'response-time',
  packages: ['response-time'],

  build(express, ctx) {
    const app = express()
    app.use(
      '/function',
      responseTime((req, res, time) =>
        ctx.log('function', [
          req.method,
          req.url,
          typeof time,
          time >= 0,
          res.statusCode,
          res.headersSent
        ])
      )
    )
    app.use('/options', responseTime({ digits: 0, header: 'X-Took', suffix: false }))
    app.use(responseTime())
    app.get('/', (req, res) => res.send('hello, world!'))
    app.get('/function', (req, res) => res.status(201).json({}))
    app.get('/options', (req, res) => {
      res.write('streamed')
      res.end()
    })
    app.get('/head', (req, res) => {
      res.writeHead(202, 'Quite Accepted', ['X-A', '1', 'X-B', '2'])
      res.end()
    })
    return app
  },

  volatile: {
    'x-response-time': { shape: /^\d+\.\d{3}ms$/, reason: 'measured' },
    'x-took': { shape: /^\d+$/, reason: 'measured' }
  },

  requests: [
    { path: '/' },
    { path: '/function?x=1', expect: 201 },
    { path: '/options' },
    { path: '/head', expect: 202 },
    { path: '/none', expect: 404 },
    { method: 'HEAD', path: '/' }
  ]
}
