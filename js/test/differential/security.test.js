'use strict'
// What attackers of Express apps have tried, sent to both servers: spellings of paths that a guard
// must not miss, hostile patterns, bodies, targets of redirects, header values, paths of files and
// ranges. Answers must be the same bytes but for Date; time has a bound that only a blow-up reaches.

process.env.NODE_ENV = 'production'

const assert = require('node:assert/strict')
const path = require('node:path')
const { test } = require('node:test')
const zlib = require('node:zlib')
const { get, post, sideBySide } = require('./side-by-side')

const PUBLIC = path.join(__dirname, '..', 'ecosystem', 'fixtures', 'public')
const MAX_TARGET = 14_000

function program(express) {
  const app = express()
  app.set('error pages', 'express')
  app.use('/admin', (req, res, next) => {
    req.guarded = true
    next()
  })
  const admin = express.Router()
  const secret = (req, res) => res.send(`secret, ${req.guarded ? 'guarded' : 'BYPASSED'}`)
  admin.get('/', secret)
  admin.get('/*rest', secret)
  app.get('/admin', secret)
  app.use('/admin', admin)
  app.get('/:a-:b-:c', (req, res) => res.json(req.params))
  app.get('/*foo-*bar-:baz', (req, res) => res.json(req.params))
  app.get('/q{/:a}{/:b}{/:c}/z', (req, res) => res.json(req.params))
  const shown = (req, res) => {
    const isPlain = Object.getPrototypeOf(req.body) === Object.prototype
    res.json({ body: req.body, isPlain, polluted: {}.polluted !== undefined })
  }
  app.post('/json', express.json(), shown)
  app.post('/large', express.json({ limit: '10mb' }), shown)
  app.post('/form', express.urlencoded({ extended: true }), shown)
  app.get('/redirect', (req, res) => res.redirect(req.query.to))
  app.get('/header', (req, res) => {
    res.set('X-Value', req.query.value)
    res.cookie('value', req.query.value)
    res.send('set')
  })
  app.get('/names', (req, res) => {
    const { headers, headersDistinct, query } = req
    res.json([Object.keys(headers), Object.keys(headersDistinct), Object.keys(query)])
  })
  app.use('/files', express.static(PUBLIC))
  app.use((err, req, res, _next) =>
    res.status(err.status || 500).send(`${err.code} ${err.message}`)
  )
  return app
}

const { same } = sideBySide(program)

const query = (name, value) => `${name}=${encodeURIComponent(value)}`

test('no spelling of a path reaches a handler past its guard', async () => {
  const words = 'admin ADMIN %61dmin %2561dmin admin%00 admin;x=1 admin%2f admin%5c admin\\ admin.'
  const before = '/ // /./ /x/../ /%2e/ /..;/ http://h/ http://h// /%2f /\\'
  const behind = ['', '/', '//', '/.', '/..', '/%2e%2e', '?', '?x=/admin', '#a', '/sub']
  const targets = before
    .split(' ')
    .flatMap((start) =>
      words.split(' ').flatMap((word) => behind.map((end) => get(start + word + end)))
    )
  const answers = await same(targets)
  assert.ok(answers.some((answer) => answer.includes('secret, guarded')))
  assert.ok(!answers.some((answer) => answer.includes('BYPASSED')))
})

test('hostile paths for patterns of several parameters', () => {
  const fill = (text) => text.repeat(Math.floor(MAX_TARGET / text.length))
  return same(
    [`/a${fill('-a')}/a`, `/${fill('-')}`, `/q${fill('/x')}/z`, `/${fill('a-')}`].map((t) => get(t))
  )
})

test('bodies', async () => {
  const json = 'application/json'
  const form = 'application/x-www-form-urlencoded'
  const zeros = Buffer.alloc(2_000_000)
  const packed = (bytes, coding) =>
    post('/json', json, bytes.toString('latin1'), `Content-Encoding: ${coding}\r\n`)
  const answers = await same([
    post('/large', json, '['.repeat(100_000)),
    post('/json', json, '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'),
    post('/json', `${json};x=1`, '{}'),
    post('/json', `${json}; charset=utf-7`, '{}'),
    post(
      '/form',
      form,
      'a[__proto__]=b&a[__proto__][polluted]=1&__proto__[polluted]=1&a[length]=1e8'
    ),
    post('/form', form, 'constructor[prototype][polluted]=1'),
    post('/form', form, 'a=&'.repeat(33_000)),
    post('/form', form, 'a=&'.repeat(1500)),
    post('/form', form, `a${'[b]'.repeat(33)}=1`),
    post('/form', form, 'a[]=1&'.repeat(900)),
    post('/json', json, 'x'.repeat(200_000)),
    packed(zlib.gzipSync(zeros), 'gzip'),
    packed(zlib.deflateSync(zeros), 'deflate'),
    packed(zlib.brotliCompressSync(zeros), 'br')
  ])
  for (const answer of answers.slice(-4)) assert.match(answer, /^HTTP\/1\.1 413 /)
  assert.ok(!answers.some((answer) => answer.includes('"polluted":true')))
})

test('redirects, header values and names, pages', async () => {
  const targets = [
    'http://a.com\\@b.com',
    '//evil',
    '/\\evil',
    'javascript:alert(1)',
    '"><script>',
    '\r\nX: 1',
    '\t//e'
  ]
  const values = ['a\r\nX-Injected: y', 'a\nb', '\0', '☃', 'plain']
  const answers = await same([
    ...targets.map((to) => get(`/redirect?${query('to', to)}`, 'Accept: text/html\r\n')),
    ...values.map((value) => get(`/header?${query('value', value)}`)),
    get('/names?__proto__[x]=1&constructor=2', '__proto__: a\r\nconstructor: b\r\ntoString: c\r\n'),
    get('/<script>alert(1)</script>')
  ])
  for (const answer of answers) {
    assert.doesNotMatch(answer, /<script>/)
    assert.doesNotMatch(answer.split('\r\n\r\n')[0], /^X-Injected/m)
  }
})

test('paths of files and ranges', async () => {
  const paths =
    '../page.html ..%2fx %2e%2e/%2e%2e/x %2e%2e%2f ..\\x ..%5cx a%00.txt hello.txt%00 ./hello.txt ' +
    'sub/../hello.txt .hidden %2ehidden //hello.txt hello.txt/ sub'
  const ranges = [
    `bytes=${Array.from({ length: 1000 }, (_, i) => `${i}-${i}`).join()}`,
    'bytes=-0',
    'bytes=0-0,0-0',
    'bytes=0-,1-,2-',
    'bytes=5-1'
  ]
  await same([
    ...paths.split(' ').map((file) => get(`/files/${file}`)),
    ...ranges.map((range) => get('/files/hello.txt', `Range: ${range}\r\n`))
  ])
})
