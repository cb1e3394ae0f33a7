'use strict'

// Handlers that use the connection's socket themselves: bytes written, piped and read beside the message, the socket taken away from
// its response, and every way to end it. How clients end it is socket-ends.test.js's.

const http = require('node:http')
const { Readable } = require('node:stream')
const { suite } = require('./harness')

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const BY_HAND = 'HTTP/1.1 200 By Hand\r\nContent-Length: 2\r\n\r\nok'

const text = (bytes) => bytes.toString('latin1').replace(/Date: .*/g, 'Date: <date>')

function watch(socket, log) {
  const state = () => [
    socket.destroyed,
    socket.readable,
    socket.writable,
    socket.writableEnded,
    socket.writableFinished,
    socket.readyState
  ]
  for (const event of ['end', 'finish', 'timeout', 'error']) {
    socket.on(event, (e) => log(`socket ${event}`, e?.code ?? e?.message ?? null, ...state()))
  }
  socket.on('close', (hadError) => {
    log('socket close', hadError, ...state())
    setImmediate(() => setImmediate(() => log('over')))
  })
}

async function over({ until }) {
  for (let count = 1; ; count++) {
    const seen = await until(count)
    if (seen.at(-1) === 'over') return count
  }
}

/** `act` in a handler whose socket is watched; the client reads to the end, and ends too. */
const ends = (name, act, request = GET) => ({
  name,
  serve: (ctx) => (req, res) => {
    watch(req.socket, ctx.log)
    for (const event of ['aborted', 'error', 'close']) {
      req.on(event, () => ctx.log(`req ${event}`))
    }
    for (const event of ['finish', 'close']) res.on(event, () => ctx.log(`res ${event}`))
    act(req, res, ctx)
  },
  async exchange(client) {
    const connection = await client.open()
    connection.write(request)
    const { bytes, error } = await connection.readToEnd()
    await over(client)
    return [text(bytes), error]
  }
})

/** The socket's write() is one of the program's, which sees what goes out; a second request finds it in place. */
const replaced = (name, act, request = GET, replaceAt = 'request') => ({
  name: `socket.write replaced: ${name}`,
  serve: ({ express, log }) => {
    const replace = (socket) => {
      const { write } = socket
      socket.write = function (data, ...rest) {
        log(text(Buffer.from(data)), typeof data)
        return write.call(this, data, ...rest)
      }
    }
    const app = express().disable('x-powered-by').set('error pages', 'express')
    app.use((req, res) => {
      if (replaceAt === 'request' && !Object.hasOwn(req.socket, 'write')) replace(req.socket)
      act(req, res)
    })
    const server = app.listen(0)
    if (replaceAt === 'connection') server.on('connection', replace)
    return server
  },
  async exchange(client) {
    const connection = await client.open()
    const first = await connection.write(request).readResponse(request.slice(0, 4).trim())
    return [first, await connection.write(request).readResponse(request.slice(0, 4).trim())]
  }
})

