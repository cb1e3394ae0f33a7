'use strict'
// A JSON body of about 1 KiB, parsed, and a small answer computed from it.

const { expectJson } = require('../lib/expect')

const order = {
  customer: { id: 4711, name: 'Ada Lovelace', email: 'ada@example.com', city: 'London' },
  items: Array.from({ length: 12 }, (_, i) => ({
    sku: `SKU-${1000 + i}`,
    title: `Item number ${i}`,
    quantity: i + 1,
    price: 9.99 + i
  })),
  note: 'Please ring twice. '.repeat(4)
}
const total = (items) => items.reduce((sum, item) => sum + item.quantity, 0)
const answer = (body) => ({
  customer: body.customer.id,
  items: body.items.length,
  quantity: total(body.items)
})

module.exports = {
  name: 'post-json-1k',
  path: '/orders',
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(order),
  setup(express) {
    const app = express()
    app.use(express.json())
    app.post('/orders', (req, res) => {
      res.json(answer(req.body))
    })
    return app
  },
  fastify(app) {
    app.post('/orders', (request, reply) => {
      reply.send(answer(request.body))
    })
  },
  nodeHttp: () => (req, res) => {
    const chunks = []
    req.on('data', (chunk) => chunks.push(chunk))
    req.on('end', () => {
      const body = JSON.stringify(answer(JSON.parse(Buffer.concat(chunks).toString())))
      res.writeHead(200, {
        'Content-Type': 'application/json; charset=utf-8',
        'Content-Length': Buffer.byteLength(body)
      })
      res.end(body)
    })
  },
  axum: true,
  verify(status, headers, body) {
    expectJson({ status, headers, body }, answer(order))
  }
}
