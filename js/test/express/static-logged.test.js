// Files behind a logger: Rust answers, and those who listen to the response see what they see under Express.
'use strict'

const { exchange, ours, theirs, transports, withServer } = require('../helpers/differential')
const { fileTag, temporaryTree } = require('../helpers/tree')
const { eventually } = require('../helpers/wait')
const assert = require('node:assert/strict')
const net = require('node:net')
const { test } = require('node:test')
const onFinished = require('on-finished')
const bridge = require('../../lib/native/bridge')

const { root, sparse, write } = temporaryTree('logged')
write('hello.txt', 'hello, world')
write('large.bin', Buffer.alloc(700_000, 'l'))
write('dir/inner.txt', 'in a folder')
sparse('huge.bin', 64 << 20)

const listen = transports['app.listen(0)']
const etag = fileTag('hello, world'.length)

const requests = [
  '/hello.txt',
  '/large.bin',
  '/none.txt',
  '/dir',
  { method: 'HEAD', path: '/hello.txt' },
  { method: 'POST', path: '/hello.txt' },
  { path: '/hello.txt', headers: { 'if-none-match': etag } },
  { path: '/hello.txt', headers: { range: 'bytes=1-3' } },
  { path: '/hello.txt', headers: { range: 'bytes=100-' } }
]

/** What is written, in the order of the requests. */
async function logged(express, watch, files) {
  const lines = []
  const app = express()
  app.use(watch((line) => lines.push(line)))
  app.use(files(express))
  app.use((err, _req, res, _next) => res.status(err.status).send('failed'))
  await withServer(app, listen, async (port) => {
    for (const [i, request] of requests.entries()) {
      await exchange(port, request)
      await eventually(() => lines.length > i)
    }
  })
  return lines
}

const watchers = {
  'what loggers ask for': (log) => (req, res, next) => {
    onFinished(res, () => {
      const length = res.getHeader('content-length')
      log([req.method, req.url, res.statusCode, typeof length, length, Boolean(res._header)])
    })
    next()
  },
  'on-finished and the properties': (log) => (_req, res, next) => {
    onFinished(res, (err) => {
      const { statusCode, headersSent, writableEnded, writableFinished, finished } = res
      const headers = Object.entries(res.getHeaders()).sort()
      log({ err, statusCode, headersSent, writableEnded, writableFinished, finished, headers })
    })
    next()
  },
  events: (log) => (_req, res, next) => {
    const seen = []
    for (const name of ['prefinish', 'finish']) res.on(name, () => seen.push(name))
    res.on('close', () => log([...seen, 'close', res.writableFinished, res.destroyed]))
    next()
  }
}

const files = {
  'express.static': (express) => express.static(root),
  'res.sendFile': () => (req, res, next) => {
    if (req.method === 'POST') return next()
    res.sendFile(req.path, { root })
  }
}

for (const [watcher, watch] of Object.entries(watchers)) {
  for (const [name, serve] of Object.entries(files)) {
    test(`a logged file: ${watcher}, ${name}`, async (t) => {
      const { mock } = t.mock.method(bridge, 'sendFile')
      const mine = await logged(ours, watch, serve)
      assert.equal(mock.callCount(), requests.length - 1, 'Rust was asked')
      assert.deepEqual(mine, await logged(theirs, watch, serve))
    })
  }
}

const headOf = (res) => res._header?.replace(/^Date: .*$/m, 'Date')

for (const [name, serve] of Object.entries(files)) {
  test(`a logged file: a client that leaves is logged, ${name}`, async (t) => {
    const { mock } = t.mock.method(bridge, 'sendFile')
    const seen = []
    for (const express of [ours, theirs]) {
      const app = express()
      const ended = new Promise((resolve) => {
        app.use((_req, res, next) => {
          const names = []
          for (const event of ['prefinish', 'finish']) res.on(event, () => names.push(event))
          res.on('close', () => {
            const { statusCode, statusMessage, headersSent, writableFinished, destroyed } = res
            const states = { statusCode, statusMessage, headersSent, writableFinished, destroyed }
            const { finished, writableEnded } = res
            const headers = Object.entries(res.getHeaders()).sort()
            resolve({ names, ...states, finished, writableEnded, headers, head: headOf(res) })
          })
          next()
        })
      })
      app.use(serve(express))
      await withServer(app, listen, async (port) => {
        const socket = net.connect(port, '127.0.0.1')
        socket.on('error', () => {})
        socket.write('GET /huge.bin HTTP/1.1\r\nHost: x\r\n\r\n')
        await new Promise((resolve) => socket.once('data', resolve))
        socket.destroy()
        seen.push(await ended)
      })
    }
    assert.equal(mock.callCount(), 1, 'Rust was asked')
    assert.equal(seen[0].headersSent, true)
    assert.deepEqual(seen[0], seen[1])
  })
}

test('a logged file: its bytes count as written to the socket', async () => {
  for (const express of [ours, theirs]) {
    const counts = []
    const watch = (log) => (req, res, next) => {
      onFinished(res, () => log(counts.push(req.socket.bytesWritten)))
      next()
    }
    await logged(express, watch, files['express.static'])
    assert.ok(counts[1] > 700_000 && counts[1] < 701_000, `${counts[1]} bytes`)
    assert.ok(counts[0] > 12 && counts[0] < 1000, `${counts[0]} bytes`)
  }
})

test('a logged file: the head that was sent can be looked at', async () => {
  const seen = []
  for (const express of [ours, theirs]) {
    const heads = []
    const watch = (log) => (_req, res, next) => {
      res.on('finish', () => log(heads.push([res.statusMessage, headOf(res)])))
      next()
    }
    await logged(express, watch, files['express.static'])
    // pages of the final handler are each server's own
    seen.push(heads.filter(([message]) => message !== 'Not Found'))
  }
  assert.deepEqual(...seen)
})
