'use strict'

// Pipelined requests: several of one connection are in handlers at once, their answers go out in the order of the requests.
// What a program sees of an answer whose turn has not come, and what becomes of it when the connection ends first.

const assert = require('node:assert/strict')
const { createServer } = require('node:http')
const { Readable } = require('node:stream')
const { suite } = require('./harness')

const GET = (path, lines = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${lines}\r\n`
const tick = () => new Promise((resolve) => setImmediate(resolve))
const ticks = async (count = 5) => {
  for (let i = 0; i < count; i++) await tick()
}

/** Notes what request and answer emit. */
function watch(log, req, res) {
  for (const name of ['aborted', 'end', 'error', 'close']) {
    req.on(name, (error) => log(`req ${req.url} ${name}`, error?.code ?? null))
  }
  for (const name of ['socket', 'prefinish', 'finish', 'drain', 'close', 'error']) {
    res.on(name, (value) => log(`res ${req.url} ${name}`, value?.code ?? null))
  }
}

/** Calls `act` once `count` requests are in handlers. */
const gather =
  (count, act, { watched = false } = {}) =>
  (ctx) => {
    const held = []
    return (req, res) => {
      if (watched) watch(ctx.log, req, res)
      held.push({ req, res })
      if (held.length !== count) return
      Promise.resolve(act(held, ctx)).catch((error) => ctx.log('failed', error.message))
    }
  }

/** Sends requests at once and reads as many answers. */
const together = (name, requests, serve, options = {}) => ({
  name,
  serve,
  async exchange({ open, until }) {
    const connection = await open()
    connection.write(requests.join(''))
    const out = []
    for (const request of requests) {
      const method = request.slice(0, request.indexOf(' '))
      out.push(await connection.readResponse(method).catch((error) => error.code))
    }
    if (options.observations) await until(options.observations)
    return out
  },
  ...(options.differs && { differs: options.differs })
})

const state = (res) => [
  res.socket === null,
  res.headersSent,
  res.writableEnded,
  res.writableFinished,
  res.writableLength,
  res.writableNeedDrain,
  res.destroyed
]

const backwards = (name, answer) =>
  together(
    `answered last to first: ${name}`,
    [GET('/1'), GET('/2'), GET('/3')],
    gather(3, async (held) => {
      for (const { req, res } of held.reverse()) {
        answer(res, req)
        await ticks(2)
      }
    })
  )

const answers = {
  'end()': (res, req) => res.end(req.url),
  'end() with a callback': (res, req) => res.end(req.url, () => {}),
  'writeHead and end()': (res, req) => res.writeHead(201, { 'X-A': req.url }).end(req.url),
  'json()': (res, req) => res.status(202).json({ url: req.url }),
  'send()': (res, req) => res.set('X-A', 'b').send(`<p>${req.url}`),
  'send() of bytes': (res, req) => res.send(Buffer.from(req.url)),
  'sendStatus(204)': (res) => res.sendStatus(204),
  'redirect()': (res) => res.redirect('/x'),
  'write() and end()': (res, req) => {
    res.write(req.url)
    res.write('second')
    setImmediate(() => res.end('third'))
  },
  'write() with a length': (res, req) => {
    res.setHeader('Content-Length', 4)
    res.write(req.url)
    setImmediate(() => res.end(req.url))
  },
  'flushHeaders() first': (res, req) => {
    res.flushHeaders()
    setImmediate(() => res.end(req.url))
  },
  'cork()': (res, req) => {
    res.cork()
    res.write(req.url)
    res.write('x')
    res.uncork()
    res.end()
  },
  'a stream': (res, req) => Readable.from(['a', req.url, 'c']).pipe(res),
  'a large body': (res, req) => res.end(req.url.repeat(200_000)),
  'a large stream': (res, req) =>
    Readable.from(Array.from({ length: 40 }, () => req.url.repeat(10_000))).pipe(res),
  'sendFile()': (res) => res.sendFile(__filename),
  'an error': (res, req) => req.next(Object.assign(new Error('no'), { status: 418 })),
  trailers: (res) => {
    res.setHeader('Trailer', 'X-T')
    res.write('a')
    res.addTrailers({ 'X-T': 'b' })
    res.end()
  },
  'writeProcessing first': (res, req) => {
    res.writeProcessing()
    res.end(req.url)
  }
}

suite(__filename, [
  ...Object.entries(answers).map(([name, answer]) => backwards(name, answer)),
  together(
    'answered in order, each later',
    [GET('/1'), GET('/2'), GET('/3')],
    gather(3, async (held) => {
      for (const { req, res } of held) {
        res.json({ url: req.url })
        await ticks(2)
      }
    })
  ),
  together(
    'all of one turn',
    [GET('/1'), GET('/2'), GET('/3')],
    gather(3, (held) => {
      for (const { req, res } of held.reverse()) res.end(req.url)
    })
  ),
  together(
    'HEAD, 204, 304, POST, answered last to first',
    [
      'HEAD /1 HTTP/1.1\r\nHost: a\r\n\r\n',
      GET('/2'),
      GET('/3'),
      'POST /4 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc',
      GET('/5')
    ],
    gather(5, async (held) => {
      const [first, second, third, fourth, fifth] = held
      fifth.res.send('five')
      await ticks()
      fourth.req.on('data', (data) => fourth.res.write(data))
      fourth.req.on('end', () => fourth.res.end('four'))
      await ticks()
      third.res.status(304).end()
      second.res.status(204).end()
      await ticks()
      first.res.send('one')
    })
  ),
  together(
    'conditional requests',
    [GET('/1'), GET('/2', 'If-None-Match: W/"3-pt7KF8ztUtTMUQPTqMk9FVdpjfM"\r\n'), GET('/3')],
    gather(3, async (held) => {
      for (const { res } of held.reverse()) {
        res.send('two')
        await ticks(1)
      }
    })
  ),
  together(
    'what an answer says before its turn, at its turn, and after',
    [GET('/1'), GET('/2')],
    gather(2, async ([first, second], { log }) => {
      log(first.req.socket === second.req.socket)
      log(first.res.socket === first.req.socket, second.res.socket)
      log(first.req.socket._httpMessage === first.res)
      log(state(second.res))
      log(second.res.write('abc'))
      log(state(second.res))
      log(second.res.write('x'.repeat(100_000)))
      log(state(second.res).slice(0, 4), second.res.writableNeedDrain)
      second.res.on('socket', (socket) => {
        log('socket', socket === second.req.socket, second.res.socket === socket)
      })
      second.res.on('drain', () => {
        log('drain')
        second.res.end()
      })
      await ticks()
      first.res.end('one')
      log(second.res.socket)
      await new Promise((resolve) => second.res.on('finish', resolve))
      log(second.req.socket._httpMessage, second.res.writableFinished)
      await ticks()
      log(state(first.res).slice(1), state(second.res).slice(1))
    }),
    { observations: 13 }
  ),
  together(
    'events of answers: last to first',
    [GET('/1'), GET('/2'), GET('/3')],
    gather(
      3,
      async (held, { log }) => {
        for (const { req, res } of held.reverse()) {
          log(`ends ${req.url}`)
          res.end(req.url)
          await ticks(2)
        }
      },
      { watched: true }
    ),
    { observations: 20 }
  ),
  together(
    'events of answers: first to last',
    [GET('/1'), GET('/2')],
    gather(
      2,
      async (held, { log }) => {
        for (const { req, res } of held) {
          log(`ends ${req.url}`)
          res.end(req.url)
          await ticks(4)
        }
      },
      { watched: true }
    ),
    { observations: 13 }
  ),
  together(
    'callbacks of write() and end()',
    [GET('/1'), GET('/2')],
    gather(2, async ([first, second], { log }) => {
      second.res.write('a', () => log('written a'))
      second.res.end('b', () => log('ended'))
      await ticks()
      log('first')
      first.res.end('one')
    }),
    { observations: 3 }
  ),
  together(
    'a timeout set before the turn',
    [GET('/1'), GET('/2')],
    gather(2, async ([first, second], { log }) => {
      second.res.setTimeout(30, () => {
        log('timeout')
        second.res.end('two')
      })
      await ticks()
      log('first')
      first.res.end('one')
    }),
    { observations: 2 }
  ),
  {
    name: 'destroyed before its turn',
    serve: gather(2, async ([first, second], { log }) => {
      second.res.destroy()
      log(second.res.destroyed)
      await ticks()
      first.res.end('one')
    }),
    exchange: ({ raw }) => raw(GET('/1') + GET('/2'))
  },
  {
    name: 'the first answer closes the connection',
    serve: gather(
      2,
      async ([first, second]) => {
        second.res.end('two')
        await ticks()
        first.res.setHeader('Connection', 'close')
        first.res.end('one')
      },
      { watched: true }
    ),
    async exchange({ raw, until }) {
      const answer = await raw(GET('/1') + GET('/2'))
      await until(6)
      return answer
    }
  },
  {
    name: 'the first handler destroys the connection',
    serve: gather(
      2,
      async ([first]) => {
        await ticks()
        first.req.socket.destroy()
      },
      { watched: true }
    ),
    async exchange({ raw, until }) {
      const answer = await raw(GET('/1') + GET('/2'))
      await until(7)
      return answer
    }
  },
  {
    name: 'the second handler destroys the connection',
    serve: gather(
      2,
      async ([, second]) => {
        await ticks()
        second.req.socket.destroy()
      },
      { watched: true }
    ),
    async exchange({ raw, until }) {
      const answer = await raw(GET('/1') + GET('/2'))
      await until(7)
      return answer
    }
  },
  ...['destroy', 'end'].map((how) => ({
    name: `the client leaves (${how}) while two are in handlers`,
    serve: gather(2, (_, { log }) => log('two'), { watched: true }),
    async exchange({ open, until }) {
      const connection = await open()
      connection.write(GET('/1') + GET('/2'))
      await until(1)
      connection[how]()
      await until(8)
    }
  })),
  {
    name: 'a client that has sent FIN gets the answers of handlers that need no more than ticks',
    serve: () => (req, res) => process.nextTick(() => res.end(req.url)),
    exchange: ({ raw }) =>
      raw(GET('/1') + GET('/2') + GET('/3'), { end: true, allowHalfOpen: true })
  },
  {
    name: 'a broken request behind two that are in handlers',
    serve: gather(2, () => {}, { watched: true }),
    async exchange({ open, until }) {
      const connection = await open()
      connection.write(GET('/1') + GET('/2'))
      await tick()
      connection.write('BROKEN\r\n\r\n')
      const { bytes } = await connection.readToEnd()
      await until(7)
      return bytes
    }
  },
  {
    name: 'a broken body behind a request that is in its handler',
    serve: gather(
      2,
      ([, second], { log }) => {
        second.req.on('data', (data) => log(String(data)))
      },
      { watched: true }
    ),
    async exchange({ open, until }) {
      const connection = await open()
      connection.write(GET('/1'))
      connection.write(
        'POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'
      )
      await until(1)
      connection.write('W\r\n')
      const { bytes } = await connection.readToEnd()
      await until(8)
      return bytes
    }
  },
  together(
    'the body of the second comes while the first is in its handler',
    [
      GET('/1'),
      `POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n${'x'.repeat(200_000)}`
    ],
    gather(2, async ([first, second], { log }) => {
      let size = 0
      for await (const data of second.req) size += data.length
      log(size)
      second.res.end(String(size))
      first.res.end('one')
    })
  ),
  {
    name: 'answers of three kinds wait for one slow client',
    serve: gather(3, async ([first, second, third], { log }) => {
      const large = 'x'.repeat(8_000_000)
      // a response that is corked is Node's own, one that is not leaves in pieces
      first.res.cork()
      first.res.write(large)
      first.res.end()
      second.res.write(large)
      second.res.end()
      await ticks()
      third.res.cork()
      log(third.res.write(large))
      third.res.uncork()
      third.res.on('drain', () => third.res.end('over'))
      log('written')
    }),
    async exchange({ open, until }) {
      const connection = await open()
      connection.socket.pause()
      connection.write(GET('/1') + GET('/2') + GET('/3'))
      await until(2)
      connection.socket.resume()
      const sizes = []
      for (let i = 0; i < 3; i++) sizes.push((await connection.readResponse()).body.length)
      return sizes
    }
  },
  {
    name: 'a limit of requests per connection',
    serve: (ctx) => {
      const server = createServer ?? null
      const app = ctx.express()
      app.disable('x-powered-by')
      app.use(
        gather(2, async (held) => {
          for (const { req, res } of held.reverse()) {
            res.end(req.url)
            await ticks()
          }
        })(ctx)
      )
      const listening = app.listen(0)
      listening.maxRequestsPerSocket = 2
      return server === null ? null : listening
    },
    async exchange({ open }) {
      const connection = await open()
      connection.write(GET('/1') + GET('/2') + GET('/3'))
      return [
        await connection.readResponse(),
        await connection.readResponse(),
        await connection.readResponse()
      ]
    }
  },
  {
    name: 'server.close() while two are in handlers',
    serve: (ctx) => {
      const app = ctx.express()
      app.disable('x-powered-by')
      app.use(
        gather(2, async (held) => {
          server.close(() => ctx.log('closed'))
          await ticks()
          for (const { req, res } of held.reverse()) {
            res.end(req.url)
            await ticks()
          }
        })(ctx)
      )
      const server = app.listen(0)
      return server
    },
    async exchange({ open }) {
      const connection = await open()
      connection.write(GET('/1') + GET('/2'))
      return [await connection.readResponse(), await connection.readResponse()]
    }
  },
  {
    name: 'closeAllConnections() while two are in handlers',
    serve: (ctx) => {
      const app = ctx.express()
      app.use(
        gather(
          2,
          async () => {
            await ticks()
            server.closeAllConnections()
          },
          { watched: true }
        )(ctx)
      )
      const server = app.listen(0)
      return server
    },
    async exchange({ raw, until }) {
      const answer = await raw(GET('/1') + GET('/2'))
      await until(7)
      return answer
    }
  },
  {
    name: '40 requests in handlers that wait for the last of those that may come',
    serve: (ctx) => {
      const held = []
      let timer
      return (req, res) => {
        held.push(res)
        clearTimeout(timer)
        timer = setTimeout(() => {
          ctx.log(held.length)
          for (const one of held.splice(0).reverse()) one.end('x')
        }, 50)
      }
    },
    async exchange({ open }) {
      const connection = await open()
      connection.write(GET('/').repeat(40))
      const out = []
      for (let i = 0; i < 40; i++) out.push((await connection.readResponse()).status)
      return out
    },
    // Node has no limit
    differs(ours, nodes) {
      assert.deepEqual(ours.seen, nodes.seen)
      assert.deepEqual(nodes.log, [40])
      assert.deepEqual(ours.log, [16, 16, 8])
    }
  },
  together(
    'Expect: 100-continue behind a request that is in its handler',
    [GET('/1')],
    (ctx) => (req, res) => {
      if (req.url === '/1') setTimeout(() => res.end('one'), 20)
      else req.on('data', (data) => ctx.log(String(data))).on('end', () => res.end('two'))
    }
  ),
  {
    name: 'a continue is written behind the answers before it',
    serve: () => (req, res) => {
      if (req.url === '/1') setTimeout(() => res.end('one'), 20)
      else req.resume().on('end', () => res.end('two'))
    },
    async exchange({ open }) {
      const connection = await open()
      connection.write(
        `${GET('/1')}POST /2 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n`
      )
      const first = await connection.readResponse()
      const seen = String(await connection.readUntil('100 Continue\r\n\r\n'))
      connection.write('abc')
      return [first, seen, await connection.readUntil('two')].map((one) =>
        Buffer.isBuffer(one) ? one.toString().replace(/Date: .*/, '') : one
      )
    }
  }
])
