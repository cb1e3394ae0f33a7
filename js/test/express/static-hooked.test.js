// Files behind a replaced writeHead (what on-headers does for morgan, response-time and sessions): Rust decides about the file,
// the head is written through what has replaced writeHead, and Rust sends the bytes behind whatever came of it.
'use strict'

const {
  differential,
  exchange,
  ours,
  theirs,
  transports,
  withServer
} = require('../helpers/differential')
const { fileTag, temporaryTree } = require('../helpers/tree')
const { eventually } = require('../helpers/wait')
const assert = require('node:assert/strict')
const net = require('node:net')
const { test } = require('node:test')
const onFinished = require('on-finished')
const bridge = require('../../lib/native/bridge')
const F = require('../../lib/native/frames')

const { root, sparse, write } = temporaryTree('hooked')
write('hello.txt', 'hello, world')
write('empty.txt', '')
write('dir/index.html', '<p>index</p>')
write('large.bin', Buffer.alloc(700_000, 'l'))
write('ünï.txt', 'a name in UTF-8')
sparse('huge.bin', 64 << 20)

const listen = transports['app.listen(0)']
const etag = fileTag('hello, world'.length)

const requests = [
  '/hello.txt',
  '/empty.txt',
  '/large.bin',
  `/${encodeURIComponent('ünï.txt')}`,
  '/none.txt',
  '/dir',
  '/dir/',
  '/../hello.txt',
  '/.hidden',
  { method: 'HEAD', path: '/hello.txt' },
  { method: 'POST', path: '/hello.txt' },
  { path: '/hello.txt', headers: { 'if-none-match': etag } },
  { method: 'HEAD', path: '/hello.txt', headers: { 'if-none-match': etag } },
  { path: '/hello.txt', headers: { 'if-match': '"other"' } },
  { path: '/hello.txt', headers: { 'if-modified-since': new Date(1e12).toUTCString() } },
  { path: '/hello.txt', headers: { range: 'bytes=1-3' } },
  { path: '/large.bin', headers: { range: 'bytes=-100000' } },
  { path: '/hello.txt', headers: { range: 'bytes=0-0,5-6' } },
  { path: '/hello.txt', headers: { range: 'bytes=100-' } },
  { path: '/hello.txt', headers: { connection: 'close' } }
]

/** Calls `listener` when the head is written, as on-headers does. */
function onHead(res, listener) {
  const { writeHead } = res
  let fired = false
  res.writeHead = function (...args) {
    if (!fired) {
      fired = true
      listener.call(this)
      if (typeof args[0] === 'number' && this.statusCode !== args[0]) args[0] = this.statusCode
    }
    return writeHead.apply(this, args)
  }
}

/** Hooks behind which Rust sends the bytes. */
const plain = {
  'nothing but a look': () => {},
  'a header more': (res) => res.setHeader('X-Response-Time', '1ms'),
  'headers seen, changed and taken': (res) => {
    res.setHeader('X-Seen', JSON.stringify(Object.entries(res.getHeaders()).sort()))
    res.removeHeader('ETag')
    res.setHeader('Cache-Control', 'no-store')
    res.setHeader('Set-Cookie', ['a=1', 'b=2'])
    res.setHeader('Content-Type', 'text/x-other')
  },
  'another status': (res) => {
    if (res.statusCode === 200) res.statusCode = 299
  },
  'another message': (res) => {
    res.statusMessage = 'Quite Fine'
  },
  'the connection': (res) => res.setHeader('Connection', 'close'),
  'no date': (res) => {
    res.sendDate = false
  }
}

/** Those behind which JavaScript does. */
const special = {
  'the length taken': (res) => res.removeHeader('Content-Length'),
  'chunked by hand': (res) => {
    res.removeHeader('Content-Length')
    res.setHeader('Transfer-Encoding', 'chunked')
  },
  'a status without a body': (res) => {
    if (res.statusCode === 200) res.statusCode = 204
  },
  'write replaced by the hook': (res) => {
    const { write } = res
    res.write = function (chunk, ...rest) {
      return write.call(this, Buffer.from(chunk).fill('x'), ...rest)
    }
  },
  'a listener of pipe': (res) => res.on('pipe', () => {})
}

const files = {
  'express.static': (express) => express.static(root),
  'express.static with setHeaders': (express) =>
    express.static(root, {
      setHeaders: (res, _path, stat) => res.setHeader('X-Size', stat.size)
    }),
  'express.static without fallthrough': (express) => express.static(root, { fallthrough: false }),
  'res.sendFile': () => (req, res, next) => {
    if (req.method === 'POST') return next()
    const options = { root, headers: { 'X-Own': 'yes', 'Cache-Control': 'private' } }
    res.sendFile(decodeURIComponent(req.path), options, (err) => {
      if (err && !res.headersSent) next(err)
    })
  },
  'res.sendFile of a part': () => (req, res) => {
    res.sendFile(req.path, { root, start: 2, end: 5 })
  }
}

