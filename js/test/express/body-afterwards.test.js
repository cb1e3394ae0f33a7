// The request behind a body parser whose body came whole: it has had no stream, and looks and behaves
// as one that was read to its end. What the parsers make of bodies is in body-fast.test.js.
'use strict'

const {
  differential,
  exchange,
  ours,
  theirs,
  transports,
  withServer
} = require('../helpers/differential')
const {
  answers,
  chunked,
  FORM,
  JSON_TYPE,
  later,
  parser,
  post,
  streamState
} = require('../helpers/body')
const { isConsumed } = require('../../lib/native/incoming')
const { kHeaders, kSlot, kStream } = require('../../lib/native/symbols')
const assert = require('node:assert/strict')
const { AsyncLocalStorage } = require('node:async_hooks')
const net = require('node:net')
const { Writable } = require('node:stream')
const { test } = require('node:test')
const zlib = require('node:zlib')

// the request afterwards -----------------------------------------------------------

differential(
  'type functions',
  (express) => {
    const app = express()
    let calls = 0
    const type = (req) => {
      calls++
      if (req.headers['x-set']) req.headers['content-type'] = req.headers['x-set']
      return req.headers['x-parse']
    }
    app.use(express.json({ type, defaultCharset: 'utf-8' }))
    app.get('/calls', (_req, res) => res.json(calls))
    return answers(app)
  },
  [
    post('x/y', '{"a":1}', { 'X-Parse': 'yes' }),
    post('x/y', '{"a":1}'),
    post('x/y; charset=utf-16le', Buffer.from('{"a":1}', 'utf16le'), { 'X-Parse': 'yes' }),
    post('x/y; charset=nope', '{}', { 'X-Parse': 'yes' }),
    post('x/y', '{}', { 'X-Parse': 'yes', 'X-Set': 'x/y; charset=latin1' }),
    post('x/y', zlib.gzipSync('{"a":1}'), { 'Content-Encoding': 'gzip', 'X-Parse': 'yes' }),
    { method: 'POST' },
    { path: '/calls' }
  ]
)

// Analytics and security agents look at bodies so, in front of the parsers.
const wrapped = (which) => (express) => {
  const app = express()
  app.use((req, res, next) => {
    const seen = []
    const original = req[which]
    res.locals.seen = seen
    req[which] = function (...args) {
      const [what, chunk] = args
      if (which === 'read') seen.length = 1
      else if (which === 'push') seen.push(what === null ? null : `${what}`)
      else seen.push(what === 'data' && chunk ? `data ${which === 'emit' ? chunk : ''}` : what)
      return original.apply(this, args)
    }
    next()
  })
  app.use(express.json(), express.urlencoded(), express.text(), express.raw({ limit: 3 }))
  const answer = (req, res) => res.json([req.body, res.locals.seen])
  app.use(answer, (err, req, res, _next) => {
    req.body = err.type
    res.status(err.status)
    answer(req, res)
  })
  return app
}
for (const which of ['on', 'emit', 'push', 'read']) {
  differential(`req.${which} is replaced`, wrapped(which), [
    post(JSON_TYPE, '{"a":1}'),
    post(JSON_TYPE, '{x'),
    post(FORM, 'a=1'),
    post('text/plain', 'text'),
    post('application/octet-stream', 'longer'),
    post('other/type', 'unread'),
    post(JSON_TYPE, ''),
    { path: '/' }
  ])
}

