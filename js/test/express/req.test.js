// req.get, accepts*, is, range, query, protocol, secure, ip, ips, host, hostname, subdomains, path,
// fresh, stale, xhr.
'use strict'

const { differential, ours, theirs } = require('../helpers/differential')
const assert = require('node:assert/strict')
const { test } = require('node:test')

/** Answers with what `look(req)` returns, or the error. */
const looking =
  (look, prepare = () => {}) =>
  (express) => {
    const app = express()
    prepare(app)
    app.use((req, res) => {
      let seen
      try {
        seen = look(req, res)
      } catch (err) {
        seen = `${err.name}: ${err.message}`
      }
      res.end(JSON.stringify(seen, (_key, val) => (val === undefined ? 'undefined' : val)))
    })
    return app
  }

const attempt = (fn) => {
  try {
    return fn()
  } catch (err) {
    return `${err.name}: ${err.message}`
  }
}

differential(
  'req.get and req.header',
  looking((req) => [
    req.get('content-type'),
    req.get('Content-Type'),
    req.header('X-List'),
    req.get('x-missing'),
    req.get('Referer'),
    req.get('Referrer'),
    req.get('cookie'),
    req.get('Host'),
    req.get('__proto__'),
    req.get('constructor'),
    attempt(() => req.get()),
    attempt(() => req.get('')),
    attempt(() => req.get(3)),
    attempt(() => req.get(['a']))
  ]),
  [
    {
      headers: { 'Content-Type': 'text/plain', Cookie: ['a=1', 'b=2'], 'X-List': ['1', '2'] },
      path: '/',
      status: 200
    },
    { headers: { Referer: 'http://a/', Referrer: 'http://b/' }, path: '/' },
    { headers: { Referer: 'http://a/' }, path: '/' },
    { headers: { REFERRER: 'http://b/' }, path: '/' }
  ]
)

const accept = (values, name) =>
  values.map((value) => ({
    headers: value === undefined ? {} : { [name]: value },
    path: '/',
    status: 200
  }))

differential(
  'req.accepts',
  looking((req) => [
    req.accepts(),
    req.accepts('html'),
    req.accepts('json', 'html'),
    req.accepts(['text', 'json']),
    req.accepts('png'),
    req.accepts('text/html;level=1'),
    req.accepts('application/json'),
    req.accepts([]),
    req.accepts('zzz')
  ]),
  accept(
    [
      undefined,
      '*/*',
      'text/html',
      'text/*;q=.5, application/json',
      'image/png',
      'text/html;q=0',
      '',
      'nonsense',
      'application/json;v=1, text/html'
    ],
    'Accept'
  )
)
differential(
  'req.acceptsEncodings',
  looking((req) => [
    req.acceptsEncodings(),
    req.acceptsEncodings('gzip'),
    req.acceptsEncodings('br', 'gzip'),
    req.acceptsEncodings(['identity'])
  ]),
  accept([undefined, 'gzip, br;q=0.5', '*', 'identity;q=0', ''], 'Accept-Encoding')
)
differential(
  'req.acceptsCharsets',
  looking((req) => [
    req.acceptsCharsets(),
    req.acceptsCharsets('utf-8'),
    req.acceptsCharsets('latin1', 'utf-8')
  ]),
  accept([undefined, 'utf-8, latin1;q=.5', '*', 'foo'], 'Accept-Charset')
)
differential(
  'req.acceptsLanguages',
  looking((req) => [
    req.acceptsLanguages(),
    req.acceptsLanguages('en'),
    req.acceptsLanguages('de', 'en'),
    req.acceptsLanguages(['fr'])
  ]),
  accept([undefined, 'en;q=.5, de', '*', 'en-us'], 'Accept-Language')
)

differential(
  'req.is',
  looking((req) => [
    req.is('json'),
    req.is(['html', 'json']),
    req.is('application/*'),
    req.is('text/*', 'application/json'),
    req.is('*/*'),
    req.is(),
    req.is([]),
    req.is('zzz'),
    req.is('+json')
  ]),
  [
    { body: '{}', headers: { 'Content-Type': 'application/json' }, method: 'POST', path: '/' },
    {
      body: '{}',
      headers: { 'Content-Type': 'application/json; charset=utf-8' },
      method: 'POST',
      path: '/'
    },
    { body: 'a', headers: { 'Content-Type': 'text/html' }, method: 'POST', path: '/' },
    {
      body: 'a',
      headers: { 'Content-Type': 'application/vnd.api+json' },
      method: 'POST',
      path: '/'
    },
    { body: 'a', headers: { 'Content-Type': 'nonsense' }, method: 'POST', path: '/' },
    { body: 'a', method: 'POST', path: '/' },
    { headers: { 'Content-Type': 'application/json' }, path: '/' }
  ]
)

differential(
  'req.range',
  looking((req) => {
    const plain = (range) => (Array.isArray(range) ? { list: [...range], type: range.type } : range)
    return [plain(req.range(120)), plain(req.range(120, { combine: true })), plain(req.range(10))]
  }),
  accept(
    [
      undefined,
      'bytes=0-50',
      'bytes=0-50,51-100',
      'bytes=-5',
      'bytes=200-',
      'items=1-2',
      'nonsense',
      'bytes=x',
      ''
    ],
    'Range'
  )
)

