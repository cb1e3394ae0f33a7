'use strict'

// cors: the simple use, options, an asynchronous origin, and preflights. It must not set any CORS header itself.

const cors = require('cors')

module.exports = {
  name: 'cors',
  packages: ['cors'],

  build(express) {
    const app = express()
    app.get('/all', cors(), (req, res) =>
      res.json({ msg: 'This is CORS-enabled for all origins!' })
    )
    const list = {
      origin: ['http://one.test', /\.two\.test$/],
      credentials: true,
      exposedHeaders: ['X-Total', 'X-Page'],
      maxAge: 600,
      optionsSuccessStatus: 200
    }
    app.options('/list', cors(list))
    app.get('/list', cors(list), (req, res) => res.json({ msg: 'list' }))
    const delegate = (req, callback) =>
      callback(null, { origin: req.header('Origin') === 'http://one.test' })
    app.get('/delegate', cors(delegate), (req, res) => res.send('delegate'))
    const dynamic = {
      origin(origin, callback) {
        setImmediate(() =>
          origin === 'http://one.test' || !origin
            ? callback(null, true)
            : callback(new Error('Not allowed by CORS'))
        )
      }
    }
    app.use('/dynamic', cors(dynamic))
    app.get('/dynamic', (req, res) => res.send('dynamic'))
    app.use(
      '/through',
      cors({ preflightContinue: true, methods: 'GET,PUT', allowedHeaders: ['X-One', 'X-Two'] })
    )
    app.options('/through', (req, res) => res.status(202).send('seen'))
    app.use('/whole', cors())
    app.delete('/whole/:id', (req, res) => res.json({ id: req.params.id }))
    app.use((err, req, res, next) => res.status(500).json({ message: err.message }))
    return app
  },

  requests: [
    { path: '/all', headers: { Origin: 'http://x.test' } },
    { path: '/all' },
    {
      method: 'OPTIONS',
      path: '/list',
      headers: {
        Origin: 'http://one.test',
        'Access-Control-Request-Method': 'PUT',
        'Access-Control-Request-Headers': 'x-a, x-b'
      }
    },
    { path: '/list', headers: { Origin: 'http://sub.two.test' } },
    { path: '/list', headers: { Origin: 'http://three.test' } },
    { path: '/delegate', headers: { Origin: 'http://one.test' } },
    { path: '/delegate', headers: { Origin: 'http://other.test' } },
    { path: '/dynamic', headers: { Origin: 'http://one.test' } },
    { path: '/dynamic', headers: { Origin: 'http://other.test' }, expect: 500 },
    {
      method: 'OPTIONS',
      path: '/dynamic',
      headers: { Origin: 'http://one.test', 'Access-Control-Request-Method': 'DELETE' },
      expect: 204
    },
    {
      method: 'OPTIONS',
      path: '/through',
      headers: { Origin: 'http://one.test', 'Access-Control-Request-Method': 'PUT' },
      expect: 202
    },
    {
      method: 'OPTIONS',
      path: '/whole/7',
      headers: { Origin: 'http://one.test', 'Access-Control-Request-Method': 'DELETE' },
      expect: 204
    },
    { method: 'DELETE', path: '/whole/7', headers: { Origin: 'http://one.test' } },
    { method: 'HEAD', path: '/all', headers: { Origin: 'http://x.test' } }
  ]
}