differential(
  'headers that were changed count',
  (express) => {
    const app = express()
    app.use((req, _res, next) => {
      const { mode } = req.query
      if (mode === 'type') req.headers['content-type'] = JSON_TYPE
      if (mode === 'delete') delete req.headers['content-length']
      if (mode === 'length') req.headers['content-length'] = '3'
      if (mode === 'nan') req.headers['content-length'] = 'x'
      if (mode === 'replace') req.headers = { 'content-length': '7', 'content-type': JSON_TYPE }
      if (mode === 'own') {
        Object.defineProperty(req, 'headers', {
          value: { 'content-length': '7', 'content-type': JSON_TYPE }
        })
      }
      if (mode === 'body') req.body = 'before'
      next()
    })
    app.use(express.json())
    return answers(app)
  },
  ['type', 'delete', 'length', 'nan', 'replace', 'own', 'body', 'none'].flatMap((mode) => [
    { ...post('text/plain', '{"a":1}'), path: `/?mode=${mode}` },
    { ...post(JSON_TYPE, '{"a":1}'), path: `/?mode=${mode}` },
    { path: `/?mode=${mode}` }
  ])
)

/** What a handler behind a parser hears and sees, at once and later. */
const afterwards = (act) => (express) => {
  const app = express()
  app.use(express.json())
  app.post('/', (req, res, next) => {
    const heard = []
    const states = []
    const listen = (prefix) => {
      for (const name of ['data', 'end', 'close', 'error', 'aborted', 'readable']) {
        req.on(name, () => heard.push(prefix + name))
      }
    }
    Promise.resolve(act({ heard, listen, req, states }))
      .then(() => later(5))
      .then(() => res.json({ heard, state: streamState(req), states }))
      .catch(next)
  })
  return app
}
const sink = (heard) =>
  new Writable({
    final(callback) {
      heard.push('sink ended')
      callback()
    },
    write(chunk, _encoding, callback) {
      heard.push(`sink ${chunk}`)
      callback()
    }
  })

const ACTS = {
  'listening at once': ({ listen }) => listen(''),
  'listening a tick later': async ({ listen }) => {
    await null
    listen('')
  },
  'listening later': async ({ listen }) => {
    await later(2)
    listen('')
  },
  'looking, then listening': async ({ listen, req, states }) => {
    states.push(streamState(req))
    await later(1)
    states.push(streamState(req))
    listen('')
  },
  'looking at the state itself': async ({ listen, req, states }) => {
    const look = () => {
      const { closed, closeEmitted, destroyed, ended, endEmitted, length } = req._readableState
      states.push({ closed, closeEmitted, destroyed, ended, endEmitted, length })
    }
    look()
    listen('')
    await later(1)
    look()
  },
  'pipe at once': ({ heard, req }) => void req.pipe(sink(heard)),
  'pipe later': async ({ heard, req }) => {
    await later(2)
    req.pipe(sink(heard))
  },
  'read, resume, pause': async ({ heard, listen, req }) => {
    heard.push(`read ${req.read()}`, `paused ${req.isPaused()}`)
    req.pause()
    req.resume()
    listen('')
    await later(1)
    heard.push(`read ${req.read()}`)
  },
  'async iteration': async ({ heard, req }) => {
    try {
      for await (const chunk of req) heard.push(`chunk ${chunk}`)
      heard.push('done')
    } catch (err) {
      heard.push(`${err.code}`)
    }
  },
  'async iteration, later': async ({ heard, req }) => {
    await later(2)
    try {
      for await (const chunk of req) heard.push(`chunk ${chunk}`)
      heard.push('done')
    } catch (err) {
      heard.push(`${err.code}`)
    }
  },
  'setEncoding and unpipe': ({ heard, req }) => {
    req.setEncoding('utf8')
    req.unpipe()
    heard.push(req.readableEncoding)
  },
  destroy: async ({ listen, req, states }) => {
    listen('')
    await later(1)
    req.destroy()
    states.push(streamState(req))
  }
}
for (const [name, act] of Object.entries(ACTS)) {
  differential(`after a parser: ${name}`, afterwards(act), [
    post(JSON_TYPE, '{"a":1}'),
    post(JSON_TYPE, ''),
    chunked(JSON_TYPE, '[1]')
  ])
}

