// Body parsers on bodies that came whole with their request: they need no stream, and everything a
// handler can see is as with Express, of the body, of the error and of the request afterwards.
// What the parsers do on streams is in body.test.js.
'use strict'

const {
  differential,
  exchange,
  ours,
  theirs,
  transports,
  withServer
} = require('../helpers/differential')
const { isConsumed } = require('../../lib/middleware/body/consumed')
const { kHeaders, kSlot, kStream } = require('../../lib/native/symbols')
const assert = require('node:assert/strict')
const { AsyncLocalStorage } = require('node:async_hooks')
const { createRequire } = require('node:module')
const net = require('node:net')
const { Writable } = require('node:stream')
const { test } = require('node:test')
const zlib = require('node:zlib')

const JSON_TYPE = 'application/json'
const FORM = 'application/x-www-form-urlencoded'

/** Errors with all that can be seen of them, but for the stack. */
const seen = (value) => (Buffer.isBuffer(value) ? { hex: value.toString('hex') } : value)
const shownError = (err) => {
  if (!(err instanceof Error)) return { thrown: err }
  const own = { ...err, message: err.message, name: err.name, statusCode: err.statusCode }
  own.body = seen(own.body)
  // which part of a large body is read when the limit is passed is up to the network
  own.firstLine = err.stack.split('\n')[0]
  return own
}

const streamState = (req) => ({
  aborted: req.aborted,
  closed: req.closed,
  complete: req.complete,
  destroyed: req.destroyed,
  didRead: req.readableDidRead,
  ended: req.readableEnded,
  errored: req.errored,
  flowing: req.readableFlowing,
  length: req.readableLength,
  readable: req.readable,
  readableAborted: req.readableAborted
})

const answers = (app) => {
  app.all('/', (req, res) => {
    const { body } = req
    res.json({
      body: seen(body),
      has: 'body' in req,
      keys: body && typeof body === 'object' ? Object.keys(body) : undefined,
      own: Object.hasOwn(req, '_body'),
      prototype: body ? Object.getPrototypeOf(body) === Object.prototype : undefined,
      state: streamState(req),
      type: typeof body
    })
  })
  app.use((err, req, res, _next) => {
    res.status(err?.status ?? 500)
    res.json({ error: shownError(err), has: 'body' in req, state: streamState(req) })
  })
  return app
}

const parser = (make) => (express) => {
  const app = express()
  app.use(make(express))
  return answers(app)
}

const post = (type, body, more = {}, method = 'POST') => ({
  body,
  headers: {
    ...(type && { 'Content-Type': type }),
    'Content-Length': Buffer.byteLength(body),
    ...more
  },
  method
})
const chunked = (type, body, more = {}) => ({
  body,
  headers: { 'Content-Type': type, 'Transfer-Encoding': 'chunked', ...more },
  method: 'POST'
})

// bodies ---------------------------------------------------------------------------

const JSON_TEXTS = [
  '{"a":1}',
  '[]',
  '',
  ' ',
  '\t\r\n{"a":[1,{"b":null}]}\n',
  '\u00a0{}',
  '\v{}',
  '{"__proto__":{"x":1},"constructor":1,"hasOwnProperty":2}',
  '{"a":1,"a":2}',
  '{"name":"\\u0000\\ud800","x":"论"}',
  'null',
  'true',
  '  "text"',
  '#"##"',
  'a#b$&c',
  '{"a$&":',
  '{"a$\'":x}',
  '{"a":1}}',
  '{"a":\n\n1,]',
  'undefined',
  '[1,2',
  '7',
  '-',
  '{'.repeat(300),
  'x'.repeat(300),
  '\ufeff{"a":1}',
  '\ufeff',
  '\ufeff\ufeff{}',
  ' \ufeff{}'
]
const JSON_BYTES = [
  Buffer.from('7b2261223a22ff fe22 7d'.replaceAll(' ', ''), 'hex'),
  Buffer.from('7b2261223a22e282227d', 'hex'),
  Buffer.from('5b22f09f92a9225d', 'hex'),
  Buffer.from('efbbbf7b7d', 'hex'),
  Buffer.from('efbb', 'hex')
]
for (const strict of [true, false]) {
  differential(
    `whole JSON bodies, strict ${strict}`,
    parser((express) => express.json({ strict })),
    [...JSON_TEXTS, ...JSON_BYTES].flatMap((text) => [
      post(JSON_TYPE, text),
      chunked(JSON_TYPE, text)
    ])
  )
}

