'use strict'
// Random programs as applications are: npm middleware in front, apps with settings of their own mounted at several paths,
// parameters by lists, handlers in nested arrays, error handlers that stream. Plain JSON as of generate.js, whose parts it uses.

const { createHmac } = require('node:crypto')
const { Random } = require('./random')
const { bodyOf, preparation } = require('./answers')
const { begin, handler, layer, literalPath, nodeOf, pathOf } = require('./generate')
const { groups, targets } = require('./requests')
const { load, SECRET } = require('./middleware')

const MIDDLEWARE = {
  'body-parser': [
    { kind: 'json' },
    { kind: 'urlencoded', extended: true },
    { kind: 'urlencoded', extended: false },
    { kind: 'text', type: '*/*' },
    { kind: 'raw', limit: 10 }
  ],
  compression: [{ threshold: 0 }, {}, { threshold: 1, level: 1 }],
  'cookie-parser': [{}, { secret: SECRET }, { secret: ['other', SECRET] }],
  'cookie-session': [{}, { name: 'cs', signed: false }, { maxAge: 5000 }],
  cors: [
    {},
    { origin: 'http://a.test', credentials: true },
    { origin: ['http://a.test', 'http://b.test'], exposedHeaders: ['X-A'] },
    { preflightContinue: true },
    { origin: true, methods: 'GET', optionsSuccessStatus: 200, maxAge: 5 }
  ],
  'express-session': [
    { resave: false, saveUninitialized: true },
    { resave: false, saveUninitialized: false },
    { resave: true, saveUninitialized: true, rolling: true, cookie: { sameSite: 'strict' } },
    {
      resave: false,
      saveUninitialized: true,
      cookie: { secure: 'auto' },
      name: 'sid',
      unset: 'destroy'
    }
  ],
  helmet: [{}, { contentSecurityPolicy: false }, { xPoweredBy: false, hsts: { maxAge: 5 } }],
  'method-override': [
    { getter: 'X-HTTP-Method-Override' },
    { getter: '_method', methods: ['GET', 'POST'] },
    { getter: 'body' }
  ],
  morgan: [
    { format: ':method :url :status :res[content-length] :http-version' },
    { format: ':remote-addr :req[host] :status :res[etag]' },
    { format: ':method :url', immediate: true }
  ],
  'on-finished': [{}],
  'on-headers': [{ name: 'X-Seen' }, { name: 'Content-Type' }],
  'response-time': [{ suffix: false }, { header: 'X-Took' }],
  'serve-index': [{}, { icons: false, view: 'details' }],
  'serve-static': [{}, { setHeaders: true }, { index: false, redirect: false }],
  vhost: [{ host: '*.example.test' }, { host: 'example.test' }]
}
const NAMES = Object.keys(MIDDLEWARE)

const sign = (text) => load('cookie-signature').sign(text, SECRET)
const SESSION_COOKIES = ['id1', 'id2', 'id9'].map((id) => encodeURIComponent(`s:${sign(id)}`))

/** A cookie-session with `{"n":1}` in it. */
function cookieSession(name) {
  const text = `${name}=${Buffer.from('{"n":1}').toString('base64')}`
  const mac = createHmac('sha1', 'k1').update(text).digest('base64')
  return `${text}; ${name}.sig=${mac.replace(/\/|\+|=/g, (c) => ({ '/': '_', '+': '-', '=': '' })[c])}`
}

const COOKIES = [
  ...SESSION_COOKIES.flatMap((value) => [`connect.sid=${value}`, `sid=${value}`]),
  'connect.sid=s%3Aid1.forged',
  cookieSession('session'),
  `signed=${encodeURIComponent(`s:${sign('value')}`)}; plain=p`,
  'j=j%3A%7B%22a%22%3A1%7D; bad=j%3A%7B',
  'a=%zz; b="quoted"; a=second'
]

