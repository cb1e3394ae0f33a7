// express.static in front of everything else: Rust answers alone, and JavaScript hears of a request
// as soon as anything of it could be seen there.
'use strict'

const { ours, serve, transports } = require('../helpers/differential')
const { temporaryTree } = require('../helpers/tree')
const { eventually } = require('../helpers/wait')
const assert = require('node:assert/strict')
const dc = require('node:diagnostics_channel')
const { test } = require('node:test')
const bridge = require('../../lib/native/bridge')

const { at, root, write } = temporaryTree('front')
write('a.txt', 'a file')
write('other/b.txt', 'below')

const listen = transports['app.listen(0)']

/** Counts the requests that JavaScript is given. */
function countEntered(t) {
  const { mock } = t.mock.method(bridge, 'attach')
  return () => mock.callCount()
}

/** `fn({ app, server, get, entered })` once Rust answers alone. */
function inFront(t, app, fn) {
  const entered = countEntered(t)
  return serve(app, listen, async (port, server) => {
    const get = (name, options) => fetch(`http://127.0.0.1:${port}${name}`, options)
    await get('/a.txt')
    assert.equal(entered(), 1)
    await get('/a.txt')
    assert.equal(entered(), 1, 'the second request is not JavaScript’s')
    await fn({ app, server, get, entered })
  })
}

/** Asks until `seen()` is true: for changes that nothing tells of. */
const untilSeen = (get, seen) =>
  eventually(async () => {
    await (await get('/a.txt')).arrayBuffer()
    return seen()
  })

function plain(...before) {
  const app = ours()
  for (const layer of before) app.use(layer)
  return app.use(ours.static(root))
}

test('a request that is passed on is complete, as behind files that Node looks for', async (t) => {
  const app = plain()
  const seen = []
  app.use((req, res) => {
    seen.push(req.complete)
    req.on('end', () => res.send('js'))
    req.resume()
  })
  await inFront(t, app, async ({ get }) => {
    for (const path of ['/none', '/other/none', '/none']) await (await get(path)).text()
    assert.deepEqual(seen, [true, true, true])
  })
})

test('static in front: JavaScript is not entered', async (t) => {
  const app = plain()
  const seen = []
  app.use((req, res) => {
    seen.push([req.url, req.originalUrl, req.baseUrl, req.params])
    res.send('js')
  })
  await inFront(t, app, async ({ get, entered }) => {
    const response = await get('/a.txt')
    assert.equal(response.headers.get('x-powered-by'), 'Express')
    assert.equal(await response.text(), 'a file')
    assert.equal((await get('/other', { redirect: 'manual' })).status, 301)
    assert.equal((await get('/a.txt', { method: 'HEAD' })).status, 200)
    assert.equal((await get('/a.txt', { headers: { range: 'bytes=0-1' } })).status, 206)
    assert.equal(entered(), 1)

    assert.equal(await (await get('/none?q=1')).text(), 'js')
    assert.equal(await (await get('/a.txt', { method: 'POST' })).text(), 'js')
    assert.equal(entered(), 3)
    assert.deepEqual(
      seen,
      ['/none?q=1', '/a.txt'].map((url) => [url, url, '', {}])
    )
  })
})

test('static in front: several, mounted, and behind a route that does not match', async (t) => {
  const app = ours()
  app.get('/api', (_req, res) => res.send('api'))
  app.use('/files', ours.static(at('other')))
  app.use(ours.static(root))
  await inFront(t, app, async ({ get, entered }) => {
    assert.equal(await (await get('/files/b.txt')).text(), 'below')
    assert.equal(await (await get('/a.txt')).text(), 'a file')
    assert.equal(entered(), 1)
    assert.equal(await (await get('/api')).text(), 'api')
    assert.equal(entered(), 2)
  })
})

test('static behind any JavaScript is not in front', async (t) => {
  const entered = countEntered(t)
  let calls = 0
  const app = plain((_req, _res, next) => {
    calls++
    next()
  })
  await serve(app, listen, async (port) => {
    for (let i = 0; i < 3; i++) await fetch(`http://127.0.0.1:${port}/a.txt`)
  })
  assert.deepEqual([calls, entered()], [3, 3])
})

