'use strict'

// Several streamed answers of one connection that have ended while the client reads none of them: each is told its own end.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const net = require('node:net')
const { test } = require('node:test')
const express = require('../..')

/** More than the kernel takes of a client that does not read. */
const SIZE = 24 * 1024 * 1024

test('pipelined answers that a client reads late finish one after the other', async (t) => {
  const part = Buffer.alloc(SIZE)
  const told = []
  let allTold
  const end = new Promise((resolve) => {
    allTold = resolve
  })
  const app = express()
  app.get('/:name', (req, res) => {
    res.on('finish', () => told.push(`${req.params.name} ${isReading}`) === 3 && allTold())
    res.write(part)
    res.end()
    if (req.params.name === 'c') client.emit('answered')
  })
  const server = app.listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const client = net.connect(server.address().port, '127.0.0.1')
  const answered = once(client, 'answered')
  const ask = (name, more = '') => `GET /${name} HTTP/1.1\r\nHost: x\r\n${more}\r\n`
  client.write(ask('a') + ask('b') + ask('c', 'Connection: close\r\n'))
  let isReading = false
  await answered
  isReading = true
  let bytes = 0
  for await (const data of client) bytes += data.length
  await end
  assert.deepEqual(told, ['a true', 'b true', 'c true'])
  assert.ok(bytes > 3 * SIZE)
})