differential(
  'a consumer behind a parser that skips',
  (express) => {
    const app = express()
    app.use(express.json(), express.urlencoded())
    app.post('/', (req, res) => {
      const chunks = []
      req.on('data', (chunk) => chunks.push(chunk))
      req.on('end', () =>
        res.json({
          body: req.body,
          read: `${Buffer.concat(chunks)}`,
          state: streamState(req).ended
        })
      )
    })
    return app
  },
  [
    post('multipart/form-data; boundary=x', '--x--'),
    chunked('text/plain', 'text'),
    post('text/plain', '')
  ]
)

differential(
  'several parsers, the first that reads wins',
  parser((express) => [
    express.json(),
    express.json({ limit: 1 }),
    express.urlencoded(),
    express.text({ type: '*/*' }),
    express.raw({ type: '*/*' })
  ]),
  [
    post(JSON_TYPE, '{"a":1}'),
    post(FORM, 'a=1'),
    post('text/html', 'x'),
    post(JSON_TYPE, ''),
    post(undefined, 'x')
  ]
)

differential(
  'parsers after an error of another',
  (express) => {
    const app = express()
    app.use(express.json())
    app.use((err, _req, res, next) => {
      res.set('X-First', err.type)
      next()
    })
    app.use(express.text({ type: '*/*' }))
    return answers(app)
  },
  [
    post(JSON_TYPE, '{'),
    post(`${JSON_TYPE}; charset=latin1`, 'x'),
    post(JSON_TYPE, `"${'x'.repeat(50_000)}`),
    chunked(JSON_TYPE, 'nul')
  ]
)

differential(
  'a stream that somebody began to read is body-parser’s',
  (express) => {
    const app = express()
    app.use((req, _res, next) => {
      if (req.query.mode === 'encoding') req.setEncoding('utf8')
      if (req.query.mode === 'end') req.on('end', () => (req.heard = true))
      if (req.query.mode === 'later') return setImmediate(next)
      next()
    })
    app.use(express.json())
    app.post('/', async (req, res) => {
      await later(1)
      res.json({ body: req.body, heard: req.heard })
    })
    app.use((err, _req, res, _next) => res.status(err.status).json({ type: err.type }))
    return app
  },
  ['encoding', 'end', 'later', 'none'].map((mode) => ({
    ...post(JSON_TYPE, '{"a":1}'),
    path: `/?mode=${mode}`
  }))
)

test('errors thrown behind a parser reach the error handler once', async () => {
  let errors = 0
  const app = ours()
  app.use(ours.json())
  app.post('/', () => {
    throw new Error('handler')
  })
  app.use((err, _req, res, _next) => {
    errors++
    res.status(500).send(err.message)
  })
  await withServer(app, transports['app.listen(0)'], async (port) => {
    const response = await exchange(port, post(JSON_TYPE, '{}'))
    assert.equal(`${response.body}`, 'handler')
  })
  assert.equal(errors, 1)
})

test('the asynchronous context goes on behind a parser', async () => {
  const storage = new AsyncLocalStorage()
  const app = ours()
  let id = 0
  app.use((_req, _res, next) => storage.run(++id, next))
  app.use(ours.json())
  app.post('/', async (req, res) => {
    const before = storage.getStore()
    const closed = new Promise((resolve) => req.on('close', () => resolve(storage.getStore())))
    res.json({ before, closed: await closed, later: storage.getStore() })
  })
  await withServer(app, transports['app.listen(0)'], async (port) => {
    const responses = await Promise.all(
      Array.from({ length: 8 }, () => exchange(port, post(JSON_TYPE, '{}')))
    )
    const stores = responses.map(({ body }) => JSON.parse(body))
    for (const { before, closed, later } of stores)
      assert.deepEqual([closed, later], [before, before])
    assert.equal(new Set(stores.map(({ before }) => before)).size, 8)
  })
})

