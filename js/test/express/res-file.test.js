// res.sendFile, res.download, express.static.
'use strict'

const { differential, exchange, header, ours, serve, theirs } = require('../helpers/differential')
const { fileTag, temporaryTree } = require('../helpers/tree')
const assert = require('node:assert/strict')
const http = require('node:http')
const path = require('node:path')
const { test } = require('node:test')

const { at: file, root, write } = temporaryTree('files')
write('hello.txt', 'hello, world')
write('empty.txt', '')
write('page.html', '<h1>page</h1>')
write('index.html', '<h1>root</h1>')
write('no-extension', 'plain')
write('data.json', '{}')
write('.hidden', 'secret')
write('.well/file.txt', 'below a dot')
write('dir/index.html', '<h1>dir</h1>')
write('dir/deep.txt', 'deep')
write('space name ü.txt', 'odd name')
write('100%.txt', 'percent')
write('large.bin', Buffer.alloc(200_000, 'x'))

/** Routes that may pass their error on; what reaches the error handler is shown with its kind. */
const routes = (handlers) => (express) => {
  const app = express()
  for (const [name, handler] of Object.entries(handlers)) app.all(`/${name}`, handler)
  app.use((err, _req, res, next) => {
    if (res.headersSent) return next(err)
    res
      .status(err.status ?? 500)
      .type('txt')
      .send(`${err.name} ${err.code} ${err.message.replaceAll(root, 'ROOT')}`)
  })
  return app
}

const sendFile = {
  text: (_q, res) => res.sendFile(file('hello.txt')),
  empty: (_q, res) => res.sendFile(file('empty.txt')),
  html: (_q, res) => res.sendFile(file('page.html')),
  plain: (_q, res) => res.sendFile(file('no-extension')),
  large: (_q, res) => res.sendFile(file('large.bin')),
  odd: (_q, res) => res.sendFile(file('space name ü.txt')),
  percent: (_q, res) => res.sendFile(file('100%.txt')),
  missing: (_q, res) => res.sendFile(file('missing.txt')),
  directory: (_q, res) => res.sendFile(file('dir')),
  'directory-slash': (_q, res) => res.sendFile(file('dir/')),
  relative: (_q, res) => res.sendFile('hello.txt'),
  none: (_q, res) => res.sendFile(),
  number: (_q, res) => res.sendFile(42),
  root: (_q, res) => res.sendFile('dir/deep.txt', { root }),
  traversal: (_q, res) => res.sendFile('../x', { root }),
  encoded: (_q, res) => res.sendFile('dir/%2e%2e/hello.txt', { root }),
  hidden: (_q, res) => res.sendFile('.hidden', { root }),
  'hidden-allow': (_q, res) => res.sendFile('.hidden', { dotfiles: 'allow', root }),
  'hidden-deny': (_q, res) => res.sendFile('.well/file.txt', { dotfiles: 'deny', root }),
  'hidden-bad': (_q, res) => res.sendFile('.hidden', { dotfiles: 'maybe', root }),
  headers: (_q, res) =>
    res.sendFile('hello.txt', { headers: { 'Cache-Control': 'private', 'x-a': ['1', '2'] }, root }),
  'headers-missing': (_q, res) => res.sendFile('missing', { headers: { 'X-A': 'a' }, root }),
  'max-age': (_q, res) => res.sendFile('hello.txt', { immutable: true, maxAge: '1h', root }),
  'no-validators': (_q, res) =>
    res.sendFile('hello.txt', { cacheControl: false, lastModified: false, root }),
  'no-ranges': (_q, res) => res.sendFile('hello.txt', { acceptRanges: false, root }),
  'start-end': (_q, res) => res.sendFile('hello.txt', { end: 4, root, start: 1 }),
  typed: (_q, res) => res.type('application/x-own').sendFile(file('hello.txt')),
  'etag-given': (_q, res) => res.set('ETag', '"mine"').sendFile(file('hello.txt')),
  status: (_q, res) => res.status(201).sendFile(file('hello.txt')),
  nul: (_q, res) => res.sendFile('a\0b', { root }),
  surrogate: (_q, res) => res.sendFile('\ud800', { root }),
  'callback-error': (_q, res) =>
    res.sendFile(file('missing.txt'), (err) =>
      res.status(404).send(`cb ${err.code} ${err.status}`)
    ),
  'callback-directory': (_q, res) =>
    res.sendFile(file('dir'), (err) => res.send(`cb ${err.code} ${err.message}`)),
  'callback-options': (_q, res) =>
    res.sendFile('missing', { root }, (err) => res.send(`cb ${err.name}`))
}

