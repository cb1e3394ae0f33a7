'use strict'
// Random programs and the requests for them, from a seed: plain JSON that interpret.js runs and client.js sends.
// The same seed gives the same program on every machine and Node version.

const { Random } = require('./random')
const { answer, preparation } = require('./answers')
const { VALUES } = require('./values')
const { anyCall, anyRead, informational } = require('./calls')
const { encode, groups, targets, WORDS } = require('./requests')

const VERBS = ['get', 'get', 'get', 'post', 'put', 'delete', 'patch', 'head', 'options', 'all']

function segment(r) {
  return r.weighted([
    [8, () => r.pick(WORDS)],
    [4, () => `:${r.pick(['id', 'name', 'x'])}`],
    [1, () => `:${r.pick(['id', 'p'])}.:${r.pick(['ext', 'q'])}`],
    [1, () => `${r.pick(WORDS)}-:${r.pick(['id', 'n'])}`],
    [1, () => `*${r.pick(['rest', 'all'])}`],
    [1, () => `:"quo ted"`]
  ])()
}

function literalPath(r) {
  const n = r.weighted([
    [1, 0],
    [5, 1],
    [4, 2],
    [1, 3]
  ])
  let text = ''
  for (let i = 0; i < n; i++) text += `/${segment(r)}`
  if (r.chance(0.15)) text += `{/:${r.pick(['opt', 'id'])}}`
  else if (r.chance(0.05)) text += '{.:format}'
  if (n > 0 && r.chance(0.1)) text += '/'
  return dedupe(text === '' ? '/' : text)
}

/** A name may occur once in a path. */
function dedupe(text) {
  let n = 0
  const seen = new Set()
  return text.replace(/([:*])("?)([\w ]+)("?)/g, (all, mark, q1, name, q2) => {
    if (!seen.has(name)) {
      seen.add(name)
      return all
    }
    return `${mark}${q1}${name}${n++}${q2}`
  })
}

function pathOf(r) {
  return r.weighted([
    [12, () => literalPath(r)],
    [
      1,
      () => ({
        $regexp: r.pick([
          '^\\/a',
          '^\\/(\\w+)\\/?$',
          '\\/b$',
          '^\\/(?<named>[^/]+)',
          '.*',
          '^\\/x(?:\\/(y))?'
        ]),
        flags: r.pick(['', 'i'])
      })
    ],
    [1, () => [literalPath(r), literalPath(r)]],
    [0.5, () => [literalPath(r), { $regexp: '^\\/re' }]]
  ])()
}

const LOOKS = [
  'url',
  'baseUrl',
  'originalUrl',
  'path',
  'params',
  'method',
  'query',
  'route',
  'hostname',
  'host',
  'ip',
  'ips',
  'protocol',
  'secure',
  'xhr',
  'fresh',
  'stale',
  'subdomains',
  'body',
  'rawHeaders',
  'httpVersion'
]

let ids = 0

/** Handlers are numbered within their program. */
function begin() {
  ids = 0
}

function error(r) {
  return {
    $error: r.pick([
      { message: 'boom' },
      { message: 'nope', status: 403 },
      { message: 'odd <b>', statusCode: 418, headers: { 'X-Err': 'e' } },
      { message: 'low', status: 200 },
      { message: 'exposed', status: 500, expose: true },
      { message: 'hdr', status: 400, headers: { 'bad name': 'x' } }
    ])
  }
}

function pass(r) {
  return r.weighted([
    [12, () => ['next']],
    [2, () => ['next', 'route']],
    [1, () => ['next', 'router']],
    [1, () => ['next', error(r)]],
    [0.5, () => ['next', r.pick(VALUES)]]
  ])()
}

function looks(r) {
  return ['look', r.times(1 + r.int(5), () => r.pick(LOOKS))]
}

function rewrite(r) {
  return r.weighted([
    [
      3,
      () => [
        'set',
        'req',
        'url',
        r.pick([
          '/a',
          '/b/a',
          '/admin?x=1',
          '/',
          '//x',
          '/%61',
          '/new/path',
          '',
          'x',
          '?q=2',
          'http://h/a',
          '/%ff'
        ])
      ]
    ],
    [
      1,
      () => [
        'set',
        'req',
        'method',
        r.pick(['GET', 'POST', 'HEAD', 'OPTIONS', 'DELETE', 'ODD', 'get'])
      ]
    ],
    [1, () => ['set', 'req', r.pick(['baseUrl', 'originalUrl']), '/rewritten']],
    [1, () => ['set', 'req', 'params', { mine: '1' }]],
    [0.5, () => ['set', 'req', 'body', { set: true }]]
  ])()
}

