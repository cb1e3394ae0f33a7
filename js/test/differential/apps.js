'use strict'
// Random programs as people write them: every handler answers once, errors go to next(), files, views, bodies, cookies and
// streams with the options that Express documents. Plain JSON as of generate.js; the steps are those of interpret.js and recipes.js.
// Clients revalidate what they were sent, in ranges, in pieces, over HTTP/1.0 and with bodies that are compressed.

const { Random } = require('./random')
const { SECRET } = require('./middleware')
const { answer, fileOptions, looks, preparation } = require('./app-answers')
const { again, request } = require('./app-requests')
const { nodeOf } = require('./generate')

let ids = 0

const ERRORS = [
  { message: 'boom' },
  { message: 'forbidden <i>', status: 403, expose: true },
  { message: 'teapot', statusCode: 418, headers: { 'Retry-After': '5' } },
  { message: 'odd', status: 999 },
  { name: 'TypeError', message: 'typed', code: 'E_TYPE' }
]

function fails(r) {
  const error = { $error: r.pick(ERRORS) }
  return r.pick([
    ['throw', error],
    ['next', error],
    ['reject', error],
    ['next', r.pick(['plain text', 5, { a: 1 }])]
  ])
}

function handler(r, role) {
  const steps = r.times(r.int(3), looks)
  for (let i = r.int(3); i > 0; i--) steps.push(preparation(r))
  const isAsync = r.chance(0.4)
  if (isAsync && r.chance(0.3))
    steps.push(['wait', r.pick(['immediate', 'tick', 'micro', 'timer'])])
  const share = { pass: 0.05, end: 0.95, error: 0.6 }[role]
  if (role === 'error' && r.chance(0.2))
    steps.push(r.pick([['throw', { $same: 1 }], ['next', { $same: 1 }], fails(r)]))
  else if (r.chance(0.04)) steps.push(fails(r))
  else if (r.chance(share)) steps.push(...answer(r))
  else
    steps.push(
      r.weighted([
        [12, ['next']],
        [1, ['next', 'route']],
        [1, ['next', 'router']]
      ])
    )
  return { id: `h${ids++}`, arity: role === 'error' ? 4 : 3, async: isAsync, steps }
}

const BODIES = {
  json: [
    {},
    { limit: 30 },
    { limit: '1kb' },
    { strict: false },
    { type: ['json', '+json'] },
    { type: { $named: 'isPost' } },
    { reviver: { $named: 'reviver' } },
    { verify: { $named: 'verify' } },
    { verify: { $named: 'refuse' } },
    { inflate: false }
  ],
  urlencoded: [
    {},
    { extended: true },
    { extended: true, parameterLimit: 2 },
    { extended: true, depth: 1 },
    { limit: '10b' },
    { extended: false, parameterLimit: 1 },
    { charsetSentinel: true, defaultCharset: 'iso-8859-1' },
    { verify: { $named: 'verify' }, extended: true }
  ],
  text: [
    {},
    { type: '*/*' },
    { defaultCharset: 'latin1' },
    { limit: 5 },
    { type: 'text/*', verify: { $named: 'verify' } }
  ],
  raw: [
    {},
    { type: '*/*' },
    { type: { $named: 'isPost' }, limit: '100kb' },
    { inflate: false, type: '*/*' }
  ]
}

function bodyParser(r) {
  const kind = r.pick(['json', 'json', 'urlencoded', 'text', 'raw'])
  return { body: kind, options: r.pick(BODIES[kind]) }
}

function staticOptions(r) {
  const { start, end, headers, ...options } = fileOptions(r)
  if (r.chance(0.2)) options.fallthrough = false
  if (r.chance(0.2)) options.redirect = false
  if (r.chance(0.3)) options.setHeaders = { $named: 'setHeaders' }
  if (r.chance(0.1)) options.index = r.pick([['none.html', 'index.html'], false, 'page.html', []])
  return options
}

const SEGMENTS = ['users', 'a', 'b', 'files', 'admin', 'Ab']

function pathOf(r, isMount) {
  const one = () =>
    r.weighted([
      [6, () => `/${r.pick(SEGMENTS)}`],
      [3, () => `/:${r.pick(['id', 'name'])}`],
      [2, () => `/${r.pick(SEGMENTS)}/:${r.pick(['id', 'slug'])}`],
      [1, () => `/${r.pick(SEGMENTS)}{/:opt}`],
      [0.7, () => `/${r.pick(SEGMENTS)}/*rest`],
      [0.5, () => `/:from-:to`],
      [0.5, () => '/:file.:ext']
    ])()
  if (isMount && r.chance(0.2)) return '/'
  return r.weighted([
    [10, one],
    [1, () => [one(), one()]],
    [0.7, () => '/'],
    [0.5, () => '/*all'],
    [0.4, () => ({ $regexp: '^\\/re(\\d+)?$' })]
  ])()
}

const METHODS = [
  'get',
  'get',
  'get',
  'get',
  'post',
  'post',
  'put',
  'delete',
  'patch',
  'all',
  'head',
  'options'
]

