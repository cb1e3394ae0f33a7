'use strict'

// Time-outs that a program sets on a connection, by its socket, request or response: whom they tell, what keeps them from
// running down, and what is left of them behind the answer. The server's own are server-limits.test.js's.

const { once } = require('node:events')
const { suite } = require('./harness')

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n'
const LARGE = 24 * 1024 * 1024
/** ms */
const SET = 400

const text = (bytes) => bytes.toString('latin1').replace(/Date: .*/g, 'Date: <date>')
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** A handler with a time-out, of a request that is all here or not; the client reads to the end. */
const told = (name, handler, request = GET) => ({
  name,
  serve: (ctx) => (req, res) => {
    req.socket.on('timeout', () => ctx.log('socket'))
    req.socket.on('close', () => ctx.log('close'))
    handler(req, res, ctx)
  },
  async exchange(client) {
    const connection = await client.open()
    connection.write(request)
    const { bytes, error } = await connection.readToEnd()
    await client.until(2)
    return [text(bytes), error]
  }
})

const TOLD = [
  told("the response's 'timeout'", (req, res, { log }) => {
    req.socket.setTimeout(20)
    res.on('timeout', (socket) => {
      log('res', socket === req.socket)
      res.set('Connection', 'close').status(503).send('late')
    })
  }),
  told("the response's 'timeout', and the socket destroyed behind the answer", (req, res) => {
    req.socket.setTimeout(20)
    res.on('timeout', (socket) => {
      res.status(503).send('late')
      socket.destroy()
    })
  }),
  told("the response's 'timeout', while its first part is out", (req, res) => {
    req.socket.setTimeout(20)
    res.set('Connection', 'close').write('early ')
    res.on('timeout', () => res.end('late'))
  }),
  told(
    "the request's 'timeout', while its body is to come",
    (req, res, { log }) => {
      for (const [name, message] of Object.entries({ req, res })) {
        message.on('timeout', () => log(name))
      }
      req.setTimeout(20)
      req.socket.once('timeout', () => res.set('Connection', 'close').end('late'))
    },
    POST
  ),
  told("not the request's, when it is all here", (req, res, { log }) => {
    req.setTimeout(20, () => log('req'))
    res.on('close', () => log('res closed'))
  }),
  told("nobody but the socket's own listeners", (req, res) => {
    req.socket.setTimeout(20, () => res.end('too late'))
  }),
  {
    name: "the server's 'timeout'",
    serve: ({ express, log }) => {
      const server = express()
        .get('/', (req) => req.socket.setTimeout(20))
        .listen(0)
      server.on('timeout', (socket) => {
        log('server')
        socket.end('by hand')
      })
      return server
    },
    async exchange(client) {
      const connection = await client.open()
      connection.write(GET)
      return [text((await connection.readToEnd()).bytes)]
    }
  }
]

/** `/` sets a time-out and answers at once; `/slow`, behind it, takes longer than that. */
const over = (name, act, configure = () => {}) => ({
  name: `is over with the answer: ${name}`,
  serve: ({ express, log }) => {
    const app = express().set('error pages', 'express').disable('x-powered-by')
    app.get('/', act)
    app.get('/slow', (req, res) => {
      log(req.socket.timeout)
      setTimeout(() => res.send('slow'), 2 * SET)
    })
    const server = app.listen(0)
    configure(server)
    return server
  },
  async exchange(client) {
    const connection = await client.open()
    const first = await connection.write(GET).readResponse('GET')
    connection.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
    return [first, await connection.readResponse('GET').catch((error) => error.code)]
  }
})

const OVER = [
  over('send()', (req, res) => {
    req.socket.setTimeout(SET)
    res.send('x')
  }),
  over('of the response', (_, res) => {
    res.setTimeout(SET)
    res.send('x')
  }),
  over('of the request, that somebody waits for', (req, res) => {
    req.setTimeout(SET)
    res.on('finish', () => {})
    res.json([1])
  }),
  over('in pieces', (req, res) => {
    req.socket.setTimeout(SET)
    res.write('x')
    setImmediate(() => res.end('y'))
  }),
  over('a file', (req, res) => {
    req.socket.setTimeout(SET)
    res.sendFile(__filename)
  }),
  over(
    'not on a server without keepAliveTimeout',
    (req, res) => {
      req.socket.setTimeout(SET)
      res.send('x')
    },
    (server) => {
      server.keepAliveTimeout = 0
    }
  )
]

