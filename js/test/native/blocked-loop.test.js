'use strict'
// An event loop that stands still: Rust goes on answering what needs no JavaScript, ends what takes too long, and holds what
// waits within bounds. And a server that is told to end under load: every request that a handler has seen is answered.
// A worker's loop is stopped and let go by the test itself, so that nothing depends on time.

const assert = require('node:assert/strict')
const { fork } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')
const { test } = require('node:test')
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads')
const { request } = require('../ecosystem/lib/raw-http')

const MiB = 1024 * 1024

if (process.env.RNODE_TEST_CLOSES) closes()
else if (isMainThread) tests()
else blocks()

/** In a worker: a server with files in front, and a route that stops the loop until the test lets it go. */
function blocks() {
  const express = require('../../index.js')
  const app = express()
  app.use('/files', express.static(workerData.files))
  app.get('/blocks', (req, res) => {
    parentPort.postMessage('blocked')
    Atomics.wait(workerData.gate, 0, 0)
    res.send('let go')
  })
  app.get('/limited', express.timeout(100), (req, res) => res.send('in time'))
  app.get('/', (req, res) => res.send('answered'))
  const server = app.listen(0, () => parentPort.postMessage(server.address().port))
}

/** In a process: a server that closes at SIGTERM and tells how many requests its handler has seen. */
function closes() {
  const express = require('../../index.js')
  const app = express()
  let seen = 0
  app.get('/', (req, res) => {
    seen++
    // some at once, some after a while
    if (seen % 3 === 0) res.send('answered')
    else setTimeout(() => res.send('answered'), seen % 20)
  })
  const server = app.listen(0, () => process.send({ port: server.address().port }))
  process.once('SIGTERM', () => {
    server.close(() => process.send({ seen }, () => process.exit(0)))
  })
}

function tests() {
  test('while the event loop stands still', async (t) => {
    const files = fs.mkdtempSync(path.join(os.tmpdir(), 'rnode-blocked-'))
    fs.writeFileSync(path.join(files, 'file.txt'), 'a file')
    const gate = new Int32Array(new SharedArrayBuffer(4))
    const worker = new Worker(__filename, { workerData: { files, gate } })
    t.after(async () => {
      await worker.terminate()
      fs.rmSync(files, { recursive: true })
    })
    const [port] = await once(worker, 'message')
    const where = { port }
    assert.equal((await request(where, { path: '/' })).body.toString(), 'answered')
    assert.equal((await request(where, { path: '/files/file.txt' })).status, 200)

    const blocking = net.connect(port, '127.0.0.1')
    blocking.write('GET /blocks HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    const closed = once(blocking, 'close')
    let blocked = ''
    blocking.on('data', (chunk) => {
      blocked += chunk
    })
    await once(worker, 'message')

    const found = await request(where, { path: '/files/file.txt' })
    assert.deepEqual([found.status, found.body.toString()], [200, 'a file'])
    const late = await request(where, { path: '/limited' })
    assert.equal(late.status, 503, 'the handler timeout needs no event loop')

    // 256 MiB are offered, and taken only as far as there is room
    const one = `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(12_000)}\r\n\r\n`
    const many = Buffer.from(one.repeat(Math.floor((4 * MiB) / one.length)))
    const before = process.memoryUsage.rss()
    const flood = Array.from({ length: 64 }, () => net.connect(port, '127.0.0.1'))
    for (const socket of flood) socket.on('error', () => {}).on('data', () => {})
    await Promise.all(flood.map((socket) => once(socket, 'connect')))
    for (const socket of flood) socket.write(many)
    let written = -1
    for (;;) {
      const now = flood.reduce(
        (sum, socket) => sum + socket.bytesWritten - socket.writableLength,
        0
      )
      if (now === written) break
      written = now
      for (let i = 0; i < 5; i++)
        assert.equal((await request(where, { path: '/files/file.txt' })).status, 200)
    }
    const grown = (process.memoryUsage.rss() - before) / MiB
    assert.ok(grown < 100, `${grown.toFixed(0)} MiB for requests that nobody takes`)
    for (const socket of flood) socket.destroy()

    Atomics.store(gate, 0, 1)
    Atomics.notify(gate, 0)
    await closed
    assert.ok(blocked.startsWith('HTTP/1.1 200 ') && blocked.endsWith('let go'), blocked)
    assert.equal((await request(where, { path: '/' })).body.toString(), 'answered')
  })

  test('SIGTERM under load: what a handler has seen is answered', async () => {
    const child = fork(__filename, { env: { ...process.env, RNODE_TEST_CLOSES: '1' } })
    const [{ port }] = await once(child, 'message')
    let answered = 0
    let broken = 0
    const ended = []
    const client = () =>
      new Promise((resolve) => {
        const socket = net.connect(port, '127.0.0.1')
        let text = ''
        const ask = () => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
        socket.on('connect', ask)
        socket.on('error', () => {})
        socket.on('data', (chunk) => {
          text += chunk.toString('latin1')
          if (!text.endsWith('\r\n\r\nanswered')) return
          if (text.startsWith('HTTP/1.1 200 ')) answered++
          else broken++
          const last = /^connection: close/im.test(text)
          text = ''
          if (answered === 500) child.kill('SIGTERM')
          if (!last) ask()
        })
        socket.on('close', () => {
          if (text !== '') broken++
          resolve()
        })
      })
    for (let i = 0; i < 24; i++) ended.push(client())
    const [{ seen }] = await once(child, 'message')
    await Promise.all(ended)
    assert.deepEqual({ answered, broken }, { answered: seen, broken: 0 })
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    assert.equal(child.exitCode, 0)
  })
}
