// express.static with setHeaders (called in JavaScript for files that are found, the rest in Rust) and with
// precompressed siblings, an option of ours.
'use strict'

const {
  differential,
  exchange,
  header,
  ours,
  transports,
  withServer
} = require('../helpers/differential')
const { temporaryTree } = require('../helpers/tree')
const assert = require('node:assert/strict')
const path = require('node:path')
const { test } = require('node:test')
const zlib = require('node:zlib')
const bridge = require('../../lib/native/bridge')

const { root, write } = temporaryTree('static-options')
write('hello.txt', 'hello, world')
write('odd ü.txt', 'odd')
write('dir/index.html', '<h1>index</h1>')
write('large.bin', Buffer.alloc(300_000, 'l'))
const script = 'console.log(1)\n'.repeat(100)
write('app.js', script)
write('app.js.br', zlib.brotliCompressSync(script))
write('app.js.gz', zlib.gzipSync(script))
write('old.js', script)
write('old.js.gz', zlib.gzipSync('other'), 1e9 - 10)

const listen = transports['app.listen(0)']

/** An app whose setHeaders says what it was called with. */
const program = (more) => (express) => {
  const app = express()
  const setHeaders = (res, file, stat) => {
    res.setHeader('X-File', encodeURI(path.relative(root, file)))
    res.setHeader(
      'X-Stat',
      `${stat.size} ${stat.mtime.getTime()} ${stat.isFile()} ${res.headersSent}`
    )
    more?.(res)
  }
  app.use('/files', express.static(root, { setHeaders }))
  app.use((req, res) => res.json({ url: req.url, kept: res.getHeaders()['x-file'] ?? null }))
  return app
}

const requests = [
  '/files/hello.txt',
  { method: 'HEAD', path: '/files/hello.txt' },
  '/files/odd%20%C3%BC.txt',
  '/files/large.bin',
  '/files/dir/',
  '/files/dir',
  '/files/none',
  { path: '/files/hello.txt', headers: { range: 'bytes=2-3' } },
  { path: '/files/hello.txt', headers: { range: 'bytes=200-' } },
  { path: '/files/hello.txt', headers: { 'if-modified-since': new Date().toUTCString() } },
  { path: '/files/hello.txt', headers: { 'if-match': '"other"' } },
  { method: 'POST', path: '/files/hello.txt' }
]

differential('static: setHeaders', program(), requests)
differential(
  'static: setHeaders goes before the headers of send',
  program((res) => res.set({ ETag: '"own"', 'Cache-Control': 'no-store', 'Content-Type': 'a/b' })),
  requests
)
differential(
  'static: setHeaders that makes the response another one',
  program((res) => {
    res.statusMessage = 'Fine'
    res.setHeader('Connection', 'close')
  }),
  requests
)

test('static: setHeaders is called once for a file, which Rust sends', async (t) => {
  let calls = 0
  const app = ours().use(ours.static(root, { setHeaders: () => calls++ }))
  const { mock } = t.mock.method(bridge, 'sendFile')
  await withServer(app, listen, async (port) => {
    assert.equal((await exchange(port, '/large.bin')).body.length, 300_000)
    assert.deepEqual([calls, mock.callCount()], [1, 2])
    assert.equal((await exchange(port, '/none')).status, 404)
    assert.deepEqual([calls, mock.callCount()], [1, 3])
  })
})

const accepting = (coding, more) => ({
  headers: { ...(coding && { 'accept-encoding': coding }), ...more }
})

for (const [where, before] of [
  ['in front', []],
  ['behind JavaScript', [(_req, _res, next) => next()]]
]) {
  test(`static: precompressed siblings, ${where}`, async () => {
    const app = ours()
    for (const layer of before) app.use(layer)
    app.use(ours.static(root, { precompressed: ['br', 'gzip'] }))
    await withServer(app, listen, async (port) => {
      const get = (name, options) => exchange(port, { path: name, ...options })
      for (let round = 0; round < 2; round++) {
        const tags = new Set()
        for (const [accept, coding, decode] of [
          [undefined, undefined, (body) => body],
          ['gzip', 'gzip', zlib.gunzipSync],
          ['gzip, br', 'br', zlib.brotliDecompressSync],
          ['br;q=0.1, gzip', 'gzip', zlib.gunzipSync],
          ['identity', undefined, (body) => body]
        ]) {
          const response = await get('/app.js', accepting(accept))
          assert.equal(header(response, 'content-encoding'), coding, accept)
          assert.equal(header(response, 'vary'), 'Accept-Encoding')
          assert.equal(header(response, 'content-type'), 'text/javascript; charset=utf-8')
          assert.equal(decode(response.body).toString(), script)
          tags.add(header(response, 'etag'))

          const etag = header(response, 'etag')
          const fresh = await get('/app.js', accepting(accept, { 'if-none-match': etag }))
          assert.equal(fresh.status, 304)
        }
        assert.equal(tags.size, 3, 'each representation has a tag of its own')
        const old = await get('/old.js', accepting('gzip'))
        assert.equal(header(old, 'content-encoding'), undefined)
        const none = await get('/hello.txt', accepting('gzip'))
        assert.equal(none.body.toString(), 'hello, world')
      }
    })
  })
}

test('static: precompressed is off by default, and checked', async () => {
  await withServer(ours().use(ours.static(root)), listen, async (port) => {
    const response = await exchange(port, { path: '/app.js', ...accepting('br') })
    assert.equal(header(response, 'content-encoding'), undefined)
    assert.equal(header(response, 'vary'), undefined)
  })
  for (const precompressed of ['br', ['br', 'deflate'], 1, {}]) {
    assert.throws(() => ours.static(root, { precompressed }), {
      code: 'RNODE_ERR_INVALID_PRECOMPRESSED'
    })
  }
  for (const precompressed of [true, false, undefined, [], ['zst', 'gz']]) {
    ours.static(root, { precompressed })
  }
})
