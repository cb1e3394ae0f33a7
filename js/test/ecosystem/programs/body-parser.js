'use strict'

// body-parser as its README shows it: per-route parsers, options, and the errors it reports. It must not use express.json.

const zlib = require('node:zlib')
const bodyParser = require('body-parser')

const show = (req, res) =>
  res.json(
    Buffer.isBuffer(req.body)
      ? { raw: req.body.toString('hex') }
      : { body: req.body, type: typeof req.body, object: Object.prototype.toString.call(req.body) }
  )

module.exports = {
  name: 'body-parser',
  packages: ['body-parser'],

  build(express) {
    const app = express()
    app.post('/json', bodyParser.json({ limit: '1kb' }), show)
    app.post(
      '/loose',
      bodyParser.json({
        strict: false,
        reviver: (key, value) => (key === 'n' ? value + 1 : value)
      }),
      show
    )
    app.post('/api', bodyParser.json({ type: 'application/*+json' }), show)
    app.post('/form', bodyParser.urlencoded({ extended: true }), show)
    app.post('/simple', bodyParser.urlencoded({ extended: false, parameterLimit: 3 }), show)
    app.post('/text', bodyParser.text({ type: 'text/html' }), show)
    app.post('/raw', bodyParser.raw({ type: 'application/vnd.custom-type', inflate: false }), show)
    app.post('/typed', bodyParser.raw({ type: (req) => req.headers['x-parse'] === 'yes' }), show)
    app.post(
      '/verified',
      bodyParser.json({
        verify(req, res, buffer, encoding) {
          if (buffer[0] === 0x5b) throw new Error(`arrays are not welcome (${encoding})`)
          res.setHeader('X-Length', buffer.length)
        }
      }),
      show
    )
    app.post('/twice', bodyParser.json(), bodyParser.json(), show)
    app.use((err, req, res, next) => {
      res.status(err.status || 500).json({
        type: err.type,
        message: err.message,
        status: err.status,
        limit: err.limit,
        length: err.length,
        body: err.body
      })
    })
    return app
  },

  requests: [
    { method: 'POST', path: '/json', json: { a: [1, 'zwei', null], b: { c: true } } },
    { method: 'POST', path: '/json', body: '', headers: { 'Content-Type': 'application/json' } },
    {
      method: 'POST',
      path: '/json',
      body: '{"a":',
      headers: { 'Content-Type': 'application/json' },
      expect: 400
    },
    {
      method: 'POST',
      path: '/json',
      body: '"text"',
      headers: { 'Content-Type': 'application/json' },
      expect: 400
    },
    { method: 'POST', path: '/json', json: { long: 'x'.repeat(2000) }, expect: 413 },
    {
      method: 'POST',
      path: '/json',
      body: '{"é":"ü"}',
      headers: { 'Content-Type': 'application/json; charset=utf-8' }
    },
    {
      method: 'POST',
      path: '/json',
      body: Buffer.from('{"x":"ä"}', 'utf16le'),
      headers: { 'Content-Type': 'application/json; charset=utf-16' }
    },
    {
      method: 'POST',
      path: '/json',
      body: '{}',
      headers: { 'Content-Type': 'application/json; charset=x-bogus' },
      expect: 415
    },
    { method: 'POST', path: '/json', body: 'a=b', headers: { 'Content-Type': 'text/plain' } },
    {
      method: 'POST',
      path: '/json',
      body: zlib.gzipSync('{"zipped":true}'),
      headers: { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' }
    },
    {
      method: 'POST',
      path: '/json',
      body: zlib.deflateSync('{"deflated":true}'),
      headers: { 'Content-Type': 'application/json', 'Content-Encoding': 'deflate' }
    },
    {
      method: 'POST',
      path: '/json',
      body: zlib.brotliCompressSync('{"brotli":true}'),
      headers: { 'Content-Type': 'application/json', 'Content-Encoding': 'br' }
    },
    {
      method: 'POST',
      path: '/json',
      body: zlib.gzipSync(`{"bomb":"${'0'.repeat(100_000)}"}`),
      headers: { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' },
      expect: 413
    },
    {
      method: 'POST',
      path: '/json',
      body: 'not gzip',
      headers: { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' },
      expect: 400
    },
    {
      method: 'POST',
      path: '/json',
      body: '{}',
      headers: { 'Content-Type': 'application/json', 'Content-Encoding': 'nothing' },
      expect: 415
    },
    {
      method: 'POST',
      path: '/json',
      body: '6\r\n{"a":1\r\n1\r\n}\r\n0\r\n\r\n',
      headers: { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' }
    },
    {
      method: 'POST',
      path: '/loose',
      body: '{"n":1,"deep":{"n":41}}',
      headers: { 'Content-Type': 'application/json' }
    },
    {
      method: 'POST',
      path: '/loose',
      body: '"text"',
      headers: { 'Content-Type': 'application/json' }
    },
    {
      method: 'POST',
      path: '/api',
      body: '{"a":1}',
      headers: { 'Content-Type': 'application/vnd.api+json' }
    },
    { method: 'POST', path: '/form', form: 'a[b][]=1&a[b][]=2&c=%C3%A4+d&e' },
    { method: 'POST', path: '/form', form: `a${'[x]'.repeat(40)}=1`, expect: 400 },
    { method: 'POST', path: '/simple', form: 'a=1&a=2&b=3' },
    { method: 'POST', path: '/simple', form: 'a=1&b=2&c=3&d=4', expect: 413 },
    { method: 'POST', path: '/text', body: '<p>hi</p>', headers: { 'Content-Type': 'text/html' } },
    {
      method: 'POST',
      path: '/text',
      body: Buffer.from('gr\xfc\xdfe', 'latin1'),
      headers: { 'Content-Type': 'text/html; charset=iso-8859-1' }
    },
    {
      method: 'POST',
      path: '/raw',
      body: Buffer.from([0, 1, 254, 255]),
      headers: { 'Content-Type': 'application/vnd.custom-type' }
    },
    {
      method: 'POST',
      path: '/raw',
      body: zlib.gzipSync('x'),
      headers: { 'Content-Type': 'application/vnd.custom-type', 'Content-Encoding': 'gzip' },
      expect: 415
    },
    { method: 'POST', path: '/typed', body: 'abc', headers: { 'X-Parse': 'yes' } },
    { method: 'POST', path: '/typed', body: 'abc', headers: { 'X-Parse': 'no' } },
    { method: 'POST', path: '/verified', json: { fine: 1 } },
    { method: 'POST', path: '/verified', json: [1], expect: 403 },
    { method: 'POST', path: '/twice', json: { once: 1 } },
    {
      method: 'POST',
      path: '/raw',
      body: 'y'.repeat(150_000),
      headers: { 'Content-Type': 'application/vnd.custom-type' },
      expect: 413
    }
  ]
}