/** @param {'pass'|'end'|'error'} role what the handler mostly does */
function handler(r, role) {
  const steps = []
  if (r.chance(0.6)) steps.push(looks(r))
  for (let i = r.int(3); i > 0; i--)
    steps.push(r.chance(0.85) ? preparation(r) : ['try', [preparation(r)]])
  if (r.chance(0.1)) steps.push(rewrite(r))
  const isAsync = r.chance(0.3)
  if (r.chance(0.1))
    steps.push([
      'wait',
      r.pick(isAsync ? ['immediate', 'tick', 'micro', 'timer'] : ['immediate', 'tick'])
    ])
  if (r.chance(0.08))
    steps.push(['read', r.pick(['data', 'readable', 'iterate', 'pipe', 'pause', 'text', 'resume'])])
  const ends = r.chance(role === 'pass' ? 0.15 : role === 'error' ? 0.5 : 0.8)
  if (r.chance(0.05)) steps.push(['throw', r.chance(0.8) ? error(r) : r.pick(VALUES)])
  else if (ends) {
    steps.push(...answer(r))
    // what should not be done, is
    if (r.chance(0.06))
      steps.push(
        r.weighted([
          [2, ['try', answer(r)]],
          [2, ['next']],
          [1, pass(r)],
          [1, ['throw', error(r)]],
          [1, ['try', [preparation(r)]]]
        ])
      )
  } else {
    steps.push(pass(r))
    if (r.chance(0.05)) steps.push(r.pick([looks(r), ['next'], ['return', r.pick(VALUES)]]))
  }
  if (r.chance(0.05)) steps.push(['return', r.pick(VALUES)])
  const arity = role === 'error' ? 4 : r.chance(0.85) ? 3 : 2
  return { id: `h${ids++}`, arity, async: isAsync, steps }
}

function bodyParser(r) {
  const kind = r.pick(['json', 'json', 'urlencoded', 'text', 'raw'])
  const options = r.weighted([
    [4, {}],
    [1, { limit: 20 }],
    [1, { inflate: false }],
    [1, kind === 'urlencoded' ? { extended: true } : { type: '*/*' }],
    [1, kind === 'json' ? { strict: false } : kind === 'urlencoded' ? { parameterLimit: 2 } : {}]
  ])
  return { body: kind, options }
}

const STATIC_OPTIONS = [
  {},
  {},
  { index: false },
  { redirect: false },
  { dotfiles: 'allow' },
  { dotfiles: 'deny' },
  { extensions: ['txt', 'html'] },
  { maxAge: 5000, immutable: true },
  { etag: false, lastModified: false },
  { fallthrough: false },
  { acceptRanges: false, cacheControl: false }
]

function layer(r, depth) {
  return r.weighted([
    [
      5,
      () => ({
        type: 'use',
        ...(r.chance(0.6) && { path: pathOf(r) }),
        handlers: r.times(1 + r.int(2), () => handler(r, 'pass'))
      })
    ],
    [
      8,
      () => ({
        type: r.pick(VERBS),
        path: pathOf(r),
        handlers: r.times(1 + r.int(3), (_) => handler(r, 'end'))
      })
    ],
    [
      2,
      () => {
        const verbs = r.times(1 + r.int(4), () => r.pick(VERBS))
        return {
          type: 'route',
          path: pathOf(r),
          verbs,
          handlers: verbs.map(() => handler(r, r.chance(0.9) ? 'end' : 'error'))
        }
      }
    ],
    [
      depth > 0 ? 3 : 0,
      () => ({
        type: 'mount',
        ...(r.chance(0.7) && { path: pathOf(r) }),
        handlers: r.chance(0.2) ? [handler(r, 'pass')] : [],
        node: node(r, depth - 1, r.chance(0.6) ? 'router' : 'app')
      })
    ],
    [
      1,
      () => ({
        type: 'param',
        name: r.pick(['id', 'name', 'x', 'rest']),
        handlers: [{ ...handler(r, 'pass'), arity: 'param' }]
      })
    ],
    [
      2,
      () => ({
        type: 'use',
        ...(r.chance(0.3) && { path: pathOf(r) }),
        handlers: [handler(r, 'error')]
      })
    ],
    [1, () => ({ type: 'use', handlers: [bodyParser(r)] })],
    [
      0.7,
      () => ({
        type: 'static',
        path: r.pick(['/', '/static', '/a']),
        options: r.pick(STATIC_OPTIONS)
      })
    ]
  ])()
}

