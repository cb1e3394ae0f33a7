// res.send, res.json, res.jsonp, res.sendStatus, res.status.
'use strict'

const { differential, header } = require('../helpers/differential')
const assert = require('node:assert/strict')

/** An app with one route per body: GET /<name>. */
const bodies =
  (handlers, prepare = () => {}) =>
  (express) => {
    const app = express()
    prepare(app, express)
    for (const [name, handler] of Object.entries(handlers)) app.all(`/${name}`, handler)
    app.use((err, _req, res, _next) =>
      res.status(500).type('txt').end(`${err.name}: ${err.message}`)
    )
    return app
  }

const each = (handlers, more = {}) =>
  Object.keys(handlers).map((name) => ({ path: `/${name}`, ...more }))

const sent = {
  nothing: (_q, res) => res.send(),
  undefined: (_q, res) => res.send(undefined),
  null: (_q, res) => res.send(null),
  empty: (_q, res) => res.send(''),
  html: (_q, res) => res.send('<p>hello</p>'),
  unicode: (_q, res) => res.send('käse 🧀'),
  long: (_q, res) => res.send('ü'.repeat(1500)),
  number: (_q, res) => res.send(42),
  bigint: (_q, res) => res.send(42n),
  true: (_q, res) => res.send(true),
  symbol: (_q, res) => res.send(Symbol('x')),
  function: (_q, res) => res.send(() => {}),
  object: (_q, res) => res.send({ a: 1 }),
  array: (_q, res) => res.send([1, 2]),
  date: (_q, res) => res.send(new Date(0)),
  buffer: (_q, res) => res.send(Buffer.from('bytes')),
  uint8: (_q, res) => res.send(new Uint8Array([1, 2, 255])),
  uint16: (_q, res) => res.send(new Uint16Array([1, 256, 65535])),
  dataview: (_q, res) => res.send(new DataView(new ArrayBuffer(3))),
  arraybuffer: (_q, res) => res.send(new ArrayBuffer(3)),
  'typed-text': (_q, res) => res.type('text/plain').send('plain'),
  'typed-latin1': (_q, res) => res.type('text/plain; charset=latin1').send('ü'),
  'typed-broken': (_q, res) => res.set('Content-Type', 'text/html; charset').send('x'),
  'typed-buffer': (_q, res) => res.type('png').send(Buffer.from('x')),
  'typed-json-text': (_q, res) => res.type('json').send('{"a":1}'),
  'te-given': (_q, res) => res.set('Transfer-Encoding', 'chunked').send('chunks'),
  'length-given': (_q, res) => res.set('Content-Length', '2').send('hello'),
  'status-204': (_q, res) => res.status(204).send('hello'),
  'status-205': (_q, res) => res.status(205).send('hello'),
  'status-304': (_q, res) => res.status(304).send('hello'),
  'status-201': (_q, res) => res.status(201).send('created'),
  'status-999': (_q, res) => res.status(999).send('odd'),
  'status-message': (_q, res) => {
    res.statusMessage = 'Fine'
    res.send('x')
  },
  twice: (_q, res) => {
    res.send('first')
    res.send('second')
  },
  'returns-this': (_q, res) => {
    const same = res.status(200) === res
    res.set('X-Same', String(same && res.type('txt') === res))
    res.send('x')
  }
}

differential('res.send', bodies(sent), each(sent))
differential('res.send to HEAD', bodies(sent), each(sent, { method: 'HEAD' }))
differential('res.send to POST', bodies(sent), [
  { method: 'POST', path: '/html', status: 200 },
  { headers: { 'If-None-Match': '*' }, method: 'POST', path: '/html', status: 200 }
])