const CONTENT_TYPES = [
  undefined,
  '',
  'application/json;charset=utf-8',
  'application/json; charset="UTF-8"',
  'application/json; charset=utf8',
  'application/json; charset=',
  'application/json; charset=utf-16le',
  'application/json; charset=utf-7',
  'application/json; charset=us-ascii',
  'application/json; charset=latin1; charset=utf-8',
  'APPLICATION/JSON',
  'application/json ; x=y',
  'application/jsonx',
  'application/vnd.api+json',
  'text/plain',
  'application/',
  '*/*',
  'application/json, text/plain'
]
for (const [name, type] of Object.entries({
  'the default': undefined,
  'an extension': 'json',
  'a suffix': '+json',
  'a wildcard': '*/*',
  'a list': ['json', 'text/*'],
  'an empty list': [],
  'an empty string': ''
})) {
  differential(
    `whole JSON bodies, type: ${name}`,
    parser((express) => express.json({ type })),
    CONTENT_TYPES.map((contentType) => post(contentType, '{"a":1}'))
  )
}

differential(
  'header fields that come twice',
  parser((express) => [express.json(), express.text()]),
  [
    post(undefined, '{"a":1}', { 'Content-Type': ['text/plain', JSON_TYPE] }),
    post(undefined, '{"a":1}', { 'Content-Type': [JSON_TYPE, 'text/plain'] }),
    post(JSON_TYPE, '{"a":1}', { 'Content-Encoding': ['identity', 'identity'] }),
    post(JSON_TYPE, '{"a":1}', { 'cOnTeNt-EnCoDiNg': 'IDENTITY' }),
    post(undefined, '{"a":1}', { 'CONTENT-TYPE': JSON_TYPE }),
    post(undefined, '{"a":1}', {
      'cOntent-Type': JSON_TYPE,
      'Content-Thing': 'x',
      'Cache-Co-trol': 'y'
    })
  ]
)
for (const inflate of [true, false]) {
  differential(
    `encoded bodies, inflate ${inflate}`,
    parser((express) => express.json({ inflate, limit: 40 })),
    ['gzip', 'deflate', 'br', 'identity', 'nonsense'].flatMap((coding) => [
      post(JSON_TYPE, zlib.gzipSync('{"a":1}'), { 'Content-Encoding': coding }),
      post('text/plain', zlib.gzipSync('{"a":1}'), { 'Content-Encoding': coding })
    ])
  )
}

differential(
  'methods and requests without a body',
  parser((express) => express.json()),
  ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'PUT', 'QUERY'].flatMap((method) => [
    post(JSON_TYPE, '{"a":1}', {}, method),
    post(JSON_TYPE, '', {}, method),
    post(JSON_TYPE, '', { 'Content-Length': '00' }, method),
    { headers: { 'Content-Type': JSON_TYPE }, method },
    { headers: { 'Access-Control-Request-Headers': 'content-length' }, method }
  ])
)

for (const limit of [
  0,
  7,
  '7',
  '7b',
  '7.9',
  '0.01kb',
  '1KB',
  -1,
  null,
  undefined,
  Number.POSITIVE_INFINITY
]) {
  differential(
    `limit ${limit}`,
    parser((express) => [
      express.json({ limit }),
      express.raw({ limit }),
      express.urlencoded({ limit })
    ]),
    ['{"a":1}', '{"a":12}', `{"a":"${'x'.repeat(1020)}"}`].flatMap((body) => [
      post(JSON_TYPE, body),
      chunked(JSON_TYPE, body),
      post('application/octet-stream', body),
      post(FORM, body)
    ])
  )
}

