// app.set, get, enable, disable, enabled, disabled; defaults; inheritance of mounted apps; path();
// our own settings.
'use strict'

const { differential, ours, theirs } = require('../helpers/differential')
const assert = require('node:assert/strict')
const { test } = require('node:test')

/** Run a program on both and compare what it returns; an error counts by its class and message. */
function same(name, program) {
  test(name, () => {
    const run = (express) => {
      try {
        return { value: program(express) }
      } catch (err) {
        return { error: `${err.name}: ${err.message}` }
      }
    }
    assert.deepEqual(run(ours), run(theirs))
  })
}

const visible = (app) =>
  Object.fromEntries(
    Object.entries(app.settings).map(([key, val]) => [key, typeof val === 'function' ? 'fn' : val])
  )

same('defaults', (express) => visible(express()))
same('settings have no prototype of Object', (express) => Object.getPrototypeOf(express().settings))
same('locals begin with the settings', (express) => {
  const app = express()
  return [
    Object.getPrototypeOf(app.locals),
    Object.keys(app.locals),
    app.locals.settings === app.settings
  ]
})
same('get of what is not set', (express) => [express().get('nothing'), express().set('nothing')])
same('set returns the app and takes undefined', (express) => {
  const app = express()
  return [app.set('a', 1) === app, app.set('a', undefined).get('a'), 'a' in app.settings]
})
same('enable, disable, enabled, disabled', (express) => {
  const app = express()
  app.enable('x').disable('y').set('z', 'text')
  return ['x', 'y', 'z', 'none'].map((key) => [app.get(key), app.enabled(key), app.disabled(key)])
})

for (const [setting, values] of Object.entries({
  etag: [true, false, 'weak', 'strong', 'other', 1, null, undefined],
  'query parser': [true, false, 'simple', 'extended', 'other', 1, null, undefined],
  'trust proxy': [
    true,
    false,
    0,
    2,
    'loopback',
    'loopback, 10.0.0.0/8',
    ['10.0.0.1'],
    'nonsense',
    null,
    undefined
  ]
})) {
  for (const value of values) {
    same(`set ${setting} to ${JSON.stringify(value)}`, (express) => {
      const app = express()
      app.set(setting, value)
      return typeof app.get(`${setting} fn`)
    })
  }
  same(`set ${setting} to a function keeps the function`, (express) => {
    const fn = () => 'x'
    return express().set(setting, fn).get(`${setting} fn`) === fn
  })
}

for (const value of [true, false, 0, 1, 'loopback', '127.0.0.1/8, ::1', ['192.168.1.1']]) {
  same(`trust proxy fn of ${JSON.stringify(value)}`, (express) => {
    const trust = express().set('trust proxy', value).get('trust proxy fn')
    return ['127.0.0.1', '10.1.1.1', '192.168.1.1', '::1'].flatMap((ip) => [
      trust(ip, 0),
      trust(ip, 1),
      trust(ip, 2)
    ])
  })
}

same('a mounted app inherits settings it has not set, live', (express) => {
  const app = express()
  const child = express()
  child.set('own', 'child')
  app.use('/child', child)
  app.set('title', 'parent').set('own', 'parent')
  return [child.get('title'), child.get('own'), child.enabled('title')]
})
same('a mounted app inherits trust proxy until it sets it itself', (express) => {
  const program = (prepare) => {
    const app = express()
    const child = express()
    app.set('trust proxy', 'loopback')
    prepare(app, child)
    app.use(child)
    return [child.get('trust proxy'), child.get('trust proxy fn') === app.get('trust proxy fn')]
  }
  return [
    program(() => {}),
    program((_app, child) => child.set('trust proxy', false)),
    program((app) => delete app.settings['trust proxy fn'])
  ]
})
same('the mark for trust proxy is there and not enumerable', (express) => {
  const app = express()
  const mark = '@@symbol:trust_proxy_default'
  const before = Object.getOwnPropertyDescriptor(app.settings, mark)
  app.set('trust proxy', 1)
  return [before, Object.getOwnPropertyDescriptor(app.settings, mark)]
})
same('a mounted app inherits engines and prototypes', (express) => {
  const app = express()
  const child = express()
  app.engine('x', () => {})
  app.request.hello = 'req'
  app.response.hello = 'res'
  app.use('/child', child)
  return [typeof child.engines['.x'], child.request.hello, child.response.hello]
})
same('path() and mountpath through several levels', (express) => {
  const [app, blog, admin] = [express(), express(), express()]
  app.use('/blog', blog)
  blog.use('/admin', admin)
  return [
    app.path(),
    blog.path(),
    admin.path(),
    app.mountpath,
    admin.mountpath,
    admin.parent === blog
  ]
})
same("mounting emits 'mount' with the parent", (express) => {
  const app = express()
  const child = express()
  const seen = []
  child.on('mount', (parent) => seen.push(parent === app))
  app.use(child)
  app.use(['/a', '/b'], child)
  return [seen, child.mountpath]
})

