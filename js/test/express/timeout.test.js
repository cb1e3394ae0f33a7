// express.timeout, the "handler timeout" setting and req.signal, on Node's server and on the native
// one.
'use strict'

const { exchange, header, ours, serve, transports } = require('../helpers/differential')
const assert = require('node:assert/strict')
const http = require('node:http')
const net = require('node:net')
const { once } = require('node:events')
const { test } = require('node:test')
const { setTimeout: sleep } = require('node:timers/promises')
const { kDeadline } = require('../../lib/router/symbols')

/** Milliseconds in which a machine that has much else to do comes to a handler and back. */
const LONG = 1200

/** A promise to be settled from outside. */
function deferred() {
  let resolve
  const promise = new Promise((r) => {
    resolve = r
  })
  return { promise, resolve }
}

/** Run for both servers. */
function onBoth(name, program, requests) {
  for (const [transport, listen] of Object.entries(transports)) {
    test(`${name} [${transport}]`, async (t) => {
      const app = ours()
      const context = program(app, t)
      await serve(app, listen, (port, server) => requests(port, context, server))
    })
  }
}

test('express.timeout returns a middleware that says what it is', () => {
  const middleware = ours.timeout(250)
  assert.equal(middleware.name, 'timeout')
  assert.equal(middleware.length, 3)
  assert.equal(middleware[kDeadline], 250)
  assert.equal(ours.timeout(false)[kDeadline], 0)
})

test('express.timeout checks its argument', () => {
  for (const ms of [undefined, null, -1, 1.5, NaN, Infinity, '100', 0x80000000, true, {}]) {
    assert.throws(() => ours.timeout(ms), {
      code: 'RNODE_ERR_INVALID_DEADLINE',
      message: /^express\.timeout\(ms\): ms must be a whole number/,
      name: 'TypeError'
    })
  }
})

onBoth(
  'a handler that never answers gets 503, its signal fires, later writes are harmless',
  (app) => {
    const done = deferred()
    const errors = []
    app.get('/', ours.timeout(30), async (req, res) => {
      res.set({ 'Cache-Control': 'public, max-age=100', 'Set-Cookie': 'half=done' })
      const { signal } = req
      assert.ok(signal instanceof AbortSignal)
      assert.equal(signal.aborted, false)
      await once(signal, 'abort')

      // everything a late handler may try
      assert.equal(res.headersSent, true)
      res.statusCode = 200
      assert.equal(res.status(201), res)
      res.set('X-Late', 'yes').append('X-Late', 'more').type('json').removeHeader('X-Late')
      res.writeHead(200, { 'X-Late': 'yes' })
      res.flushHeaders()
      res.write('late')
      res.json({ late: true })
      res.send('late')
      res.redirect('/late')
      res.sendStatus(200)
      res.end('late')
      await new Promise((resolve) => res.end('late', resolve))
      done.resolve(signal.reason)
    })
    app.use((err, _req, _res, next) => {
      errors.push(err)
      next(err)
    })
    return { done, errors }
  },
  async (port, { done, errors }) => {
    const response = await exchange(port, '/')
    assert.equal(response.status, 503)
    assert.match(response.body.toString(), /Service Unavailable/)
    assert.equal(header(response, 'cache-control'), undefined)
    assert.equal(header(response, 'set-cookie'), undefined)
    assert.equal(header(response, 'x-content-type-options'), 'nosniff')

    const reason = await done.promise
    assert.equal(reason.code, 'RNODE_ERR_HANDLER_TIMEOUT')
    assert.equal(reason.name, 'TimeoutError')
    assert.equal(reason.status, 503)
    assert.deepEqual(errors, [])
  }
)

onBoth(
  'the connection goes on after a 503',
  (app) => {
    const late = deferred()
    app.get('/slow', ours.timeout(20), (_req, res) =>
      setTimeout(() => late.resolve(res.send('late')), 60)
    )
    app.get('/fast', (_req, res) => res.send('fast'))
    return { late }
  },
  async (port, { late }) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    const get = async (path) => {
      const [incoming] = await once(http.get({ agent, host: '127.0.0.1', path, port }), 'response')
      let body = ''
      for await (const chunk of incoming) body += chunk
      return [incoming.statusCode, body, incoming.socket?.localPort]
    }
    const slow = await get('/slow')
    const first = await get('/fast')
    await late.promise
    const second = await get('/fast')
    agent.destroy()

    assert.equal(slow[0], 503)
    assert.deepEqual(
      [first.slice(0, 2), second.slice(0, 2)],
      [
        [200, 'fast'],
        [200, 'fast']
      ]
    )
  }
)