function front(r) {
  const name = r.pick(NAMES)
  return { type: 'middleware', name, options: r.pick(MIDDLEWARE[name]) }
}

/** Steps of applications rather than of Express alone. */
function extra(r) {
  return r.weighted([
    [3, () => ['app']],
    [
      3,
      () => [
        'look',
        r.times(1 + r.int(3), () =>
          r.pick([
            'cookies',
            'signedCookies',
            'sessionID',
            'originalMethod',
            'secret',
            'ips',
            'protocol',
            'hostname',
            'subdomains',
            'query',
            'body',
            'method',
            'url',
            'baseUrl',
            'params',
            'path'
          ])
        )
      ]
    ],
    [3, () => ['session', r.pick(['n', 'user']), r.pick([1, 'x', { $undefined: 1 }])]],
    [1, () => ['session', null]],
    [2, () => ['mine']],
    [1, () => ['set', 'res', 'locals', r.pick([{ own: 1 }, { settings: 's' }])]],
    [1, () => ['set', 'req', 'query', { q: 'replaced' }]],
    [1, () => ['set', 'req', 'method', r.pick(['GET', 'POST', 'PUT', 'DELETE'])]],
    [1, () => ['set', 'req', 'url', r.pick(['/hello.txt', '/a?z=1', '/sub/', '/x/b', '/'])]],
    [1, () => ['extend', r.pick(['req', 'res'])]],
    [1, () => ['after', [preparation(r)]]],
    [
      1,
      () => [
        'call',
        'req',
        r.pick(['accepts', 'acceptsEncodings', 'is', 'get', 'range']),
        [r.pick(['html', 'gzip', 'json', 'Host', 'text/*'])]
      ]
    ],
    [1, () => ['render', r.pick([{}, { shown: [1] }, { _locals: { shown: 'l' } }])]]
  ])()
}

/** A handler with some of them in front of what handlers do. */
function appHandler(r, role) {
  const made = handler(r, role)
  const steps = r.times(r.int(3), extra)
  if (role === 'error' && r.chance(0.4)) {
    // an error handler that writes in pieces
    const chunks = r.times(1 + r.int(4), () => bodyOf(r))
    return {
      ...made,
      arity: 4,
      steps: [
        ...steps,
        ['set', 'res', 'statusCode', r.pick([400, 500, 503])],
        r.chance(0.5) ? ['pipe', chunks] : ['stream', chunks],
        ...(r.chance(0.5) ? [['call', 'res', 'end', [], true]] : [])
      ]
    }
  }
  return { ...made, steps: [...steps, ...made.steps] }
}

/** Handlers as lists of lists. */
function nested(r, role) {
  return r.times(1 + r.int(3), () =>
    r.chance(0.3) ? [appHandler(r, role), [appHandler(r, role)]] : appHandler(r, role)
  )
}

function paths(r) {
  return r.weighted([
    [4, () => pathOf(r)],
    [2, () => r.times(1 + r.int(3), () => literalPath(r))],
    [1, () => [literalPath(r), { $regexp: '^\\/(x|b)', flags: 'i' }]],
    [1, () => '/'],
    [0.3, () => []]
  ])()
}

