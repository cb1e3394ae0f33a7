// express.static where Rust answers: the same as Express' in every case, and the cases in which
// JavaScript must answer after all. What becomes of files and clients meanwhile is in
// static-events.test.js.
'use strict'

const { differential } = require('../helpers/differential')
const { earlier, etag, later, modified, program } = require('./static-files')

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