function program(hook, serve) {
  return (express) => {
    const app = express()
    app.use((_req, res, next) => {
      onHead(res, () => hook(res))
      next()
    })
    app.use(serve(express))
    app.use((err, _req, res, _next) => res.status(err.status ?? 500).send(`failed ${err.message}`))
    return app
  }
}

for (const [hookName, hook] of Object.entries({ ...plain, ...special })) {
  for (const [fileName, serve] of Object.entries(files)) {
    differential(`${hookName}: ${fileName}`, program(hook, serve), requests)
  }
}

/** What was asked of Rust to send behind heads of JavaScript's. */
const held = (mock) => mock.calls.filter(({ arguments: [, flags] }) => (flags & F.HELD) !== 0)

for (const [hooks, count] of [
  [plain, 8],
  [special, 0]
]) {
  for (const [name, hook] of Object.entries(hooks)) {
    test(`who sends the bytes: ${name}`, async (t) => {
      if (name === 'a status without a body') return
      const { mock } = t.mock.method(bridge, 'sendHead')
      await withServer(program(hook, files['express.static'])(ours), listen, async (port) => {
        for (const request of requests) await exchange(port, request)
      })
      assert.equal(held(mock).length, count)
    })
  }
}

test('a logger with hooks sees the same', async () => {
  const logs = []
  for (const express of [ours, theirs]) {
    const lines = []
    const app = express()
    app.use((req, res, next) => {
      onHead(res, () => lines.push(['head', req.url, res.statusCode, res.headersSent]))
      onFinished(res, (err) => {
        const { statusCode, statusMessage, headersSent, writableEnded, writableFinished } = res
        const states = { statusCode, statusMessage, headersSent, writableEnded, writableFinished }
        const headers = Object.entries(res.getHeaders()).sort()
        const head = res._header
          ?.replace(/^Date: .*$/m, 'Date')
          .split('\r\n')
          .sort()
        lines.push(['finished', err, states, headers, head])
      })
      next()
    })
    app.use(express.static(root))
    app.use((_req, res) => res.sendStatus(404))
    app.use((err, _req, res, _next) => res.status(err.status).send('failed'))
    await withServer(app, listen, async (port) => {
      for (const [i, request] of requests.entries()) {
        await exchange(port, request)
        await eventually(() => lines.length >= 2 * (i + 1))
      }
    })
    logs.push(lines)
  }
  assert.deepEqual(logs[0], logs[1])
})

for (const express of [ours, theirs]) {
  const name = express === ours ? 'rnode-server' : 'Express'
  test(`the callback of res.sendFile behind a hook, ${name}`, async () => {
    const told = []
    const app = express()
    app.use((req, res) => {
      onHead(res, () => res.setHeader('X-Hook', 'yes'))
      res.sendFile(req.path, { root }, (err) => {
        told.push([req.method, req.url, err?.code ?? err?.status, res.headersSent])
        if (err && !res.headersSent) res.status(500).end()
      })
    })
    await withServer(app, listen, async (port) => {
      for (const request of requests) await exchange(port, request)
      await eventually(() => told.length >= requests.length)
    })
    assert.equal(told.length, requests.length)
    assert.deepEqual(told[0], ['GET', '/hello.txt', undefined, true])
    assert.deepEqual(told[4], ['GET', '/none.txt', 'ENOENT', false])
  })

  test(`a client that leaves a hooked file, ${name}`, async () => {
    const app = express()
    const ended = new Promise((resolve) => {
      app.use((_req, res, next) => {
        onHead(res, () => res.setHeader('X-Hook', 'yes'))
        const names = []
        for (const event of ['prefinish', 'finish']) res.on(event, () => names.push(event))
        res.on('close', () => {
          const { statusCode, headersSent, writableFinished, destroyed } = res
          resolve([names, statusCode, headersSent, writableFinished, destroyed])
        })
        next()
      })
    })
    app.use(express.static(root))
    await withServer(app, listen, async (port) => {
      const socket = net.connect(port, '127.0.0.1')
      socket.on('error', () => {})
      socket.write('GET /huge.bin HTTP/1.1\r\nHost: x\r\n\r\n')
      await new Promise((resolve) => socket.once('data', resolve))
      socket.destroy()
      assert.deepEqual(await ended, [[], 200, true, false, true])
    })
  })
}

test('a hook that throws is an uncaught error', async (t) => {
  const app = ours()
  app.use((_req, res, next) => {
    onHead(res, () => {
      throw new Error('from the hook')
    })
    next()
  })
  app.use(ours.static(root))
  app.use((_err, _req, res, _next) => res.end('error handler'))
  const caught = new Promise((resolve) => {
    const before = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.once('uncaughtException', resolve)
    t.after(() => {
      for (const listener of before) process.on('uncaughtException', listener)
    })
  })
  await withServer(app, listen, async (port) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write('GET /hello.txt HTTP/1.1\r\nHost: x\r\n\r\n')
    assert.equal((await caught).message, 'from the hook')
    socket.destroy()
  })
})
