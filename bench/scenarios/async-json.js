'use strict'
// An async handler that waits for one turn of the event loop before it answers.

const { promisify } = require('node:util')
const { expectJson } = require('../lib/expect')

const turn = promisify(setImmediate)

module.exports = {
  name: 'async-json',
  path: '/',
  setup(express) {
    const app = express()
    app.get('/', async (req, res) => {
      await turn()
      res.json({ hello: 'world' })
    })
    return app
  },
  fastify(app) {
    app.get('/', async () => {
      await turn()
      return { hello: 'world' }
    })
  },
  nodeHttp: () => async (req, res) => {
    await turn()
    const body = JSON.stringify({ hello: 'world' })
    res.writeHead(200, {
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': Buffer.byteLength(body)
    })
    res.end(body)
  },
  verify(status, headers, body) {
    expectJson({ status, headers, body }, { hello: 'world' })
  }
}