const refusing = (thrown) => ({
  verify(_req, _res, buf, encoding) {
    if (buf.length === 0 || buf[0] === 0x5b) throw thrown(encoding)
  }
})
for (const [name, thrown] of Object.entries({
  error: (encoding) => new Error(`no: ${encoding}`),
  'error with type and status': () => Object.assign(new Error('no'), { status: 409, type: 'mine' }),
  string: () => 'a string'
})) {
  differential(
    `verify throws: ${name}`,
    parser((express) => [
      express.json(refusing(thrown)),
      express.text(refusing(thrown)),
      express.raw(refusing(thrown)),
      express.urlencoded(refusing(thrown))
    ]),
    [
      JSON_TYPE,
      'text/plain',
      'text/plain; charset=ISO-8859-1',
      'text/plain; charset=x',
      'application/octet-stream',
      FORM
    ].flatMap((type) => [post(type, '[1]'), post(type, '{"a":2}'), post(type, '')])
  )
}

test('verify is given the bytes and the charset, raw bodies have none', async () => {
  const calls = []
  const verify = (_req, _res, buf, encoding) => calls.push([buf.toString('latin1'), encoding])
  const app = ours()
  app.use(ours.json({ verify }), ours.text({ verify }), ours.raw({ verify }))
  app.post('/', (_req, res) => res.end())

  await withServer(app, transports['app.listen(0)'], async (port) => {
    await exchange(port, post(JSON_TYPE, '\ufeff{}'))
    await exchange(port, post('text/plain; charset=Latin1', Buffer.from([0xfc])))
    await exchange(port, post('application/octet-stream', Buffer.from([1])))
  })
  assert.deepEqual(calls, [
    ['\xef\xbb\xbf{}', 'utf-8'],
    ['\xfc', 'latin1'],
    ['\x01', null]
  ])
})

differential(
  'revivers',
  parser((express) =>
    express.json({
      reviver(key, value) {
        if (value === 'throw') throw Object.assign(new TypeError('revived'), { extra: 1 })
        return key === 'drop' ? undefined : value
      }
    })
  ),
  [post(JSON_TYPE, '{"drop":1,"a":2}'), post(JSON_TYPE, '["throw"]'), post(JSON_TYPE, '{')]
)

// forms ----------------------------------------------------------------------------

const FORMS = [
  'a=1&b=2',
  'a=1&a=2&a=3',
  'a&b=&c==d&=e&f',
  '&&a=1&',
  '&',
  '=',
  'a=1&%61=2',
  'a+b=c+d&e=%2B%20%zz+x&%zz=1',
  'n=%C3%BC&bad=%FC&%E8%AE%BA=论',
  'a=x]=y&b=[&c]=1&[d]=2&e[=3',
  'a%5Bb%5D=1&c%5bd%5d=2&%255B=3',
  '__proto__=1&b=2',
  '%5F_proto__=1',
  'toString=1&hasOwnProperty=2&constructor=3&valueOf',
  'a[__proto__][x]=1&a[toString]=2',
  '10=a&2=b&x=c&1=d&-1=e&01=f',
  'a.b=1&a.c.d=2&.=3',
  'utf8=%E2%9C%93&a=%26%239786%3B',
  'a,b=c,d&e;f=g',
  '\ufeffa=1',
  'a=%EF%BB%BF&\u0000=%00',
  'l[]=1&l[]=2&l[5]=3&l[200]=4',
  Array.from({ length: 120 }, (_, i) => `k=${i}`).join('&'),
  Array.from({ length: 120 }, (_, i) => `k[${i}]=${i}`).join('&'),
  Array.from({ length: 30 }, (_, i) => `k${i}=${i}`).join('&'),
  `a${'[b]'.repeat(40)}=1`,
  `a${'[b]'.repeat(32)}=1`
]
for (const options of [
  undefined,
  { extended: true },
  { depth: 0, extended: true },
  { depth: '2', extended: true },
  { parameterLimit: 25 },
  { extended: true, parameterLimit: '25.5' },
  { parameterLimit: Number.POSITIVE_INFINITY },
  { charsetSentinel: true, interpretNumericEntities: true },
  { defaultCharset: 'iso-8859-1', extended: true, interpretNumericEntities: true }
]) {
  differential(
    `whole forms ${JSON.stringify(options)}`,
    parser((express) => express.urlencoded(options)),
    FORMS.flatMap((form) => [
      post(FORM, form),
      post(`${FORM}; charset=ISO-8859-1`, form),
      post(`${FORM}; charset=utf8`, form)
    ])
  )
}

