// express.static where Rust answers: the same as Express' in every case, and the cases in which
// JavaScript must answer after all.
'use strict'

const { differential, ours, serve, theirs, transports } = require('../helpers/differential')
const assert = require('node:assert/strict')
const { AsyncLocalStorage } = require('node:async_hooks')
const fs = require('node:fs')
const http = require('node:http')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')
const { after, test } = require('node:test')

const base = fs.mkdtempSync(path.join(os.tmpdir(), 'rnode-static-'))
after(() => fs.rmSync(base, { recursive: true }))
const root = path.join(base, 'public')

const SECOND = 1e9
const write = (name, content) => {
  const file = path.join(root, name)
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, content)
  fs.utimesSync(file, SECOND, SECOND)
}
write('hello.txt', 'hello, world')
write('empty.txt', '')
write('index.html', '<h1>root</h1>')
write('page.html', '<h1>page</h1>')
write('data.json', '{}')
write('.hidden', 'secret')
write('.well/known.txt', 'below a dot')
write('dir/index.html', '<h1>dir</h1>')
write('dir/default.htm', 'default')
write('bare/file.txt', 'no index here')
write('space name ü.txt', 'odd name')
write('100%.txt', 'percent')
write('medium.bin', Buffer.alloc(70_000, 'm'))
write(
  'large.bin',
  Buffer.from(Array.from({ length: 600_000 }, (_, i) => (i * 31 + (i >> 8)) & 255))
)
fs.writeFileSync(path.join(base, 'outside.txt'), 'outside')

const modified = new Date(SECOND * 1000).toUTCString()
const later = new Date((SECOND + 1) * 1000).toUTCString()
const earlier = new Date((SECOND - 1) * 1000).toUTCString()
const etag = `W/"c-${(SECOND * 1000).toString(16)}"`

/** An app whose last handlers show what static has passed on. */
const program =
  (options, { before, mount } = {}) =>
  (express) => {
    const app = express()
    if (before) app.use(before)
    const middleware = express.static(root, options)
    if (mount) app.use(mount, middleware)
    else app.use(middleware)
    app.use((req, res) =>
      res
        .status(404)
        .type('txt')
        .send(`passed on ${req.url} ${res.get('ETag')}`)
    )
    app.use((err, _req, res, _next) => {
      const text = String(err.message).replaceAll(base, 'BASE')
      res.status(err.status).type('txt')
      res.send(
        `${err.name} ${err.code} ${err.syscall} ${err.expose} ${text} ${JSON.stringify(err.headers)}`
      )
    })
    return app
  }

const paths = [
  '/',
  '/hello.txt',
  '/hello.txt?query=1',
  '/empty.txt',
  '/page',
  '/page.html',
  '/data.json',
  '/.hidden',
  '/.well/known.txt',
  '/dir',
  '/dir/',
  '/dir?a=b',
  '/bare',
  '/bare/',
  '/missing',
  '/missing.txt',
  '/missing/',
  '/hello.txt/',
  '/hello.txt/more',
  '/space%20name%20%C3%BC.txt',
  '/100%25.txt',
  '/100%.txt',
  '/%zz',
  '/%00',
  '/a%00b',
  '//hello.txt',
  '//dir',
  '/dir//index.html',
  '/../outside.txt',
  '/..%2foutside.txt',
  '/%2e%2e/outside.txt',
  '/dir/../hello.txt',
  '/medium.bin',
  '/large.bin',
  `/${'x'.repeat(300)}`,
  '/hello.txt#x',
  'http://example.test/hello.txt',
  '/dir/.',
  '/..'
]
// Twice: a path that was asked for before is looked up on another thread.
const all = [...paths, ...paths]

