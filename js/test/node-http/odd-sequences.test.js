'use strict'

// Calls in an order that no manual tells of: an answer begun twice, a connection destroyed between two writes, a listener
// that comes when its event is due. What a client gets, and what listeners are told, is what Express on Node gives.

const { suite } = require('./harness')

const events = (emitter, names, log, label = '') => {
  for (const name of names) {
    emitter.on(name, (...args) => log(label + name, args[0]?.code ?? args[0]?.message ?? null))
  }
}

/** Until the handler's program has said that it is over. */
async function over(client) {
  for (let n = 1; ; n++) {
    const log = await client.until(n)
    if (log.some((x) => x === 'over' || x?.[0] === 'over')) return
    n = Math.max(n, log.length)
  }
}

/** A handler, what `ask` gets from it, and so many observations. */
const asked = (name, handler, count, ask) => ({
  name,
  serve: (ctx) => (req, res, next) => handler(req, res, ctx, next),
  async exchange(client) {
    const answer = await ask(client)
    if (count === 'over') await over(client)
    else if (count !== 0) await client.until(count)
    return answer
  }
})

const one = (name, handler, count = 0, request = { path: '/' }) =>
  asked(name, handler, count, (client) => client.request(request))

/** The same for answers that end with their connection; the bytes are compared. */
const cut = (name, handler, count = 0, head = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n') =>
  asked(name, handler, count, (client) => client.raw(head))

const path = require('node:path')
const FILE = path.join(__dirname, '..', 'ecosystem', 'fixtures', 'public', 'hello.txt')
const FOLDER = path.join(__dirname, '..', 'ecosystem', 'fixtures', 'public')
const gone = () => Object.assign(new Error('gone'), { code: 'EGONE' })

suite(__filename, [
  ...[true, false].map((sent) =>
    one(`sendDate of ${sent} changes between the head and the body`, (_req, res) => {
      res.sendDate = sent
      res.writeHead(200, { 'X-A': 'b' })
      res.sendDate = !sent
      res.uncork()
      res.write('a')
      res.end('b')
    })
  ),
  // the parser sees the end of a body behind the ticks and promises of what brought it
  asked(
    'a body is there, its end is not',
    (req, res, { log }) => {
      log(req.read(1))
      const look = (when) => log(when, req.readableLength, req.complete, req.read(100_000))
      queueMicrotask(() => {
        look('promise')
        queueMicrotask(() => queueMicrotask(() => look('promise behind promises')))
        process.nextTick(look, 'tick behind promises')
      })
      setImmediate(() => {
        log('immediate', req.complete, String(req.read(100_000)))
        res.end()
      })
    },
    5,
    (client) => client.request({ method: 'POST', path: '/', body: 'whole' })
  ),
  asked(
    'a program says that a request was aborted: its connection ends behind the answer',
    (req, res) => {
      req.aborted = true
      res.end('answer')
    },
    0,
    async ({ open }) => {
      const connection = await open()
      connection.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
      const first = await connection.readResponse('GET')
      connection.write('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')
      const { bytes } = await connection.readToEnd()
      return [first, bytes.length]
    }
  ),
  ...['', 0, []].map((tag) =>
    one(`an ETag that is ${JSON.stringify(tag)} is made by send`, (_req, res) => {
      res.setHeader('ETag', tag)
      res.setHeader('X-After', 'a')
      res.send('body')
    })
  ),
  one('an empty ETag with a replaced writeHead', (_req, res) => {
    const { writeHead } = res
    res.writeHead = function (...args) {
      return writeHead.apply(this, args)
    }
    res.setHeader('ETag', '')
    res.send('body')
  }),

  ...[0, -1, NaN, null, 1].map((limit) => ({
    name: `maxConnections of ${limit}`,
    serve({ express, log }) {
      const app = express()
      app.use((_req, res) => res.send('served'))
      const server = app.listen(0)
      server.maxConnections = limit
      server.on('drop', () => log('drop'))
      return server
    },
    // whether a dropped connection ends or breaks is the kernel's affair
    exchange: async ({ raw }) =>
      (await raw('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')).text
  })),
  {
    name: 'the time-out of a socket, request by request',
    serve:
      ({ log }) =>
      (req, res) => {
        log(req.socket.timeout)
        res.send('x')
      },
    async exchange(client) {
      const connection = await client.open()
      for (let i = 0; i < 3; i++) {
        connection.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
        await connection.readResponse()
      }
    }
  },

  ...['GET', 'HEAD'].flatMap((method) =>
    Object.entries({
      'writeHead and end': (res) => res.writeHead(201).end('last'),
      write: (res) => {
        res.write('first')
        res.end('last')
      },
      send: (res) => res.send('sent'),
      json: (res) => res.json({ a: 1 }),
      end: (res) => res.end('ended')
    })
      // of a GET that is none Express promises a body that does not come: see differences.json
      .filter(([how]) => method === 'HEAD' || (how !== 'send' && how !== 'json'))
      .map(([how, answer]) =>
        one(
          `a ${method} that a program takes for another method, ${how}`,
          (req, res) => {
            req.method = method === 'GET' ? 'HEAD' : 'GET'
            answer(res)
          },
          0,
          { path: '/', method }
        )
      )
  ),

  one(
    'the callback of sendFile, and the events of the response',
    (_req, res, { log }) => {
      events(res, ['prefinish', 'finish', 'close'], log)
      res.sendFile(FILE, (err) => log('sent', err?.code ?? null, res.writableEnded))
    },
    4
  ),

  // an answer begun twice
  ...['a\0b', '../x', '.hidden', 'sub/../hello.txt'].map((name) => ({
    name: `sendFile of ${JSON.stringify(name)}, then json()`,
    serve({ express, log }) {
      const app = express()
      app.use((_req, res) => {
        res.sendFile(name, { root: FOLDER })
        res.json({ a: 1 })
      })
      app.use((err, _req, res, _next) => {
        log(err.status, res.headersSent)
        if (!res.headersSent) res.status(err.status).end()
      })
      return app
    },
    exchange: (client) => client.request({ path: '/' })
  })),
  {
    name: 'sendFile, then a rejection',
    serve({ express }) {
      const app = express()
      app.use(async (_req, res) => {
        res.sendFile(FILE)
        throw Object.assign(new Error('no'), { status: 418 })
      })
      app.use((err, _req, _res, next) => next(err))
      app.set('env', 'test').set('error pages', 'express')
      app.use((err, _req, res, _next) => res.status(err.status).send('no'))
      return app
    },
    exchange: (client) => client.request({ path: '/' })
  },
  one(
    'sendFile, then next()',
    (_req, res, { log }, next) => {
      // which error is a race with the file system
      res.sendFile(FILE, (err) => log('sent', err instanceof Error))
      next()
    },
    1
  ),
  one(
    'sendFile, then send()',
    (_req, res, { log }) => {
      res.sendFile(FILE, (err) => log('sent', err?.code ?? err?.message ?? null))
      res.send('sent')
    },
    1
  ),
  one(
    'sendFile, then send() in a tick',
    (_req, res, { log }) => {
      res.sendFile(FILE, (err) => log('sent', err?.code ?? err?.message ?? null))
      process.nextTick(() => res.send('sent'))
    },
    1
  ),
  one(
    'sendFile, then send() in a promise',
    (_req, res, { log }) => {
      res.sendFile(FILE, (err) => log('sent', err?.code ?? err?.message ?? null))
      Promise.resolve().then(() => res.send('sent'))
    },
    1
  ),
  one(
    'sendFile, then write()',
    (_req, res, { log }) => {
      res.sendFile(FILE, (err) => {
        log('sent', err?.code ?? err?.message ?? null)
        res.end()
      })
      res.write('sent')
    },
    1
  ),
  one(
    'express.static, then send() in a tick',
    (req, res, { express, log }) => {
      req.url = '/hello.txt'
      express.static(FOLDER)(req, res, (err) => log('next', err?.message ?? null))
      process.nextTick(() => res.send('sent'))
    },
    1
  ),
  one('a Content-Type before a redirect of express.static', (req, res, { express }, next) => {
    res.setHeader('X-First', '1')
    res.setHeader('Content-Type', 'text/x-own')
    res.setHeader('X-Second', '2')
    req.url = req.originalUrl = '/sub'
    express.static(FOLDER)(req, res, next)
  }),
  ...['Location', 'Content-Length', 'X-Content-Type-Options', 'Content-Security-Policy'].map(
    (field) =>
      one(`${field} before a redirect of express.static`, (req, res, { express }, next) => {
        res.setHeader(field, '5')
        res.setHeader('X-Second', '2')
        req.url = req.originalUrl = '/sub'
        express.static(FOLDER)(req, res, next)
      })
  ),
  ...[
    'Content-Type',
    'Content-Length',
    'ETag',
    'Last-Modified',
    'Cache-Control',
    'Accept-Ranges'
  ].map((field) =>
    one(`${field} before a file of express.static`, (req, res, { express }, next) => {
      res.setHeader(field, field === 'Content-Length' ? '5' : 'v')
      res.setHeader('X-Second', '2')
      req.url = '/hello.txt'
      express.static(FOLDER)(req, res, next)
    })
  ),
  ...['send', 'json', 'end', 'write', 'sendStatus', 'redirect'].map((method) => ({
    name: `an invalid statusMessage and ${method}`,
    serve({ express }) {
      const app = express()
      app.use((_req, res) => {
        res.statusMessage = 'bad\r\nx'
        res[method](method === 'sendStatus' ? 201 : 'x')
        if (method === 'write') res.end()
      })
      app.use((err, _req, res, _next) => {
        res.statusMessage = ''
        res.status(500).send(err.code)
      })
      return app
    },
    exchange: (client) => client.request({ path: '/' })
  })),
  {
    name: 'an invalid statusMessage behind a pause',
    serve({ express }) {
      const app = express()
      app.use(async (_req, res) => {
        await new Promise(setImmediate)
        res.statusMessage = 'bad\r\nx'
        res.send('x')
      })
      app.use((err, _req, res, _next) => {
        res.statusMessage = ''
        res.status(500).send(err.code)
      })
      return app
    },
    exchange: (client) => client.request({ path: '/' })
  },
  ...['bytes', 'text'].map((kind) =>
    one(
      `write(${kind}, 'nope')`,
      (_req, res, { attempt, log }) => {
        const chunk = kind === 'bytes' ? Buffer.from('b') : 't'
        events(res, ['error'], log)
        log(attempt(() => res.write(chunk, 'nope')))
        log(attempt(() => res.write(chunk)))
        log(attempt(() => res.write(chunk, 'nope')))
        log(attempt(() => res.end(chunk, 'nope')))
        setImmediate(() => log(attempt(() => res.end())))
      },
      5
    )
  ),

  // destroyed in the middle
  cut('write, uncork, destroy', (_req, res) => {
    res.write('lost?')
    res.uncork()
    res.destroy(gone())
  }),
  cut('cork, write, uncork, destroy', (_req, res) => {
    res.cork()
    res.write('lost?')
    res.write('lost too?')
    res.uncork()
    res.destroy()
  }),
  cut('flushHeaders, write, destroy', (_req, res) => {
    res.flushHeaders()
    res.write('lost?')
    res.destroy()
  }),
  ...[undefined, gone()].flatMap((err) =>
    ['light', 'streaming'].map((when) =>
      cut(
        `callbacks of writes behind destroy(${err ? 'err' : ''}), ${when}`,
        (_req, res, { log, whenGone }) => {
          const done = (name) => (error) => log(name, error?.code ?? error ?? null)
          events(res, ['error', 'close'], log)
          if (when === 'streaming') res.write('first', done('first'))
          res.destroy(err)
          log('write', res.write('second', done('second')))
          res.end('third', done('third'))
          whenGone(() => log('over'))
        },
        'over'
      )
    )
  ),
  ...['GET', 'POST'].flatMap((method) =>
    ['unread', 'paused', 'read later'].map((how) => ({
      name: `the callback of end() behind ${method}, its body ${how}`,
      serve:
        ({ log, whenGone }) =>
        (req, res) => {
          events(req, ['end', 'close', 'aborted'], log, 'req ')
          events(res, ['finish', 'close', 'prefinish'], log, 'res ')
          if (how === 'paused') req.on('data', () => log('data')).pause()
          res.end('x', () => log('ended'))
          if (how === 'read later') req.on('data', () => log('data'))
          whenGone(() => log('over', req.complete, req.destroyed))
        },
      async exchange(client) {
        const answer = await client.request({
          path: '/',
          method,
          ...(method === 'POST' && { body: 'abc' })
        })
        await over(client)
        return answer
      }
    }))
  ),
  {
    name: 'captureRejections, destroy(err), then send()',
    serve({ log, later, whenGone }) {
      const { EventEmitter } = require('node:events')
      EventEmitter.captureRejections = true
      later(() => {
        EventEmitter.captureRejections = false
      })
      return (req, res) => {
        events(req, ['error', 'close', 'aborted'], log, 'req ')
        events(res, ['error', 'close', 'finish'], log, 'res ')
        res.destroy(gone())
        log(res.send('x') === res)
        whenGone(() => log('over'))
      }
    },
    async exchange(client) {
      const answer = await client.raw('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
      await over(client)
      return answer
    }
  },
  ...[undefined, gone()].flatMap((err) =>
    ['send', 'end', 'json', 'none'].map((method) =>
      cut(
        `destroy(${err ? 'err' : ''}), then ${method}`,
        (req, res, { log, attempt, whenGone }) => {
          events(req, ['error', 'close', 'aborted', 'end'], log, 'req ')
          events(res, ['error', 'close', 'finish'], log, 'res ')
          res.destroy(err)
          if (method !== 'none') log(attempt(() => res[method]('x')).code ?? null)
          whenGone(() => log('over', req.destroyed, res.destroyed, res.closed, res.errored?.code))
        },
        'over'
      )
    )
  ),

  // listeners that come when their event is due
  {
    name: "prependListener('close') behind a body that was parsed",
    serve({ express, log, whenGone }) {
      const app = express()
      app.use(express.json())
      app.use((req, res) => {
        req.prependListener('close', () => log('prepended'))
        req.on('close', () => log('close'))
        req.prependOnceListener('close', () => log('prepended once'))
        res.json(req.body)
        whenGone(() => log('over'))
      })
      return app
    },
    async exchange(client) {
      const answer = await client.request({
        path: '/',
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: '{"a":1}'
      })
      await over(client)
      return answer
    }
  },
  ...['tick', 'micro', 'two ticks', 'immediate'].flatMap((when) =>
    ['finish', 'close'].flatMap((event) =>
      ['send', 'end'].map((method) =>
        one(
          `'${event}' listened to a ${when} behind ${method}`,
          (_req, res, { log, whenGone }) => {
            res[method]('x')
            const listen = () => {
              res.on(event, () => log(event))
              whenGone(() => log('over'))
            }
            if (when === 'tick') process.nextTick(listen)
            else if (when === 'micro') queueMicrotask(listen)
            else if (when === 'two ticks') process.nextTick(() => process.nextTick(listen))
            else setImmediate(listen)
          },
          'over'
        )
      )
    )
  ),
  ...['GET', 'POST'].flatMap((method) =>
    ['data', 'end', 'close', 'readable'].flatMap((event) =>
      ['end', 'send', 'json'].map((answer) => ({
        name: `${method}: '${event}' of the request listened to a turn behind ${answer}`,
        serve:
          ({ log, whenGone }) =>
          (req, res) => {
            res[answer]('x')
            setImmediate(() =>
              setImmediate(() => {
                events(req, [...new Set([event, 'end', 'close'])], log)
                whenGone(() => log('over', req.complete, req.destroyed, req.readableEnded))
              })
            )
          },
        async exchange(client) {
          const answer = await client.request({
            path: '/',
            method,
            ...(method === 'POST' && { body: 'abc' })
          })
          await over(client)
          return answer
        }
      }))
    )
  )
])