/** A download that a client takes slowly, in less than the time-out at a time but in more altogether. */
const slowly = (name, act) => ({
  name: `does not run down while bytes leave: ${name}`,
  serve:
    ({ log }) =>
    (req, res) => {
      res.setTimeout(1000, () => {
        log('timeout')
        res.destroy()
      })
      act(res)
    },
  async exchange(client) {
    const { socket } = await client.open()
    let read = 0
    let due = 0
    socket.on('data', (chunk) => {
      read += chunk.length
      if (read >= due) socket.pause()
    })
    socket.on('error', () => {})
    socket.write(GET)
    while (read < LARGE && !socket.destroyed) {
      due += LARGE / 5
      socket.resume()
      await pause(300)
    }
    return read >= LARGE
  }
})

const MOVING = [
  slowly('end()', (res) => res.end(Buffer.alloc(LARGE))),
  slowly('write() and drain', async (res) => {
    for (let i = 0; i < 24; i++) {
      if (!res.write(Buffer.alloc(LARGE / 24))) await once(res, 'drain')
    }
    res.end()
  }),
  {
    name: 'runs down when nothing leaves',
    serve:
      ({ log }) =>
      (req, res) => {
        req.socket.setTimeout(50)
        res.on('close', () => log('close', res.writableFinished))
        res.end(Buffer.alloc(LARGE))
      },
    async exchange(client) {
      const { socket } = await client.open()
      socket.pause()
      socket.on('error', () => {})
      socket.write(GET)
      return client.until(1)
    }
  },
  {
    name: 'does not run down while a body comes',
    serve:
      ({ log }) =>
      (req, res) => {
        req.setTimeout(1000, () => log('timeout'))
        req.on('data', (part) => log(String(part)))
        req.on('end', () => res.end('all'))
      },
    async exchange(client) {
      const connection = await client.open()
      connection.write(POST)
      for (const part of 'abcd') {
        await pause(400)
        connection.write(part)
      }
      return connection.readResponse('POST').catch((error) => error.code)
    }
  }
]

/** server.timeout is 300 ms; `act` sets another, or none, and answers after more than that. */
const instead = (name, act, paths = ['/']) => ({
  name: `in the place of server.timeout: ${name}`,
  serve: ({ express, log }) => {
    const app = express().set('error pages', 'express').disable('x-powered-by')
    app.get('/quick', (req, res) => {
      act(req, res)
      res.send('quick')
    })
    app.get('/plain', (req, res) => {
      res.on('close', () => log('close', res.writableFinished))
      setTimeout(() => res.send('plain'), 1500)
    })
    app.get('/', (req, res) => {
      act(req, res)
      setTimeout(() => res.send('late'), 1500)
    })
    const server = app.listen(0)
    server.timeout = 300
    return server
  },
  async exchange(client) {
    const connection = await client.open()
    const seen = []
    for (const path of paths) {
      if (typeof path === 'number') await pause(path)
      else {
        connection.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
        seen.push(await connection.readResponse('GET').catch((error) => error.code))
      }
    }
    return seen
  }
})

const INSTEAD = [
  instead('0 on the socket', (req) => req.socket.setTimeout(0)),
  instead('0 on the request', (req) => req.setTimeout(0)),
  instead('more on the response', (_, res) => res.setTimeout(60_000)),
  instead('none', () => {}),
  instead('not for the next request', (req) => req.setTimeout(0), ['/quick', '/plain']),
  instead('again for the next request', (req) => req.setTimeout(0), ['/quick', '/']),
  instead('keepAliveTimeout between requests', () => {}, ['/quick', 1200, '/quick'])
]

suite(__filename, [...TOLD, ...OVER, ...INSTEAD, ...MOVING])