differential('static: paths', program(), all)
differential(
  'static: HEAD',
  program(),
  paths.map((path) => ({ method: 'HEAD', path }))
)
differential('static: fallthrough off', program({ fallthrough: false }), all)
for (const dotfiles of ['allow', 'deny', 'ignore']) {
  differential(`static: dotfiles ${dotfiles}`, program({ dotfiles }), [
    '/.hidden',
    '/.well/known.txt',
    '/.no'
  ])
}
differential(
  'static: dotfiles deny, no fallthrough',
  program({ dotfiles: 'deny', fallthrough: false }),
  ['/.hidden', '/.no']
)
differential('static: a bad option', program({ dotfiles: 'perhaps' }), ['/hello.txt'], {
  normalize: (response) => {
    response.headers = []
  }
})
differential('static: redirect off', program({ redirect: false }), ['/dir', '/dir/', '/bare'])
differential(
  'static: no redirect, no fallthrough',
  program({ redirect: false, fallthrough: false }),
  ['/dir', '/bare']
)
for (const index of [false, 'default.htm', ['none', 'default.htm'], []]) {
  differential(`static: index ${JSON.stringify(index)}`, program({ index }), [
    '/',
    '/dir',
    '/dir/',
    '/bare/'
  ])
}
for (const extensions of ['html', ['txt', 'html'], false]) {
  differential(`static: extensions ${JSON.stringify(extensions)}`, program({ extensions }), [
    '/page',
    '/hello',
    '/none',
    '/dir',
    '/page.html'
  ])
}
for (const options of [
  { maxAge: '1d' },
  { maxAge: 1500.7 },
  { maxage: 9000 },
  { maxAge: '2y', immutable: true },
  { maxAge: -5 },
  { maxAge: 'nonsense' },
  { immutable: true },
  { cacheControl: false },
  { etag: false },
  { lastModified: false },
  { acceptRanges: false },
  { etag: false, lastModified: false },
  { start: 2, end: 5 },
  { start: 3 },
  { end: null }
]) {
  differential(`static: ${JSON.stringify(options)}`, program(options), [
    '/hello.txt',
    { path: '/hello.txt', headers: { Range: 'bytes=1-2' } },
    { path: '/hello.txt', headers: { 'If-None-Match': etag } },
    { path: '/hello.txt', headers: { 'If-Modified-Since': modified } }
  ])
}

const ranges = [
  'bytes=0-0',
  'bytes=2-5',
  'bytes=-3',
  'bytes=5-',
  'bytes=0-999999999',
  'bytes=999999999-',
  'bytes=5-2',
  'bytes=0-1,3-4',
  'bytes=',
  'bytes',
  'lines=1-2',
  'bytes=a-b',
  'bytes= 1-2',
  'BYTES=1-2',
  'bytes=0-1, 1-2'
]
for (const file of ['/hello.txt', '/large.bin', '/empty.txt']) {
  for (const method of ['GET', 'HEAD']) {
    differential(
      `static: ranges of ${file}, ${method}`,
      program(),
      ranges.map((Range) => ({ method, path: file, headers: { Range } }))
    )
  }
}
const conditions = [
  { 'If-None-Match': etag },
  { 'If-None-Match': '*' },
  { 'If-None-Match': '"other"' },
  { 'If-None-Match': [etag, '"other"'] },
  { 'If-None-Match': etag, 'Cache-Control': 'no-cache' },
  { 'If-Modified-Since': modified },
  { 'If-Modified-Since': earlier },
  { 'If-Modified-Since': 'never' },
  { 'If-None-Match': '"other"', 'If-Modified-Since': modified },
  { 'If-Match': etag },
  { 'If-Match': '*' },
  { 'If-Match': '"other"' },
  { 'If-Unmodified-Since': modified },
  { 'If-Unmodified-Since': earlier },
  { Range: 'bytes=0-3', 'If-Range': etag },
  { Range: 'bytes=0-3', 'If-Range': '"other"' },
  { Range: 'bytes=0-3', 'If-Range': modified },
  { Range: 'bytes=0-3', 'If-Range': earlier },
  { Range: 'bytes=0-3', 'If-Range': later },
  { Range: 'bytes=90-', 'If-Match': '"other"' }
]
const conditional = conditions.flatMap((headers) => [
  { path: '/hello.txt', headers },
  { method: 'HEAD', path: '/hello.txt', headers }
])
differential('static: conditions', program(), conditional)
differential(
  'static: methods',
  program(),
  ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'].map((method) => ({ method, path: '/hello.txt' }))
)
differential('static: methods without fallthrough', program({ fallthrough: false }), [
  { method: 'POST', path: '/hello.txt', body: 'x' },
  { method: 'OPTIONS', path: '/hello.txt' }
])
differential('static: below a mount path', program(undefined, { mount: '/m' }), [
  '/m',
  '/m/',
  '/m/hello.txt',
  '/m/dir?x',
  '/m//dir',
  '/hello.txt',
  '/m/missing',
  '/m?q'
])
differential('static: connections', program(), [
  { path: '/hello.txt', headers: { Connection: 'close' } },
  { path: '/large.bin', headers: { Connection: 'close' } },
  { path: '/dir', headers: { Connection: 'close' } },
  { method: 'GET', path: '/hello.txt', body: 'a body', headers: { 'Content-Length': '6' } }
])

