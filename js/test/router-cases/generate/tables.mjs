// Route tables: some by hand, for what layers do to each other, and some from the seeded generator.

import { buildRouter, runPattern, runRequest } from '../run.js'
import { ROUTE } from './options.mjs'
import { below, chance, pick } from './random.mjs'

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

/** Tables in which each layer was put for a reason. */
async function addTablesByHand() {
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
}

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

/** Tables from the generator. */
async function addRandomTables() {
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
}

/** The cases, with what Express' router does with each request. */
export async function allTables() {
  await addTablesByHand()
  await addRandomTables()
  return tables
}
