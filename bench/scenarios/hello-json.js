'use strict'
// The smallest JSON answer: what the server and the framework cost by themselves.

const { expectJson } = require('../lib/expect')

module.exports = {
  name: 'hello-json',
  path: '/',
  setup(express) {
    const app = express()
    app.get('/', (req, res) => {
      res.json({ hello: 'world' })
    })
    return app
  },
  fastify(app) {
    app.get('/', (request, reply) => {
      reply.send({ hello: 'world' })
    })
  },
  nodeHttp: () => (req, res) => {
    const body = JSON.stringify({ hello: 'world' })
    res.writeHead(200, {
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': Buffer.byteLength(body)
    })
    res.end(body)
  },
  axum: true,
  verify(status, headers, body) {
    expectJson({ status, headers, body }, { hello: 'world' })
  }
}
