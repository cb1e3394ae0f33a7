// The media types known without mime-types' database: that they are its answers, and that a plain answer does not load it.
'use strict'

const assert = require('node:assert/strict')
const path = require('node:path')
const { test } = require('node:test')
const { linesOf } = require('../helpers/spawn')
const mime = require('mime-types')
const { COMMON, fullType } = require('../../lib/content-type')

test('common types are those of mime-types', () => {
  assert.ok(Object.keys(COMMON).length > 0)
  for (const [type, value] of Object.entries(COMMON)) {
    assert.equal(value, mime.contentType(type), type)
    assert.equal(fullType(type), value)
  }
  assert.equal(fullType('png'), 'image/png')
  assert.equal(fullType('no-such-type'), false)
})

test('answers of JSON, text and bytes do not load the database of media types', () => {
  const program = `
    const express = require(${JSON.stringify(path.join(__dirname, '../../..'))})
    const app = express()
    app.get('/json', (req, res) => res.json({}))
    app.get('/html', (req, res) => res.send('x'))
    app.get('/bytes', (req, res) => res.send(Buffer.from('x')))
    app.get('/type', (req, res) => res.type('txt').send('x'))
    const loaded = () => Object.keys(require.cache).some((file) => /mime-db/.test(file))
    const server = app.listen(0, async () => {
      for (const path of ['/json', '/html', '/bytes', '/type', '/none'])
        await (await fetch('http://127.0.0.1:' + server.address().port + path)).text()
      console.log(loaded())
      server.closeAllConnections()
      server.close()
    })
  `
  assert.deepEqual(linesOf(program), ['false'])
})