test('random forms are read as by Express', async () => {
  const alphabet = [
    'a',
    'b',
    '1',
    '=',
    '&',
    '%',
    '+',
    '[',
    ']',
    '%5B',
    '%5d',
    '%41',
    '%C3%BC',
    '.',
    ',',
    'ü',
    '__proto__'
  ]
  let seed = 7
  const random = (n) => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff
    return (seed >> 8) % n
  }
  const forms = Array.from({ length: 300 }, () =>
    Array.from({ length: 1 + random(14) }, () => alphabet[random(alphabet.length)]).join('')
  )
  for (const extended of [false, true]) {
    const program = parser((express) => express.urlencoded({ extended }))
    const collect = (express, listen) =>
      withServer(program(express), listen, (port) =>
        Promise.all(forms.map(async (form) => `${(await exchange(port, post(FORM, form))).body}`))
      )
    const [mine, reference] = await Promise.all([
      collect(ours, transports['app.listen(0)']),
      collect(theirs, transports['http.createServer(app)'])
    ])
    for (const [i, form] of forms.entries()) assert.equal(mine[i], reference[i], form)
  }
})

// text and raw ---------------------------------------------------------------------

const TEXTS = [
  '',
  'text',
  '\ufefftext',
  'ü',
  Buffer.from('ff41e28241f0', 'hex'),
  Buffer.from([0x80, 0x9f, 0xa0, 0xff])
]
for (const options of [
  {},
  { defaultCharset: 'latin1' },
  { defaultCharset: 'koi8-r' },
  { type: 'text/*' }
]) {
  differential(
    `whole texts ${JSON.stringify(options)}`,
    parser((express) => express.text(options)),
    [
      'text/plain',
      'text/plain; charset=utf8',
      'text/plain; charset=ISO_8859-1',
      'text/plain; charset=iso-8859-1',
      'text/plain; charset=latin1',
      'text/plain; charset=ascii',
      'text/html',
      'text/plain; charset=windows-1252'
    ].flatMap((type) => TEXTS.map((body) => post(type, body)))
  )
}
differential(
  'whole raw bodies',
  parser((express) => express.raw({ type: () => true })),
  TEXTS.flatMap((body) => [
    post(undefined, body),
    post('x/y; charset=nope', body),
    chunked('x/y', body)
  ])
)

test('the decoders agree with iconv-lite on random bytes', async () => {
  const iconv = createRequire(require.resolve('body-parser'))('iconv-lite')
  const app = ours()
  app.use(ours.text())
  app.post('/', (req, res) => res.json(req.body))
  const interesting = [
    0x41, 0x80, 0xbf, 0xc0, 0xc3, 0xe0, 0xe2, 0xed, 0xef, 0xbb, 0xf0, 0xf4, 0xf8, 0xff, 0xa0, 0x9f
  ]
  let seed = 11
  const random = (n) => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff
    return (seed >> 8) % n
  }

  await withServer(app, transports['app.listen(0)'], async (port) => {
    for (let i = 0; i < 400; i++) {
      const body = Buffer.from(
        Array.from({ length: 1 + random(9) }, () => interesting[random(interesting.length)])
      )
      for (const charset of ['utf-8', 'iso-8859-1']) {
        const response = await exchange(port, post(`text/plain; charset=${charset}`, body))
        assert.equal(JSON.parse(response.body), iconv.decode(body, charset), body.toString('hex'))
      }
    }
  })
})

// the request afterwards -----------------------------------------------------------

differential(
  'type functions',
  (express) => {
    const app = express()
    let calls = 0
    const type = (req) => {
      calls++
      if (req.headers['x-set']) req.headers['content-type'] = req.headers['x-set']
      return req.headers['x-parse']
    }
    app.use(express.json({ type, defaultCharset: 'utf-8' }))
    app.get('/calls', (_req, res) => res.json(calls))
    return answers(app)
  },
  [
    post('x/y', '{"a":1}', { 'X-Parse': 'yes' }),
    post('x/y', '{"a":1}'),
    post('x/y; charset=utf-16le', Buffer.from('{"a":1}', 'utf16le'), { 'X-Parse': 'yes' }),
    post('x/y; charset=nope', '{}', { 'X-Parse': 'yes' }),
    post('x/y', '{}', { 'X-Parse': 'yes', 'X-Set': 'x/y; charset=latin1' }),
    post('x/y', zlib.gzipSync('{"a":1}'), { 'Content-Encoding': 'gzip', 'X-Parse': 'yes' }),
    { method: 'POST' },
    { path: '/calls' }
  ]
)

