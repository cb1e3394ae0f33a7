'use strict'
// What security.test.js leaves: files behind guards and outside of roots, forms of several parts, names that are those of
// prototypes, many headers, headers that the app makes of what clients send. Answers must be Express', byte for byte.

process.env.NODE_ENV = 'production'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const zlib = require('node:zlib')
const { temporaryTree } = require('../helpers/tree')
const { get, post, sideBySide } = require('./side-by-side')

// what the final handler says of errors that the app's own cannot answer
console.error = () => {}

const ECOSYSTEM = path.join(__dirname, '..', 'ecosystem')
const hasMulter = fs.existsSync(path.join(ECOSYSTEM, 'node_modules', 'multer'))
const multer = () => require(require.resolve('multer', { paths: [ECOSYSTEM] }))

const { at, root: base, write: file } = temporaryTree('hostile')
const root = at('public')
const uploads = at('uploads')
file('public/admin/secret.txt', 'secret file')
file('public/open.txt', 'open file')
file('public/.env', 'dot file')
file('outside.txt', 'outside of the root')
file('public-too/file.txt', 'a neighbour of the root')
fs.symlinkSync(path.join(base, 'outside.txt'), path.join(root, 'link.txt'))
fs.symlinkSync(base, path.join(root, 'up'))
fs.symlinkSync('loop', path.join(root, 'loop'))
fs.symlinkSync('/nowhere/at/all', path.join(root, 'dangling'))
fs.mkdirSync(uploads)

function program(express) {
  const app = express()
  app.set('error pages', 'express')
  const deny = (req, res) => res.status(403).send('denied')
  app.use('/front', express.static(root))
  app.use('/guarded/admin', deny)
  app.use('/guarded', express.static(root))
  app.use(
    '/strict',
    express.static(root, { dotfiles: 'deny', redirect: false, fallthrough: false })
  )
  app.use('/dots', express.static(root, { dotfiles: 'allow' }))
  app.get('/send/*file', (req, res) => res.sendFile(req.params.file.join('/'), { root }))
  app.get('/download', (req, res) => res.download(path.join(root, 'open.txt'), req.query.name))

  const shown = (value) => ({
    value,
    keys: value && Object.keys(value),
    prototype: value && (Object.getPrototypeOf(value) === null ? 'null' : 'other'),
    spoiled: {}.polluted !== undefined
  })
  app.get('/query', (req, res) => res.json(shown(req.query)))
  const simple = express()
  simple.set('query parser', 'simple')
  simple.get('/', (req, res) => res.json(shown(req.query)))
  app.use('/simple', simple)
  app.get('/param/:__proto__/:constructor', (req, res) => res.json(shown(req.params)))
  app.get('/headers', (req, res) => {
    res.json({
      own: shown(req.headers),
      distinct: shown(req.headersDistinct),
      count: req.rawHeaders.length,
      got: ['__proto__', 'constructor', 'toString', 'hasOwnProperty'].map((name) => req.get(name))
    })
  })
  app.post('/form', express.urlencoded({ extended: true }), (req, res) => res.json(shown(req.body)))
  app.post('/flat', express.urlencoded({ extended: false }), (req, res) =>
    res.json(shown(req.body))
  )
  app.post('/text', express.text({ type: () => true }), (req, res) => res.json(req.body.length))
  app.post('/raw', express.raw({ type: () => true }), (req, res) => res.json(req.body.length))

  app.get('/makes/:what', (req, res) => {
    const { value } = req.query
    const makers = {
      cookieName: () => res.cookie(value, 'v'),
      cookiePath: () => res.cookie('n', 'v', { path: value }),
      cookieDomain: () => res.cookie('n', 'v', { domain: value }),
      clearCookie: () => res.clearCookie(value),
      headerName: () => res.set(value, 'v'),
      append: () => res.append('X-Value', [value, value]),
      type: () => res.type(value),
      attachment: () => res.attachment(value),
      links: () => res.links({ next: value }),
      location: () => res.location(value),
      vary: () => res.vary(value),
      reason: () => {
        res.statusMessage = value
      },
      writeHead: () => res.writeHead(200, ['X-A', value, 'X-B', 'b']),
      jsonp: () => res.jsonp({ value })
    }
    makers[req.params.what]()
    if (!res.headersSent) res.send('made')
    else if (!res.writableEnded) res.end('made')
  })

  if (hasMulter) {
    const upload = multer()({
      dest: uploads,
      limits: { fields: 50, fileSize: 1e6, fieldSize: 1e6 }
    })
    app.post('/upload', upload.any(), (req, res) => {
      const files = req.files.map(({ path: at, fieldname, originalname, size }) => {
        fs.rmSync(at)
        return { fieldname, originalname, size }
      })
      res.json({ body: shown(req.body), files })
    })
  }
  app.use((req, res) => res.status(404).send('nothing'))
  app.use((err, req, res, _next) =>
    res.status(err.status || 500).send(`${err.code} ${err.name} ${err.message}`)
  )
  return app
}

