'use strict'
// What has happened to one request is told to the end before the next one's handler runs, also where the loop stood still and
// both are taken in one turn: under Node the ticks of an event are over before another one is looked at. A worker is the client, and
// lets the loop go when it knows that the second request is in the queue: "100 Continue" is Rust's answer, given when it has read the head.

const assert = require('node:assert/strict')
const { fork } = require('node:child_process')
const { once } = require('node:events')
const path = require('node:path')
const { test } = require('node:test')
const { Worker, isMainThread, workerData } = require('node:worker_threads')
const { Connection } = require('../ecosystem/lib/raw-http')

if (!isMainThread) client()
else if (process.env.RNODE_TEST_CASE) serve()
else tests()

/** More than the kernel takes of an answer that nobody reads. */
const LARGE = 16_000_000
const LAST = 'handler /last'

/** The client of a case: every one ends with a request behind "Expect", on the same or on another connection. */
async function client() {
  const { port, gate, name } = workerData
  const where = { port }
  const first = await Connection.open(where)
  first.write(`GET /${name.split(',')[0]} HTTP/1.1\r\nHost: a\r\n\r\n`)
  Atomics.wait(gate, 0, 0)
  let last = first
  if (name === 'unanswered') first.destroy()
  else await first.readResponse()
  if (name === 'file, then another connection') {
    // Rust answers it: what it had to tell of the file is told
    first.write('GET /native/hello.txt HTTP/1.1\r\nHost: a\r\n\r\n')
    await first.readResponse()
    first.end()
    await first.readToEnd()
  }
  if (name === 'unanswered' || name === 'file, then another connection')
    last = await Connection.open(where)
  last.write('POST /last HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n')
  await last.readUntil('HTTP/1.1 100 Continue\r\n\r\n')
  Atomics.store(gate, 1, 1)
  Atomics.notify(gate, 1)
  last.write('ok')
  // 'destroyed' gets none
  await last.readResponse().catch(() => {})
  last.destroy()
}

/** In a process with one I/O thread: the server, whose loop stops as soon as the first answer is on its way. */
function serve() {
  const express = require('../../index.js')
  const name = process.env.RNODE_TEST_CASE
  const files = path.join(__dirname, '../ecosystem/fixtures/public')
  const gate = new Int32Array(new SharedArrayBuffer(8))
  const log = []
  const stop = () => {
    Atomics.store(gate, 0, 1)
    Atomics.notify(gate, 0)
    Atomics.wait(gate, 1, 0)
  }
  const app = express()
  app.use('/native', express.static(files))
  app.use((req, res, next) => {
    const note = (what) => () => log.push(`${what} ${req.path}`)
    note('handler')()
    for (const event of ['aborted', 'end', 'close']) req.on(event, note(`request ${event}`))
    for (const event of ['finish', 'close']) res.on(event, note(`response ${event}`))
    if (req.path !== '/last') req.socket.on('close', note('socket close'))
    next()
  })
  app.get('/file', (req, res) => {
    const { writeHead } = res
    // as on-headers does it; the answer is posted by then
    res.writeHead = function (...args) {
      process.nextTick(stop)
      return writeHead.apply(this, args)
    }
    res.sendFile('hello.txt', { root: files })
  })
  app.get('/stream', (req, res) => {
    res.write('x'.repeat(LARGE))
    res.end('end')
    // a stream is posted behind the first immediates
    setImmediate(setImmediate, stop)
  })
  app.get('/unanswered', () => process.nextTick(stop))
  app.get('/destroyed', (req, res) => {
    res.send('x')
    req.socket.on('close', () => report(20))
    process.nextTick(() => {
      stop()
      req.socket.destroy()
    })
  })
  /** Some rounds of the loop later, in which what is in the queue is taken. */
  const report = (rounds) => {
    if (rounds === 0) process.send(log)
    else setImmediate(report, rounds - 1)
  }
  app.post('/last', (req, res) => {
    req.resume()
    req.on('end', () => {
      res.end()
      res.on('close', () => process.send(log))
    })
  })
  const server = app.listen(0, () => {
    new Worker(__filename, { workerData: { port: server.address().port, gate, name } })
  })
}

/** What a case has seen; of the last request only that its handler ran. */
async function logOf(name) {
  const env = {
    ...process.env,
    RNODE_TEST_CASE: name,
    RNODE_IO_THREADS: '1',
    RNODE_DIRECT: '0'
  }
  const child = fork(__filename, { env })
  const [log] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => assert.fail('the server ended'))
  ])
  child.kill()
  return log.filter((line) => line === LAST || !line.endsWith(' /last'))
}

function tests() {
  const answered = (name) => [
    `handler /${name}`,
    `response finish /${name}`,
    `response close /${name}`,
    `request end /${name}`,
    `request close /${name}`
  ]
  const answeredBefore = (name) => [...answered(name), LAST]

  test('a file, and a request behind it on the same connection', async () => {
    assert.deepEqual(await logOf('file'), answeredBefore('file'))
  })

  test('a file, and a request on another connection in its place', async () => {
    assert.deepEqual(await logOf('file, then another connection'), [
      ...answered('file'),
      'socket close /file',
      LAST
    ])
  })

  test('a stream that the client took slowly, and a request behind it', async () => {
    assert.deepEqual(await logOf('stream'), answeredBefore('stream'))
  })

  test('a request behind an answer whose connection is destroyed reaches no handler', async () => {
    const log = await logOf('destroyed')
    assert.equal(log[0], 'handler /destroyed')
    assert.ok(log.includes('socket close /destroyed') && !log.includes(LAST), log.join())
  })

  test('a client that leaves, and comes back on another connection', async () => {
    assert.deepEqual(await logOf('unanswered'), [
      'handler /unanswered',
      'request aborted /unanswered',
      'response close /unanswered',
      'socket close /unanswered',
      'request close /unanswered',
      LAST
    ])
  })
}
