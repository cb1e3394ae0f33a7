'use strict'

// A test that fakes the clock replaces the event loop's global functions, in a test runner those of a `process` that is a copy. Node's
// own server goes on serving then; so must this one. One program, on Express and here: what Express answers must be answered the same.

const assert = require('node:assert/strict')
const path = require('node:path')
const test = require('node:test')
const { linesOf } = require('../helpers/spawn')

const program = (folder) => `
  const net = require('node:net')
  const { setTimeout: real } = require('node:timers')
  // modules see a copy of process, as within a test runner
  const Module = require('node:module')
  /** What is given to it is never heard of again. */
  const lost = () => {}
  globalThis.copy = Object.create(process)
  copy.nextTick = lost
  Module.wrapper[0] += '(function (process) {'
  Module.wrapper[1] = '\\n}).call(this, globalThis.copy)' + Module.wrapper[1]
  const express = require(${JSON.stringify(folder)})
  const app = express()
  app.use(express.json())
  app.get('/text', (req, res) => res.send('text'))
  app.post('/body', (req, res) => res.json(req.body))
  app.post('/stream', async (req, res) => res.end(String(Buffer.concat(await req.toArray()).length)))
  app.get('/async', async (req, res) => { await null; res.json({ a: 1 }) })
  app.get('/parts', (req, res) => {
    res.on('finish', () => events.push('finish')).on('close', () => events.push('close'))
    res.write('one', () => { events.push('written'); res.end('two') })
  })
  app.get('/gone', (req, res) => req.on('close', () => events.push('gone')).socket.destroy())
  app.get('/file', (req, res) => res.sendFile(${JSON.stringify(path.join(__dirname, 'raw.js'))}, { etag: false, lastModified: false, headers: { 'content-type': 'text/plain' } }))
  app.get('/broken', () => { throw new Error('broken') })
  app.use((err, req, res, next) => res.status(500).send(err.message))

  const events = []
  for (const name of ['setImmediate', 'setTimeout', 'setInterval', 'clearImmediate', 'clearTimeout', 'queueMicrotask']) globalThis[name] = lost

  const ask = (port, head, body) => new Promise((resolve) => {
    let answer = ''
    const socket = net.connect(port, '127.0.0.1', () => socket.write(head + ' HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n' + body))
    const clock = real(() => { answer = 'nothing came'; socket.destroy() }, 5_000)
    socket.on('data', (data) => { answer += data }).on('error', () => {})
    socket.on('close', () => { clock.close(); resolve(answer.replace(/Date: .*\\r\\n/, '')) })
  })
  const server = app.listen(0, async () => {
    const { port } = server.address()
    const json = (text) => 'Content-Type: application/json\\r\\nContent-Length: ' + text.length + '\\r\\n\\r\\n' + text
    const large = 'Content-Length: 200000\\r\\n\\r\\n' + 'a'.repeat(200_000)
    for (const [head, body] of [
      ['GET /text', '\\r\\n'], ['HEAD /text', '\\r\\n'], ['POST /body', json('{"x":[1]}')], ['POST /body', json('{"y"')], ['POST /stream', large],
      ['GET /async', '\\r\\n'], ['GET /parts', '\\r\\n'], ['GET /file', '\\r\\n'], ['GET /broken', '\\r\\n'], ['GET /gone', '\\r\\n']
    ]) console.log(JSON.stringify([head, await ask(port, head, body)]))
    server.close(() => {
      console.log(events.join())
      process.exit()
    })
  })
`

const run = (folder) => linesOf(program(folder), { cwd: __dirname })

test('what Express answers while the clock is faked is answered', () => {
  const expected = run(path.dirname(require.resolve('express/package.json')))
  assert.equal(expected.length, 11)
  assert.deepEqual(
    expected.filter((line) => line.endsWith('"nothing came"]')),
    []
  )
  assert.deepEqual(run(path.resolve(__dirname, '../..')), expected)
})
