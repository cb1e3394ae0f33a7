// Writes the case files of this folder: patterns and route tables, with what path-to-regexp and Express do with them.
// Seeded, so a run without changes here or in those packages changes nothing:
//   node js/test/router-cases/generate.mjs
// Expectations come from the real libraries only (run.js), never from this project.

import fs from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { buildRouter, runPattern, runRequest } = require('./run.js')

/** mulberry32 */
function generator(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const random = generator(20250530)
const below = (n) => Math.floor(random() * n)
const pick = (list) => list[below(list.length)]
const chance = (p) => random() < p

/** One case per line keeps diffs readable. */
function write(file, about, name, items) {
  const lines = items.map((item) => `    ${JSON.stringify(item)}`).join(',\n')
  fs.writeFileSync(
    new URL(file, import.meta.url),
    `{\n  "about": ${JSON.stringify(about)},\n  ${JSON.stringify(name)}: [\n${lines}\n  ]\n}\n`
  )
}

// ---------------------------------------------------------------- patterns

const ROUTE = { sensitive: false, strict: false, end: true }
const MOUNT = { sensitive: false, strict: false, end: false }
const STRICT = { sensitive: false, strict: true, end: true }
const SENSITIVE = { sensitive: true, strict: false, end: true }
const STRICT_MOUNT = { sensitive: true, strict: true, end: false }
const EVERY = [ROUTE, MOUNT, STRICT, SENSITIVE, STRICT_MOUNT]

const GRAMMAR = {
  '/': ['/', '//', '', '/a', '*'],
  '//': ['/', '//', '///', '', '/a'],
  '': ['', '/', '/a', '//'],
  '/a': ['/a', '/a/', '/a//', '/A', '/ab', '/a/b', '/', 'a', '/a?', '/%61'],
  '/a/': ['/a', '/a/', '/a//', '/a/b'],
  '/a//': ['/a', '/a/', '/a//'],
  '/a//b': ['/a//b', '/a/b', '/a///b'],
  a: ['a', '/a', 'A', 'a/'],
  '/users/:id': [
    '/users/1',
    '/users/1/',
    '/users/',
    '/users',
    '/users/1/2',
    '/USERS/a%20b',
    '/users/é',
    '/users//',
    '/users/:id',
    '/users/1//'
  ],
  '/users/:id/posts/:post': [
    '/users/1/posts/2',
    '/users/1/posts/2/',
    '/users//posts/2',
    '/users/1/posts',
    '/users/1/POSTS/2/x'
  ],
  '/:a/:a': ['/1/2', '/1/1', '/1'],
  '/:a-:b': [
    '/1-2',
    '/a-b-c',
    '/--',
    '/---',
    '/-',
    '/a-',
    '/-b',
    '/a--b',
    '/a/-b',
    '/a-b/',
    '/a-b/c'
  ],
  '/:a-:b-:c': ['/1-2-3', '/a-b-c-d', '/-----', '/a--b-c', '/a-b', '/----'],
  '/:a.:b.:c': ['/a.b.c', '/a.b', '/a.b.c.d', '/...', '/.....', '/a..b.c'],
  '/:a--:b': ['/1--2', '/1---2', '/a--b--c', '/----', '/-----', '/------', '/a-b'],
  '/:file.json': [
    '/a.json',
    '/a.JSON',
    '/.json',
    '/a.json.json',
    '/a.json/',
    '/a.jsonx',
    '/a/b.json'
  ],
  '/:file.:ext': ['/a.json', '/a.tar.gz', '/.json', '/a.', '/a', '/..', '/...'],
  '/x:a': ['/xy', '/x', '/XY', '/xx', '/xy/'],
  '/x:a/y': ['/xy/y', '/x/y', '/xyz/Y/'],
  '/:ax': ['/1', '/1x'],
  '/:"a"x': ['/1x', '/x', '/xx', '/1X', '/1xx'],
  '/*rest': ['/', '/a', '/a/b', '/a/', '//', '/a//b/', '/%2F', '/é/ü'],
  '*rest': ['/', '', '/a/b', 'x', '*'],
  '/*rest/edit': [
    '/a/edit',
    '/a/b/edit',
    '/edit',
    '//edit',
    '/edit/edit',
    '/a/edit/',
    '/a/EDIT',
    '/a/edit/edit',
    '/a/edit/x'
  ],
  '/a/*rest': ['/a', '/a/', '/a/b', '/a/b/c/', '/A/b', '/ab/c'],
  '/a*rest': ['/a', '/ab', '/a/b', '/A/', '/abc/'],
  '/*foo-*bar': ['/a-b', '/a-b-c', '/a/b-c/d', '/-', '/--', '/---', '/a-', '/-b', '/a--b'],
  '/*foo-*bar-:baz': ['/a-b-c', '/a-b-c-d', '/a/b-c/d-e', '/a-b-', '/-----', '/a--b-c'],
  '/*foo/:bar': ['/a/b', '/a/b/c', '/a', '//b', '/a/b/'],
  '/*foo/x/*bar': ['/a/x/b', '/a/x/x/b', '/a/x/b/x/c', '/x/x/x', '/a/x/', '/a/b/x/c'],
  '/*foo/x/:y/*bar': ['/a/x/b/c', '/a/x/x/x/x', '/a/b/c'],
  '/*foo/*bar': ['/a/b', '/a/b/c', '//', '///', '/a/', '/a//'],
  '/*foo/:mid/*bar': ['/a/b/c', '/a/b/c/d/e', '/a/b'],
  '/:foo*bar': ['/ab'],
  '/:foo-*bar': ['/a-b', '/a-b/c', '/a/b-c', '/a--b', '/--a'],
  '/*foo-:bar': ['/a-b', '/a/b-c', '/a-b-c', '/--a', '/a-b/'],
  '/*foo.:ext': ['/a.js', '/a/b.min.js', '/a.b/c', '/.js', '/a..js'],
  '/*a-:b.x': ['/q-r.x', '/q-r.x.x', '/q/w-r.x/', '/q-r-s.x', '/q-r'],
  '/*a--*b.x': ['/q--r.x', '/q--r/s.x', '/q--r--s.x', '/q--r'],
  '/*a-*b.c-*d': ['/1-2.c-3', '/1-2.c-3/4', '/1-2.c-2.c-3', '/1.c-2'],
  '/:a-*b.x': ['/q-r.x', '/q-r/s.x', '/q-r-s.x/'],
  '/:a-*b/:c-*d': ['/1-2/3-4', '/1-2/3/4-5', '/1-2/3-4/5-6'],
  '/:a-*b/:c': ['/x-y/z', '/x-y/z/w', '/x-y'],
  '{/:x}': ['/', '', '/a', '/a/', '/a/b', '//'],
  '/a{/:b}': ['/a', '/a/', '/a/b', '/a/b/', '/a/b/c'],
  '/a{/}': ['/a', '/a/', '/a//', '/a///'],
  '/a{/}b': ['/a/b', '/ab', '/a//b'],
  '/a{.:ext}': ['/a', '/a.js', '/a.', '/a.js/', '/a.b.c'],
  '/:a{.:ext}': ['/a', '/a.js', '/a.b.c', '/.', '/..', '/.js'],
  '/:a{-:b}{-:c}': ['/1', '/1-2', '/1-2-3', '/1-2-3-4', '/-', '/--', '/---'],
  '/{:a}': ['/', '/x', '/x/'],
  '/{:a/}b': ['/b', '/x/b', '//b', '/x/b/'],
  '{/:lang}/about': ['/about', '/en/about', '/en/about/', '/x/en/about'],
  '/a{/b{/c{/d}}}': ['/a', '/a/b', '/a/b/c', '/a/b/c/d', '/a/c', '/a/b/d'],
  '{a}{b}{c}:z': ['abcx', 'ax', 'bx', 'x', 'abc', 'c', 'a', ''],
  '/{a}{b}{c}:z': ['/abcx', '/a', '/ab', '/abc', '/', '/cab'],
  '{}': ['', '/', '/a'],
  '/{}{{}}x': ['/x', '/X', '/'],
  '{/*a}/b': ['/b', '/x/b', '/x/y/b', '/b/b'],
  '/\\:id': ['/:id', '/id', '/:ID'],
  '/\\*\\{\\}\\(\\)\\[\\]\\+\\?\\!\\\\': ['/*{}()[]+?!\\', '/*{}()[]+?!'],
  '/a\\/b': ['/a/b', '/A/B'],
  '/a.b*c': ['/a.bc', '/axbc'],
  '/a|b': ['/a|b', '/a', 'b'],
  '/^a$': ['/^a$', '/a'],
  '/a,b;c=d@e&f~g\'h"i': ['/a,b;c=d@e&f~g\'h"i'],
  '/:"a b"': ['/x', '/x y'],
  '/:"a\\"b"/x': ['/1/x'],
  '/:"0"/:"1"': ['/a/b'],
  '/:"__proto__"/:constructor': ['/a/b'],
  '/*"x y"z': ['/1z', '/z', '/1/2z'],
  '/:é': ['/x'],
  '/:名前/*パス': ['/a/b/c'],
  '/:a\u200d1': ['/x'],
  '/:$a_/:_b$': ['/x/y'],
  '/:a1b': ['/x'],
  '/café': ['/café', '/CAFÉ', '/caf%C3%A9', '/cafe'],
  '/ſ': ['/ſ', '/s', '/S'],
  '/k': ['/\u212a', '/K'],
  '/ß': ['/ß', '/ẞ', '/SS'],
  '/µ': ['/μ', '/Μ', '/µ'],
  '/ɐ/:x': ['/Ɐ/1', '/ɐ/1'],
  '/İ/ı': ['/İ/ı', '/i/ı', '/İ/I'],
  '/😀/:x': ['/😀/😀', '/😀/a/'],
  '/𐐀': ['/𐐀', '/𐐨'],
  '/:a😀:b': ['/x😀y', '/😀😀😀', '/😀', '/x😀y😀z', '/é😀é'],
  '/:aé:b': ['/xéy', '/xÉy', '/éé', '/ééé', '/ÉÉÉ'],
  '/:"a"é:b': ['/xéy', '/xÉy', '/éé', '/ééé', '/ÉÉÉ'],
  '/*a😀*b': ['/x😀y', '/x/😀/y😀z', '/😀😀😀'],
  '/:"a"b:c': ['/xby', '/xBy', '/bbb', '/BBB', '/xbybz'],
  '/*"a"B*c': ['/xby', '/xBy', '/bbb', '/xbybz'],
  '/%20': ['/%20', '/ '],
  '/:a\n:b': ['/1\n2'],
  '/:x': ['/\n', '/a\nb', '/%00', '/%', '/%zz', '/ ', '/.', '/..'],
  '/#': ['/#'],
  '/a{/:b}/c{/:d}': ['/a/c', '/a/1/c', '/a/c/2', '/a/1/c/2', '/a/c/c'],
  '/:a{/:b}{/:c}': ['/1', '/1/2', '/1/2/3', '/1/2/3/4'],
  '/a{/*rest}': ['/a', '/a/', '/a/b', '/a/b/c/'],
  '/a{/*rest}/z': ['/a/z', '/a/b/z', '/a/z/z'],
  '/a/{*rest}': ['/a', '/a/', '/a/b/c'],
  '/{*splat}': ['/', '/a', '/a/b', ''],
  '{*splat}': ['/', '', '/a'],
  '/flights/:from-:to': ['/flights/LAX-SFO', '/flights/LAX-', '/flights/A-B-C'],
  '/v:major.:minor': ['/v1.2', '/V1.2', '/v1', '/v.1.2', '/v1.2.3'],
  '/:a/*b/:c': ['/1/2/3', '/1/2/3/4/5', '/1/2'],
  '/:a/b:c': ['/1/b2', '/1/b', '/1/B2'],
  '/a-:b-c': ['/a-x-c', '/a--c', '/A-x-y-C', '/a-x-c/'],
  '/a:b:c': ['/a'],
  '/:a{:b}': ['/a'],
  '/:a{x}:b': ['/axb']
}

const ERRORS = [
  '/a+',
  '/(x)',
  '/:',
  '/*',
  '{',
  '}',
  '/a}',
  '/{a',
  '/{a{b}',
  '\\',
  '/a\\',
  '/:"',
  '/:"a',
  '/:"a\\',
  '/:""',
  '/*""',
  '/*"',
  '/:1',
  '/: x',
  '/a?',
  '/a!',
  '/[a]',
  '/a]',
  '/a)',
  '/(',
  '/:a:b',
  '/:a*b',
  '/*a*b',
  '/*a:b',
  '/:a{:b}',
  '/:a{/}:b',
  '/{:a}:b',
  '/{:a}{:b}',
  '/😀+',
  '/é(',
  '/:😀',
  '/a/:b/+',
  '/a+/',
  '/:/',
  '/*/',
  '/:-a',
  ':',
  '*',
  '+',
  '//+',
  '/:a()',
  '/:a(\\d+)',
  '/:a?',
  '/:a*',
  '/:a+',
  '/*?',
  '{a}'.repeat(8),
  '{a}'.repeat(9),
  '{a}'.repeat(30),
  `${'{'.repeat(255)}a${'}'.repeat(255)}`,
  `${'{'.repeat(256)}a${'}'.repeat(256)}`,
  '/{a}{b}{c}{d}{e}{f}{g}{h}{i}:z',
  '/:a{b}{c}{d}{e}{f}{g}{h}:i'
]

const grammar = []
for (const [path, paths] of Object.entries(GRAMMAR)) {
  for (const options of EVERY)
    grammar.push({ path, ...options, ...runPattern({ path, ...options }, paths) })
}
write('grammar.json', 'every construct of the path grammar, by hand', 'patterns', grammar)

const errors = ERRORS.map((path) => ({
  path,
  ...ROUTE,
  ...runPattern({ path, ...ROUTE }, ['/a', '/'])
}))
errors.push(
  ...['/a+/', '/:/', '//', '/*/'].map((path) => ({
    path,
    ...STRICT,
    ...runPattern({ path, ...STRICT }, ['/'])
  }))
)
write(
  'errors.json',
  'patterns that are refused, and some just inside the limits',
  'patterns',
  errors
)

const TEXTS = [
  'a',
  'b',
  'A',
  '-',
  '.',
  'foo',
  '/',
  '/',
  '/x',
  '/foo',
  '--',
  'é',
  '😀',
  '%20',
  '_',
  'a/b',
  'ſ',
  '\\:',
  '\\*',
  '~'
]
const NAMES = ['x', 'y', 'id', '"a b"', 'z', 'é']
const JUNK = ['+', '(', ')', '?', '!', '[', ']', '{', '}', ':', '*', '\\', '"']

function randomPattern(depth = 0) {
  let text = depth === 0 && chance(0.9) ? '/' : ''
  const length = 1 + below(depth === 0 ? 6 : 3)
  for (let i = 0; i < length; i++) {
    const r = random()
    if (r < 0.42) text += pick(TEXTS)
    else if (r < 0.68) text += `:${pick(NAMES)}${pick(['', '-', '.', '/', '/', '😀', '--'])}`
    else if (r < 0.82) text += `*${pick(NAMES)}${pick(['', '-', '.', '/', '/', '-a'])}`
    else if (r < 0.98 && depth < 2) text += `{${randomPattern(depth + 1)}}`
    else if (chance(0.3)) text += pick(JUNK)
  }
  return text
}

const VALUES = [
  'a',
  'x1',
  'foo',
  '-',
  '.',
  'a-b',
  'a/b',
  'é',
  '%2F',
  'A',
  'foo-bar',
  '/',
  '--',
  '😀',
  'b.c',
  'b',
  'f',
  'É',
  'a.b-c'
]

/** A path that has a chance to match. */
function fill(pattern) {
  return pattern
    .replace(/\\(.)/g, '$1')
    .replace(/[:*]("[^"]*"|[\p{ID_Start}$_][\p{ID_Continue}$]*)/gu, () => pick(VALUES))
    .replace(/\{[^{}]*\}/g, (group) => (chance(0.5) ? group : ''))
    .replace(/[{}]/g, '')
}

function mutate(path) {
  const at = below(path.length + 1)
  switch (below(9)) {
    case 0:
      return `${path}/`
    case 1:
      return path.toUpperCase()
    case 2:
      return `${path}/x`
    case 3:
      return path.slice(0, -1).toWellFormed?.().replaceAll('\ufffd', '') ?? path
    case 4:
      return `${path}-a`
    case 5:
      return (
        (path.slice(0, at) + pick(['-', '/', '.', 'a', 'é']))
          .toWellFormed?.()
          .replaceAll('\ufffd', '') ?? path
      )
    case 6:
      return `/${path}`
    default:
      return path
  }
}

const patterns = []
const seen = new Set()
while (patterns.length < 700) {
  const path = randomPattern()
  if (path.length > 60 || seen.has(path)) continue
  seen.add(path)
  const options = chance(0.4) ? ROUTE : pick(EVERY)
  const paths = [...new Set(Array.from({ length: 7 }, () => mutate(fill(path))))]
  patterns.push({ path, ...options, ...runPattern({ path, ...options }, paths) })
}
write('random-patterns.json', 'patterns and paths from a seeded generator', 'patterns', patterns)

// ---------------------------------------------------------------- tables

const use = (paths, more) => ({
  paths: [paths].flat(),
  end: false,
  sensitive: false,
  strict: false,
  methods: null,
  child: null,
  ask: false,
  ...more
})
const route = (paths, methods = ['GET'], more) => ({
  paths: [paths].flat(),
  end: true,
  sensitive: false,
  strict: false,
  methods,
  child: null,
  ask: false,
  ...more
})
const tables = []

async function addTable(routers, requests) {
  const table = { routers: routers.map((layers) => ({ layers })) }
  const router = buildRouter(table)
  const results = []
  for (const request of new Set(requests)) {
    const [method, url] = request.split(' ')
    results.push({ method, url, ...(await runRequest(router, method, url)) })
  }
  tables.push({ table, requests: results })
}

const gets = (...paths) => paths.map((path) => `GET ${path}`)

await addTable(
  [
    [
      use('/'),
      use('/admin'),
      route('/admin'),
      route('/admin/:id', ['GET', 'POST']),
      use('/foo/'),
      route('/'),
      use('/')
    ]
  ],
  [
    ...gets(
      '/',
      '/admin',
      '/ADMIN',
      '/admin/',
      '/admin//',
      '//admin',
      '/%61dmin',
      '/admin;x=1',
      '/./admin',
      '/x/../admin',
      '/admin%2f',
      '/admin%00',
      '/%2561dmin',
      '/foo/',
      '/foo',
      '/foo/bar',
      '/foobar'
    ),
    'POST /admin/1',
    'PUT /admin/1',
    'HEAD /admin/1',
    'OPTIONS /admin/1',
    'OPTIONS /admin',
    'OPTIONS /none'
  ]
)
await addTable(
  [
    [use('/api', { child: 1 }), use('/:tenant', { child: 1 }), route('/api/users', ['POST'])],
    [
      use('/'),
      route('/users'),
      route('/users/:id', ['GET', 'PUT']),
      route('/'),
      use('/deep', { child: 2 })
    ],
    [route('/*rest'), route('/:x', ['*']), use('/')]
  ],
  [
    ...gets(
      '/api/users',
      '/api',
      '/api/',
      '/acme/users/7',
      '/api/users/a%20b',
      '/api/deep',
      '/api/deep/',
      '/api/deep/x',
      '/api/deep/x/y/z',
      '/acme'
    ),
    'OPTIONS /api/users',
    'OPTIONS /api/users/1',
    'OPTIONS /api/nothing',
    'HEAD /api/users',
    'HEAD /api/users/1',
    'POST /api/users',
    'DELETE /api/deep/q',
    'OPTIONS /api/deep/q'
  ]
)
await addTable(
  [
    [
      use(['/'], { array: true }),
      use(['/', '/a']),
      use('', {}),
      use('//'),
      route(['/a', '/:x', '/a/b']),
      use(['/a/b', '/:x'])
    ]
  ],
  gets('/', '/a', '/a/b', '/a/b/c', '//', '/z')
)
await addTable(
  [
    [
      route('/A', ['GET'], { sensitive: true }),
      route('/a', ['GET'], { sensitive: true }),
      route('/a'),
      route('/a/', ['GET'], { strict: true }),
      route('/a', ['GET'], { strict: true }),
      use('/A', { sensitive: true }),
      use('/a')
    ]
  ],
  gets('/a', '/A', '/a/', '/A/', '/a/b', '/A/b')
)
await addTable(
  [
    [route('/café/:x'), use('/CAFÉ'), route('/*rest'), use('/:é/x', { child: 1 })],
    [route('/😀'), route('/:y/*z'), use('/')]
  ],
  gets('/café/1', '/CAFÉ/é', '/é/x/😀', '/é/x/ü/a/é', '/é/x', '/caf%C3%A9/%F0%9F%98%80')
)
await addTable(
  [
    [use('/m', { child: 1 })],
    [use('', { child: 2 }), use('/', { child: 2 }), route('/')],
    [route('/'), use('/'), route('/:x')]
  ],
  gets('/m', '/m/', '/m//', '/m/x', '/m//x')
)

const SEGMENTS = ['a', 'b', 'c', 'A', 'users', 'é']
const PARTS = [
  'a',
  'b',
  'c',
  'A',
  'users',
  ':x',
  ':x',
  ':y',
  ':x-:y',
  'v:x',
  ':x.:y',
  '{a}',
  '*w',
  'é'
]
const METHOD_LISTS = [
  ['GET'],
  ['GET'],
  ['POST'],
  ['GET', 'POST'],
  ['*'],
  ['PUT', 'OPTIONS'],
  ['HEAD', 'GET'],
  ['DELETE']
]

function randomPath(parts) {
  let text = ''
  const length = below(4)
  for (let i = 0; i < length; i++) text += chance(0.12) ? `{/${pick(parts)}}` : `/${pick(parts)}`
  return text || '/'
}

function randomLayer(index, routers) {
  const mount = chance(0.45)
  const paths = chance(0.12)
    ? [randomPath(PARTS), randomPath(PARTS)]
    : [mount && chance(0.3) ? '/' : randomPath(PARTS)]
  const flags = { sensitive: chance(0.15), strict: !mount && chance(0.15) }
  if (!mount) return route(paths, pick(METHOD_LISTS), flags)
  const child = index + 1 < routers && chance(0.5) ? index + 1 + below(routers - index - 1) : null
  return use(paths, { ...flags, child })
}

function randomUrl(layers) {
  let text = ''
  const length = below(4)
  for (let i = 0; i < length; i++)
    text += `/${pick([...SEGMENTS, '1', 'a-b', 'a.b', 'v1', '%20', 'a%2Fb', ''])}`
  if (chance(0.5)) {
    text =
      pick(layers)
        .paths[0].replace(/\{([^}]*)\}/g, (_, group) => (chance(0.5) ? group : ''))
        .replace(/[:*][\w]+/g, () => pick(['1', 'a', 'q/r', 'é'])) + text
  }
  if (chance(0.15)) text += '/'
  if (chance(0.1)) text = text.toUpperCase()
  return text.startsWith('/') ? text : `/${text}`
}

const isValid = (path) => !runPattern({ path, ...ROUTE }, []).error

for (let n = 0; n < 60; n++) {
  const count = 1 + below(4)
  const routers = Array.from({ length: count }, (_, index) =>
    Array.from({ length: 2 + below(6) }, () => {
      for (;;) {
        const layer = randomLayer(index, count)
        if (layer.paths.every(isValid)) return layer
      }
    })
  )
  const requests = Array.from(
    { length: 12 },
    () =>
      `${pick(['GET', 'GET', 'GET', 'POST', 'HEAD', 'OPTIONS', 'PUT'])} ${randomUrl(routers.flat())}`
  )
  await addTable(routers, requests)
}
write('tables.json', 'route tables: which handlers a request meets', 'tables', tables)
