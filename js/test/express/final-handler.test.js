// What answers when no handler did: 404, error pages in their three modes, logging, half-sent
// responses.
'use strict'

const {
  differential,
  exchange,
  header,
  ours,
  serve,
  theirs,
  transports
} = require('../helpers/differential')
const assert = require('node:assert/strict')
const { before, mock, test } = require('node:test')

// "env" chooses the text of the page and also turns the log on.
before(() => mock.method(console, 'error', () => {}))

differential(
  '404',
  (express) => {
    const app = express()
    app.post('/posted', (_req, res) => res.send('x'))
    app.get('/rewritten', (req, _res, next) => {
      req.url = '/elsewhere'
      next()
    })
    app.get('/prepared', (_req, res, next) => {
      res.status(500).set({
        'Content-Encoding': 'gzip',
        'Content-Language': 'en',
        'Content-Range': 'bytes 0-1/2',
        'X-Kept': 'yes'
      })
      next()
    })
    app.use('/mounted', express())
    return app
  },
  [
    ...[
      '/',
      '/missing',
      '/missing?q=1',
      '/<script>alert(1)</script>',
      "/a'b",
      '/%3Cb%3E',
      '/a%zz',
      '//host/path',
      '/;x',
      '/posted',
      '/rewritten',
      '/prepared',
      '/mounted/x',
      '/a&b',
      '/a//b'
    ].map((path) => ({ path, status: 404 })),
    { method: 'HEAD', path: '/missing', status: 404 },
    { method: 'DELETE', path: '/missing', status: 404 },
    {
      body: 'x'.repeat(200_000),
      headers: { 'Content-Length': 200_000 },
      method: 'POST',
      path: '/missing',
      status: 404
    },
    {
      body: 'x'.repeat(200_000),
      headers: { 'Transfer-Encoding': 'chunked' },
      method: 'PUT',
      path: '/missing',
      status: 404
    },
    { path: '/<script>', check: (res) => assert.doesNotMatch(res.body.toString(), /<script>/) }
  ]
)

const withStack = (err, stack) => Object.defineProperty(err, 'stack', { value: stack })
const errors = {
  plain: new Error('plain <b>'),
  lines: withStack(new Error('x'), 'Error: first\n  second   third\n\tat nowhere'),
  'no-stack': withStack(new TypeError('no stack'), undefined),
  status: Object.assign(new Error('status'), { status: 404 }),
  'status-code': Object.assign(new Error('code'), { statusCode: 503 }),
  both: Object.assign(new Error('both'), { status: 400, statusCode: 500 }),
  'status-200': Object.assign(new Error('low'), { status: 200 }),
  'status-600': Object.assign(new Error('high'), { status: 600 }),
  'status-text': Object.assign(new Error('text'), { status: '404' }),
  'status-499': Object.assign(new Error('no such text'), { status: 499 }),
  headers: Object.assign(new Error('headers'), {
    headers: { 'Content-Type': 'x/y', 'Retry-After': '5', 'x-list': ['a', 'b'] },
    status: 429
  }),
  'headers-no-status': Object.assign(new Error('headers'), { headers: { 'Retry-After': '5' } }),
  'headers-text': Object.assign(new Error('headers'), { headers: 'x', status: 400 }),
  string: 'just text',
  object: { message: 'an object' },
  'object-status': { status: 402, toString: () => 'custom' },
  number: 7,
  true: true
}

for (const env of ['development', 'production', 'test']) {
  differential(
    `errors, env ${env}`,
    (express) => {
      const app = express()
      app.set('env', env)
      app.use((req, res, next) => {
        if (req.query.status) res.status(Number(req.query.status))
        res.set({ 'Content-Encoding': 'br', 'X-Kept': 'yes' })
        next()
      })
      app.get('/:name', (req, _res, next) => next(errors[req.params.name]))
      return app
    },
    Object.keys(errors).flatMap((name) => [
      { path: `/${name}` },
      { path: `/${name}?status=403` },
      { path: `/${name}?status=302` },
      { method: 'HEAD', path: `/${name}` }
    ])
  )
}

differential(
  'errors after the head was sent close the connection',
  (express) => {
    const app = express()
    app.get('/partial', (_req, res, next) => {
      res.write('partial')
      setImmediate(next, new Error('too late'))
    })
    app.get('/length', (_req, res, next) => {
      res.set('Content-Length', '100').write('partial')
      setImmediate(next, new Error('too late'))
    })
    app.get('/complete', (_req, res, next) => {
      res.end('complete')
      next()
    })
    return app
  },
  [
    { path: '/partial', check: (res) => assert.equal(res.complete, false) },
    { path: '/length', check: (res) => assert.equal(res.complete, false) },
    { path: '/complete', status: 200 }
  ]
)

