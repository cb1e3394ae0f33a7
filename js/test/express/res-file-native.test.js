// res.sendFile and res.download where Rust answers: the same bytes, callbacks and errors as Express'.
'use strict'

const { exchange, ours, theirs, transports, withServer } = require('../helpers/differential')
const { fileTag, temporaryTree } = require('../helpers/tree')
const { eventually } = require('../helpers/wait')
const assert = require('node:assert/strict')
const { AsyncLocalStorage } = require('node:async_hooks')
const net = require('node:net')
const { test } = require('node:test')
const bridge = require('../../lib/native/bridge')

const { at, root, sparse, write } = temporaryTree('send-file')
write('hello.txt', 'hello, world')
write('empty.txt', '')
write('.secret', 'hidden')
write('dir/index.html', '<h1>index</h1>')
write('bare/file.txt', 'x')
write('large.bin', Buffer.alloc(700_000, 'l'))
write('odd ü name%.txt', 'odd')
sparse('huge.bin', 64 << 20)

const listen = transports['app.listen(0)']
const etag = fileTag('hello, world'.length)

/** What a callback can see of its error and of the response. */
const seen = (res, err) => ({
  error: err && {
    name: err.name,
    message: err.message.replaceAll(root, ''),
    code: err.code,
    errno: err.errno,
    syscall: err.syscall,
    path: err.path?.replaceAll(root, ''),
    status: err.status,
    statusCode: err.statusCode,
    expose: err.expose,
    headers: err.headers
  },
  status: res.statusCode,
  headersSent: res.headersSent,
  ended: res.writableEnded,
  headers: Object.entries(res.getHeaders()).sort()
})

/** How each case answers: `(res, callback)`. */
const calls = {
  plain: (res, done) => res.sendFile(at('hello.txt'), done),
  root: (res, done) => res.sendFile('hello.txt', { root }, done),
  large: (res, done) => res.sendFile(at('large.bin'), done),
  empty: (res, done) => res.sendFile(at('empty.txt'), done),
  odd: (res, done) => res.sendFile(at('odd ü name%.txt'), done),
  missing: (res, done) => res.sendFile(at('missing ü.txt'), done),
  directory: (res, done) => res.sendFile(at('bare'), done),
  slash: (res, done) => res.sendFile(`${at('dir')}/`, done),
  'below a file': (res, done) => res.sendFile(at('hello.txt/x'), done),
  'long name': (res, done) => res.sendFile(at('x'.repeat(300)), done),
  climbs: (res, done) => res.sendFile('../../etc/passwd', { root }, done),
  'null byte': (res, done) => res.sendFile('a\0b', { root }, done),
  dotfile: (res, done) => res.sendFile('.secret', { root }, done),
  'dotfile denied': (res, done) => res.sendFile('.secret', { root, dotfiles: 'deny' }, done),
  'dotfile allowed': (res, done) => res.sendFile('.secret', { root, dotfiles: 'allow' }, done),
  extensions: (res, done) => res.sendFile('hello', { root, extensions: ['md', 'txt'] }, done),
  options: (res, done) =>
    res.sendFile(
      'hello.txt',
      { root, maxAge: '1d', immutable: true, lastModified: false, acceptRanges: false },
      done
    ),
  part: (res, done) => res.sendFile('hello.txt', { root, start: 2, end: 6 }, done),
  headers: (res, done) =>
    res.set({ 'X-Kept': 'yes', 'X-Own': 'before' }).sendFile(
      'hello.txt',
      {
        root,
        headers: { 'X-Own': 'after', 'X-List': ['a', 'b'], ETag: '"own"', 'Content-Type': 'a/b' }
      },
      done
    ),
  'headers of a missing file': (res, done) =>
    res.sendFile('missing.txt', { root, headers: { 'X-Own': 'never' } }, done),
  'status set': (res, done) => res.status(404).sendFile('hello.txt', { root }, done),
  download: (res, done) => res.download(at('hello.txt'), done),
  'download as': (res, done) =>
    res.download(at('hello.txt'), 'ä"b.txt', { headers: { 'X-Own': '1' } }, done),
  'download below a root': (res, done) => res.download('hello.txt', 'x.txt', { root }, done)
}

/** Names that send refuses before it looks for a file: within the call, as it does. */
const REFUSED = new Set(['climbs', 'null byte', 'dotfile', 'dotfile denied'])

