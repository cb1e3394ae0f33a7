// res.set, get, append, type, vary, links, location, attachment, cookie, clearCookie, redirect,
// format.
'use strict'

const { differential, header } = require('../helpers/differential')
const assert = require('node:assert/strict')

const routes = (handlers) => (express) => {
  const app = express()
  for (const [name, handler] of Object.entries(handlers)) {
    app.all(`/${name}`, (req, res, next) => {
      handler(req, res, next)
      if (!res.writableEnded) res.end('done')
    })
  }
  app.use((err, _req, res, _next) => {
    res.statusCode = 500
    res.end(`${err.name}: ${err.message} ${err.code}`)
  })
  return app
}

/** One differential test for handlers that only touch headers; every route is asked once. */
function headers(name, handlers, more = {}) {
  differential(
    name,
    routes(handlers),
    Object.keys(handlers).map((path) => ({ path: `/${path}`, ...more }))
  )
}

headers('res.set', {
  one: (_q, res) => res.set('X-One', 'a'),
  case: (_q, res) => res.set('x-lower', 'a').set('X-UPPER', 'b').set('X-Lower', 'c'),
  number: (_q, res) => res.set('X-Number', 1),
  boolean: (_q, res) => res.set('X-Boolean', false),
  null: (_q, res) => res.set('X-Null', null),
  undefined: (_q, res) => res.set('X-Undefined', undefined),
  array: (_q, res) => res.set('X-List', ['a', 2, null]),
  object: (_q, res) => res.set({ 'X-A': 'a', 'X-B': 2, 'Content-Type': 'text/html' }),
  inherited: (_q, res) => res.set(Object.create({ 'X-Inherited': 'yes' })),
  alias: (_q, res) => res.header('X-Alias', 'a'),
  'type-html': (_q, res) => res.set('Content-Type', 'text/html'),
  'type-charset': (_q, res) => res.set('content-type', 'text/html; charset=latin1'),
  'type-unknown': (_q, res) => res.set('Content-Type', 'application/x-unknown'),
  'type-extension': (_q, res) => res.set('Content-Type', 'png'),
  'type-array': (_q, res) => res.set('Content-Type', ['text/html']),
  'type-bad': (_q, res) => res.set('Content-Type', 'no such thing'),
  latin1: (_q, res) => res.set('X-Latin1', 'caf\u00e9'),
  'bad-value': (_q, res) => res.set('X-Bad', 'a\r\nSet-Cookie: b=c'),
  'bad-char': (_q, res) => res.set('X-Bad', '\u2028'),
  'bad-name': (_q, res) => res.set('X Bad', 'a'),
  'no-name': (_q, res) => res.set(undefined, 'a'),
  'only-name': (_q, res) => res.set('X-Only'),
  get: (_q, res) =>
    res
      .set('X-One', ['a', 'b'])
      .set('X-Got', JSON.stringify([res.get('x-one'), res.get('none') ?? 'none'])),
  'get-number': (_q, res) => {
    res.setHeader('X-Raw', 5)
    res.set('X-Kind', typeof res.get('X-Raw'))
  }
})

headers('res.append', {
  new: (_q, res) => res.append('X-A', 'one'),
  twice: (_q, res) => res.append('X-A', 'one').append('X-A', 'two'),
  array: (_q, res) =>
    res.append('X-A', ['one', 'two']).append('X-A', 'three').append('x-a', ['four', 5]),
  'after-set': (_q, res) => res.set('X-A', 'one').append('X-A', 'two').set('X-A', 'three'),
  cookies: (_q, res) => res.append('Set-Cookie', 'a=1').append('Set-Cookie', ['b=2', 'c=3']),
  undefined: (_q, res) => res.append('X-A', 'one').append('X-A')
})

headers('res.type', {
  html: (_q, res) => res.type('html'),
  dot: (_q, res) => res.type('.js'),
  file: (_q, res) => res.type('picture.png'),
  mime: (_q, res) => res.type('text/plain'),
  'mime-charset': (_q, res) => res.type('text/plain; charset=utf-16'),
  unknown: (_q, res) => res.type('unknown'),
  empty: (_q, res) => res.type(''),
  vendor: (_q, res) => res.type('application/vnd.amazon.ebook'),
  alias: (_q, res) => res.contentType('json'),
  none: (_q, res) => res.type(undefined)
})