function settings(r) {
  const list = [['env', 'production']]
  const maybe = (p, name, values) => {
    if (r.chance(p)) list.push([name, r.pick(values)])
  }
  maybe(0.15, 'strict routing', [true])
  maybe(0.15, 'case sensitive routing', [true])
  maybe(0.2, 'etag', [
    false,
    'strong',
    'weak',
    true,
    { $function: 'tag' },
    { $function: 'undefined' }
  ])
  maybe(0.15, 'trust proxy', [true, 1, 'loopback', '127.0.0.1'])
  maybe(0.1, 'query parser', ['extended', 'simple', false, { $function: 'parsed' }])
  maybe(0.1, 'json spaces', [2, '\t'])
  maybe(0.1, 'json escape', [true])
  maybe(0.1, 'json replacer', [['a', 'b']])
  maybe(0.2, 'x-powered-by', [false])
  maybe(0.05, 'subdomain offset', [1, 0])
  maybe(0.05, 'jsonp callback name', ['cb'])
  return list
}

/**
 * A router or an app, drawn in this order: options, settings, layers.
 * @param {number} merging chance of a router with mergeParams
 * @param {function(Random): Array} settings of an app
 * @param {function(): object[]} layers
 */
function nodeOf(r, kind, merging, settings, layers) {
  const options = {}
  if (kind === 'router') {
    if (r.chance(merging)) options.mergeParams = true
    if (r.chance(0.1)) options.strict = true
    if (r.chance(0.1)) options.caseSensitive = true
  }
  return { kind, options, settings: kind === 'app' ? settings(r) : [], layers: layers() }
}

function node(r, depth, kind) {
  return nodeOf(r, kind, 0.3, settings, () => r.times(1 + r.int(6), () => layer(r, depth)))
}

/** One request after the other, of HTTP/1.1, with a body of one chunk at most: see "A small body comes as one chunk". */
function calm(group) {
  for (const one of group.requests) {
    one.version = '1.1'
    if (one.headers.some(([name]) => name === 'Transfer-Encoding')) one.body = oneChunk(one.body)
  }
  return { ...group, pipelined: false }
}

/** A chunked body whose chunks are made one. */
function oneChunk(body) {
  let data = ''
  let at = 0
  for (;;) {
    const line = body.indexOf('\r\n', at)
    const size = Number.parseInt(body.slice(at, line), 16)
    if (size === 0) break
    data += body.slice(line + 2, line + 2 + size)
    at = line + 2 + size + 2
  }
  return `${data === '' ? '' : `${data.length.toString(16)}\r\n${data}\r\n`}${body.slice(at)}`
}

/**
 * A random app and requests for it.
 * @param {number} seed
 * @returns {{ app: object, groups: object[] }}
 */
function program(seed) {
  const r = new Random(seed)
  begin()
  const app = node(r, 2, 'app')
  const paths = [...targets(app)]
  return { app, groups: groups(r, paths, 4 + r.int(4), JSON.stringify(app).includes('"static"')) }
}

/** One handler that calls methods of the messages in any order, and requests for it. */
function misuse(seed) {
  const r = new Random(seed ^ 0x5eed)
  begin()
  const calls = r.times(2 + r.int(14), () => (r.chance(0.75) ? anyCall(r) : anyRead(r)))
  if (r.chance(0.08)) calls.unshift(informational(r))
  const steps = calls.map((one) => (one[0] === 'wait' || one[0] === 'read' ? one : ['try', [one]]))
  // what is corked for ever is not sent at all
  const isCorked = calls.some(([, , method]) => method === 'cork')
  if (r.chance(0.85) || isCorked) steps.push(['try', [['call', 'res', 'end', []]]])
  const app = {
    kind: 'app',
    options: {},
    settings: [
      ['env', 'production'],
      ['x-powered-by', r.chance(0.5)]
    ],
    layers: [{ type: 'use', handlers: [{ id: 'h', arity: 2, async: r.chance(0.3), steps }] }]
  }
  return { app, groups: groups(r, ['/', '/x'], 1 + r.int(3), false).map(calm) }
}

module.exports = { program, misuse, encode, begin, handler, layer, literalPath, nodeOf, pathOf }