const fresh = { 'If-None-Match': 'W/"c-dQnlvaDHYtK6x/kNdYtbImP6Acw"' }
differential(
  'res.send answers 304 to conditional requests',
  (express) => {
    const app = express()
    app.all('/', (_req, res) => res.set('Content-Language', 'en').send('hello, world'))
    app.get('/dated', (_req, res) =>
      res.set('Last-Modified', new Date(1e12).toUTCString()).send('x')
    )
    app.get('/error', (_req, res) => res.status(404).send('hello, world'))
    return app
  },
  [
    {
      path: '/',
      status: 200,
      check: (res) => assert.equal(header(res, 'etag'), 'W/"c-t+I+wpryKwtOQdox6GjVciYSHIQ"')
    },
    { headers: { 'If-None-Match': 'W/"c-t+I+wpryKwtOQdox6GjVciYSHIQ"' }, path: '/', status: 304 },
    { headers: { 'If-None-Match': '"c-t+I+wpryKwtOQdox6GjVciYSHIQ"' }, path: '/', status: 304 },
    {
      headers: { 'If-None-Match': '"x", W/"c-t+I+wpryKwtOQdox6GjVciYSHIQ"' },
      path: '/',
      status: 304
    },
    { headers: { 'If-None-Match': '*' }, path: '/', status: 304 },
    { headers: { 'If-None-Match': '*' }, method: 'HEAD', path: '/', status: 304 },
    { headers: { 'If-None-Match': '*' }, method: 'PUT', path: '/', status: 200 },
    { headers: fresh, path: '/', status: 200 },
    { headers: { 'Cache-Control': 'no-cache', 'If-None-Match': '*' }, path: '/', status: 200 },
    { headers: { 'If-Modified-Since': new Date(1e12).toUTCString() }, path: '/dated', status: 304 },
    {
      headers: { 'If-Modified-Since': new Date(1e12 - 1000).toUTCString() },
      path: '/dated',
      status: 200
    },
    { headers: { 'If-Modified-Since': 'nonsense' }, path: '/dated', status: 200 },
    { headers: { 'If-None-Match': '*' }, path: '/error', status: 404 }
  ]
)

const circular = {}
circular.self = circular

const json = {
  object: (_q, res) => res.json({ b: 1, a: '<&>', nested: { list: [1, null] } }),
  null: (_q, res) => res.json(null),
  undefined: (_q, res) => res.json(undefined),
  number: (_q, res) => res.json(300),
  string: (_q, res) => res.json('str'),
  array: (_q, res) => res.json(['foo', undefined, () => {}]),
  toJSON: (_q, res) => res.json({ toJSON: () => 'replaced' }),
  circular: (_q, res) => res.json(circular),
  bigint: (_q, res) => res.json({ n: 1n }),
  typed: (_q, res) => res.type('application/vnd.example+json').json({ a: 1 }),
  status: (_q, res) => res.status(201).json({ id: 1 }),
  large: (_q, res) => res.json(Array.from({ length: 2000 }, (_, i) => i)),
  unicode: (_q, res) => res.json({ text: 'käse \u2028' })
}

const withoutV8Text = (response) => {
  // "Converting circular structure" is V8's text, the same on both sides
  assert.ok(response.status < 600)
}

differential('res.json', bodies(json), [
  ...each(json, { check: withoutV8Text }),
  { path: '/object', status: 200 },
  { path: '/circular', status: 500 }
])

for (const [name, prepare] of Object.entries({
  'json spaces': (app) => app.set('json spaces', 2),
  'json spaces as a string': (app) => app.set('json spaces', '--'),
  'json replacer': (app) =>
    app.set('json replacer', (key, val) => (key[0] === 'a' ? undefined : val)),
  'json replacer list': (app) => app.set('json replacer', ['a']),
  'json escape': (app) => app.enable('json escape')
})) {
  differential(
    name,
    bodies({ object: json.object, undefined: json.undefined, string: json.string }, prepare),
    [
      { path: '/object', status: 200 },
      { path: '/undefined', status: 200 },
      { path: '/string', status: 200 }
    ]
  )
}

