'use strict'
// A hundred middlewares that only call next(), then the answer.

const { expectJson } = require('../lib/expect')

const COUNT = 100

module.exports = {
  name: 'middlewares-100',
  path: '/',
  setup(express) {
    const app = express()
    for (let i = 0; i < COUNT; i++) {
      app.use((req, res, next) => {
        req.passed = (req.passed ?? 0) + 1
        next()
      })
    }
    app.get('/', (req, res) => {
      res.json({ passed: req.passed })
    })
    return app
  },
  fastify(app) {
    app.decorateRequest('passed', 0)
    for (let i = 0; i < COUNT; i++) {
      app.addHook('onRequest', (request, reply, done) => {
        request.passed++
        done()
      })
    }
    app.get('/', (request, reply) => {
      reply.send({ passed: request.passed })
    })
  },
  verify(status, headers, body) {
    expectJson({ status, headers, body }, { passed: COUNT })
  }
}