headers('res.vary', {
  one: (_q, res) => res.vary('Accept'),
  list: (_q, res) => res.vary(['Accept', 'Origin']),
  twice: (_q, res) => res.vary('Accept').vary('accept').vary('Origin, ACCEPT'),
  star: (_q, res) => res.vary('Accept').vary('*'),
  empty: (_q, res) => res.vary([]),
  none: (_q, res) => res.vary(),
  bad: (_q, res) => res.vary('a b:')
})

headers('res.links', {
  two: (_q, res) => res.links({ next: 'http://a/?p=2', last: 'http://a/?p=5' }),
  more: (_q, res) => res.links({ next: '/2' }).links({ prev: '/0' }),
  lists: (_q, res) => res.links({ next: ['/2', '/two'], last: '/9' }),
  empty: (_q, res) => res.links({}),
  'empty-list': (_q, res) => res.links({ next: [], last: '/9' })
})

const urls = [
  '/path',
  'http://example.com/',
  '//host/x',
  '../login',
  'back',
  '',
  '?a=b',
  '#frag',
  'http://a/ü',
  'http://a/%20%zz',
  'http://a.com\\@b.com',
  'http://a/<script>',
  '\thttp://a',
  'https://google.com?q=\u2603 §10',
  'a\nb',
  'http://[::1]/',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'http://a/"quoted"',
  'http://example.com/%3Cx%3E'
]

differential(
  'res.location and res.redirect',
  (express) => {
    const app = express()
    app.all('/location/:i', (req, res) =>
      res.location(urls[req.params.i]).end(String(res.get('Location')))
    )
    app.all('/redirect/:i', (req, res) => res.redirect(urls[req.params.i] || '/'))
    app.all('/status/:code', (req, res) => res.redirect(Number(req.params.code), '/there'))
    app.all(
      '/void',
      (_req, res) => res.set('X-Returned', typeof res.set('X-A', 'b')) && res.redirect('/x')
    )
    return app
  },
  [
    ...urls.map((_, i) => ({ path: `/location/${i}`, status: 200 })),
    ...[
      '*/*',
      'text/plain',
      'text/html',
      'application/json',
      'text/html;q=0.5, text/plain'
    ].flatMap((Accept) =>
      urls.map((_, i) => ({ headers: { Accept }, path: `/redirect/${i}`, status: 302 }))
    ),
    { method: 'HEAD', path: '/redirect/0', status: 302 },
    { method: 'POST', path: '/redirect/0', status: 302 },
    ...[301, 303, 307, 308, 300, 200, 299].map((code) => ({
      path: `/status/${code}`,
      status: code
    })),
    { path: '/void', status: 302 },
    {
      path: '/redirect/11',
      check: (res) => assert.doesNotMatch(res.body.toString(), /<script>/)
    }
  ]
)

headers('res.attachment', {
  none: (_q, res) => res.attachment(),
  name: (_q, res) => res.attachment('report.pdf'),
  path: (_q, res) => res.attachment('/deep/path/image.png'),
  unicode: (_q, res) => res.attachment('日本語.txt'),
  quotes: (_q, res) => res.attachment('a "b" \\ c.html'),
  'no-extension': (_q, res) => res.attachment('README'),
  'unknown-extension': (_q, res) => res.attachment('a.zzz'),
  empty: (_q, res) => res.attachment(''),
  percent: (_q, res) => res.attachment('50%25.txt'),
  number: (_q, res) => res.attachment(5)
})