differential(
  'headers that were changed count',
  (express) => {
    const app = express()
    app.use((req, _res, next) => {
      const { mode } = req.query
      if (mode === 'type') req.headers['content-type'] = JSON_TYPE
      if (mode === 'delete') delete req.headers['content-length']
      if (mode === 'length') req.headers['content-length'] = '3'
      if (mode === 'nan') req.headers['content-length'] = 'x'
      if (mode === 'replace') req.headers = { 'content-length': '7', 'content-type': JSON_TYPE }
      if (mode === 'own') {
        Object.defineProperty(req, 'headers', {
          value: { 'content-length': '7', 'content-type': JSON_TYPE }
        })
      }
      if (mode === 'body') req.body = 'before'
      next()
    })
    app.use(express.json())
    return answers(app)
  },
  ['type', 'delete', 'length', 'nan', 'replace', 'own', 'body', 'none'].flatMap((mode) => [
    { ...post('text/plain', '{"a":1}'), path: `/?mode=${mode}` },
    { ...post(JSON_TYPE, '{"a":1}'), path: `/?mode=${mode}` },
    { path: `/?mode=${mode}` }
  ])
)

/** What a handler behind a parser hears and sees, at once and later. */
const afterwards = (act) => (express) => {
  const app = express()
  app.use(express.json())
  app.post('/', (req, res, next) => {
    const heard = []
    const states = []
    const listen = (prefix) => {
      for (const name of ['data', 'end', 'close', 'error', 'aborted', 'readable']) {
        req.on(name, () => heard.push(prefix + name))
      }
    }
    Promise.resolve(act({ heard, listen, req, states }))
      .then(() => later(5))
      .then(() => res.json({ heard, state: streamState(req), states }))
      .catch(next)
  })
  return app
}
const later = async (turns) => {
  for (let i = 0; i < turns; i++) await new Promise(setImmediate)
}
const sink = (heard) =>
  new Writable({
    final(callback) {
      heard.push('sink ended')
      callback()
    },
    write(chunk, _encoding, callback) {
      heard.push(`sink ${chunk}`)
      callback()
    }
  })

const ACTS = {
  'listening at once': ({ listen }) => listen(''),
  'listening a tick later': async ({ listen }) => {
    await null
    listen('')
  },
  'listening later': async ({ listen }) => {
    await later(2)
    listen('')
  },
  'looking, then listening': async ({ listen, req, states }) => {
    states.push(streamState(req))
    await later(1)
    states.push(streamState(req))
    listen('')
  },
  'looking at the state itself': async ({ listen, req, states }) => {
    const look = () => {
      const { closed, closeEmitted, destroyed, ended, endEmitted, length } = req._readableState
      states.push({ closed, closeEmitted, destroyed, ended, endEmitted, length })
    }
    look()
    listen('')
    await later(1)
    look()
  },
  'pipe at once': ({ heard, req }) => void req.pipe(sink(heard)),
  'pipe later': async ({ heard, req }) => {
    await later(2)
    req.pipe(sink(heard))
  },
  'read, resume, pause': async ({ heard, listen, req }) => {
    heard.push(`read ${req.read()}`, `paused ${req.isPaused()}`)
    req.pause()
    req.resume()
    listen('')
    await later(1)
    heard.push(`read ${req.read()}`)
  },
  'async iteration': async ({ heard, req }) => {
    try {
      for await (const chunk of req) heard.push(`chunk ${chunk}`)
      heard.push('done')
    } catch (err) {
      heard.push(`${err.code}`)
    }
  },
  'async iteration, later': async ({ heard, req }) => {
    await later(2)
    try {
      for await (const chunk of req) heard.push(`chunk ${chunk}`)
      heard.push('done')
    } catch (err) {
      heard.push(`${err.code}`)
    }
  },
  'setEncoding and unpipe': ({ heard, req }) => {
    req.setEncoding('utf8')
    req.unpipe()
    heard.push(req.readableEncoding)
  },
  destroy: async ({ listen, req, states }) => {
    listen('')
    await later(1)
    req.destroy()
    states.push(streamState(req))
  }
}
for (const [name, act] of Object.entries(ACTS)) {
  differential(`after a parser: ${name}`, afterwards(act), [
    post(JSON_TYPE, '{"a":1}'),
    post(JSON_TYPE, ''),
    chunked(JSON_TYPE, '[1]')
  ])
}

