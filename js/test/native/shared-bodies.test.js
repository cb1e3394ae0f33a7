'use strict'

// A large body that goes to many clients, who take it slowly or not at all: what waits for them is one copy of it, and what the
// handler does to its buffer afterwards changes nothing.

const assert = require('node:assert')
const { once } = require('node:events')
const http = require('node:http')
const net = require('node:net')
const { test } = require('node:test')
const express = require('../..')

const SIZE = 5 * 1024 * 1024
const CLIENTS = 60

async function listening(t, handler) {
  const app = express()
  app.get('/', handler)
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.closeAllConnections())
  t.after(() => server.close())
  return server.address().port
}

const ways = {
  'res.send': (res, body) => res.send(body),
  'res.end': (res, body) => res.end(body),
  'res.write': (res, body) => {
    res.write(body)
    res.end()
  }
}

for (const [name, answer] of Object.entries(ways)) {
  test(`${name} to clients that take nothing keeps one copy`, async (t) => {
    const body = Buffer.alloc(SIZE, 'b')
    let answered = 0
    let all
    const everybody = new Promise((resolve) => {
      all = resolve
    })
    const port = await listening(t, (req, res) => {
      answer(res, body)
      if (++answered === CLIENTS) setImmediate(all)
    })
    const before = process.memoryUsage().rss
    for (let i = 0; i < CLIENTS; i++) {
      const client = net.connect(port, '127.0.0.1').pause()
      client.on('error', () => {})
      t.after(() => client.destroy())
      client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    }
    await everybody
    // longer than the engine waits before it copies what a slow client leaves in an outbox
    await new Promise((resolve) => setTimeout(resolve, 700))
    const grown = process.memoryUsage().rss - before
    assert.ok(grown < (CLIENTS * SIZE) / 3, `${grown} bytes more`)
  })
}

test('each client gets the bytes that the buffer held when it was answered', async (t) => {
  const body = Buffer.alloc(SIZE)
  let count = 0
  const port = await listening(t, (req, res) => {
    // equal for two, then changed in one byte far behind
    body[SIZE - 1] = ++count >> 1
    res.set('X-Last', String(count >> 1)).end(body)
  })
  const get = () =>
    new Promise((resolve, reject) => {
      const request = http.get({ port, agent: false }, (response) => {
        // all of them wait before anybody reads
        setTimeout(async () => {
          const parts = []
          for await (const part of response) parts.push(part)
          resolve([response.headers['x-last'], Buffer.concat(parts)])
        }, 300)
      })
      request.on('error', reject)
    })
  for (const [last, bytes] of await Promise.all(Array.from({ length: 12 }, get))) {
    assert.strictEqual(bytes.length, SIZE)
    assert.strictEqual(String(bytes[SIZE - 1]), last)
  }
})
