// express.json, urlencoded, raw, text: what they parse, and their 400, 403, 413 and 415.
'use strict'

const { differential, ours, theirs } = require('../helpers/differential')
const assert = require('node:assert/strict')
const zlib = require('node:zlib')
const { test } = require('node:test')

/** Answers with the parsed body, or with everything a handler can see of the error. */
const parser = (make) => (express) => {
  const app = express()
  app.use(make(express))
  app.all('/', (req, res) => {
    const { body } = req
    res.json({
      body: Buffer.isBuffer(body) ? body.toString('hex') : body,
      has: 'body' in req,
      type: typeof body
    })
  })
  app.use((err, _req, res, _next) => {
    const {
      body,
      charset,
      encoding,
      expected,
      expose,
      length,
      limit,
      message,
      name,
      received,
      status,
      type
    } = err
    const shown = Buffer.isBuffer(body) ? body.toString('hex') : body
    res.status(status ?? 500)
    res.json({
      body: shown,
      charset,
      encoding,
      expected,
      expose,
      length,
      limit,
      message,
      name,
      // how much had come when it was noticed is the network's business
      tooMuch: received > limit,
      status,
      type
    })
  })
  return app
}

const post = (type, body, more = {}, status = undefined) => ({
  body,
  headers: {
    ...(type && { 'Content-Type': type }),
    'Content-Length': Buffer.byteLength(body),
    ...more
  },
  method: 'POST',
  path: '/',
  status
})

const chunked = (type, body, more = {}) => ({
  body,
  headers: { 'Content-Type': type, 'Transfer-Encoding': 'chunked', ...more },
  method: 'POST',
  path: '/'
})

const JSON_TYPE = 'application/json'
const FORM = 'application/x-www-form-urlencoded'

const compressed = (type, body) => [
  post(type, zlib.gzipSync(body), { 'Content-Encoding': 'gzip' }),
  post(type, zlib.deflateSync(body), { 'Content-Encoding': 'deflate' }),
  post(type, zlib.brotliCompressSync(body), { 'Content-Encoding': 'br' }),
  post(type, zlib.gzipSync(body), { 'Content-Encoding': 'GZIP' }),
  post(type, body, { 'Content-Encoding': 'identity' }),
  post(type, body, { 'Content-Encoding': 'nonsense' }, 415),
  post(type, body, { 'Content-Encoding': 'gzip' }, 400)
]

differential(
  'express.json',
  parser((express) => express.json()),
  [
    post(JSON_TYPE, '{"user":"tobi"}', {}, 200),
    post(JSON_TYPE, '[1,2,{"a":null}]', {}, 200),
    post(JSON_TYPE, '  \n[1]', {}, 200),
    post(JSON_TYPE, '', {}, 200),
    post(JSON_TYPE, ' ', {}, 400),
    post(JSON_TYPE, '{"user"', {}, 400),
    post(JSON_TYPE, '{"a":1,}', {}, 400),
    post(JSON_TYPE, 'true', {}, 400),
    post(JSON_TYPE, '"text"', {}, 400),
    post(JSON_TYPE, '  7', {}, 400),
    post(JSON_TYPE, '{"__proto__":{"x":1},"constructor":{"prototype":{"y":2}}}', {}, 200),
    post(JSON_TYPE, '['.repeat(50_000), {}, 400),
    post(JSON_TYPE, '\ufeff{"a":1}'),
    post('application/json; charset=utf-8', '{"name":"ü"}', {}, 200),
    post('application/json; charset=UTF-16', Buffer.from('{"a":1}', 'utf16le'), {}, 200),
    post('application/json; charset=iso-8859-1', '{}', {}, 415),
    post('application/json; charset=utf-99', '{}', {}, 415),
    post('application/json; charset', '{}'),
    post('application/vnd.api+json', '{"a":1}', {}, 200),
    post('text/plain', '{"a":1}', {}, 200),
    post(undefined, '{"a":1}', {}, 200),
    post('nonsense', '{"a":1}', {}, 200),
    post(JSON_TYPE, JSON.stringify({ a: 'x'.repeat(102_400) }), {}, 413),
    post(JSON_TYPE, JSON.stringify({ a: 'x'.repeat(102_390) }), {}, 200),
    chunked(JSON_TYPE, JSON.stringify({ a: 'x'.repeat(300_000) })),
    chunked(JSON_TYPE, '{"a":1}'),
    post(
      JSON_TYPE,
      zlib.gzipSync(JSON.stringify({ a: 'x'.repeat(1_000_000) })),
      { 'Content-Encoding': 'gzip' },
      413
    ),
    ...compressed(JSON_TYPE, '{"name":"论"}'),
    { headers: { 'Content-Type': JSON_TYPE }, method: 'POST', path: '/', status: 200 },
    { method: 'GET', path: '/', status: 200 }
  ]
)

