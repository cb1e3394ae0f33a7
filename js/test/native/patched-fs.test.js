'use strict'

// Files that only the program's `fs` knows: packed programs, archives of package managers and agents replace its functions. What
// express.static and res.sendFile answer then, and which calls of `fs` are seen, is compared with Express. That a server takes up to
// half a second to notice a change while it serves is not looked at here.

const assert = require('node:assert/strict')
const path = require('node:path')
const test = require('node:test')
const { linesOf } = require('../helpers/spawn')

const ours = path.resolve(__dirname, '../../..')
const real = path.join(__dirname, '../ecosystem/fixtures/public')
const virtual = path.join(__dirname, 'in-the-archive')

/** Serves `virtual`, which `fs` finds in `real` once it is patched: before Express is loaded, or behind. */
const program = (express, names, when) => `
  const fs = require('node:fs')
  const calls = []
  function patch() {
    for (const name of ${JSON.stringify(names)}) {
      const original = fs[name]
      fs[name] = function (file, ...args) {
        if (typeof file !== 'string' || !file.startsWith(${JSON.stringify(virtual)})) return original.call(this, file, ...args)
        calls.push(name + ' ' + file.slice(${virtual.length}))
        return original.call(this, ${JSON.stringify(real)} + file.slice(${virtual.length}), ...args)
      }
    }
  }
  if (${JSON.stringify(when)} === 'before') patch()
  const express = require(${JSON.stringify(express)})
  if (${JSON.stringify(when)} === 'behind') patch()
  const app = express()
  app.use('/front', express.static(${JSON.stringify(virtual)}))
  app.use((req, res, next) => next())
  app.use('/static', express.static(${JSON.stringify(virtual)}, { setHeaders: (res) => res.set('X-Set', '1') }))
  app.get('/send/:name', (req, res) => res.sendFile(req.params.name, { root: ${JSON.stringify(virtual)} }))
  app.use((req, res) => res.status(404).end('none'))
  app.use((err, req, res, next) => res.status(err.status).end(err.code))
  const server = app.listen(0, '127.0.0.1', async () => {
    for (const path of ['/front/hello.txt', '/static/hello.txt', '/send/hello.txt', '/front/none', '/static/none', '/send/none', '/front/hello.txt']) {
      for (const range of ['', 'bytes=1-3']) {
        const answer = await fetch('http://127.0.0.1:' + server.address().port + path, { headers: range ? { range } : {} })
        const { status, headers } = answer
        console.log(path, status, JSON.stringify(await answer.text()), headers.get('etag'), headers.get('content-range'), headers.get('x-set'), calls.splice(0).join())
      }
    }
    process.exit()
  })
`

for (const names of [
  ['stat', 'statSync', 'open'],
  ['stat', 'statSync', 'createReadStream']
]) {
  for (const when of ['before', 'behind']) {
    test(`${names.join(', ')}: replaced ${when}`, () => {
      const expected = linesOf(program('express', names, when))
      assert.match(expected[0], /^\/front\/hello\.txt 200 .*stat \/hello\.txt/)
      assert.deepEqual(linesOf(program(ours, names, when)), expected)
    })
  }
}

test('functions of an untouched Node are not taken for replaced', () => {
  assert.equal(require('../../lib/replaced-fs').isReplaced(), false)
})