test('a client that leaves behind its body is told of by the response, not by the request', async () => {
  const probe = async (express, listen) => {
    const app = express()
    let saw
    const done = new Promise((resolve) => (saw = resolve))
    app.use(express.json())
    app.post('/', (req, res) => {
      const heard = []
      for (const name of ['aborted', 'error', 'close']) req.on(name, () => heard.push(name))
      res.on('close', async () => {
        await later(5)
        saw({
          aborted: req.aborted,
          body: req.body,
          heard,
          late: streamState(req),
          sent: res.writableEnded
        })
      })
      res.write('first')
    })
    app.put('/', (req, res) => {
      res.on('close', async () => {
        await later(5)
        saw({ aborted: req.aborted, state: streamState(req) })
      })
      res.write('first')
    })
    return { app, done, listen }
  }
  const leave = async (method, { app, done, listen }) =>
    withServer(app, listen, async (port) => {
      const socket = net.connect(port, '127.0.0.1', () =>
        socket.write(
          `${method} / HTTP/1.1\r\nHost: x\r\nContent-Type: ${JSON_TYPE}\r\nContent-Length: 2\r\n\r\n{}`
        )
      )
      socket.on('error', () => {})
      socket.once('data', () => socket.destroy())
      return done
    })
  for (const method of ['POST', 'PUT']) {
    const mine = await leave(method, await probe(ours, transports['app.listen(0)']))
    const reference = await leave(method, await probe(theirs, transports['http.createServer(app)']))
    assert.deepEqual(mine, reference)
    assert.equal(mine.aborted, false)
  }
})

// what it is for -------------------------------------------------------------------

/** Sends bytes as one segment and collects the answers until the server closes. */
const send = (port, bytes) =>
  new Promise((resolve, reject) => {
    const chunks = []
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('end', () => resolve(`${Buffer.concat(chunks)}`))
    socket.on('error', reject)
  })

test('a body that came whole is parsed without a stream and without the headers object', async () => {
  const requests = []
  const app = ours()
  app.use(ours.json(), ours.urlencoded(), ours.text(), ours.raw())
  app.post('/', (req, res) => {
    requests.push({
      body: Buffer.isBuffer(req.body) ? `${req.body}` : req.body,
      consumed: isConsumed(req),
      headers: req[kHeaders],
      native: req[kSlot] !== undefined,
      stream: req[kStream] === true
    })
    res.end()
  })
  const bodies = [
    [JSON_TYPE, '{"a":1}', { a: 1 }],
    [FORM, 'a=1', { a: '1' }],
    ['text/plain', 'a', 'a'],
    ['application/octet-stream', 'a', 'a']
  ]
  await withServer(app, transports['app.listen(0)'], async (port) => {
    for (const [type, body] of bodies) {
      const head = `POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: ${type}\r\n`
      await send(port, `${head}Content-Length: ${body.length}\r\n\r\n${body}`)
      await send(
        port,
        `${head}Transfer-Encoding: chunked\r\n\r\n1\r\n${body[0]}\r\n${body.length > 1 ? `${(body.length - 1).toString(16)}\r\n${body.slice(1)}\r\n` : ''}0\r\n\r\n`
      )
    }
  })
  assert.deepEqual(
    requests,
    bodies.flatMap(([, , body]) => {
      const expected = { body, consumed: true, headers: undefined, native: true, stream: false }
      return [expected, expected]
    })
  )
})

test('requests on a connection stay apart, whole or in pieces', async () => {
  const app = ours()
  app.use(ours.json())
  app.post('/', (req, res) => res.json(req.body))
  const request = (n, last) => {
    const body = JSON.stringify({ n })
    return `POST / HTTP/1.1\r\nHost: x\r\n${last ? 'Connection: close\r\n' : ''}Content-Type: ${JSON_TYPE}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  }
  await withServer(app, transports['app.listen(0)'], async (port) => {
    const text = await send(
      port,
      Array.from({ length: 40 }, (_, i) => request(i, i === 39)).join('')
    )
    assert.deepEqual(
      text.match(/\{"n":\d+\}/g),
      Array.from({ length: 40 }, (_, i) => `{"n":${i}}`)
    )
  })
})