differential(
  'express.json, strict off',
  parser((express) => express.json({ strict: false })),
  [
    post(JSON_TYPE, 'true', {}, 200),
    post(JSON_TYPE, '"text"', {}, 200),
    post(JSON_TYPE, 'tru', {}, 400)
  ]
)
differential(
  'express.json, inflate off',
  parser((express) => express.json({ inflate: false })),
  compressed(JSON_TYPE, '{}').map((request) => ({
    ...request,
    status: request.headers['Content-Encoding'] === 'identity' ? 200 : 415
  }))
)
differential(
  'express.json, limit',
  parser((express) => express.json({ limit: '1kb' })),
  [
    post(JSON_TYPE, JSON.stringify({ a: 'x'.repeat(1010) }), {}, 200),
    post(JSON_TYPE, JSON.stringify({ a: 'x'.repeat(1020) }), {}, 413)
  ]
)
differential(
  'express.json, reviver',
  parser((express) => express.json({ reviver: (key, val) => (key === 'a' ? 'A' : val) })),
  [post(JSON_TYPE, '{"a":1,"b":2}', {}, 200)]
)
differential(
  'express.json, type',
  parser((express) => express.json({ type: ['application/vnd.x+json', 'text/*'] })),
  [
    post('application/vnd.x+json', '{"a":1}', {}, 200),
    post('text/html', '{"a":1}', {}, 200),
    post(JSON_TYPE, '{"a":1}', {}, 200)
  ]
)
differential(
  'express.json, type function',
  parser((express) => express.json({ type: (req) => req.headers['x-json'] === 'yes' })),
  [post(undefined, '{"a":1}', { 'X-Json': 'yes' }, 200), post(JSON_TYPE, '{"a":1}', {}, 200)]
)
differential(
  'express.json, verify',
  parser((express) =>
    express.json({
      verify(_req, _res, buf) {
        if (buf[0] === 0x5b) throw new Error('no arrays')
        if (buf[1] === 0x20)
          throw Object.assign(new Error('no space'), { status: 400, type: 'space' })
      }
    })
  ),
  [
    post(JSON_TYPE, '{"a":1}', {}, 200),
    post(JSON_TYPE, '[1]', {}, 403),
    post(JSON_TYPE, '{ "a":1}', {}, 400),
    post('application/json; charset=utf-99', '{}', {}, 415)
  ]
)
differential(
  'two parsers in a row',
  (express) =>
    parser(() => [express.json(), express.json(), express.text({ type: '*/*' })])(express),
  [post(JSON_TYPE, '{"a":1}', {}, 200), post('text/html', 'text', {}, 200)]
)