const jsonp = {
  object: (_q, res) => res.jsonp({ count: 1 }),
  undefined: (_q, res) => res.jsonp(undefined),
  null: (_q, res) => res.jsonp(null),
  separators: (_q, res) => res.jsonp({ text: '\u2028 \u2029 <script>' }),
  typed: (_q, res) => res.type('application/vnd.example').jsonp({ a: 1 })
}
const callbacks = [
  '',
  '?callback=',
  '?callback=cb',
  '?callback=a.b[0]$_',
  '?callback=(alert)(1)//',
  '?callback=a&callback=b'
]
const calls = Object.keys(jsonp).flatMap((name) =>
  callbacks.map((query) => ({ path: `/${name}${query}`, status: 200 }))
)

differential('res.jsonp', bodies(jsonp), calls)
differential(
  'res.jsonp with another callback name and escaping',
  bodies(jsonp, (app) => {
    app.set('jsonp callback name', 'fn').enable('json escape')
  }),
  ['/object?fn=go', '/object?callback=go', '/separators?fn=go']
)
differential(
  'res.jsonp with the extended query parser',
  bodies(jsonp, (app) => app.set('query parser', 'extended')),
  ['/object?callback[a]=something', '/object?callback[]=first&callback[]=second']
)

differential(
  'res.sendStatus',
  (express) => {
    const app = express()
    app.get('/:code', (req, res) => res.sendStatus(Number(req.params.code)))
    app.use((err, _req, res, _next) =>
      res.status(500).type('txt').end(`${err.name}: ${err.message}`)
    )
    return app
  },
  [200, 201, 204, 304, 404, 418, 599, 999, 99, 1000, 'x'].map((code) => `/${code}`)
)

const statuses = [200, 100.5, '200', null, undefined, NaN, 99, 1000, 100, 999, true, [], {}, 404n]
differential(
  'res.status',
  (express) => {
    const app = express()
    app.get('/:i', (req, res) => res.status(statuses[req.params.i]).end('ok'))
    app.use((err, _req, res, _next) => {
      res.statusCode = 500
      res.end(`${err.name}: ${err.message}`)
    })
    return app
  },
  statuses.map((_, i) => `/${i}`).filter((_, i) => statuses[i] !== 100)
)

differential(
  'cork and uncork before, in and behind an answer',
  (express) => {
    const app = express()
    app.get('/send', (_req, res) => {
      res.send('sent')
      res.cork()
      res.uncork()
    })
    app.get('/write', (_req, res) => {
      res.cork()
      res.write('one')
      res.write('two')
      res.uncork()
      res.end()
      res.uncork()
    })
    app.get('/plain', (_req, res) => {
      res.useChunkedEncodingByDefault = false
      res.end('to the end of the connection')
    })
    return app
  },
  ['/send', '/write', '/plain'].map((path) => ({ path, status: 200 }))
)

const tagged = {
  'own-etag': (_q, res) => res.set('ETag', '"own"').send('hello'),
  'own-etag-long': (_q, res) => res.set('ETag', 'W/"own"').send('ü'.repeat(1500)),
  'own-etag-latin1': (_q, res) => res.set({ ETag: '"own"', 'X-Latin': 'ü' }).send('ü'),
  'own-etag-json': (_q, res) => res.status(416).set('etag', '"own"').json({ a: 1 }),
  'no-etag': (_q, res) => res.send('hello')
}
const hooks = {
  'passed on': (res, writeHead, args) => writeHead.apply(res, args),
  'that looks': (res, writeHead, args) => {
    const seen = res.get('ETag')
    writeHead.apply(res.set('X-Seen', seen), args)
  },
  'that removes it': (res, writeHead, args) => {
    res.removeHeader('ETag')
    writeHead.apply(res, args)
  }
}
for (const [name, hook] of Object.entries(hooks)) {
  differential(
    `res.send of an answer with an ETag through a replaced writeHead ${name}`,
    bodies(tagged, (app) => {
      app.use((_req, res, next) => {
        const { writeHead } = res
        res.writeHead = function (...args) {
          hook(this, writeHead, args)
          return this
        }
        next()
      })
    }),
    [...each(tagged), ...each(tagged, { method: 'HEAD' })]
  )
}