differential(
  'res.sendFile',
  routes(sendFile),
  Object.keys(sendFile).flatMap((name) => [`/${name}`, { method: 'HEAD', path: `/${name}` }])
)

const modified = new Date(1e12).toUTCString()
const etag = fileTag('hello, world'.length)
const conditions = [
  { Range: 'bytes=0-4' },
  { Range: 'bytes=5-' },
  { Range: 'bytes=-3' },
  { Range: 'bytes=0-0' },
  { Range: 'bytes=-0' },
  { Range: 'bytes=20-30' },
  { Range: 'bytes=0-2,5-7' },
  { Range: 'bytes=0-2,3-7' },
  { Range: 'bytes=asdf' },
  { Range: 'items=0-5' },
  { 'If-Range': etag, Range: 'bytes=0-4' },
  { 'If-Range': '"other"', Range: 'bytes=0-4' },
  { 'If-Range': modified, Range: 'bytes=0-4' },
  { 'If-Range': new Date(9e11).toUTCString(), Range: 'bytes=0-4' },
  { 'If-None-Match': etag },
  { 'If-None-Match': '"other"' },
  { 'If-None-Match': '*' },
  { 'If-Modified-Since': modified },
  { 'If-Modified-Since': new Date(9e11).toUTCString() },
  { 'If-Match': etag },
  { 'If-Match': '"other"' },
  { 'If-Unmodified-Since': modified },
  { 'If-Unmodified-Since': new Date(9e11).toUTCString() }
]

