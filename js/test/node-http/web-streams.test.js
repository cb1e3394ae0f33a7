'use strict'

// Request bodies handed on as web streams, as adapters of frameworks that speak `Request` do it. Byte streams transfer the memory
// of what they are given, so a part must not share its memory with anything else. Timing belongs to request-body-timing.test.js.

const { Readable } = require('node:stream')
const { LARGE, SMALL, post } = require('./body-requests')
const { suite } = require('./harness')

const asView = (chunk) => new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)

/** A byte stream of the parts of a request. */
function byteStream(req, wrap) {
  return new ReadableStream({
    type: 'bytes',
    start(controller) {
      req.on('data', (chunk) => controller.enqueue(wrap(chunk)))
      req.on('end', () => controller.close())
      req.on('error', (error) => controller.error(error))
    }
  })
}

const readings = {
  'Request of the request': (req) =>
    new Request('http://a/', { method: 'POST', body: req, duplex: 'half' }).arrayBuffer(),
  'Response of the request': (req) => new Response(req).arrayBuffer(),
  'Readable.toWeb': (req) => new Response(Readable.toWeb(req)).arrayBuffer(),
  'byte stream of the parts': (req) => new Response(byteStream(req, (c) => c)).arrayBuffer(),
  'byte stream of views': (req) => new Response(byteStream(req, asView)).arrayBuffer()
}

const bodies = { small: SMALL, '20 kB': LARGE.subarray(0, 20_000), '3 MB': LARGE }

suite(__filename, [
  ...Object.entries(readings).flatMap(([name, read]) =>
    Object.entries(bodies).map(([size, body]) => ({
      name: `${name}: ${size}`,
      serve: () => async (req, res) => {
        const bytes = Buffer.from(await read(req))
        // nothing else has lost its memory
        res.end(`${bytes.length} ${bytes.equals(Buffer.from(body))} ${Buffer.from('of the pool')}`)
      },
      exchange: async ({ request }) => [await request(post(body)), await request(post(body))]
    }))
  ),
  {
    name: 'small body transferred to a clone',
    serve: () => (req, res) => {
      let size = 0
      req.on('data', (chunk) => {
        size += structuredClone(asView(chunk), { transfer: [chunk.buffer] }).length
      })
      req.on('end', () => res.end(`${size} ${Buffer.from('of the pool')}`))
    },
    exchange: async ({ request }) => [await request(post(SMALL)), await request(post(SMALL))]
  }
])