differential(
  'express.urlencoded',
  parser((express) => express.urlencoded()),
  [
    post(FORM, 'user=tobi&age=3', {}, 200),
    post(FORM, 'a=1&a=2&b[]=3&c[d]=4', {}, 200),
    post(FORM, 'name=%C3%BC+x&bad=%zz', {}, 200),
    post(FORM, '', {}, 200),
    post(FORM, '__proto__=1&a[__proto__]=2&constructor=3', {}, 200),
    post(FORM, Array.from({ length: 1000 }, (_, i) => `k${i}=v`).join('&'), {}, 200),
    post(FORM, Array.from({ length: 1001 }, (_, i) => `k${i}=v`).join('&'), {}, 413),
    post(`${FORM}; charset=iso-8859-1`, 'name=%FC', {}, 200),
    post(`${FORM}; charset=koi8-r`, 'a=b', {}, 415),
    post(FORM, `a=${'x'.repeat(102_400)}`, {}, 413),
    ...compressed(FORM, 'name=%E8%AE%BA')
  ]
)
const deep = (n) => `a${'[b]'.repeat(n)}=c`
differential(
  'express.urlencoded, extended',
  parser((express) => express.urlencoded({ extended: true })),
  [
    post(FORM, 'a=1&a=2&b[]=3&c[d][e]=4&f[0]=x&f[1]=y', {}, 200),
    post(FORM, deep(32), {}, 200),
    post(FORM, deep(33), {}, 400),
    post(FORM, Array.from({ length: 150 }, (_, i) => `l[${i}]=${i}`).join('&'), {}, 200),
    post(FORM, 'a[__proto__]=b&a[__proto__]&a[length]=100000000', {}, 200)
  ]
)
differential(
  'express.urlencoded, limits',
  parser((express) => express.urlencoded({ depth: 1, extended: true, parameterLimit: 3 })),
  [
    post(FORM, 'a=1&b=2&c=3', {}, 200),
    post(FORM, 'a=1&b=2&c=3&d=4', {}, 413),
    post(FORM, deep(2), {}, 400)
  ]
)
differential(
  'express.urlencoded, charset sentinel and entities',
  parser((express) =>
    express.urlencoded({ charsetSentinel: true, interpretNumericEntities: true })
  ),
  [
    post(`${FORM}; charset=iso-8859-1`, 'utf8=%E2%9C%93&user=%C3%B8'),
    post(`${FORM}; charset=iso-8859-1`, 'user=&%239786;')
  ]
)

differential(
  'express.text',
  parser((express) => express.text()),
  [
    post('text/plain', 'user is tobi', {}, 200),
    post('text/plain; charset=iso-8859-1', Buffer.from([0x6e, 0xfc]), {}, 200),
    post('text/plain; charset=x-nope', 'a', {}, 415),
    post('text/plain', '', {}, 200),
    post('text/html', 'a', {}, 200),
    post('text/plain', 'x'.repeat(102_401), {}, 413)
  ]
)
differential(
  'express.text, default charset',
  parser((express) => express.text({ defaultCharset: 'koi8-r', type: '*/*' })),
  [post('text/x', Buffer.from('6e616d6520697320cec5d4', 'hex'), {}, 200)]
)

differential(
  'express.raw',
  parser((express) => express.raw()),
  [
    post('application/octet-stream', Buffer.from([0, 1, 255]), {}, 200),
    post('application/octet-stream; charset=anything', 'x', {}, 200),
    post('application/octet-stream', '', {}, 200),
    post('text/plain', 'a', {}, 200),
    post('application/octet-stream', Buffer.alloc(102_401), {}, 413)
  ]
)

test('factories check their options with the texts of body-parser, and name their middleware as it does', () => {
  const cases = [
    ['json', { limit: 'abc' }],
    ['json', { limit: NaN }],
    ['json', { verify: 'lol' }],
    ['raw', { limit: 'abc' }],
    ['text', { verify: 3 }],
    ['urlencoded', { parameterLimit: 0 }],
    ['urlencoded', { parameterLimit: 'x' }],
    ['urlencoded', { depth: -1, extended: true }],
    ['urlencoded', { defaultCharset: 'koi8-r' }]
  ]
  const attempt = (express, name, options) => {
    try {
      return express[name](options).name
    } catch (err) {
      return `${err.name}: ${err.message}`
    }
  }
  for (const [name, options] of cases) {
    assert.equal(attempt(ours, name, options), attempt(theirs, name, options))
  }
  assert.equal(attempt(ours, 'json', { limit: 'abc' }), 'TypeError: option limit "abc" is invalid')
  for (const name of ['json', 'raw', 'text', 'urlencoded'])
    assert.equal(attempt(ours, name), attempt(theirs, name))
})
