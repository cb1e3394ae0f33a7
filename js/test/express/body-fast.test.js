// Body parsers on bodies that came whole with their request: what they make of them, and their errors,
// are Express' own. What the parsers do on streams is in body.test.js, how the request looks
// afterwards in body-afterwards.test.js.
'use strict'

const {
  differential,
  exchange,
  ours,
  theirs,
  transports,
  withServer
} = require('../helpers/differential')
const { chunked, FORM, JSON_TYPE, parser, post } = require('../helpers/body')
const { Random } = require('../differential/random')
const assert = require('node:assert/strict')
const { createRequire } = require('node:module')
const { test } = require('node:test')
const zlib = require('node:zlib')

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
  const random = new Random(7)
  const forms = Array.from({ length: 300 }, () =>
    Array.from({ length: 1 + random.int(14) }, () => alphabet[random.int(alphabet.length)]).join('')
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
  const random = new Random(11)

  await withServer(app, transports['app.listen(0)'], async (port) => {
    for (let i = 0; i < 400; i++) {
      const body = Buffer.from(
        Array.from({ length: 1 + random.int(9) }, () => interesting[random.int(interesting.length)])
      )
      for (const charset of ['utf-8', 'iso-8859-1']) {
        const response = await exchange(port, post(`text/plain; charset=${charset}`, body))
        assert.equal(JSON.parse(response.body), iconv.decode(body, charset), body.toString('hex'))
      }
    }
  })
})