const expires = new Date('2030-01-02T03:04:05Z')
headers('res.cookie and res.clearCookie', {
  plain: (_q, res) => res.cookie('name', 'value'),
  two: (_q, res) => res.cookie('name', 'tobi').cookie('age', 1).cookie('gender', ''),
  object: (_q, res) => res.cookie('user', { name: 'tobi', list: [1] }),
  null: (_q, res) => res.cookie('user', null),
  undefined: (_q, res) => res.cookie('user', undefined),
  number: (_q, res) => res.cookie('n', 1.5),
  encoded: (_q, res) => res.cookie('a', 'ä ; , "'),
  encoder: (_q, res) => res.cookie('a', 'b c', { encode: (text) => text.replace(' ', '-') }),
  options: (_q, res) =>
    res.cookie('a', 'b', {
      domain: 'example.com',
      expires,
      httpOnly: true,
      path: '/x',
      sameSite: 'lax',
      secure: true
    }),
  more: (_q, res) => res.cookie('a', 'b', { partitioned: true, priority: 'high', sameSite: true }),
  'max-age-null': (_q, res) => res.cookie('a', 'b', { maxAge: null }),
  'max-age-text': (_q, res) => res.cookie('a', 'b', { maxAge: 'foobar' }),
  'path-null': (_q, res) => res.cookie('a', 'b', { path: null }),
  'bad-name': (_q, res) => res.cookie('a b', 'c'),
  'bad-domain': (_q, res) => res.cookie('a', 'b', { domain: 'a;b' }),
  'bad-path': (_q, res) => res.cookie('a', 'b', { path: '/\r\n' }),
  'bad-expires': (_q, res) => res.cookie('a', 'b', { expires: new Date(NaN) }),
  signed: (req, res) => {
    req.secret = 'keyboard cat'
    res.cookie('user', 'tobi', { signed: true }).cookie('o', { a: 1 }, { signed: true })
  },
  'signed-list': (req, res) => {
    req.secret = ['first', 'second']
    res.cookie('user', 'tobi', { signed: true })
  },
  'signed-no-secret': (_q, res) => res.cookie('a', 'b', { signed: true }),
  'options-kept': (_q, res) => {
    const options = Object.freeze({ maxAge: null, path: null })
    res.cookie('a', 'b', options).clearCookie('c', options)
  },
  clear: (_q, res) => res.clearCookie('a'),
  'clear-path': (_q, res) => res.clearCookie('a', { domain: 'example.com', path: '/x' }),
  'clear-max-age': (_q, res) => res.clearCookie('a', { expires, maxAge: 1000 })
})

differential(
  'res.cookie maxAge sets Max-Age in seconds and Expires',
  (express) => {
    const app = express()
    app.get('/:ms', (req, res) => res.cookie('a', 'b', { maxAge: req.params.ms }).end())
    return app
  },
  ['1000', '1500', '0', '-1000', '3600000'].map((ms) => ({
    path: `/${ms}`,
    status: 200,
    check(res) {
      const [, date] = /Expires=([^;]+)/.exec(header(res, 'set-cookie'))
      assert.ok(Math.abs(Date.parse(date) - (Date.now() + Number(ms))) < 10_000)
    }
  })),
  {
    normalize(res) {
      res.headers = res.headers.map(([name, value]) => [
        name,
        value.replace(/Expires=[^;]+/, 'Expires=…')
      ])
    }
  }
)

differential(
  'res.format',
  (express) => {
    const app = express()
    const answers = {
      'text/plain': (_req, res) => res.send('plain'),
      html: (_req, res) => res.send('<p>html</p>'),
      json: (_req, res) => res.send({ kind: 'json' })
    }
    app.get('/strict', (_req, res) => void res.format(answers))
    app.get('/default', (_req, res) =>
      res.format({ ...answers, default: (_q, r) => r.status(406).send('default') })
    )
    app.get('/only-default', (_req, res) => res.format({ default: (_q, r) => r.send('default') }))
    app.get('/none', (_req, res) => res.format({}))
    app.get('/params', (_req, res) =>
      res.format({ 'text/html; level=1': (_q, r) => r.send('level 1') })
    )
    app.get('/arguments', (req, res) =>
      res.format({
        text: (...args) => res.send(String(args[0] === req && args[1] === res && typeof args[2]))
      })
    )
    app.get('/vary', (_req, res) => res.vary('Origin').format(answers))
    app.get('/unknown', (_req, res) => res.format({ zzz: (_q, r) => r.send('z') }))
    app.use((err, _req, res, _next) =>
      res.status(err.status).json({ message: err.message, types: err.types })
    )
    return app
  },
  ['strict', 'default', 'only-default', 'none', 'params', 'arguments', 'vary', 'unknown'].flatMap(
    (path) =>
      [
        undefined,
        'text/html',
        'text/*',
        'application/json',
        '*/*',
        'image/png',
        'text/html;q=.5, text/plain;q=.3',
        ''
      ].map((Accept) => ({ headers: Accept === undefined ? {} : { Accept }, path: `/${path}` }))
  )
)
