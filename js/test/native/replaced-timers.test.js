'use strict'

// A test may put clocks of its own in the place of the timers, after the app was loaded: node:http does not notice, and neither must
// this package. Express is the reference for what sinon and vitest replace; a test runner with a process object for each test
// file (jest) replaces nextTick as well.

const assert = require('node:assert/strict')
const path = require('node:path')
const test = require('node:test')
const { linesOf } = require('../helpers/spawn')

const ours = path.resolve(__dirname, '../..')
const theirs = path.dirname(require.resolve('express/package.json'))

const program = (folder) => `
  const http = require('node:http')
  const Module = require('node:module')
  const { performance } = require('node:perf_hooks')
  const timers = require('node:timers')
  const folder = ${JSON.stringify(folder)}
  const sandboxed = Object.create(process)
  globalThis.sandboxed = sandboxed
  const compile = Module.prototype._compile
  Module.prototype._compile = function (text, file) {
    const own = file.startsWith(${JSON.stringify(path.join(ours, 'lib'))})
    return compile.call(this, own ? "'use strict';const process = globalThis.sandboxed;" + text : text, file)
  }
  const express = require(folder)
  const app = express()
  app.get('/whole', (req, res) => {
    for (const event of ['finish', 'close']) res.on(event, () => told.push(event))
    res.send('whole')
  })
  app.get('/parts', (req, res) => {
    res.write('one ', () => res.end('two', () => told.push('ended')))
  })
  app.post('/body', (req, res) => {
    req.on('end', () => told.push('end')).pipe(res)
  })
  app.post('/json', express.json(), (req, res) => res.json(req.body))
  app.get('/file', (req, res) => res.sendFile('raw.js', { root: process.cwd() }, () => told.push('sent')))
  app.get('/leave', (req, res) => {
    req.on('close', () => { told.push('left'); resolveLeft() })
    res.write('begin')
  })
  const told = []
  let resolveLeft
  const left = new Promise((resolve) => { resolveLeft = resolve })
  const agent = new http.Agent({ keepAlive: true })
  const ask = (method, path, body) => new Promise((resolve, reject) => {
    const req = http.request({ port: server.address().port, method, path, agent, headers: { 'content-type': 'application/json' } })
    req.on('error', reject)
    req.on('response', async (res) => {
      if (path === '/leave') {
        res.destroy()
        return left.then(() => resolve([path]))
      }
      const bytes = Buffer.concat(await res.toArray())
      resolve([path, res.statusCode, bytes.length])
    })
    req.end(body)
  })
  const never = () => 0
  function replace() {
    for (const name of ['setImmediate', 'setTimeout', 'setInterval', 'clearTimeout', 'queueMicrotask']) {
      globalThis[name] = never
      if (timers[name]) timers[name] = never
    }
    performance.now = () => 1e6
    Date.now = () => 0
    sandboxed.nextTick = never
  }
  const server = app.listen(0, async () => {
    replace()
    const asks = [
      ['GET', '/whole'], ['GET', '/parts'], ['POST', '/body', 'small'], ['POST', '/body', 'x'.repeat(300_000)],
      ['POST', '/json', '{}'], ['GET', '/file'], ['GET', '/leave']
    ]
    for (const [method, path, body] of asks) console.log(...(await ask(method, path, body)))
    const all = await Promise.all(Array.from({ length: 300 }, () => ask('GET', '/parts')))
    console.log(all.length, told.length, told.slice(0, 9).join(' '))
    agent.destroy()
    server.close(() => console.log('closed'))
  })
`

const run = (folder) => linesOf(program(folder), { cwd: __dirname })

test('a server goes on while the timers stand still', () => {
  const expected = run(theirs)
  assert.equal(expected.at(-1), 'closed')
  assert.deepEqual(run(ours), expected)
})