const { same } = sideBySide(program)

test('no spelling reaches a file past its guard, or outside of its root', async () => {
  const names =
    'admin/secret.txt ADMIN/secret.txt Admin/secret.txt %61dmin/secret.txt admin%2fsecret.txt admin%2Fsecret.txt ' +
    'admin//secret.txt /admin/secret.txt ./admin/secret.txt admin/./secret.txt x/../admin/secret.txt ' +
    'admin\\secret.txt admin%5csecret.txt admin;/secret.txt admin/secret.txt/ admin/secret.txt%00 admin%00/secret.txt ' +
    'admin/secret.txt%20 admin/secret.txt. admin/secret.txt?x=1 admin/secret.txt#y admin%252fsecret.txt %2561dmin/secret.txt ' +
    '%2e/admin/secret.txt x/%2e%2e/admin/secret.txt admin/%73ecret.txt admin/secret%2etxt adm\u0131n/secret.txt ' +
    'admin admin/ ../outside.txt %2e%2e/outside.txt %2e%2e%2foutside.txt ..%2foutside.txt ..%5coutside.txt ..\\outside.txt ' +
    '.%2e/outside.txt %2e./outside.txt ..;/outside.txt ....//outside.txt ../public-too/file.txt ..%2fpublic-too/file.txt ' +
    '%c0%ae%c0%ae/outside.txt %c0%ae%c0%ae%c0%afoutside.txt %e0%80%ae%e0%80%ae/outside.txt %uff0e%uff0e/outside.txt ' +
    '%252e%252e/outside.txt %2e%2e%5coutside.txt /etc/passwd %2fetc%2fpasswd //etc/passwd file:///etc/passwd ' +
    'link.txt up/outside.txt up/public/admin/secret.txt loop dangling loop/x link.txt/x open.txt/x ' +
    '.env %2eenv ./.env x/../.env .env/ open.txt%00.png open.txt%0a %ff %80.txt open.txt::$DATA ' +
    `${'a'.repeat(300)} ${'a/'.repeat(2000)}x ${'../'.repeat(500)}etc/passwd ${'%2e%2e/'.repeat(500)}etc/passwd`
  const starts = [
    '/front/',
    '/guarded/',
    '/strict/',
    '/dots/',
    '/send/',
    'http://app.test/guarded/',
    '//guarded/'
  ]
  const targets = starts.flatMap((start) =>
    names.split(' ').map((name) => start + Buffer.from(name).toString('latin1'))
  )
  const answers = await same(targets.map((target) => get(target)))
  const says = (text) => targets.filter((_, i) => answers[i].includes(text))
  assert.ok(says('denied').length > 5)
  assert.ok(says('secret file').length > 5)
  assert.deepEqual(says('a neighbour of the root'), [])
  // through links only, which Express follows too
  assert.deepEqual(
    says('outside of the root').filter((target) => !/\/(link\.txt|up\/)/.test(target)),
    []
  )
})

