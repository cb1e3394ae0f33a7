'use strict'

// Agents wrap methods of http.ServerResponse for the whole process, before an app is loaded or while it serves. What the wrappers see
// is compared with what they see on Express; without one of them nothing may take responses for wrapped. That static files notice
// a change while the server serves takes them up to half a second (native/server/front.js): they are asked for in the other case.

const assert = require('node:assert/strict')
const path = require('node:path')
const test = require('node:test')
const { linesOf } = require('../helpers/spawn')

const ours = path.resolve(__dirname, '../../..')

/** Wraps `names` at `when`, asks for one path of each kind, and prints what was called and what came. */
const program = (express, names, when) => `
  const http = require('node:http')
  const calls = []
  let asked = false
  function wrap() {
    for (const name of ${JSON.stringify(names)}) {
      const original = http.ServerResponse.prototype[name]
      http.ServerResponse.prototype[name] = function (...args) {
        if (asked) calls.push(name + ' ' + this.statusCode + ' ' + this.headersSent)
        return original.apply(this, args)
      }
    }
  }
  if (${JSON.stringify(when)} === 'before') wrap()
  const express = require(${JSON.stringify(express)})
  const app = express()
  app.use(express.static(${JSON.stringify(path.join(__dirname, 'fixtures'))}))
  app.get('/json', (req, res) => res.json({ a: 1 }))
  app.get('/end', (req, res) => res.end('text'))
  app.get('/pieces', (req, res) => { res.write('a'); setImmediate(() => res.end('b')) })
  app.get('/head', (req, res) => { res.writeHead(201, { A: 'b' }); res.end() })
  app.get('/fails', () => { throw Object.assign(new Error('own'), { status: 418 }) })
  process.env.NODE_ENV = 'test'
  const server = app.listen(0, async () => {
    const ask = async (path) => {
      asked = true
      const answer = await fetch('http://127.0.0.1:' + server.address().port + path)
      const length = (await answer.text()).length
      asked = false
      console.log(path, answer.status, answer.status >= 400 ? '' : length, JSON.stringify(calls.splice(0)))
    }
    if (${JSON.stringify(when)} === 'later') { await ask('/none'); wrap() }
    else await ask('/direct-server.js')
    for (const path of ['/json', '/end', '/pieces', '/head', '/fails', '/none']) await ask(path)
    process.exit()
  })
`

for (const names of [['writeHead'], ['end', 'write'], ['setHeader', 'removeHeader']]) {
  for (const when of ['before', 'later']) {
    test(`${names.join(' and ')}, wrapped ${when === 'before' ? 'before the app is loaded' : 'while it serves'}`, () => {
      const expected = linesOf(program('express', names, when))
      assert.ok(expected.some((line) => line.includes(names[0])))
      assert.deepEqual(linesOf(program(ours, names, when)), expected)
    })
  }
}

test('responses of an untouched Node are not taken for wrapped', () => {
  assert.equal(require('../../lib/native/outgoing/patched').isPatched(), false)
})
