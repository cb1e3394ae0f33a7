'use strict'
// 1 MiB in 64 writes of 16 KiB; the handler stops when write() says so and goes on at 'drain'.

const { Readable } = require('node:stream')
const { expectBytes } = require('../lib/expect')

const WRITES = 64
const chunk = Buffer.alloc(16 * 1024, 'x')
const whole = Buffer.alloc(WRITES * chunk.length, 'x')

function stream(req, res) {
  let left = WRITES
  const write = () => {
    while (left > 0) {
      left--
      if (!res.write(chunk) && left > 0) {
        res.once('drain', write)
        return
      }
    }
    res.end()
  }
  res.setHeader('Content-Type', 'application/octet-stream')
  write()
}

module.exports = {
  name: 'stream-1m',
  path: '/stream',
  setup(express) {
    const app = express()
    app.get('/stream', stream)
    return app
  },
  fastify(app) {
    app.get('/stream', (request, reply) => {
      let left = WRITES
      const source = new Readable({
        highWaterMark: chunk.length,
        read() {
          this.push(left-- > 0 ? chunk : null)
        }
      })
      reply.header('Content-Type', 'application/octet-stream').send(source)
    })
  },
  nodeHttp: () => stream,
  axum: true,
  verify(status, headers, body) {
    expectBytes({ status, headers, body }, 'application/octet-stream', whole)
  }
}