/** What middleware in front of it may have done. */
const befores = {
  'headers set': (_req, res, next) => {
    res.set({
      'Cache-Control': 'no-store',
      'Content-Type': 'text/x-own',
      ETag: '"own"',
      'X-Many': ['a', 'b']
    })
    next()
  },
  'content headers set': (_req, res, next) => {
    res.set({ 'Content-Language': 'de', 'Content-Encoding': 'identity', 'Last-Modified': modified })
    next()
  },
  'length set': (_req, res, next) => {
    res.set('Content-Length', '3')
    next()
  },
  'status 404': (_req, res, next) => next(void res.status(404)),
  'status 204': (_req, res, next) => next(void res.status(204)),
  'status message': (_req, res, next) => {
    res.statusMessage = 'Fine'
    next()
  },
  'a header set after next()': (_req, res, next) => {
    next()
    if (!res.headersSent) res.set('X-After', '1')
  },
  'request headers changed': (req, _res, next) => {
    delete req.headers.range
    req.headers['if-none-match'] = '"other"'
    next()
  },
  'url rewritten': (req, _res, next) => {
    req.url = '/hello.txt'
    next()
  },
  'method overridden': (req, _res, next) => {
    // nothing answers a request sent with GET as one of HEAD, but the other way round
    if (req.method === 'HEAD') req.method = 'GET'
    next()
  },
  'writeHead hooked': (_req, res, next) => {
    const { writeHead } = res
    res.writeHead = function (...args) {
      this.setHeader('X-Hooked', '1')
      return writeHead.apply(this, args)
    }
    next()
  },
  'end hooked': (_req, res, next) => {
    const { end } = res
    res.end = function (...args) {
      this.emit('hooked')
      return end.apply(this, args)
    }
    next()
  },
  asynchronous: (_req, _res, next) => setImmediate(next)
}
for (const [name, before] of Object.entries(befores)) {
  differential(`static: ${name}`, program(undefined, { before }), [
    '/hello.txt',
    '/dir',
    '/missing',
    '/large.bin',
    { method: 'HEAD', path: '/hello.txt' },
    { path: '/hello.txt', headers: { 'If-None-Match': '"own"' } },
    { path: '/hello.txt', headers: { Range: 'bytes=90-' } },
    { path: '/hello.txt', headers: { 'If-Match': '"none"' } }
  ])
}

const listen = transports['app.listen(0)']

/** Bytes a raw connection answers. */
function raw(port, text) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1')
    const chunks = []
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', reject)
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')))
    socket.write(text)
  })
}

test('static: HTTP/1.0 and pipelining are framed as Express frames them', async () => {
  const requests = [
    'GET /hello.txt HTTP/1.0\r\n\r\n',
    'GET /large.bin HTTP/1.0\r\n\r\n',
    `GET /hello.txt HTTP/1.0\r\nConnection: keep-alive\r\nIf-None-Match: ${etag}\r\n\r\n`,
    'GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\nGET /large.bin HTTP/1.1\r\nHost: a\r\n\r\nGET /dir HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
  ]
  const answers = (express) =>
    serve(program()(express), listen, async (port) => {
      const texts = []
      for (const request of requests) texts.push(await raw(port, request))
      return texts.map((text) =>
        text.replace(/^Date: .*\r\n/gm, '').replaceAll(/(^HTTP.*?\r\n\r\n)/gms, sorted)
      )
    })
  const sorted = (head) => head.split('\r\n').sort().join('\r\n')
  assert.deepEqual(await answers(ours), await answers(theirs))
})

test('static: a file that changes is served as it is', async () => {
  const file = path.join(root, 'changing.txt')
  await serve(program()(ours), listen, async (port) => {
    for (const text of ['one', 'two', 'three', 'x'.repeat(100_000), 'five']) {
      fs.writeFileSync(file, text)
      for (let i = 0; i < 3; i++) {
        const response = await fetch(`http://127.0.0.1:${port}/changing.txt`)
        assert.equal(await response.text(), text)
      }
    }
    fs.unlinkSync(file)
    assert.equal((await fetch(`http://127.0.0.1:${port}/changing.txt`)).status, 404)
  })
})

test('static: what runs after it keeps its asynchronous context', async () => {
  const storage = new AsyncLocalStorage()
  const app = ours()
  app.use((req, _res, next) => storage.run(req.url, next))
  app.use(ours.static(root))
  app.use((_req, res) => res.send(storage.getStore()))
  await serve(app, listen, async (port) => {
    const urls = Array.from({ length: 20 }, (_, i) => `/missing-${i}`)
    const texts = await Promise.all(
      urls.map(async (url) => (await fetch(`http://127.0.0.1:${port}${url}`)).text())
    )
    assert.deepEqual(texts, urls)
  })
})