differential(
  'a consumer behind a parser that skips',
  (express) => {
    const app = express()
    app.use(express.json(), express.urlencoded())
    app.post('/', (req, res) => {
      const chunks = []
      req.on('data', (chunk) => chunks.push(chunk))
      req.on('end', () =>
        res.json({
          body: req.body,
          read: `${Buffer.concat(chunks)}`,
          state: streamState(req).ended
        })
      )
    })
    return app
  },
  [
    post('multipart/form-data; boundary=x', '--x--'),
    chunked('text/plain', 'text'),
    post('text/plain', '')
  ]
)

differential(
  'several parsers, the first that reads wins',
  parser((express) => [
    express.json(),
    express.json({ limit: 1 }),
    express.urlencoded(),
    express.text({ type: '*/*' }),
    express.raw({ type: '*/*' })
  ]),
  [
    post(JSON_TYPE, '{"a":1}'),
    post(FORM, 'a=1'),
    post('text/html', 'x'),
    post(JSON_TYPE, ''),
    post(undefined, 'x')
  ]
)

differential(
  'parsers after an error of another',
  (express) => {
    const app = express()
    app.use(express.json())
    app.use((err, _req, res, next) => {
      res.set('X-First', err.type)
      next()
    })
    app.use(express.text({ type: '*/*' }))
    return answers(app)
  },
  [
    post(JSON_TYPE, '{'),
    post(`${JSON_TYPE}; charset=latin1`, 'x'),
    post(JSON_TYPE, `"${'x'.repeat(50_000)}`),
    chunked(JSON_TYPE, 'nul')
  ]
)

differential(
  'a stream that somebody began to read is body-parser’s',
  (express) => {
    const app = express()
    app.use((req, _res, next) => {
      if (req.query.mode === 'encoding') req.setEncoding('utf8')
      if (req.query.mode === 'end') req.on('end', () => (req.heard = true))
      if (req.query.mode === 'later') return setImmediate(next)
      next()
    })
    app.use(express.json())
    app.post('/', async (req, res) => {
      await later(1)
      res.json({ body: req.body, heard: req.heard })
    })
    app.use((err, _req, res, _next) => res.status(err.status).json({ type: err.type }))
    return app
  },
  ['encoding', 'end', 'later', 'none'].map((mode) => ({
    ...post(JSON_TYPE, '{"a":1}'),
    path: `/?mode=${mode}`
  }))
)

test('errors thrown behind a parser reach the error handler once', async () => {
  let errors = 0
  const app = ours()
  app.use(ours.json())
  app.post('/', () => {
    throw new Error('handler')
  })
  app.use((err, _req, res, _next) => {
    errors++
    res.status(500).send(err.message)
  })
  await withServer(app, transports['app.listen(0)'], async (port) => {
    const response = await exchange(port, post(JSON_TYPE, '{}'))
    assert.equal(`${response.body}`, 'handler')
  })
  assert.equal(errors, 1)
})

test('the asynchronous context goes on behind a parser', async () => {
  const storage = new AsyncLocalStorage()
  const app = ours()
  let id = 0
  app.use((_req, _res, next) => storage.run(++id, next))
  app.use(ours.json())
  app.post('/', async (req, res) => {
    const before = storage.getStore()
    const closed = new Promise((resolve) => req.on('close', () => resolve(storage.getStore())))
    res.json({ before, closed: await closed, later: storage.getStore() })
  })
  await withServer(app, transports['app.listen(0)'], async (port) => {
    const responses = await Promise.all(
      Array.from({ length: 8 }, () => exchange(port, post(JSON_TYPE, '{}')))
    )
    const stores = responses.map(({ body }) => JSON.parse(body))
    for (const { before, closed, later } of stores)
      assert.deepEqual([closed, later], [before, before])
    assert.equal(new Set(stores.map(({ before }) => before)).size, 8)
  })
})