test('names of prototypes in every place', async () => {
  const names = [
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'valueOf',
    '__defineGetter__',
    'length'
  ]
  const pairs = names.flatMap((name) => [
    `${name}=1`,
    `${name}[polluted]=1`,
    `${name}[prototype][polluted]=1`,
    `a[${name}]=1`,
    `a[${name}][polluted]=1`,
    `${name}.polluted=1`,
    `%5f${name.slice(1)}=1`,
    `a[]=1&a[${name}]=2`
  ])
  const form = 'application/x-www-form-urlencoded'
  const answers = await same([
    ...pairs.flatMap((pair) => [
      get(`/query?${pair}`),
      get(`/simple?${pair}`),
      post('/form', form, pair),
      post('/flat', form, pair)
    ]),
    get(`/query?${pairs.join('&')}`),
    post('/form', form, pairs.join('&')),
    get('/param/__proto__/constructor'),
    get('/param/toString/%5f%5fproto__'),
    get('/headers', names.map((name) => `${name}: 1\r\n${name}: 2\r\n`).join('')),
    get('/headers', 'Cookie: __proto__=1\r\nCookie: constructor=2\r\n')
  ])
  assert.ok(!answers.some((answer) => answer.includes('"spoiled":true')))
})

test('many headers, parameters and bytes', async () => {
  const form = 'application/x-www-form-urlencoded'
  const lines = (count, line) => Array.from({ length: count }, (_, i) => line(i)).join('')
  await same([
    get(
      '/headers',
      lines(990, (i) => `h${i}: 1\r\n`)
    ),
    get(
      '/headers',
      lines(1100, (i) => `h${i}:1\r\n`)
    ),
    get(
      '/headers',
      lines(500, () => 'same: 1\r\n')
    ),
    get(
      '/headers',
      lines(3000, () => 'Cookie:a\r\n')
    ),
    get('/headers', `x: ${'y'.repeat(15_000)}\r\n`),
    get(`/query?${lines(3000, (i) => `a${i}&`)}`),
    get(`/query?${lines(1500, () => 'a[]=&')}`),
    get(`/query?a${'[b]'.repeat(1000)}=1`),
    get(`/query?${'%'.repeat(5000)}`),
    get(`/query?${'&'.repeat(14_000)}`),
    post('/form', form, 'a[]=1&'.repeat(15_000)),
    post('/form', form, `a${'[x]'.repeat(20_000)}=1`),
    post('/form', form, '&'.repeat(99_000)),
    post('/form', form, '%'.repeat(99_000)),
    post('/flat', form, 'a=1&'.repeat(1001))
  ])
})

test('bodies that are more than they seem', async () => {
  const zeros = Buffer.alloc(3_000_000)
  const latin1 = (bytes) => bytes.toString('latin1')
  const packed = {
    gzip: latin1(zlib.gzipSync(zeros)),
    deflate: latin1(zlib.deflateSync(zeros)),
    br: latin1(zlib.brotliCompressSync(zeros))
  }
  const small = latin1(zlib.gzipSync(Buffer.from('small')))
  const requests = ['/text', '/raw', '/form', '/flat'].flatMap((target) => {
    const type = target.startsWith('/f') ? 'application/x-www-form-urlencoded' : 'text/plain'
    return [
      ...Object.entries(packed).map(([coding, body]) =>
        post(target, type, body, `Content-Encoding: ${coding}\r\n`)
      ),
      ...['zip', 'gzip, gzip', 'GZIP', 'identity', 'x-gzip', ''].map((coding) =>
        post(target, type, small, `Content-Encoding: ${coding}\r\n`)
      ),
      post(target, type, small.slice(0, 10), 'Content-Encoding: gzip\r\n'),
      post(target, type, 'no gzip at all', 'Content-Encoding: gzip\r\n'),
      post(target, `${type}; charset=utf-7`, 'a'),
      post(target, `${type}; charset="utf-8`, 'a'),
      post(target, `${type};;;=;`, 'a')
    ]
  })
  const answers = await same(requests)
  assert.equal(answers.filter((answer) => answer.startsWith('HTTP/1.1 413 ')).length, 12)
})

