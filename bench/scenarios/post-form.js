'use strict'
// A form of ten fields, urlencoded.

const { expectJson } = require('../lib/expect')

const fields = {
  name: 'Ada Lovelace',
  email: 'ada@example.com',
  street: '12 St James’s Square',
  city: 'London',
  zip: 'SW1Y 4JH',
  country: 'GB',
  phone: '+44 20 7946 0000',
  topic: 'orders',
  message: 'Where is my parcel? It left the depot on Monday & has not been seen since.',
  newsletter: 'on'
}
const answer = (body) => ({
  fields: Object.keys(body).length,
  name: body.name,
  message: body.message
})

module.exports = {
  name: 'post-form',
  path: '/contact',
  method: 'POST',
  headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams(fields).toString(),
  setup(express) {
    const app = express()
    app.use(express.urlencoded())
    app.post('/contact', (req, res) => {
      res.json(answer(req.body))
    })
    return app
  },
  fastify(app) {
    app.register(require('@fastify/formbody'))
    app.post('/contact', (request, reply) => {
      reply.send(answer(request.body))
    })
  },
  nodeHttp: () => (req, res) => {
    const chunks = []
    req.on('data', (chunk) => chunks.push(chunk))
    req.on('end', () => {
      const form = new URLSearchParams(Buffer.concat(chunks).toString())
      const body = JSON.stringify(answer(Object.fromEntries(form)))
      res.writeHead(200, {
        'Content-Type': 'application/json; charset=utf-8',
        'Content-Length': Buffer.byteLength(body)
      })
      res.end(body)
    })
  },
  verify(status, headers, body) {
    expectJson({ status, headers, body }, answer(fields))
  }
}