for (const [name, act] of Object.entries({
  'use without arguments': (app) => app.use(),
  'use with a path only': (app) => app.use('/'),
  'use with an empty array': (app) => app.use([]),
  'use with null': (app) => app.use('/', null),
  'use with a number': (app) => app.use('/', 3),
  'get without handler': (app) => app.get('/', undefined),
  'post without handler': (app) => app.post('/'),
  'all with a string': (app) => app.all('/', 'x'),
  'engine without function': (app) => app.engine('x', null),
  'param without function': (app) => app.param('id'),
  'param without name': (app) => app.param(),
  'param with a number': (app) => app.param(3, () => {})
})) {
  same(`misuse: ${name}`, (express) => void act(express()))
}

same('engines are kept with a dot', (express) => {
  const app = express()
  app.engine('a', () => {}).engine('.b', () => {})
  return Object.keys(app.engines)
})
same('case sensitive and strict routing are read when the router is made', (express) => {
  const app = express()
  app.enable('case sensitive routing').enable('strict routing')
  return [app.router.caseSensitive, app.router.strict]
})
same('view cache is on in production only', (express) => {
  const { NODE_ENV } = process.env
  try {
    process.env.NODE_ENV = 'production'
    const production = express()
    delete process.env.NODE_ENV
    const development = express()
    return [production, development].map((app) => [app.get('env'), app.get('view cache')])
  } finally {
    process.env.NODE_ENV = NODE_ENV
  }
})

differential(
  'x-powered-by can be turned off',
  (express) => {
    const app = express()
    const silent = express()
    silent.disable('x-powered-by')
    silent.get('/', (_req, res) => res.send('silent'))
    app.use('/silent', silent)
    app.get('/', (_req, res) => res.send('hello'))
    return app
  },
  [
    { path: '/', status: 200 },
    { path: '/silent', status: 200 },
    { path: '/missing', status: 404 }
  ]
)

differential(
  'etag settings',
  (express) => {
    const app = express()
    for (const [name, value] of Object.entries({
      off: false,
      weak: 'weak',
      strong: 'strong',
      own: (body, encoding) => `"${Buffer.isBuffer(body)}-${encoding}"`,
      none: () => undefined
    })) {
      const child = express()
      child.set('etag', value)
      child.get('/short', (_req, res) => res.send('hello'))
      child.get('/long', (_req, res) => res.send('x'.repeat(2000)))
      child.get('/buffer', (_req, res) => res.send(Buffer.from('hello')))
      child.get('/given', (_req, res) => res.set('ETag', '"mine"').send('hello'))
      app.use(`/${name}`, child)
    }
    return app
  },
  ['off', 'weak', 'strong', 'own', 'none'].flatMap((name) =>
    ['short', 'long', 'buffer', 'given'].map((kind) => ({ path: `/${name}/${kind}`, status: 200 }))
  )
)

// ours

test("'handler timeout' takes whole milliseconds, false and undefined", () => {
  const app = ours()
  for (const value of [0, 1, 30000, 0x7fffffff, false, undefined]) {
    assert.equal(app.set('handler timeout', value).get('handler timeout'), value)
  }
  for (const value of [-1, 1.5, NaN, Infinity, 0x80000000, '100', true, null, {}, 10n]) {
    assert.throws(() => app.set('handler timeout', value), {
      code: 'RNODE_ERR_INVALID_SETTING',
      message:
        /^setting "handler timeout" must be a whole number of milliseconds from 0 to 2147483647 /,
      name: 'TypeError'
    })
  }
  assert.equal(app.get('handler timeout'), undefined, 'a refused value changes nothing')
})

test("'error pages' takes the three modes and undefined", () => {
  const app = ours()
  for (const value of ['page', 'express', 'negotiate', undefined]) {
    assert.equal(app.set('error pages', value).get('error pages'), value)
  }
  for (const value of ['json', '', true, false, null, 1]) {
    assert.throws(() => app.set('error pages', value), {
      code: 'RNODE_ERR_INVALID_SETTING',
      message: /^setting "error pages" must be "page", "express" or "negotiate", got /,
      name: 'TypeError'
    })
  }
})

test('the native side is told of the settings that it acts on, and only of those', (t) => {
  const { mock } = t.mock.method(require('../../lib/native/settings'), 'changed', () => {})
  const app = ours()
  app.set('title', 'x').set('handler timeout', 50).disable('handler timeout')
  app.set('error pages', 'express')
  assert.throws(() => app.set('error pages', 'none'))

  // the default, which an app sets when it is made
  assert.deepEqual(mock.calls[0].arguments.slice(1), ['x-powered-by', true])
  assert.deepEqual(
    mock.calls.slice(1).map(({ arguments: [target, ...rest] }) => [target === app, ...rest]),
    [
      [true, 'handler timeout', 50],
      [true, 'handler timeout', false],
      [true, 'error pages', 'express']
    ]
  )
})

test('the layer of a mounted app is called mounted_app and leads to the app', () => {
  const { kMountedApp } = require('../../lib/router/symbols')
  const app = ours()
  const child = ours()
  app.use('/child', child)
  const { handle, name } = app.router.stack.at(-1)
  assert.equal(name, 'mounted_app')
  assert.equal(handle.length, 3)
  assert.equal(handle[kMountedApp], child)
})
