'use strict'

// Files up and down without holding one in memory: the request is a stream that is hashed,
// bounded and written to disk; the answer is a file with ranges and conditional requests.
// Run: node examples/uploads
//   curl -T README.md localhost:3000/files/readme.md
//   curl localhost:3000/files/readme.md -H 'Range: bytes=0-99'

const { createHash, randomUUID } = require('node:crypto')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { Transform } = require('node:stream')
const { pipeline } = require('node:stream/promises')
const express = require('../..')

const app = express()
const folder = process.env.UPLOADS ?? fs.mkdtempSync(path.join(os.tmpdir(), 'rnode-uploads-'))
app.set('upload limit', 50 * 1024 * 1024)

app.param('name', (req, res, next, name) => {
  // No separators, no leading dot: a name can only mean a file of this folder.
  if (/^[a-z0-9_-][a-z0-9._-]{0,99}$/i.test(name)) return next()
  next(Object.assign(new Error('a name has letters, digits, dots, dashes'), { status: 400 }))
})

app.put('/files/:name', async (req, res) => {
  const limit = app.get('upload limit')
  const declared = Number(req.headers['content-length'] ?? 0)
  if (declared > limit) throw tooLarge(limit)
  const target = path.join(folder, req.params.name)
  // Written beside and renamed: nobody ever reads half a file.
  const temporary = path.join(folder, `.${randomUUID()}`)
  const hash = createHash('sha256')
  let bytes = 0
  const measure = new Transform({
    transform(chunk, encoding, done) {
      bytes += chunk.length
      if (bytes > limit) return done(tooLarge(limit))
      hash.update(chunk)
      done(null, chunk)
    }
  })
  try {
    await pipeline(req, measure, fs.createWriteStream(temporary))
    await fs.promises.rename(temporary, target)
  } catch (error) {
    // A client that left in the middle of its upload ends here too.
    await fs.promises.rm(temporary, { force: true })
    throw error
  }
  res
    .status(201)
    .location(req.originalUrl)
    .json({ bytes, sha256: hash.digest('hex') })
})

app.get('/files/:name', (req, res, next) => {
  const options = { root: folder, dotfiles: 'deny' }
  const done = (error) => error && next(error)
  if ('download' in req.query) res.download(req.params.name, req.params.name, options, done)
  else res.sendFile(req.params.name, options, done)
})

app.delete('/files/:name', async (req, res) => {
  await fs.promises.rm(path.join(folder, req.params.name), { force: true })
  res.sendStatus(204)
})

app.use((err, req, res, next) => {
  if (res.headersSent) return next(err)
  res.status(err.status ?? 500).json({ error: err.message })
})

module.exports = app

function tooLarge(limit) {
  return Object.assign(new Error(`at most ${limit} bytes`), { status: 413 })
}

if (require.main === module) {
  const server = app.listen(3000, (error) => {
    if (error) throw error
    console.log(`http://localhost:${server.address().port}, files in ${folder}`)
  })
}
