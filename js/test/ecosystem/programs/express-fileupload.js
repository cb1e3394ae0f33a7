'use strict'

// express-fileupload: files in memory and in temporary files, mv(), limits, nested fields. md5 is computed by the package.

const fs = require('node:fs')
const path = require('node:path')
const fileUpload = require('express-fileupload')
const { multipart } = require('../lib/raw-http')

module.exports = {
  name: 'express-fileupload',
  packages: ['express-fileupload'],

  build(express, ctx) {
    const app = express()
    const directory = ctx.temporaryDirectory()
    const memory = fileUpload({
      limits: { fileSize: 40_000 },
      abortOnLimit: true,
      responseOnLimit: 'too big',
      parseNested: true,
      safeFileNames: true,
      preserveExtension: true
    })
    const temporary = fileUpload({
      useTempFiles: true,
      tempFileDir: directory,
      createParentPath: true
    })
    app.post('/memory', memory, (req, res) => {
      const one = req.files?.sample
      const list = one === undefined ? [] : Array.isArray(one) ? one : [one]
      res.json({
        body: req.body,
        files: list.map((f) => ({
          name: f.name,
          size: f.size,
          type: f.mimetype,
          md5: f.md5,
          truncated: f.truncated,
          encoding: f.encoding,
          data: f.data.toString().slice(0, 30)
        }))
      })
    })
    app.post('/temporary', temporary, async (req, res) => {
      const target = path.join(directory, 'deep/er', req.files.sample.name)
      await req.files.sample.mv(target)
      res.json({
        md5: req.files.sample.md5,
        size: req.files.sample.size,
        moved: fs.statSync(target).size
      })
    })
    app.use((err, req, res, next) => res.status(500).json({ message: err.message }))
    return app
  },

  requests: [
    {
      method: 'POST',
      path: '/memory',
      ...multipart([
        { name: 'sample', filename: 'some file!.txt', type: 'text/plain', value: 'sample' },
        { name: 'user[name]', value: 'x' },
        { name: 'user[tags][0]', value: 't' }
      ])
    },
    {
      method: 'POST',
      path: '/memory',
      ...multipart([
        { name: 'sample', filename: '1.txt', value: 'one' },
        { name: 'sample', filename: '2.txt', value: 'two' }
      ])
    },
    { method: 'POST', path: '/memory', ...multipart([{ name: 'plain', value: 'only fields' }]) },
    {
      method: 'POST',
      path: '/memory',
      ...multipart([{ name: 'sample', filename: 'big.bin', value: Buffer.alloc(60_000, 7) }]),
      expect: 413
    },
    { method: 'POST', path: '/memory', form: { a: '1' } },
    {
      method: 'POST',
      path: '/temporary',
      ...multipart([{ name: 'sample', filename: 'large.bin', value: Buffer.alloc(400_000, 9) }])
    },
    {
      method: 'POST',
      path: '/temporary',
      headers: { 'Content-Type': 'multipart/form-data; boundary=b' },
      body: '--b\r\nbroken',
      expect: 500
    }
  ]
}