test('static: a listener that comes late hears of the end', async () => {
  const heard = []
  let all
  const done = new Promise((resolve) => {
    all = resolve
  })
  const app = ours()
  app.use((_req, res, next) => {
    next()
    queueMicrotask(() => {
      res.on('finish', () => heard.push('finish'))
      res.on('close', () => {
        heard.push('close')
        all()
      })
    })
  })
  app.use(ours.static(root))
  await serve(app, listen, async (port) => {
    const response = await fetch(`http://127.0.0.1:${port}/large.bin`)
    assert.equal((await response.arrayBuffer()).byteLength, 600_000)
    await done
    assert.deepEqual(heard, ['finish', 'close'])
  })
})

test('static: a client that leaves in the middle costs its connection only', async () => {
  const huge = path.join(root, 'huge.bin')
  fs.writeFileSync(huge, '')
  fs.truncateSync(huge, 200 << 20)
  const app = ours()
  app.use(ours.static(root))
  await serve(app, listen, async (port, server) => {
    for (let i = 0; i < 4; i++) {
      await new Promise((resolve, reject) => {
        const request = http.get({ port, path: '/huge.bin', agent: false }, (response) => {
          response.once('data', () => {
            request.destroy()
            resolve()
          })
        })
        request.on('error', (err) => (err.code === 'ECONNRESET' ? undefined : reject(err)))
      })
    }
    const response = await fetch(`http://127.0.0.1:${port}/hello.txt`)
    assert.equal(await response.text(), 'hello, world')
    // all of them end, and nothing of the file is left in memory or on the wire
    while ((await new Promise((resolve) => server.getConnections((_err, n) => resolve(n)))) > 1) {
      await new Promise(setImmediate)
    }
    assert.equal(require('../../lib/native/bridge').activeCount(), 0)
  })
  fs.unlinkSync(huge)
})

test('static: a slow reader gets every byte', async () => {
  const file = path.join(root, 'slow.bin')
  const bytes = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 7 + (i >> 10)) & 255))
  fs.writeFileSync(file, bytes)
  await serve(program()(ours), listen, async (port) => {
    for (let i = 0; i < 2; i++) {
      const got = await new Promise((resolve, reject) => {
        http.get({ port, path: '/slow.bin', agent: false }, (response) => {
          const chunks = []
          response.on('data', (chunk) => {
            chunks.push(chunk)
            response.pause()
            setImmediate(() => response.resume())
          })
          response.on('end', () => resolve(Buffer.concat(chunks)))
          response.on('error', reject)
        })
      })
      assert.ok(bytes.equals(got))
    }
  })
})

test('static: a file that is cut while it is sent ends the connection', async () => {
  const file = path.join(root, 'cut.bin')
  fs.writeFileSync(file, '')
  fs.truncateSync(file, 64 << 20)
  await serve(program()(ours), listen, async (port) => {
    const outcome = await new Promise((resolve) => {
      http.get({ port, path: '/cut.bin', agent: false }, (response) => {
        response.once('data', () => {
          fs.truncateSync(file, 1000)
          response.resume()
        })
        response.on('error', () => resolve(response.complete))
        response.on('end', () => resolve(response.complete))
      })
    })
    assert.equal(outcome, false)
  })
})

test('static: setHeaders is called, and options are read anew', async () => {
  const options = { maxAge: 1000 }
  const app = ours()
  app.use('/called', ours.static(root, { setHeaders: (res) => res.set('X-Called', '1') }))
  app.use(ours.static(root, options))
  await serve(app, listen, async (port) => {
    const get = (name) => fetch(`http://127.0.0.1:${port}${name}`)
    assert.equal((await get('/called/hello.txt')).headers.get('x-called'), '1')
    assert.equal((await get('/hello.txt')).headers.get('etag'), etag)
    options.etag = false
    // where Rust answers alone, options written to after the fact are looked at twice a second
    const until = Date.now() + 10_000
    while ((await get('/hello.txt')).headers.get('etag') !== null) {
      assert.ok(Date.now() < until)
    }
  })
})

test('static: the arguments are checked as Express checks them', () => {
  for (const args of [[], [''], [1], ['/', { setHeaders: 1 }]]) {
    let expected
    assert.throws(
      () => theirs.static(...args),
      (err) => {
        expected = err
        return true
      }
    )
    assert.throws(() => ours.static(...args), { name: expected.name, message: expected.message })
  }
  assert.equal(ours.static(root).name, theirs.static(root).name)
  assert.equal(ours.static(root).length, theirs.static(root).length)
})