/** Each observes requests from now on, and returns how many it has seen. */
const observers = {
  'a layer put before it': ({ app }) => {
    let seen = 0
    app.use((_req, _res, next) => {
      seen++
      next()
    })
    app.router.stack.unshift(app.router.stack.pop())
    return () => seen
  },
  'a wrapped handle': ({ app }) => {
    let seen = 0
    const [layer] = app.router.stack
    const { handle } = layer
    layer.handle = function wrapped(...args) {
      seen++
      return handle.apply(this, args)
    }
    return () => seen
  },
  'a handle defined anew': ({ app }) => {
    let seen = 0
    const [layer] = app.router.stack
    const { handle } = layer
    const value = (req, res, next) => {
      seen++
      handle(req, res, next)
    }
    Object.defineProperty(layer, 'handle', { configurable: true, writable: true, value })
    return () => seen
  },
  "a listener of 'request'": ({ server }) => {
    let seen = 0
    server.on('request', () => seen++)
    return () => seen
  },
  'emit of the server': ({ server }) => {
    let seen = 0
    const { emit } = server
    server.emit = function (name, ...args) {
      if (name === 'request') seen++
      return emit.call(this, name, ...args)
    }
    return () => seen
  },
  ...Object.fromEntries(
    ['http.server.request.start', 'http.server.response.finish'].map((name) => [
      `a subscriber of ${name}`,
      ({ t }) => {
        let seen = 0
        const count = () => seen++
        dc.subscribe(name, count)
        t.after(() => dc.unsubscribe(name, count))
        return () => seen
      }
    ])
  ),
  'a subscriber of the tracing channel': ({ t }) => {
    let seen = 0
    const channel = dc.tracingChannel('express.router.request')
    const subscribers = { start: () => seen++ }
    channel.subscribe(subscribers)
    t.after(() => channel.unsubscribe(subscribers))
    return () => seen
  }
}

for (const [name, observe] of Object.entries(observers)) {
  test(`static in front: JavaScript hears of the next request: ${name}`, async (t) => {
    await inFront(t, plain(), async ({ app, server, get }) => {
      const seen = observe({ t, app, server })
      assert.equal(await (await get('/a.txt')).text(), 'a file')
      // 'finish' may come behind the client's look at the answer
      await eventually(() => seen() !== 0)
      assert.equal(seen(), 1)
    })
  })
}

/** Changes behind the API: seen soon. */
const hidden = {
  'a method of the response': ({ app }) => {
    let seen = 0
    const { end } = app.response
    app.response.end = function (...args) {
      seen++
      return end.apply(this, args)
    }
    return () => seen
  },
  'app.handle': ({ app }) => {
    let seen = 0
    const { handle } = app
    app.handle = function (...args) {
      seen++
      return handle.apply(this, args)
    }
    return () => seen
  },
  'a handle defined by who held the layer': ({ layer }) => {
    let seen = 0
    const { handle } = layer
    const value = (req, res, next) => {
      seen++
      handle(req, res, next)
    }
    Object.defineProperty(layer, 'handle', { configurable: true, writable: true, value })
    return () => seen
  }
}

for (const [name, observe] of Object.entries(hidden)) {
  test(`static in front: JavaScript hears of requests soon: ${name}`, async (t) => {
    const app = plain()
    const [layer] = app.router.stack
    await inFront(t, app, async ({ get }) => {
      const seen = observe({ app, layer })
      await untilSeen(get, () => seen() > 0)
    })
  })
}

test('static in front: what is taken away lets Rust answer alone again', async (t) => {
  await inFront(t, plain(), async ({ server, get, entered }) => {
    const name = 'http.server.request.start'
    const seen = []
    const see = ({ request }) => seen.push(request.url)
    const listener = () => seen.push('event')
    for (const [begin, end] of [
      [() => dc.subscribe(name, see), () => dc.unsubscribe(name, see)],
      [() => server.on('request', listener), () => server.off('request', listener)]
    ]) {
      begin()
      await get('/a.txt')
      end()
      await get('/a.txt')
      const before = entered()
      await get('/a.txt')
      assert.equal(entered(), before)
    }
    assert.deepEqual(seen, ['/a.txt', 'event'])
  })
})

test('static in front: settings, new and removed layers count with the next request', async (t) => {
  await inFront(t, plain(), async ({ app, get, entered }) => {
    app.disable('x-powered-by')
    for (let i = 0; i < 3; i++) {
      assert.equal((await get('/a.txt')).headers.get('x-powered-by'), null)
    }
    assert.equal(entered(), 2)
    app.enable('x-powered-by')
    for (let i = 0; i < 3; i++) {
      assert.equal((await get('/a.txt')).headers.get('x-powered-by'), 'Express')
    }
    app.get('/late', (_req, res) => res.send('late'))
    assert.equal(await (await get('/late')).text(), 'late')
    app.router.stack.shift()
    assert.equal((await get('/a.txt')).status, 404)
  })
})