test('headers made of what clients send', async () => {
  const values = [
    'plain',
    'a\r\nX-Injected: y',
    'a\nX-Injected: y',
    'a\rX-Injected: y',
    'a\0b',
    '\u2603',
    '\u00e9',
    '',
    ' ',
    'a;b="c"',
    'a; Path=/; HttpOnly',
    '"><script>alert(1)</script>',
    '../../etc/passwd',
    "a'b%00c",
    'x'.repeat(9000),
    '__proto__',
    'content-length',
    'transfer-encoding',
    '\u007f',
    '\t'
  ]
  const makers =
    'cookieName cookiePath cookieDomain clearCookie headerName append type attachment links location vary reason writeHead jsonp'
  const answers = await same([
    ...makers
      .split(' ')
      .flatMap((what) =>
        values.map((value) => get(`/makes/${what}?value=${encodeURIComponent(value)}`))
      ),
    ...values.map((value) => get(`/download?name=${encodeURIComponent(value)}`)),
    ...values.map((value) => get(`/makes/jsonp?value=1&callback=${encodeURIComponent(value)}`))
  ])
  for (const answer of answers) assert.doesNotMatch(answer.split('\r\n\r\n')[0], /^X-Injected/m)
})

test('forms of several parts', {
  skip: hasMulter ? false : 'multer is not installed'
}, async () => {
  const part = (disposition, body = 'v', lines = '') =>
    `--B\r\nContent-Disposition: ${disposition}\r\n${lines}\r\n${body}\r\n`
  const form = (...parts) => `${parts.join('')}--B--\r\n`
  const type = 'multipart/form-data; boundary=B'
  const fields = (...names) => form(...names.map((name) => part(`form-data; name="${name}"`)))
  const upload = (name) => form(part(`form-data; name="f"; filename="${name}"`))
  const answers = await same([
    ...[
      fields('__proto__'),
      fields('__proto__[polluted]', 'constructor[prototype][polluted]', 'a[__proto__][polluted]'),
      fields('toString', 'hasOwnProperty', 'hasOwnProperty[x]'),
      fields('', 'a[]', 'a[]', 'a[', 'a]', '[', '[]', 'a[b]c', 'a..b'),
      fields(`a${'[b]'.repeat(10_000)}`),
      fields(...Array.from({ length: 60 }, (_, i) => `f${i}`)),
      fields('a', 'a[b]', 'a'),
      form(part('form-data')),
      form(part('attachment; name="x"')),
      form(part('form-data; name=x; name=y')),
      form(part('form-data; name="x', 'open quote')),
      form(part('form-data; name="f"; filename=""')),
      upload('__proto__'),
      upload('../../../etc/passwd'),
      upload('..\\..\\windows'),
      upload('a\0b.txt'),
      upload(`${'x'.repeat(8000)}.txt`),
      upload(`${'\\'.repeat(8000)}`),
      form(part('form-data; name="f"; filename*=utf-8\'\'%E2%98%83.txt')),
      form(part('form-data; name="f"; filename*=utf-8\'\'%zz%')),
      form(part('form-data; name="f"; filename*=nothing\'\'x')),
      form(part('form-data; name="x"', 'v', 'Content-Transfer-Encoding: base64\r\n')),
      form(part('form-data; name="x"', 'v', 'Content-Type: text/plain; charset=utf-7\r\n')),
      form(part('form-data; name="x"', 'v', `${'X-Y: z\r\n'.repeat(2500)}`)),
      form(part('form-data; name="x"', 'v'.repeat(1_100_000))),
      form(part('form-data; name="f"; filename="big"', 'v'.repeat(1_100_000))),
      '--B--\r\n',
      '--B\r\n\r\n\r\n--B--\r\n',
      '--B\r\nno colon\r\n\r\nv\r\n--B--\r\n',
      'nothing of a form',
      '',
      fields('a').slice(0, -6),
      upload('cut.txt').slice(0, -8),
      `${upload('one.txt').slice(0, -5)}${'--B\r\n'.repeat(1000)}`
    ].map((body) => post('/upload', type, Buffer.from(body).toString('latin1'))),
    ...[
      'multipart/form-data',
      'multipart/form-data; boundary=',
      'multipart/form-data; boundary=""',
      `multipart/form-data; boundary=${'b'.repeat(300)}`,
      'multipart/form-data; boundary="B"; boundary=C',
      'multipart/mixed; boundary=B',
      'MULTIPART/FORM-DATA; BOUNDARY=B'
    ].map((other) => post('/upload', other, fields('a')))
  ])
  assert.ok(!answers.some((answer) => answer.includes('"spoiled":true')))
  assert.deepEqual(fs.readdirSync(uploads), [], 'no file is left of a form that failed')
})
