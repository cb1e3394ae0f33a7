'use strict'

// multer: memory and disk storage, single/array/fields/none/any, filters and limits, a truncated upload. File names on
// disk are the ones sent, so that answers are the same on both sides.

const fs = require('node:fs')
const multer = require('multer')
const { multipart } = require('../lib/raw-http')

const file = (f) =>
  f && {
    field: f.fieldname,
    name: f.originalname,
    encoding: f.encoding,
    type: f.mimetype,
    size: f.size,
    text: f.buffer?.toString().slice(0, 40),
    filename: f.filename
  }

module.exports = {
  name: 'multer',
  packages: ['multer'],

  build(express, ctx) {
    const app = express()
    const directory = ctx.temporaryDirectory()
    const memory = multer({
      storage: multer.memoryStorage(),
      limits: { fileSize: 50_000, files: 3, fields: 4, fieldSize: 100 }
    })
    const disk = multer({
      storage: multer.diskStorage({
        destination: (req, f, cb) => cb(null, directory),
        filename: (req, f, cb) => cb(null, `stored-${f.originalname}`)
      })
    })
    const picky = multer({
      fileFilter: (req, f, cb) =>
        f.mimetype === 'text/plain'
          ? cb(null, true)
          : f.mimetype === 'image/png'
            ? cb(null, false)
            : cb(new Error('only text'))
    })
    const show = (req, res) => {
      const files = Array.isArray(req.files)
        ? req.files.map(file)
        : req.files &&
          Object.fromEntries(Object.entries(req.files).map(([k, v]) => [k, v.map(file)]))
      res.json({ body: req.body, file: file(req.file), files })
    }
    app.post('/single', memory.single('avatar'), show)
    app.post('/array', memory.array('photos', 2), show)
    app.post(
      '/fields',
      memory.fields([
        { name: 'avatar', maxCount: 1 },
        { name: 'gallery', maxCount: 2 }
      ]),
      show
    )
    app.post('/none', memory.none(), show)
    app.post('/any', memory.any(), show)
    app.post('/picky', picky.single('doc'), show)
    app.post('/disk', disk.single('doc'), (req, res) => {
      res.json({ ...file(req.file), onDisk: fs.readFileSync(req.file.path, 'utf8').length })
    })
    app.use((err, req, res, next) => {
      ctx.log('errors', [err.name, err.code, err.message])
      res
        .status(err instanceof multer.MulterError ? 400 : 500)
        .json({ name: err.name, code: err.code, field: err.field, message: err.message })
    })
    return app
  },

  requests: [
    {
      method: 'POST',
      path: '/single',
      ...multipart([
        { name: 'title', value: 'Höhe' },
        { name: 'avatar', filename: 'a.txt', type: 'text/plain', value: 'file content' }
      ])
    },
    {
      method: 'POST',
      path: '/single',
      ...multipart([
        { name: 'tags[]', value: 'x' },
        { name: 'tags[]', value: 'y' },
        { name: 'a[b]', value: 'z' }
      ])
    },
    {
      method: 'POST',
      path: '/single',
      ...multipart([
        { name: 'avatar', filename: 'big.txt', type: 'text/plain', value: 'b'.repeat(60_000) }
      ]),
      expect: 400
    },
    {
      method: 'POST',
      path: '/single',
      ...multipart([{ name: 'other', filename: 'a.txt', type: 'text/plain', value: 'x' }]),
      expect: 400
    },
    {
      method: 'POST',
      path: '/array',
      ...multipart(
        [1, 2].map((n) => ({
          name: 'photos',
          filename: `${n}.png`,
          type: 'image/png',
          value: `png ${n}`
        }))
      )
    },
    {
      method: 'POST',
      path: '/array',
      ...multipart(
        [1, 2, 3].map((n) => ({
          name: 'photos',
          filename: `${n}.png`,
          type: 'image/png',
          value: `png ${n}`
        }))
      ),
      expect: 400
    },
    {
      method: 'POST',
      path: '/fields',
      ...multipart([
        { name: 'avatar', filename: 'a', value: 'A' },
        { name: 'gallery', filename: 'g1', value: 'G1' },
        { name: 'gallery', filename: 'g2', value: 'G2' }
      ])
    },
    {
      method: 'POST',
      path: '/none',
      ...multipart([
        { name: 'a', value: '1' },
        { name: 'b', value: '2' }
      ])
    },
    {
      method: 'POST',
      path: '/none',
      ...multipart([{ name: 'a', filename: 'f', value: '1' }]),
      expect: 400
    },
    {
      method: 'POST',
      path: '/none',
      ...multipart([1, 2, 3, 4, 5].map((n) => ({ name: `f${n}`, value: 'x' }))),
      expect: 400
    },
    {
      method: 'POST',
      path: '/none',
      ...multipart([{ name: 'long', value: 'v'.repeat(200) }]),
      expect: 400
    },
    {
      method: 'POST',
      path: '/any',
      ...multipart([
        { name: 'x', filename: '\u00fcber.txt', type: 'text/plain; charset=utf-8', value: 'any' }
      ])
    },
    {
      method: 'POST',
      path: '/picky',
      ...multipart([{ name: 'doc', filename: 'a.txt', type: 'text/plain', value: 'fine' }])
    },
    {
      method: 'POST',
      path: '/picky',
      ...multipart([{ name: 'doc', filename: 'a.png', type: 'image/png', value: 'skipped' }])
    },
    {
      method: 'POST',
      path: '/picky',
      ...multipart([
        { name: 'doc', filename: 'a.exe', type: 'application/x-exe', value: 'refused' }
      ]),
      expect: 500
    },
    {
      method: 'POST',
      path: '/disk',
      ...multipart([
        { name: 'doc', filename: 'disk.txt', type: 'text/plain', value: 'd'.repeat(300_000) }
      ])
    },
    {
      method: 'POST',
      path: '/any',
      headers: { 'Content-Type': 'multipart/form-data' },
      body: 'no boundary',
      expect: 500
    },
    {
      method: 'POST',
      path: '/any',
      headers: { 'Content-Type': 'multipart/form-data; boundary=x' },
      body: '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\ncut',
      expect: 500
    },
    { method: 'POST', path: '/any', json: { not: 'multipart' } },
    async function chunkedUpload({ open }) {
      const { headers, body } = multipart([
        { name: 'avatar', filename: 'c.txt', type: 'text/plain', value: 'c'.repeat(30_000) }
      ])
      const connection = await open()
      connection.write(
        `POST /single HTTP/1.1\r\nHost: app.test\r\nContent-Type: ${headers['Content-Type']}\r\nTransfer-Encoding: chunked\r\n\r\n`
      )
      for (let at = 0; at < body.length; at += 7001) {
        const piece = body.subarray(at, at + 7001)
        connection
          .write(`${piece.length.toString(16)}\r\n`)
          .write(piece)
          .write('\r\n')
      }
      connection.write('0\r\n\r\n')
      const answer = await connection.readResponse('POST')
      connection.destroy()
      return answer
    }
  ]
}
