'use strict'
// A route parameter and three query parameters.

const { expectJson } = require('../lib/expect')

const answer = (id, query) => ({ id, page: query.page, sort: query.sort, fields: query.fields })

module.exports = {
  name: 'params-query',
  path: '/users/42?page=2&sort=desc&fields=name,email',
  setup(express) {
    const app = express()
    app.get('/users/:id', (req, res) => {
      res.json(answer(req.params.id, req.query))
    })
    return app
  },
  fastify(app) {
    app.get('/users/:id', (request, reply) => {
      reply.send(answer(request.params.id, request.query))
    })
  },
  nodeHttp: () => (req, res) => {
    const url = new URL(req.url, 'http://localhost')
    const body = JSON.stringify(
      answer(url.pathname.slice('/users/'.length), Object.fromEntries(url.searchParams))
    )
    res.writeHead(200, {
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': Buffer.byteLength(body)
    })
    res.end(body)
  },
  axum: true,
  verify(status, headers, body) {
    expectJson(
      { status, headers, body },
      { id: '42', page: '2', sort: 'desc', fields: 'name,email' }
    )
  }
}