function appLayer(r, depth) {
  return r.weighted([
    [6, () => layer(r, depth)],
    [3, () => ({ ...front(r), ...(r.chance(0.4) && { path: paths(r) }) })],
    [
      3,
      () => ({ type: 'use', ...(r.chance(0.7) && { path: paths(r) }), handlers: nested(r, 'pass') })
    ],
    [
      4,
      () => ({
        type: r.pick(['get', 'post', 'all', 'put', 'query', 'propfind']),
        path: paths(r),
        handlers: nested(r, 'end')
      })
    ],
    [
      1,
      () => ({
        type: 'param',
        name: r.pick([['id', 'name'], ['x'], 'id', 'opt', 'rest']),
        handlers: [{ ...appHandler(r, 'pass'), arity: 'param' }]
      })
    ],
    [
      depth > 0 ? 4 : 0,
      () => ({
        type: 'mount',
        ...(r.chance(0.8) && { path: paths(r) }),
        handlers: r.chance(0.3) ? nested(r, 'pass') : [],
        node: appNode(r, depth - 1, r.chance(0.35) ? 'router' : 'app')
      })
    ],
    [
      1.5,
      () => ({
        type: 'use',
        ...(r.chance(0.3) && { path: paths(r) }),
        handlers: [appHandler(r, 'error')]
      })
    ],
    [
      1,
      () => ({
        type: 'extension',
        on: r.pick(['request', 'response']),
        name: r.pick(['mine', 'send', 'json', 'hostname'])
      })
    ],
    [0.5, () => ({ type: 'live', path: literalPath(r), handlers: [appHandler(r, 'end')] })]
  ])()
}

function appSettings(r) {
  const list = []
  const maybe = (p, name, values) => {
    if (r.chance(p)) list.push([name, r.pick(values)])
  }
  maybe(0.2, 'strict routing', [true, false])
  maybe(0.2, 'case sensitive routing', [true, false])
  maybe(0.2, 'etag', [
    false,
    'strong',
    'weak',
    true,
    { $function: 'tag' },
    { $function: 'undefined' }
  ])
  maybe(0.3, 'trust proxy', [
    true,
    1,
    2,
    'loopback',
    '127.0.0.1, 5.6.7.8',
    ['loopback', '1.2.3.4'],
    { $trust: 'all' },
    { $trust: 'first' },
    { $trust: 'local' },
    false
  ])
  maybe(0.2, 'query parser', ['extended', 'simple', false, true, { $function: 'parsed' }])
  maybe(0.15, 'json spaces', [2, '\t'])
  maybe(0.15, 'json escape', [true])
  maybe(0.15, 'json replacer', [['a', 'b'], { $function: 'json' }])
  maybe(0.2, 'x-powered-by', [false, true])
  maybe(0.1, 'subdomain offset', [1, 0, 3])
  maybe(0.1, 'jsonp callback name', ['cb', 'q'])
  maybe(0.1, 'view engine', ['txt', 'html'])
  maybe(0.1, 'views', [
    { $fixture: 'public/sub' },
    [{ $fixture: 'public/sub' }, { $fixture: 'public' }]
  ])
  maybe(0.1, 'view cache', [true])
  maybe(0.1, 'own', ['setting'])
  return list
}

function appNode(r, depth, kind) {
  return nodeOf(r, kind, 0.3, appSettings, () => r.times(2 + r.int(5), () => appLayer(r, depth)))
}

const VERBS = new Set([
  'get',
  'post',
  'put',
  'query',
  'propfind',
  'delete',
  'patch',
  'head',
  'options'
])

/** Paths along the tree, with the method that each waits for: undefined for any. */
function* places(tree, before = '') {
  for (const one of tree.layers) {
    for (const path of one.path === undefined ? [''] : [one.path].flat()) {
      const text = typeof path === 'string' ? path : '/x'
      const whole = before + (text === '/' && one.node ? '' : text)
      if (one.node) yield* places(one.node, whole)
      for (const verb of one.verbs ?? [one.type]) {
        if (one.handlers?.length > 0 && !one.node)
          yield [whole, VERBS.has(verb) ? verb.toUpperCase() : undefined]
      }
    }
  }
}

/** A path as clients ask for it, of a pattern. */
function plainPath(r, pattern) {
  return pattern
    .replace(/\{([^}]*)\}/g, (_, inner) => (r.chance(0.5) ? inner : ''))
    .replace(/[:*](?:"[^"]*"|\w+)/g, () => r.pick(['1', 'abc', 'tj', '42', 'a%20b']))
    .replace(/\/\/+/g, '/')
}