differential('res.sendFile, ranges and conditions', routes(sendFile), [
  ...conditions.map((headers) => ({ headers, path: '/text' })),
  { headers: { 'If-None-Match': '*' }, path: '/text', status: 304 },
  {
    headers: { Range: 'bytes=0-4' },
    path: '/text',
    status: 206,
    check: (res) => assert.equal(String(res.body), 'hello')
  },
  { headers: { Range: 'bytes=20-30' }, path: '/text', status: 416 },
  { path: '/text', status: 200, check: (res) => assert.match(header(res, 'etag'), /^W\/"c-/) }
])

differential(
  'res.sendFile without the etag setting',
  (express) => routes(sendFile)(express).disable('etag'),
  ['/text', { headers: { 'If-None-Match': '*' }, path: '/text' }]
)

const download = {
  plain: (_q, res) => res.download(file('hello.txt')),
  name: (_q, res) => res.download(file('hello.txt'), 'other name.pdf'),
  unicode: (_q, res) => res.download(file('hello.txt'), '日本 "x".txt'),
  null: (_q, res) => res.download(file('hello.txt'), null, { maxAge: 1000 }),
  options: (_q, res) => res.download('hello.txt', { root }),
  'name-options': (_q, res) => res.download('hello.txt', 'a.txt', { root }),
  headers: (_q, res) =>
    res.download('hello.txt', 'a.txt', {
      headers: { 'content-disposition': 'inline', 'Content-Type': 'text/x-own', 'X-A': 'b' },
      root
    }),
  hidden: (_q, res) => res.download('.hidden', { root }),
  'hidden-allow': (_q, res) => res.download('.hidden', { dotfiles: 'allow', root }),
  missing: (_q, res) => res.download(file('missing')),
  'missing-callback': (_q, res) =>
    res.download(file('missing'), (err) =>
      res.status(404).send(`${err.code} ${res.get('Content-Disposition')}`)
    ),
  'name-callback': (_q, res) =>
    res.download(file('missing'), 'name', (err) => res.send(`cb ${err.status}`)),
  'options-callback': (_q, res) =>
    res.download('missing', { root }, (err) => res.send(`cb ${err.status}`)),
  'all-callback': (_q, res) =>
    res.download('missing', 'n', { root }, (err) => res.send(`cb ${err.status}`)),
  traversal: (_q, res) => res.download('../hello.txt', { root }),
  none: (_q, res) => res.download()
}
differential(
  'res.download',
  routes(download),
  Object.keys(download).map((name) => `/${name}`)
)

test('the callback of res.sendFile and res.download is called once, after the response', async () => {
  for (const express of [ours, theirs]) {
    const calls = []
    const app = express()
    const done = (name, res) => (err) => calls.push([name, err?.code, res.headersSent])
    app.get('/file', (_req, res) => res.sendFile(file('hello.txt'), done('file', res)))
    app.get('/download', (_req, res) => res.download(file('hello.txt'), done('download', res)))
    app.get('/empty', (_req, res) => res.sendFile(file('empty.txt'), done('empty', res)))

    await serve(
      app,
      (a) => http.createServer(a).listen(0, '127.0.0.1'),
      async (port) => {
        await exchange(port, '/file')
        await exchange(port, '/download')
        await exchange(port, '/empty')
        await exchange(port, { method: 'HEAD', path: '/file' })
        await exchange(port, { headers: { 'If-None-Match': '*' }, path: '/file' })
      }
    )

    assert.deepEqual(calls, [
      ['file', undefined, true],
      ['download', undefined, true],
      ['empty', undefined, true],
      ['file', undefined, true],
      ['file', undefined, true]
    ])
  }
})

const statics = {
  plain: undefined,
  deny: { dotfiles: 'deny' },
  allow: { dotfiles: 'allow' },
  strict: { fallthrough: false },
  'no-index': { index: false },
  'other-index': { index: ['none.html', 'page.html'] },
  extensions: { extensions: ['html', 'txt'] },
  'no-redirect': { redirect: false },
  aged: { immutable: true, maxAge: '1d' },
  bare: { acceptRanges: false, cacheControl: false, etag: false, lastModified: false },
  headers: { setHeaders: (res, name) => res.set('X-File', path.basename(name)) }
}

const paths = [
  '/',
  '/hello.txt',
  '/empty.txt',
  '/dir',
  '/dir/',
  '/dir?x=1',
  '/dir/deep.txt',
  '/missing',
  '/.hidden',
  '/.well/file.txt',
  '/no-extension',
  '/page',
  '/hello',
  '/space%20name%20%C3%BC.txt',
  '/100%25.txt',
  '/100%.txt',
  '/../hello.txt',
  '/%2e%2e/hello.txt',
  '/..%2fhello.txt',
  '//hello.txt',
  '/dir//deep.txt',
  '/hello.txt/',
  '/a%00b',
  '/dir/..',
  '/data.json'
]

for (const [name, options] of Object.entries(statics)) {
  differential(
    `express.static, ${name}`,
    (express) => {
      const app = express()
      app.use('/files', express.static(root, options))
      app.use(express.static(root, options))
      app.use((err, _req, res, _next) =>
        res.status(err.status).type('txt').send(err.message.replaceAll(root, 'ROOT'))
      )
      return app
    },
    [
      ...paths,
      ...paths.map((p) => `/files${p}`),
      '/files',
      { method: 'HEAD', path: '/hello.txt', status: 200 },
      { method: 'POST', path: '/hello.txt' },
      { headers: { Range: 'bytes=1-3' }, path: '/hello.txt' },
      { headers: { 'If-None-Match': '*' }, path: '/hello.txt' }
    ]
  )
}

test('express.static checks its arguments as Express does, and is called serveStatic', () => {
  for (const args of [[], [''], [42], [{}], [root, { setHeaders: 3 }]]) {
    const text = (express) => {
      try {
        express.static(...args)
        return 'no error'
      } catch (err) {
        return `${err.name}: ${err.message}`
      }
    }
    assert.equal(text(ours), text(theirs))
    assert.notEqual(text(ours), 'no error')
  }
  assert.equal(ours.static(root).name, theirs.static(root).name)
})
