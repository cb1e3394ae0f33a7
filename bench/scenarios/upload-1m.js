'use strict'
// 1 MiB comes in and is piped into a Writable that counts; the answer is the number of bytes.

const { Writable } = require('node:stream')
const { pipeline } = require('node:stream/promises')
const { expectJson } = require('../lib/expect')

const SIZE = 1024 * 1024

/** @returns {Promise<number>} bytes of a body, which is read to its end */
async function count(body) {
  let bytes = 0
  const sink = new Writable({
    write(chunk, encoding, done) {
      bytes += chunk.length
      done()
    }
  })
  await pipeline(body, sink)
  return bytes
}

module.exports = {
  name: 'upload-1m',
  path: '/upload',
  method: 'POST',
  headers: { 'Content-Type': 'application/octet-stream' },
  body: 'u'.repeat(SIZE),
  setup(express) {
    const app = express()
    app.post('/upload', async (req, res) => {
      res.json({ bytes: await count(req) })
    })
    return app
  },
  fastify(app) {
    app.addContentTypeParser('application/octet-stream', (request, payload, done) => {
      done(null, payload)
    })
    app.post('/upload', { bodyLimit: 2 * SIZE }, async (request) => ({
      bytes: await count(request.body)
    }))
  },
  nodeHttp: () => async (req, res) => {
    const body = JSON.stringify({ bytes: await count(req) })
    res.writeHead(200, {
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': Buffer.byteLength(body)
    })
    res.end(body)
  },
  verify(status, headers, body) {
    expectJson({ status, headers, body }, { bytes: SIZE })
  }
}