const requests = [
  {},
  { method: 'HEAD' },
  { headers: { 'If-None-Match': etag } },
  { headers: { 'If-None-Match': '"own"' } },
  { headers: { 'If-Match': '"other"' } },
  { headers: { Range: 'bytes=2-4' } },
  { headers: { Range: 'bytes=100000000-' } },
  { headers: { Range: 'bytes=0-1,4-5' } },
  { headers: { Range: 'bytes=0-1', 'If-Range': '"other"' } },
  { headers: { 'If-Unmodified-Since': new Date(0).toUTCString() } }
]

/** Status, headers and body, and what the callback saw; with `callback: false` the fate of an error. */
async function outcomes(express, call, callback) {
  const results = []
  let report
  const app = express()
  app.all('/', (_req, res) => {
    if (!callback) return call(res)
    call(res, (err) => {
      report(seen(res, err))
      if (err && !res.headersSent) res.status(500).json({ code: err.code })
    })
  })
  app.use((err, _req, res, _next) => {
    const { headers } = seen(res, err)
    res.status(err.status || 500).json({ ...seen(res, err).error, kept: headers })
  })
  await withServer(app, listen, async (port) => {
    for (const request of requests) {
      const called = new Promise((resolve) => {
        report = resolve
      })
      const response = await exchange(port, { path: '/', ...request })
      const headers = response.headers.filter(([name]) => name !== 'Date').sort()
      const body = response.body.toString('latin1')
      const told = callback ? await called : undefined
      results.push({ request, status: response.status, headers, body, told })
    }
  })
  return results
}

for (const [name, call] of Object.entries(calls)) {
  for (const callback of [true, false]) {
    test(`res.sendFile as Express: ${name}, ${callback ? 'with' : 'without'} a callback`, async (t) => {
      const { mock } = t.mock.method(bridge, 'sendFile')
      const mine = await outcomes(ours, call, callback)
      assert.equal(mock.callCount(), REFUSED.has(name) ? 0 : requests.length, 'Rust was asked')
      assert.deepEqual(mine, await outcomes(theirs, call, callback))
    })
  }
}

for (const express of [ours, theirs]) {
  const name = express === ours ? 'ours' : 'Express'
  test(`res.sendFile: a client that leaves is ECONNABORTED [${name}]`, async () => {
    const app = express()
    const ended = new Promise((resolve) => {
      app.get('/', (_req, res) => res.sendFile(at('huge.bin'), resolve))
    })
    await withServer(app, listen, async (port) => {
      const socket = net.connect(port, '127.0.0.1')
      socket.on('error', () => {})
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
      await new Promise((resolve) => socket.once('data', resolve))
      socket.destroy()
      const err = await ended
      assert.deepEqual([err.message, err.code], ['Request aborted', 'ECONNABORTED'])
    })
  })

  test(`res.sendFile: the callback keeps the asynchronous context, its error is uncaught [${name}]`, async () => {
    const storage = new AsyncLocalStorage()
    const app = express()
    const seen = []
    app.use((_req, _res, next) => storage.run('context', next))
    app.get('/', (_req, res) => {
      res.sendFile(at('hello.txt'), () => {
        seen.push(storage.getStore())
        throw new Error('from the callback')
      })
      seen.push(res.headersSent)
    })
    const uncaught = new Promise((resolve) => {
      process.setUncaughtExceptionCaptureCallback(resolve)
    })
    try {
      await withServer(app, listen, async (port) => {
        assert.equal((await exchange(port, '/')).status, 200)
        assert.equal((await uncaught).message, 'from the callback')
      })
    } finally {
      process.setUncaughtExceptionCaptureCallback(null)
    }
    assert.deepEqual(seen, [false, 'context'])
  })
}

test('res.sendFile: who answers in between is not answered for', async () => {
  for (const express of [ours, theirs]) {
    const app = express()
    let error
    app.get('/', (_req, res) => {
      res.sendFile(at('hello.txt'), (err) => {
        error = err
      })
      res.send('first')
    })
    await withServer(app, listen, async (port) => {
      assert.equal((await exchange(port, '/')).body.toString(), 'first')
      await eventually(() => error !== undefined)
    })
    // which error it is depends on whether the file or the end of the response was faster
    assert.ok(error instanceof Error)
  }
})

test('res.sendFile: a client that has left is an error of the callback, each time', async () => {
  for (const express of [ours, theirs]) {
    const app = express()
    let client
    let told
    app.get('/', (_req, res) => {
      setImmediate(() => res.sendFile(at('hello.txt'), told))
      client.destroy()
    })
    await withServer(app, listen, async (port) => {
      for (let i = 0; i < 100; i++) {
        const error = await new Promise((resolve) => {
          told = resolve
          client = net.connect(port, '127.0.0.1')
          client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
        })
        assert.equal(error?.code, 'ECONNABORTED')
      }
    })
  }
})
