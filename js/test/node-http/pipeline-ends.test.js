'use strict'

// Pipelined requests whose connection ends before all are answered: by a handler, by the client, by a request that is
// broken, by a limit or by the server. Which answers still go out, and what the others' handlers are told.

const { suite } = require('./harness')
const { GET, gather, tick, ticks } = require('./pipeline-cases')

suite(__filename, [
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
  ...[
    ['in the handler', (fn) => fn()],
    ['in a tick', process.nextTick],
    ['later', setImmediate]
  ].map(([when, schedule]) => ({
    name: `an answered request ends the socket ${when}, with another behind it`,
    serve:
      ({ log }) =>
      (req, res) => {
        log('enter', req.url)
        if (req.url === '/1') {
          res.send('one')
          schedule(() => req.socket.end())
        } else {
          req.on('close', () => log('req close'))
          res.on('close', () => log('res close'))
          res.on('finish', () => log('finish'))
          setImmediate(() => setImmediate(() => res.send('two')))
        }
      },
    async exchange({ raw, until }) {
      const answer = await raw(GET('/1') + GET('/2'))
      await until(4)
      return answer
    }
  })),
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
  {
    name: 'a limit of requests per connection',
    serve: (ctx) => {
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
      return listening
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
  }
])