const queries = [
  '/',
  '/?',
  '/?a',
  '/?a=',
  '/?a=1&a=2',
  '/?a[b]=c&a[d][]=e',
  '/?__proto__=1&constructor=2&toString=3',
  '/?a=%C3%BC+x',
  '/?a=%zz',
  '/?&&=1',
  '/?a[0]=x&a[2]=y',
  '/?a=1?b=2',
  '/p?x=1#f',
  '/?a.b=c',
  '/?utf8=%E2%9C%93'
]
for (const parser of ['simple', 'extended', true, false, (text) => ({ length: text?.length })]) {
  differential(
    `req.query with the query parser ${parser}`,
    looking(
      (req) => {
        const { query } = req
        return [query, Object.getPrototypeOf(query) === null, query === req.query]
      },
      (app) => app.set('query parser', parser)
    ),
    queries.map((path) => ({ path, status: 200 }))
  )
}
test('req.query cannot be assigned, as in Express', () => {
  const text = (express) =>
    attempt(() => {
      'use strict'
      Object.create(express().request).query = {}
    })
  assert.match(text(ours), /^TypeError: Cannot set property query of .* which has only a getter$/)
  assert.equal(text(ours), text(theirs))
})

const forwarded = [
  {},
  {
    'X-Forwarded-For': '1.2.3.4',
    'X-Forwarded-Host': 'proxy.test:8080',
    'X-Forwarded-Proto': 'https'
  },
  {
    'X-Forwarded-For': '1.1.1.1, 2.2.2.2 ,10.0.0.3',
    'X-Forwarded-Host': 'a.b.c.test , second',
    'X-Forwarded-Proto': 'https, http'
  },
  { 'X-Forwarded-For': 'nonsense', 'X-Forwarded-Host': '[::1]:99', 'X-Forwarded-Proto': '' },
  { 'X-Forwarded-For': '', 'X-Forwarded-Host': ', b', 'X-Forwarded-Proto': ',https' },
  {
    'X-Forwarded-For': '::ffff:9.9.9.9, fe80::1',
    'X-Forwarded-Host': '127.0.0.1',
    'X-Forwarded-Proto': 'wss'
  }
]
const peer = (req) => [
  req.protocol,
  req.secure,
  req.ip,
  req.ips,
  req.host,
  req.hostname,
  req.subdomains
]

for (const trust of [
  false,
  true,
  1,
  2,
  'loopback',
  'loopback, 10.0.0.0/8',
  ['127.0.0.1', '10.0.0.3'],
  (ip, i) => i < 1 && ip.endsWith('127.0.0.1')
]) {
  differential(
    `what a proxy says, trust proxy ${typeof trust === 'function' ? 'function' : JSON.stringify(trust)}`,
    looking(peer, (app) => app.set('trust proxy', trust)),
    forwarded.map((headers) => ({ headers, path: '/', status: 200 }))
  )
}

const hosts = [
  'example.com',
  'tobi.ferrets.example.com',
  'localhost:3000',
  '127.0.0.1:80',
  '[::1]',
  '[::1]:8080',
  'a.b.c.d.e:1',
  'EXAMPLE.com',
  '.',
  'a..b.c'
]
differential(
  'req.host, hostname and subdomains',
  looking((req) => [req.host, req.hostname, req.subdomains]),
  hosts.map((Host) => ({ headers: { Host }, path: '/', status: 200 }))
)
for (const offset of [0, 3, '1', undefined]) {
  differential(
    `req.subdomains with subdomain offset ${offset}`,
    looking(
      (req) => req.subdomains,
      (app) => app.set('subdomain offset', offset)
    ),
    hosts.map((Host) => ({ headers: { Host }, path: '/', status: 200 }))
  )
}

differential(
  'req.path, url, originalUrl, baseUrl',
  looking((req) => [
    req.path,
    req.url,
    req.originalUrl,
    req.baseUrl,
    attempt(() => {
      req.url = '/changed?x=1'
      return [req.path, req.query.x]
    })
  ]),
  ['/', '/a/b?c=d', '/a%20b', '//x', '/?', '/a?b?c', '/%'].map((path) => ({ path, status: 200 }))
)

const etag = '"v1"'
const date = new Date(1e12).toUTCString()
differential(
  'req.fresh and req.stale',
  (express) => {
    const app = express()
    app.all('/:status', (req, res) => {
      res.statusCode = Number(req.params.status)
      if (req.query.etag) res.set('ETag', req.query.etag)
      if (req.query.date) res.set('Last-Modified', req.query.date)
      const seen = [req.fresh, req.stale]
      res.statusCode = 200
      res.end(JSON.stringify(seen))
    })
    return app
  },
  [200, 204, 299, 300, 304, 404]
    .flatMap((status) =>
      ['GET', 'POST', 'QUERY'].flatMap((method) => [
        {
          headers: { 'If-None-Match': etag },
          method,
          path: `/${status}?etag=${encodeURIComponent(etag)}`
        },
        {
          headers: { 'If-None-Match': '"other"' },
          method,
          path: `/${status}?etag=${encodeURIComponent(etag)}`
        },
        {
          headers: { 'If-Modified-Since': date },
          method,
          path: `/${status}?date=${encodeURIComponent(date)}`
        },
        { method, path: `/${status}` }
      ])
    )
    .filter(({ method }) => method !== 'QUERY' || require('node:http').METHODS.includes('QUERY'))
)

differential(
  'req.xhr',
  looking((req) => req.xhr),
  [
    {},
    { 'X-Requested-With': 'XMLHttpRequest' },
    { 'x-requested-with': 'xmlhttprequest' },
    { 'X-Requested-With': 'blah' }
  ].map((headers) => ({ headers, path: '/', status: 200 }))
)