test('a client that leaves behind its body is told of by the response, not by the request', async () => {
  const probe = async (express, listen) => {
    const app = express()
    let saw
    const done = new Promise((resolve) => (saw = resolve))
    app.use(express.json())
    app.post('/', (req, res) => {
      const heard = []
      for (const name of ['aborted', 'error', 'close']) req.on(name, () => heard.push(name))
      res.on('close', async () => {
        await later(5)
        saw({
          aborted: req.aborted,
          body: req.body,
          heard,
          late: streamState(req),
          sent: res.writableEnded
        })
      })
      res.write('first')
    })
    app.put('/', (req, res) => {
      res.on('close', async () => {
        await later(5)
        saw({ aborted: req.aborted, state: streamState(req) })
      })
      res.write('first')
    })
    return { app, done, listen }
  }
  const leave = async (method, { app, done, listen }) =>
    withServer(app, listen, async (port) => {
      const socket = net.connect(port, '127.0.0.1', () =>
        socket.write(
          `${method} / HTTP/1.1\r\nHost: x\r\nContent-Type: ${JSON_TYPE}\r\nContent-Length: 2\r\n\r\n{}`
        )
      )
      socket.on('error', () => {})
      socket.once('data', () => socket.destroy())
      return done
    })
  for (const method of ['POST', 'PUT']) {
    const mine = await leave(method, await probe(ours, transports['app.listen(0)']))
    const reference = await leave(method, await probe(theirs, transports['http.createServer(app)']))
    assert.deepEqual(mine, reference)
    assert.equal(mine.aborted, false)
  }
})

// what it is for -------------------------------------------------------------------

/** Sends bytes as one segment and collects the answers until the server closes. */
const send = (port, bytes) =>
  new Promise((resolve, reject) => {
    const chunks = []
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('end', () => resolve(`${Buffer.concat(chunks)}`))
    socket.on('error', reject)
  })

test('a body that came whole is parsed without a stream and without the headers object', async () => {
  const requests = []
  const app = ours()
  app.use(ours.json(), ours.urlencoded(), ours.text(), ours.raw())
  app.post('/', (req, res) => {
    requests.push({
      body: Buffer.isBuffer(req.body) ? `${req.body}` : req.body,
      consumed: isConsumed(req),
      headers: req[kHeaders],
      native: req[kSlot] !== undefined,
      stream: req[kStream] === true
    })
    res.end()
  })
  const bodies = [
    [JSON_TYPE, '{"a":1}', { a: 1 }],
    [FORM, 'a=1', { a: '1' }],
    ['text/plain', 'a', 'a'],
    ['application/octet-stream', 'a', 'a']
  ]
  await withServer(app, transports['app.listen(0)'], async (port) => {
    for (const [type, body] of bodies) {
      const head = `POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: ${type}\r\n`
      await send(port, `${head}Content-Length: ${body.length}\r\n\r\n${body}`)
      await send(
        port,
        `${head}Transfer-Encoding: chunked\r\n\r\n1\r\n${body[0]}\r\n${body.length > 1 ? `${(body.length - 1).toString(16)}\r\n${body.slice(1)}\r\n` : ''}0\r\n\r\n`
      )
    }
  })
  assert.deepEqual(
    requests,
    bodies.flatMap(([, , body]) => {
      const expected = { body, consumed: true, headers: undefined, native: true, stream: false }
      return [expected, expected]
    })
  )
})

test('requests on a connection stay apart, whole or in pieces', async () => {
  const app = ours()
  app.use(ours.json())
  app.post('/', (req, res) => res.json(req.body))
  const request = (n, last) => {
    const body = JSON.stringify({ n })
    return `POST / HTTP/1.1\r\nHost: x\r\n${last ? 'Connection: close\r\n' : ''}Content-Type: ${JSON_TYPE}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  }
  await withServer(app, transports['app.listen(0)'], async (port) => {
    const text = await send(
      port,
      Array.from({ length: 40 }, (_, i) => request(i, i === 39)).join('')
    )
    assert.deepEqual(
      text.match(/\{"n":\d+\}/g),
      Array.from({ length: 40 }, (_, i) => `{"n":${i}}`)
    )
  })
})
