'use strict'
// Servers that listen and close again and again (those of a test suite do): an app gathers nothing on its
// router, and a listen() that does not wait for 'close' does what Node's does.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const { test } = require('node:test')
const { setTimeout } = require('node:timers/promises')
const { promisify } = require('node:util')
const express = require('../../index.js')
const { createServer } = require('../../lib/native/server')
const { kOnStale } = require('../../lib/router/symbols')

test('closed servers no longer watch the router', async () => {
  const app = express()
  app.get('/', (_req, res) => res.send('ok'))
  for (let i = 0; i < 5; i++) {
    const server = app.listen(0)
    await once(server, 'listening')
    const answer = await fetch(`http://localhost:${server.address().port}/`)
    assert.equal(await answer.text(), 'ok')
    assert.equal(app.router[kOnStale].size, 1)
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
    assert.equal(app.router[kOnStale].size, 0)
  }
})

for (const [name, make] of [
  ['Node', http.createServer],
  ['ours', (handler) => createServer(handler)]
]) {
  test(`${name}: a server that listens again while it closes`, async () => {
    const events = []
    const server = make((_req, res) => res.end('x'))
    server.on('close', () => events.push(`close ${server.listening}`))
    server.listen(0)
    await once(server, 'listening')
    const { port } = server.address()
    server.on('listening', () => events.push('listening'))
    server.close((err) => events.push(`callback ${err}`))
    server.listen(port)
    await once(server, 'listening')
    assert.deepEqual(events, ['close true', 'callback undefined', 'listening'])
    for (let i = 0; i < 3; i++) {
      const answer = await fetch(`http://localhost:${port}/`)
      assert.equal(await answer.text(), 'x')
    }
    assert.equal(server.address().port, port)
    server.closeAllConnections()
    const stopped = new Promise((resolve) => server.close(resolve))
    server.close((err) => events.push(err.code))
    assert.equal(await stopped, undefined)
    await new Promise(setImmediate)
    assert.ok(events.includes('close false'))
    assert.ok(events.includes('ERR_SERVER_NOT_RUNNING'))
    assert.equal(server.address(), null)
  })

  test(`${name}: what is under way goes on, and counts, when it listens again`, async () => {
    let closed = 0
    let answer
    const server = make((_req, res) => {
      if (answer === undefined) answer = () => res.end('late')
      else res.end('x')
      server.emit('asked')
    })
    server.on('close', () => closed++)
    server.listen(0)
    await once(server, 'listening')
    const { port } = server.address()
    const first = fetch(`http://localhost:${port}/`)
    await once(server, 'asked')
    let called = 0
    server.close(() => called++)
    server.listen(port)
    await once(server, 'listening')
    assert.equal(await promisify(server.getConnections).call(server), 1)
    const second = await fetch(`http://localhost:${port}/`, { headers: { connection: 'close' } })
    assert.equal(await second.text(), 'x')
    answer()
    assert.equal(await (await first).text(), 'late')
    server.closeIdleConnections()
    while ((await promisify(server.getConnections).call(server)) !== 0) await setTimeout(5)
    assert.deepEqual([closed, called, server.listening], [0, 0, true])
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
    assert.deepEqual([closed, called], [1, 1])
  })
}
