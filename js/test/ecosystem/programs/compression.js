'use strict'

// compression: encodings, threshold, filter, no-transform, res.flush() in an event stream, streams with back-pressure.
// Compressed bytes are compared as they are: the same writes and flushes give the same bytes.

const fs = require('node:fs')
const path = require('node:path')
const zlib = require('node:zlib')
const compression = require('compression')

const TEXT = 'All work and no play makes Jack a dull boy. '.repeat(200)

module.exports = {
  name: 'compression',
  packages: ['compression'],

  build(express, ctx) {
    const app = express()
    const strict = express.Router()
    strict.use(
      compression({
        threshold: 0,
        filter: (req, res) => !req.headers['x-no-compression'] && compression.filter(req, res),
        level: 9
      })
    )
    strict.get('/small', (req, res) => res.type('text').send('tiny'))
    strict.get('/events', (req, res) => {
      res.setHeader('Content-Type', 'text/event-stream')
      res.setHeader('Cache-Control', 'no-cache')
      res.write('data: one\n\n')
      res.flush()
      setImmediate(() => {
        res.write('data: two\n\n')
        res.flush()
        res.end()
      })
    })
    app.use('/strict', strict)
    app.use(compression())
    app.get('/text', (req, res) => res.type('text').send(TEXT))
    app.get('/json', (req, res) =>
      res.json({ text: TEXT, list: Array.from({ length: 100 }, (_, i) => ({ i })) })
    )
    app.get('/small', (req, res) => res.type('text').send('tiny'))
    app.get('/image', (req, res) => res.type('png').send(Buffer.alloc(5000, 1)))
    app.get('/no-transform', (req, res) =>
      res.set('Cache-Control', 'no-transform').type('text').send(TEXT)
    )
    app.get('/encoded', (req, res) => res.set('Content-Encoding', 'x-own').type('text').send(TEXT))
    app.get('/hand', (req, res) => {
      res.writeHead(200, { 'Content-Type': 'text/plain' })
      res.write(TEXT)
      res.end('the end', 'utf8')
    })
    app.get('/pipe', (req, res) => {
      res.type('text')
      fs.createReadStream(path.join(ctx.fixtures, 'public/large.txt'), {
        highWaterMark: 8192
      }).pipe(res)
    })
    app.get('/drain', (req, res) => {
      res.type('text')
      const chunk = Buffer.alloc(64 * 1024, 'abcdefgh')
      let left = 20
      const go = () => {
        while (left-- > 0) if (!res.write(chunk)) return res.once('drain', go)
        res.end()
      }
      go()
    })
    app.use(express.static(path.join(ctx.fixtures, 'public')))
    return app
  },

  requests: [
    ...['gzip', 'deflate', 'br', 'identity', 'gzip;q=0.5, br;q=0.9', '*', 'gzip;q=0', 'zstd'].map(
      (encoding) => ({
        name: `GET /text as ${encoding}`,
        path: '/text',
        headers: { 'Accept-Encoding': encoding }
      })
    ),
    { path: '/text' },
    { path: '/json', headers: { 'Accept-Encoding': 'gzip' } },
    { path: '/small', headers: { 'Accept-Encoding': 'gzip' } },
    { path: '/image', headers: { 'Accept-Encoding': 'gzip' } },
    { path: '/no-transform', headers: { 'Accept-Encoding': 'gzip' } },
    { path: '/encoded', headers: { 'Accept-Encoding': 'gzip' } },
    { path: '/hand', headers: { 'Accept-Encoding': 'gzip' } },
    { path: '/strict/small', headers: { 'Accept-Encoding': 'gzip' } },
    { path: '/strict/small', headers: { 'Accept-Encoding': 'gzip', 'X-No-Compression': '1' } },
    { method: 'HEAD', path: '/text', headers: { 'Accept-Encoding': 'gzip' } },
    { path: '/large.txt', headers: { 'Accept-Encoding': 'gzip' } },
    { path: '/large.txt', headers: { 'Accept-Encoding': 'gzip', Range: 'bytes=0-9' }, expect: 206 },
    async function inflated({ request }) {
      const out = {}
      for (const path of ['/pipe', '/drain', '/strict/events', '/text', '/hand']) {
        const answer = await request({ path, headers: { 'Accept-Encoding': 'gzip' } })
        out[path] = { ...answer, body: zlib.gunzipSync(answer.body) }
      }
      return out
    },
    async function conditional({ request }) {
      const first = await request({ path: '/text', headers: { 'Accept-Encoding': 'gzip' } })
      const etag = first.headers.find(([name]) => name === 'ETag')[1]
      return request({
        path: '/text',
        headers: { 'Accept-Encoding': 'gzip', 'If-None-Match': etag }
      })
    },
    async function oldClient({ request }) {
      const answer = await request({
        path: '/hand',
        version: '1.0',
        headers: { 'Accept-Encoding': 'gzip', Connection: 'close' }
      })
      return { ...answer, body: zlib.gunzipSync(answer.body) }
    }
  ],

  check({ answers }) {
    if (answers.inflated['/pipe'].body.length !== 70000)
      throw new Error('the piped file is not whole')
  }
}