test('errors are logged with console.error unless env is test', async (t) => {
  const http = require('node:http')

  for (const express of [ours, theirs]) {
    for (const [env, expected] of [
      ['development', ['boom']],
      ['production', ['boom']],
      ['test', []]
    ]) {
      const log = t.mock.method(console, 'error', () => {})
      const app = express()
      app.set('env', env)
      app.get('/', () => {
        throw new Error('boom')
      })
      await serve(
        app,
        (a) => http.createServer(a).listen(0, '127.0.0.1'),
        async (port) => {
          await exchange(port, '/')
          await exchange(port, '/missing')
        }
      )
      assert.deepEqual(
        log.mock.calls.map(({ arguments: [err] }) => err.message),
        expected,
        `${env}, ${express === ours}`
      )
      log.mock.restore()
    }
  }
})

// ours: the pages that Express does not have

const failing = (mode, env) => {
  const app = ours()
  app.set('env', env)
  if (mode !== undefined) app.set('error pages', mode)
  app.get('/error', () => {
    throw Object.assign(new Error('secret <b>detail</b>'), {
      headers: { 'Retry-After': '7' },
      status: 503
    })
  })
  return app
}

for (const [transport, listen] of Object.entries(transports)) {
  for (const mode of [undefined, 'page']) {
    test(`error pages ${mode} [${transport}]`, async () => {
      await serve(failing(mode, 'test'), listen, async (port) => {
        const missing = await exchange(port, '/<x>')
        assert.equal(missing.status, 404)
        assert.match(header(missing, 'content-type'), /^text\/html; charset=utf-8$/i)
        assert.equal(header(missing, 'x-content-type-options'), 'nosniff')
        assert.match(
          header(missing, 'content-security-policy'),
          /default-src 'none'.*style-src 'sha256-/
        )
        assert.equal(Number(header(missing, 'content-length')), missing.body.length)
        assert.match(missing.body.toString(), /<pre[^>]*>Cannot GET \/%3Cx%3E<\/pre>/)

        const error = await exchange(port, '/error')
        assert.equal(error.status, 503)
        assert.equal(error.message, 'Service Unavailable')
        assert.equal(header(error, 'retry-after'), '7')
        assert.match(error.body.toString(), /Error: secret &lt;b&gt;detail/)
        assert.doesNotMatch(error.body.toString(), /<b>detail/)

        const head = await exchange(port, { method: 'HEAD', path: '/error' })
        assert.equal(head.status, 503)
        assert.equal(head.body.length, 0)
        assert.ok(Number(header(head, 'content-length')) > 0)
      })
    })
  }

  for (const mode of ['page', 'express', 'negotiate']) {
    test(`error pages ${mode} tell only the status text in production [${transport}]`, async () => {
      await serve(failing(mode, 'production'), listen, async (port) => {
        for (const Accept of ['text/html', 'application/json']) {
          const error = await exchange(port, { headers: { Accept }, path: '/error' })
          assert.equal(error.status, 503)
          assert.match(error.body.toString(), /Service Unavailable/)
          assert.doesNotMatch(error.body.toString(), /secret|detail|at |\.js/)
        }
      })
    })
  }

  test(`error pages negotiate [${transport}]`, async () => {
    await serve(failing('negotiate', 'test'), listen, async (port) => {
      const json = await exchange(port, {
        headers: { Accept: 'application/json' },
        path: '/missing'
      })
      assert.equal(json.status, 404)
      assert.match(header(json, 'content-type'), /^application\/json/)
      assert.equal(header(json, 'vary'), 'Accept')
      assert.equal(header(json, 'x-content-type-options'), 'nosniff')
      assert.deepEqual(JSON.parse(json.body), {
        error: { message: 'Cannot GET /missing', status: 404 }
      })
      assert.equal(Number(header(json, 'content-length')), json.body.length)

      for (const Accept of ['text/html', 'text/html, application/json;q=0.9', '*/*']) {
        const html = await exchange(port, { headers: { Accept }, path: '/missing' })
        assert.match(header(html, 'content-type'), /^text\/html/, Accept)
        assert.equal(header(html, 'vary'), 'Accept')
      }
    })
  })
}