function layer(r, depth) {
  return r.weighted([
    [
      12,
      () => ({
        type: r.pick(METHODS),
        path: pathOf(r),
        handlers: [...(r.chance(0.3) ? [handler(r, 'pass')] : []), handler(r, 'end')]
      })
    ],
    [
      3,
      () => ({
        type: 'use',
        ...(r.chance(0.4) && { path: pathOf(r, true) }),
        handlers: [handler(r, 'pass')]
      })
    ],
    [2.5, () => ({ type: 'use', handlers: [bodyParser(r)] })],
    [
      3,
      () => ({
        type: 'static',
        path: r.pick(['/', '/', '/files', '/:id']),
        options: staticOptions(r),
        ...(r.chance(0.3) && { folder: r.pick(['public/sub', '.', 'none']) })
      })
    ],
    [1, () => ({ type: 'middleware', name: 'cookie-parser', options: { secret: SECRET } })],
    [
      1.5,
      () => ({
        type: 'param',
        name: r.pick(['id', 'name', 'opt']),
        handlers: [{ ...handler(r, 'pass'), arity: 'param' }]
      })
    ],
    [2, () => ({ type: 'use', handlers: [handler(r, 'error')] })],
    [
      1.5,
      () => {
        const verbs = r.times(1 + r.int(3), () => r.pick(METHODS))
        return {
          type: 'route',
          path: pathOf(r),
          verbs,
          handlers: verbs.map(() => handler(r, 'end'))
        }
      }
    ],
    [
      depth > 0 ? 5 : 0,
      () => ({
        type: 'mount',
        path: pathOf(r, true),
        handlers: r.chance(0.2) ? [handler(r, 'pass')] : [],
        node: node(r, depth - 1, r.chance(0.7) ? 'router' : 'app')
      })
    ]
  ])()
}

function settings(r) {
  const list = [['env', 'production']]
  const maybe = (p, name, values) => {
    if (r.chance(p)) list.push([name, r.pick(values)])
  }
  maybe(0.1, 'strict routing', [true])
  maybe(0.1, 'case sensitive routing', [true])
  maybe(0.25, 'etag', [false, 'strong', 'weak', { $function: 'tag' }])
  maybe(0.4, 'trust proxy', [
    true,
    1,
    2,
    'loopback',
    'loopback, 1.2.3.4',
    ['127.0.0.1', '5.6.7.0/24'],
    '1.2.3.4',
    'uniquelocal',
    { $trust: 'all' },
    { $trust: 'first' },
    { $trust: 'local' },
    0
  ])
  maybe(0.25, 'query parser', ['extended', 'simple', false, { $function: 'parsed' }])
  maybe(0.15, 'json spaces', [2, '\t', 0])
  maybe(0.15, 'json escape', [true])
  maybe(0.1, 'json replacer', [{ $named: 'replacer' }, ['ok', 'id']])
  maybe(0.25, 'x-powered-by', [false])
  maybe(0.1, 'subdomain offset', [0, 1, 3])
  maybe(0.1, 'jsonp callback name', ['cb'])
  maybe(0.15, 'view cache', [true])
  maybe(0.1, 'view engine', ['html'])
  maybe(0.1, 'views', [[{ $fixture: 'public/sub' }, { $fixture: 'public' }]])
  return list
}

function node(r, depth, kind) {
  return nodeOf(r, kind, 0.5, settings, () => r.times(2 + r.int(6), () => layer(r, depth)))
}

const SERVED = ['hello.txt', 'data.json', '', 'sub', 'sub/', 'large.txt', 'none', 'page', 'public']

/** Paths that lead somewhere, with the methods that wait there. */
function* places(r, tree, before = '') {
  for (const one of tree.layers) {
    for (const path of [one.path ?? ''].flat()) {
      const whole = before + (typeof path !== 'string' ? '/re1' : path === '/' ? '' : path)
      if (one.node) yield* places(r, one.node, whole)
      else if (one.type === 'static')
        for (const file of r.times(3, () => r.pick(SERVED))) yield [`${whole}/${file}`, 'GET']
      else {
        for (const verb of one.verbs ?? [one.type]) {
          if (METHODS.includes(verb)) yield [whole, verb === 'all' ? 'POST' : verb.toUpperCase()]
        }
      }
    }
  }
}

/**
 * A random application as people write them, and requests for it.
 * @param {number} seed
 * @returns {{ app: object, groups: object[] }}
 */
function application(seed) {
  const r = new Random(seed ^ 0xa995)
  ids = 0
  const app = node(r, 2, 'app')
  const known = [...places(r, app), ['/', 'GET']]
  const groups = r.times(5 + r.int(4), () => {
    const one = request(r, known, true)
    // most clients come again for the same
    const requests = [
      one,
      ...r.times(r.int(3), () => (r.chance(0.6) ? again(r, one, known) : request(r, known, false)))
    ]
    // whether the rest of a body is read that nobody wants is a matter of time where the connection ends
    const isLong = requests.some(({ body }) => body.length > 60_000)
    return {
      requests,
      pipelined: false,
      pieces: r.chance(0.1) ? 2 + r.int(3) : 0,
      close: r.chance(0.3) && !isLong
    }
  })
  return { app, groups }
}

module.exports = { application }