const FILES = [
  '/hello.txt',
  '/index.html',
  '/',
  '/sub/',
  '/sub',
  '/data.json',
  '/none.txt',
  '/style.css'
]
const BODIES = [
  ['application/json', '{"a":1,"_method":"PUT"}'],
  ['application/json', '{"a":'],
  ['application/json', '{"long":"'.padEnd(2000, 'l').concat('"}')],
  ['application/x-www-form-urlencoded', 'a=1&b[c]=2&_method=DELETE'],
  ['text/plain', 'some text'],
  ['application/octet-stream', 'bytes'],
  ['application/json', '']
]

/** A request without tricks, in place of one with them. */
function calm(r, request, known) {
  const [pattern, method] = r.pick(known)
  const path = r.chance(0.15) ? r.pick(FILES) : plainPath(r, pattern)
  request.path = `${Buffer.from(path || '/').toString('latin1')}${r.chance(0.3) ? r.pick(['?q=1', '?a[b]=c', '?callback=cb', '?a=1&a=2', '?cb=x.y&n']) : ''}`
  request.version = '1.1'
  request.method =
    method !== undefined && r.chance(0.8)
      ? method
      : r.pick(['GET', 'GET', 'GET', 'GET', 'POST', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])
  request.headers = [
    ['Host', r.pick(['example.test', 'a.b.example.test:8080', 'www.example.test'])]
  ]
  request.body = ''
  if (r.chance(0.3))
    request.headers.push([
      'Accept',
      r.pick(['text/html', 'application/json', 'text/plain, */*;q=0.1', '*/*'])
    ])
  if (r.chance(0.15))
    request.headers.push(['If-None-Match', r.pick(['*', 'W/"weak", "tagstring"', '"tagobject"'])])
  if (r.chance(0.1))
    request.headers.push(['Range', r.pick(['bytes=0-4', 'bytes=2-', 'bytes=90000-'])])
  if (['POST', 'PUT'].includes(request.method) && r.chance(0.85)) {
    const [type, body] = r.pick(BODIES)
    request.headers.push(['Content-Type', type], ['Content-Length', String(body.length)])
    request.body = body
  }
}

/** What middleware looks for in requests. */
function dress(r, request) {
  const add = (p, name, values) => {
    if (r.chance(p)) request.headers.push([name, r.pick(values)])
  }
  add(0.35, 'Cookie', COOKIES)
  add(0.25, 'Accept-Encoding', ['gzip', 'br', 'deflate, gzip;q=0.5', 'identity', '*'])
  add(0.2, 'Origin', ['http://a.test', 'http://c.test'])
  if (request.method === 'OPTIONS') add(0.5, 'Access-Control-Request-Method', ['PUT'])
  add(0.15, 'X-HTTP-Method-Override', ['PUT', 'DELETE', 'get', 'ODD', 'HEAD'])
  add(0.15, 'X-Forwarded-For', ['1.2.3.4, 5.6.7.8', '9.9.9.9', 'unknown, 127.0.0.1'])
  add(0.1, 'X-Forwarded-Host', ['a.b.proxy.test, c.test'])
  if (r.chance(0.1)) request.path += `${request.path.includes('?') ? '&' : '?'}_method=DELETE`
}

/**
 * A random application and requests for it.
 * @param {number} seed
 * @returns {{ app: object, groups: object[] }}
 */
function stack(seed) {
  const r = new Random(seed ^ 0x57ac)
  begin()
  const app = appNode(r, 2, 'app')
  app.settings.unshift(['env', 'production'])
  app.layers.unshift(...r.times(r.int(5), front))
  const known = [...places(app), ['/', undefined]]
  const list = groups(r, [...targets(app), '/'], 5 + r.int(5), true)
  for (const group of list) {
    for (const request of group.requests) {
      if (r.chance(0.8)) calm(r, request, known)
      dress(r, request)
    }
  }
  return { app, groups: list }
}

module.exports = { stack }
