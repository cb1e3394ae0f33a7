'use strict'

// The memory that large parts of request bodies come in: it is one request's alone for as long as a handler keeps it, whatever
// others upload meanwhile, and a handler that stops reading stops its client. What bodies say is compared with Node in
// ../node-http/request-body.test.js.

const assert = require('node:assert')
const crypto = require('node:crypto')
const { once } = require('node:events')
const http = require('node:http')
const net = require('node:net')
const { test } = require('node:test')
const { setTimeout: sleep } = require('node:timers/promises')
const { Worker } = require('node:worker_threads')
const express = require('../..')

const SIZE = 3 * 1024 * 1024
const digest = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex')

/** Until the connection has gone, in whichever way. */
const closed = (socket) => new Promise((resolve) => socket.once('close', resolve))

async function listening(t, handler) {
  const app = express()
  app.post('/', handler)
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.closeAllConnections())
  t.after(() => server.close())
  return server.address().port
}

/** Sends a body, counted or in chunks of a size, and resolves to the text of the answer. */
function upload(port, body, { chunks, trailers, agent } = {}) {
  return new Promise((resolve, reject) => {
    const headers = chunks ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': body.length }
    if (trailers) headers.Trailer = Object.keys(trailers).join()
    const request = http.request({ port, method: 'POST', headers, agent }, async (response) => {
      let text = ''
      for await (const part of response.setEncoding('utf8')) text += part
      resolve(text)
    })
    request.on('error', reject)
    if (chunks) {
      for (let at = 0; at < body.length; at += chunks) request.write(body.subarray(at, at + chunks))
      if (trailers) request.addTrailers(trailers)
    } else request.write(body)
    request.end()
  })
}

test('parts that a handler keeps stay as they were, and what it writes to them is nobody else’s', async (t) => {
  const kept = []
  const port = await listening(t, async (req, res) => {
    const hash = crypto.createHash('sha256')
    const mine = []
    for await (const part of req) {
      hash.update(part)
      if (req.headers['content-length'] === String(SIZE + 1)) kept.push(part)
      else mine.push(part)
    }
    for (const part of mine) part.fill(0xee)
    res.end(hash.digest('hex'))
  })
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 })
  t.after(() => agent.destroy())
  const first = crypto.randomBytes(SIZE + 1)
  assert.strictEqual(await upload(port, first), digest(first))
  // many times the memory that lies between two collections
  for (let round = 0; round < 12; round++) {
    const bodies = Array.from({ length: 8 }, (_, i) => Buffer.alloc(SIZE, round * 8 + i))
    const answers = bodies.map((body, i) =>
      upload(port, body, { agent, chunks: i % 2 ? 50_000 : undefined })
    )
    assert.deepStrictEqual(await Promise.all(answers), bodies.map(digest))
  }
  assert.ok(Buffer.concat(kept).equals(first))
  for (const part of kept.filter((part) => part.length >= 16 * 1024)) {
    assert.deepStrictEqual([part.byteOffset, part.buffer.byteLength], [0, part.length])
    assert.ok(Buffer.isBuffer(part))
  }
})

test('many small chunks come as few parts, trailers behind them', async (t) => {
  const port = await listening(t, async (req, res) => {
    let parts = 0
    const hash = crypto.createHash('sha256')
    for await (const part of req) {
      parts++
      hash.update(part)
    }
    res.json({ parts, digest: hash.digest('hex'), trailers: req.trailers })
  })
  const body = crypto.randomBytes(SIZE)
  for (const chunks of [997, 16 * 1024, 64 * 1024, SIZE]) {
    const trailers = { 'X-Sum': String(chunks) }
    const answer = JSON.parse(await upload(port, body, { chunks, trailers }))
    assert.strictEqual(answer.digest, digest(body), `chunks of ${chunks}`)
    assert.deepStrictEqual(answer.trailers, { 'x-sum': String(chunks) })
    assert.ok(answer.parts <= SIZE / Math.min(chunks, 8192), `${answer.parts} of ${chunks}`)
  }
})