const REPLACED = [
  replaced('json()', (_req, res) => res.json({ a: 1 })),
  replaced('send(buffer)', (_req, res) => res.send(Buffer.from('bytes'))),
  replaced('end()', (_req, res) => res.end('text')),
  replaced('write() and end()', (_req, res) => {
    res.write('a')
    setImmediate(() => res.end('b'))
  }),
  replaced('no body', (_req, res) => res.sendStatus(204)),
  replaced('HEAD', (_req, res) => res.send('text'), 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n'),
  replaced('a file', (_req, res) => res.sendFile(`${__dirname}/fixtures/cluster.js`)),
  replaced("the router's own answer", (req, _res) => req.next()),
  replaced("at 'connection'", (_req, res) => res.send('text'), GET, 'connection'),
  replaced(
    "at 'connection', in pieces",
    (_req, res) => res.write('a') && res.end(),
    GET,
    'connection'
  )
]

suite(__filename, [
  ...REPLACED,
  ends('socket.end()', (req) => req.socket.end()),
  ends('socket.end(bytes, callback)', (req, _res, { log }) =>
    req.socket.end(BY_HAND, () => log('callback'))
  ),
  ends('socket.write, then end with a callback', (req, _res, { log }) => {
    req.socket.write(BY_HAND, () => log('written'))
    req.socket.end(() => log('ended'))
  }),
  ends('socket.end() twice', (req, _res, { log }) => {
    req.socket.end(BY_HAND)
    req.socket.end((e) => log('second', e?.code ?? null))
  }),
  ends('socket.write behind end', (req, _res, { log }) => {
    req.socket.end(BY_HAND)
    log(
      'late',
      req.socket.write('x', (e) => log('late write', e?.code ?? null))
    )
  }),
  ends('socket.destroySoon()', (req) => {
    req.socket.write(BY_HAND)
    req.socket.destroySoon()
  }),
  ends('socket.end, then destroySoon()', (req) => {
    req.socket.end(BY_HAND)
    req.socket.destroySoon()
  }),
  ends('socket.end, then destroy()', (req) => {
    req.socket.end(BY_HAND)
    req.socket.destroy()
  }),
  ends('socket.write, then destroy()', (req) => {
    req.socket.write(BY_HAND)
    req.socket.destroy()
  }),
  ends('socket.write, then destroy(error)', (req) => {
    req.socket.write(BY_HAND)
    req.socket.destroy(new Error('own'))
  }),
  ends('res.end, then socket.end()', (req, res) => {
    res.end('answered')
    req.socket.end()
  }),
  ends('res.send, then socket.end()', (req, res) => {
    res.send('answered')
    req.socket.end()
  }),
  ends('res.end, then socket.destroySoon()', (req, res) => {
    res.end('answered')
    req.socket.destroySoon()
  }),
  ends('res.end with Connection: close', (_req, res) => {
    res.set('Connection', 'close').end('answered')
  }),
  ends('res.send with Connection: close', (_req, res) => {
    res.set('Connection', 'close').send('answered')
  }),
  ends('res.write and res.end with Connection: close', (_req, res) => {
    res.set('Connection', 'close')
    res.write('answered')
    setImmediate(() => res.end('!'))
  }),
  ends(
    'a request with Connection: close',
    (_req, res) => res.send('answered'),
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
  ),
  ends('a request of HTTP/1.0', (_req, res) => res.send('answered'), 'GET / HTTP/1.0\r\n\r\n'),
  ends('a stream piped into the socket', (req) => {
    Readable.from([BY_HAND.slice(0, 10), BY_HAND.slice(10)]).pipe(req.socket)
  }),
  ends('the socket taken from its response', (req, res, { log }) => {
    const { socket } = res
    res.detachSocket(socket)
    log(res.socket, socket._httpMessage, req.socket === socket)
    socket.end(BY_HAND)
  }),
  ends('the socket given to another response', (req, res, { log }) => {
    const { socket } = res
    res.detachSocket(socket)
    const other = new http.ServerResponse(req)
    other.assignSocket(socket)
    other.on('finish', () => {
      log('other finish')
      socket.end()
    })
    other.end('by another')
  }),
  ends('socket.setTimeout with a callback', (req, _res, { log }) => {
    req.socket.setTimeout(50, () => {
      log('callback')
      req.socket.end(BY_HAND)
    })
  }),
  ends('socket.setTimeout with nobody who listens to it', (req) => {
    req.socket.setTimeout(50)
  }),
  ends('res.setTimeout', (_req, res, { log }) => {
    res.setTimeout(50, () => {
      log('callback')
      res.status(503).set('Connection', 'close').end()
    })
  }),
  ends('req.setTimeout', (req, res, { log }) => {
    req.setTimeout(50, () => {
      log('callback')
      res.status(503).set('Connection', 'close').end()
    })
  }),
  {
    name: 'pause and resume tell',
    serve:
      ({ log }) =>
      (req, res) => {
        const { socket } = req
        log(socket.isPaused(), socket.pause() === socket, socket.isPaused())
        log(socket.resume() === socket, socket.isPaused(), socket.readableFlowing)
        res.end('done')
      },
    exchange: ({ request }) => request({ path: '/' })
  },
  {
    name: "writes that wait: 'drain' of the socket",
    serve:
      ({ log }) =>
      (req) => {
        const { socket } = req
        watch(socket, log)
        const chunk = Buffer.alloc(1 << 20, 'd')
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${8 << 20}\r\n\r\n`)
        let left = 8
        const write = () => {
          while (left-- > 0) if (!socket.write(chunk)) return socket.once('drain', write)
          socket.end()
        }
        write()
        // whether it needs drain by now depends on how much the kernel takes at once
        log('begun')
      },
    async exchange(client) {
      const connection = await client.open()
      connection.write(GET)
      await client.until(1)
      const { bytes } = await connection.readToEnd()
      await over(client)
      return bytes.length
    }
  }
])