onBoth(
  'what fails because of the signal is not reported, and answers in time stay as they are',
  (app, t) => {
    const log = t.mock.method(console, 'error', () => {})
    app.set('env', 'development').set('handler timeout', LONG)
    app.get('/stuck', async (req, res) => {
      await sleep(60_000, undefined, { signal: req.signal })
      res.send('never')
    })
    app.get('/fast', (_req, res) => res.send('fast'))
    app.get('/later', async (_req, res) => {
      await sleep(5)
      res.send('later')
    })
    app.get('/off', ours.timeout(0), async (_req, res) => {
      await sleep(LONG + 200)
      res.send('off')
    })
    app.get('/longer', ours.timeout(60_000), async (_req, res) => {
      await sleep(LONG + 200)
      res.send('longer')
    })
    return { log }
  },
  async (port, { log }) => {
    for (const [path, status] of [
      ['/stuck', 503],
      ['/fast', 200],
      ['/later', 200],
      ['/off', 200],
      ['/longer', 200],
      ['/none', 404]
    ]) {
      assert.equal((await exchange(port, path)).status, status, path)
    }
    assert.deepEqual(log.mock.calls, [])
  }
)

onBoth(
  'deadlines of routers and mounted apps; a mounted app may turn it off',
  (app) => {
    const child = ours()
    const open = ours()
    const router = ours.Router()
    child.set('handler timeout', 20).get('/', () => {})
    open.set('handler timeout', false).get('/', async (_req, res) => {
      await sleep(LONG + 200)
      res.send('open')
    })
    router.use(ours.timeout(20))
    router.get('/', () => {})
    app.use('/child', child)
    app.use('/router', router)
    app.use('/limited', ours.timeout(LONG), open)

    // inherits what the parent sets, which must not start the clock that was stopped before it
    const parent = ours()
    const heir = ours()
    parent.set('handler timeout', LONG).use(ours.timeout(0), heir)
    heir.get('/', async (_req, res) => {
      await sleep(LONG + 200)
      res.send('heir')
    })
    app.use('/inherited', parent)
  },
  async (port) => {
    assert.equal((await exchange(port, '/child')).status, 503)
    assert.equal((await exchange(port, '/router')).status, 503)
    assert.equal((await exchange(port, '/limited')).status, 200)
    assert.equal((await exchange(port, '/inherited')).status, 200)
  }
)

onBoth(
  'a streaming response is not cut',
  (app) => {
    app.set('handler timeout', LONG)
    app.get('/', async (_req, res) => {
      for (const part of ['a', 'b', 'c', 'd']) {
        res.write(part)
        await sleep(LONG / 3)
      }
      res.end('e')
    })
  },
  async (port) => {
    const response = await exchange(port, '/')
    assert.equal(response.status, 200)
    assert.equal(response.body.toString(), 'abcde')
  }
)

onBoth(
  'a slow upload is no stuck handler; one that stops is',
  (app) => {
    app.set('handler timeout', LONG)
    app.post('/', ours.text(), (req, res) => res.send(req.body))
  },
  async (port) => {
    const upload = async (parts) => {
      const outgoing = http.request({
        agent: false,
        headers: { 'Content-Length': 12, 'Content-Type': 'text/plain' },
        host: '127.0.0.1',
        method: 'POST',
        port
      })
      const response = once(outgoing, 'response')
      // a reset after the answer is the server's right
      outgoing.on('error', () => {})
      outgoing.flushHeaders()
      for (const part of parts) {
        outgoing.write(part)
        await sleep(LONG / 8)
      }
      const [incoming] = await response
      incoming.resume()
      outgoing.destroy()
      return incoming.statusCode
    }
    assert.equal(await upload([...'abcdefghijkl']), 200)
    assert.equal(await upload(['a', 'b']), 503)
  }
)

onBoth(
  'req.signal fires when the client leaves',
  (app) => {
    const entered = deferred()
    const aborted = deferred()
    app.get('/', (req) => {
      const { signal } = req
      assert.equal(req.signal, signal, 'the same signal every time')
      signal.addEventListener('abort', () => aborted.resolve(signal.reason))
      entered.resolve()
    })
    return { aborted, entered }
  },
  async (port, { aborted, entered }) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await entered.promise
    socket.destroy()
    const reason = await aborted.promise
    assert.equal(reason.code, 'RNODE_ERR_CLIENT_CLOSED')
    assert.equal(reason.name, 'AbortError')
  }
)

onBoth(
  'req.signal asked for after the client has left is aborted already',
  (app) => {
    const result = deferred()
    const entered = deferred()
    app.get('/', (req, res) => {
      res.once('close', () => setImmediate(() => result.resolve(req.signal.aborted)))
      entered.resolve()
    })
    return { entered, result }
  },
  async (port, { entered, result }) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await entered.promise
    socket.destroy()
    assert.equal(await result.promise, true)
  }
)

onBoth(
  'req.signal stays quiet when the response is finished, and can be assigned',
  (app) => {
    const signals = []
    const closed = deferred()
    app.get('/', (req, res) => {
      signals.push(req.signal)
      res.once('close', () => setImmediate(closed.resolve))
      res.send('done')
    })
    app.get('/own', (req, res) => {
      'use strict'
      const { signal } = new AbortController()
      req.signal = signal
      res.send(String(req.signal === signal))
    })
    return { closed, signals }
  },
  async (port, { closed, signals }) => {
    assert.equal((await exchange(port, '/')).status, 200)
    await closed.promise
    assert.equal(signals[0].aborted, false)
    assert.equal((await exchange(port, '/own')).body.toString(), 'true')
  }
)