for (const framing of ['Content-Length: 1000000000', 'Transfer-Encoding: chunked']) {
  test(`a handler that pauses stops its client (${framing.split(':')[0]})`, async (t) => {
    let paused
    const port = await listening(t, (req) => {
      req.once('data', () => {
        req.pause()
        paused = req
      })
      req.on('error', () => {})
    })
    const client = net.connect(port, '127.0.0.1')
    client.on('error', () => {})
    t.after(() => client.destroy())
    client.write(`POST / HTTP/1.1\r\nHost: x\r\n${framing}\r\n\r\n`)
    const size = (256 * 1024).toString(16)
    const chunk = framing.startsWith('T')
      ? Buffer.from(`${size}\r\n${'c'.repeat(256 * 1024)}\r\n`)
      : Buffer.alloc(256 * 1024, 'c')
    let sent = 0
    const send = () => {
      while (sent < 200 * 1024 * 1024 && client.write(chunk)) sent += chunk.length
    }
    client.on('drain', send)
    send()
    // until the client makes no way any more
    for (let before = -1; before !== client.bytesWritten - client.writableLength; ) {
      before = client.bytesWritten - client.writableLength
      await sleep(200)
    }
    assert.ok(sent < 100 * 1024 * 1024, `${sent} bytes were taken`)
    assert.ok(paused.readableLength <= 512 * 1024, `${paused.readableLength} bytes are unread`)
    const before = paused.readableLength
    let read = 0
    paused.on('data', (part) => {
      read += part.length
      if (read > 20 * 1024 * 1024) paused.destroy()
    })
    paused.resume()
    await closed(client)
    assert.ok(read > before)
  })
}

test('a body that is destroyed half-way, or whose client leaves, harms no other', async (t) => {
  const seen = []
  const port = await listening(t, (req, res) => {
    let length = 0
    req.on('data', (part) => {
      length += part.length
      if (req.headers['x-break'] === 'server' && length > SIZE / 2) req.destroy()
    })
    req.on('end', () => res.end(String(length)))
    req.on('error', (err) => seen.push(err.code))
  })
  for (let round = 0; round < 10; round++) {
    const broken = net.connect(port, '127.0.0.1')
    broken.on('error', () => {})
    const by = round % 2 ? 'server' : 'client'
    broken.write(`POST / HTTP/1.1\r\nHost: x\r\nX-Break: ${by}\r\nContent-Length: ${SIZE}\r\n\r\n`)
    broken.write(Buffer.alloc(by === 'server' ? SIZE - 1 : SIZE / 2))
    if (by === 'client') setTimeout(() => broken.destroy(), 20)
    const answers = await Promise.all([
      upload(port, Buffer.alloc(SIZE)),
      upload(port, Buffer.alloc(SIZE), { chunks: 70_000 }),
      closed(broken)
    ])
    assert.deepStrictEqual(answers.slice(0, 2), [String(SIZE), String(SIZE)])
  }
  assert.ok(seen.every((code) => code === 'ECONNRESET'))
})

test('a small part that is kept does not keep the memory around it', async (t) => {
  const [first, rest] = [Buffer.alloc(20 * 1024, 1), Buffer.alloc(500 * 1024, 2)]
  const kept = []
  const port = await listening(t, (req, res) => {
    req.on('data', (part) => {
      if (part[0] !== 1) return
      kept.push(part)
      // the rest is sent when this part is here, so that it is one of its own
      client.write(rest)
    })
    req.on('end', () => res.end())
  })
  const client = net.connect(port, '127.0.0.1')
  t.after(() => client.destroy())
  client.setNoDelay(true)
  const before = process.memoryUsage().rss
  const UPLOADS = 400
  for (let i = 0; i < UPLOADS; i++) {
    const head = `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${first.length + rest.length}\r\n\r\n`
    client.write(head)
    await sleep(1)
    client.write(first)
    await once(client, 'data')
  }
  const grown = process.memoryUsage().rss - before
  assert.ok(kept.reduce((sum, part) => sum + part.length, 0) === UPLOADS * first.length)
  assert.ok(grown < UPLOADS * 256 * 1024, `${kept.length} parts keep ${grown} bytes`)
})

test('a worker that is terminated while bodies come in takes nothing along', async (t) => {
  const program = `
    const { parentPort } = require('node:worker_threads')
    const express = require(${JSON.stringify(require.resolve('../..'))})
    const app = express()
    app.post('/', (req) => req.on('data', (part) => parentPort.postMessage(part)))
    const server = app.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))`
  for (let round = 0; round < 3; round++) {
    const worker = new Worker(program, { eval: true })
    const [port] = await once(worker, 'message')
    const clients = Array.from({ length: 4 }, () => {
      const client = net.connect(port, '127.0.0.1')
      client.on('error', () => {})
      t.after(() => client.destroy())
      client.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n`)
      client.write(Buffer.alloc(32 * 1024 * 1024, 'w'))
      return client
    })
    const parts = []
    await new Promise((resolve) => {
      worker.on('message', (part) => parts.push(part) === 50 && resolve())
    })
    await worker.terminate()
    for (const client of clients) client.destroy()
    assert.ok(parts.every((part) => part.every((byte) => byte === 0x77)))
  }
})
