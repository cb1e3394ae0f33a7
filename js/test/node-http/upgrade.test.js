'use strict'

// Protocol changes: 'upgrade' and CONNECT with and without listeners, bytes after the head, both directions and both ends
// of the raw socket, refusals, and that HTTP goes on elsewhere.

const net = require('node:net')
const { Duplex } = require('node:stream')
const { suite } = require('./harness')

const UPGRADE =
  'GET /chat?x=1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\nX-Own: 1\r\n\r\n'
const CONNECT = 'CONNECT target.test:443 HTTP/1.1\r\nHost: target.test:443\r\n\r\n'
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n'
const clean = (bytes) => bytes.toString('latin1').replace(/Date: .*/g, 'Date: <date>')

/** A server with listeners, and an app that answers everything with its method and url. */
const serving = (prepare) => (ctx) => {
  const app = ctx.express()
  app.disable('x-powered-by')
  app.use((req, res) =>
    res.end(`${req.method} ${req.url} upgrade=${req.upgrade} ${req.headers.upgrade ?? ''}`)
  )
  const server = app.listen(0)
  prepare(server, ctx)
  return server
}

const echo = (server, { log }) =>
  server.on('upgrade', (req, socket, head) => {
    log(
      'upgrade',
      req.method,
      req.url,
      req.headers['x-own'],
      req.upgrade,
      head.length,
      req.httpVersion,
      req.socket === socket,
      req.rawHeaders
    )
    log(
      socket instanceof net.Socket,
      socket instanceof Duplex,
      socket.readable,
      socket.writable,
      socket.destroyed,
      typeof socket.remoteAddress,
      Buffer.isBuffer(head)
    )
    socket.write(SWITCH)
    if (head.length > 0) socket.write(head)
    socket.on('data', (d) => socket.write(d))
    socket.on('end', () => {
      log('end')
      socket.end('bye')
    })
    socket.on('close', (hadError) => log('close', hadError))
    socket.on('error', (error) => log('error', error.code))
  })

suite(__filename, [
  {
    name: 'raw echo, then the client ends',
    serve: serving(echo),
    async exchange({ open, until }) {
      const connection = await open({ allowHalfOpen: true })
      connection.write(UPGRADE)
      const head = clean(await connection.readUntil('\r\n\r\n'))
      connection.write('one')
      const first = (await connection.readExactly(3)).toString()
      const big = Buffer.alloc(1_000_000, 'abc')
      connection.write(big)
      const same = Buffer.compare(await connection.readExactly(big.length), big) === 0
      connection.end()
      const last = await connection.readToEnd()
      await until(4)
      return [head, first, same, last.bytes.toString(), last.error]
    }
  },
  {
    name: 'bytes with the head arrive in `head` and are not lost',
    serve: serving(echo),
    async exchange({ open }) {
      const connection = await open()
      connection.write(`${UPGRADE}early bytes`)
      const head = clean(await connection.readUntil('\r\n\r\n'))
      return [head, (await connection.readExactly(11)).toString()]
    }
  },
  {
    name: '300 kB with the head',
    serve: serving((server) =>
      server.on('upgrade', (req, socket, head) => {
        let size = head.length
        const check = () => {
          if (size >= 300_000) socket.end(`${SWITCH}${size}`)
        }
        socket.on('data', (d) => {
          size += d.length
          check()
        })
        check()
      })
    ),
    async exchange({ open }) {
      const connection = await open()
      connection.write(UPGRADE + 'x'.repeat(300_000))
      await connection.readUntil('\r\n\r\n')
      return (await connection.readToEnd()).bytes.toString()
    }
  },
  {
    name: 'the server talks first and ends',
    serve: serving((server, { log }) =>
      server.on('upgrade', (req, socket) => {
        socket.on('close', () => log('close'))
        socket.end(`${SWITCH}welcome and goodbye`, () => log('end callback'))
      })
    ),
    async exchange({ open, until }) {
      const connection = await open()
      connection.write(UPGRADE)
      const all = await connection.readToEnd()
      connection.destroy()
      await until(2)
      return clean(all.bytes)
    }
  },
  {
    name: 'the server destroys the socket',
    serve: serving((server) => server.on('upgrade', (req, socket) => socket.destroy())),
    async exchange({ open }) {
      const connection = await open()
      connection.write(UPGRADE)
      return clean((await connection.readToEnd()).bytes)
    }
  },
  {
    name: 'the client vanishes by RST',
    serve: serving(echo),
    async exchange({ open, until }) {
      const connection = await open()
      connection.write(UPGRADE)
      await connection.readUntil('\r\n\r\n')
      connection.destroy(true)
      await until(4)
    }
  },
  {
    name: 'the client leaves before the answer',
    serve: serving((server, { log }) =>
      server.on('upgrade', (req, socket) => {
        log('upgrade')
        socket.on('error', (error) => log('error', error.code))
        socket.on('end', () => {
          log('end')
          socket.end()
        })
        socket.on('close', () => log('close'))
        socket.resume()
      })
    ),
    async exchange({ open, until }) {
      const connection = await open()
      connection.write(UPGRADE)
      await until(1)
      connection.destroy()
      await until(3)
    }
  },
  {
    name: 'without a listener the request is handled as HTTP',
    serve: serving(() => {}),
    async exchange({ open, encodeRequest }) {
      const connection = await open()
      connection.write(UPGRADE)
      const out = [await connection.readResponse().catch((e) => e.code)]
      connection.write(encodeRequest({ path: '/next' }))
      out.push(await connection.readResponse().catch((e) => e.code))
      return out
    }
  },
  {
    name: 'a listener that comes and goes',
    serve: serving((server, { log }) => {
      server.once('upgrade', (req, socket) => {
        log('once')
        socket.end(SWITCH)
      })
    }),
    async exchange({ open }) {
      const out = []
      for (let i = 0; i < 2; i++) {
        const connection = await open()
        connection.write(UPGRADE)
        out.push(await connection.readResponse().catch((e) => e.code))
        connection.destroy()
      }
      return out
    }
  },
  {
    name: 'Upgrade without Connection: upgrade is ordinary',
    serve: serving(echo),
    exchange: ({ request }) => request({ path: '/', headers: { Upgrade: 'echo' } })
  },
  {
    name: 'Connection: upgrade without Upgrade is ordinary',
    serve: serving(echo),
    exchange: ({ request }) => request({ path: '/', headers: { Connection: 'upgrade' } })
  },
  {
    name: 'an upgrade after ordinary requests of the same connection',
    serve: serving(echo),
    async exchange({ open, encodeRequest }) {
      const connection = await open()
      connection.write(encodeRequest({ path: '/first' }))
      const first = await connection.readResponse()
      connection.write(UPGRADE)
      const head = clean(await connection.readUntil('\r\n\r\n'))
      connection.write('hi')
      return [first, head, (await connection.readExactly(2)).toString()]
    }
  },
  {
    name: 'an upgrade with a body of its own',
    serve: serving((server, { log }) =>
      server.on('upgrade', (req, socket, head) => {
        log(head.toString(), req.headers['content-length'])
        let text = ''
        req.on('data', (d) => {
          text += d
        })
        req.on('end', () => log('end', text))
        socket.end(`${SWITCH}done`)
      })
    ),
    async exchange({ open }) {
      const connection = await open()
      connection.write(
        'POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\nContent-Length: 4\r\n\r\nbodyrest'
      )
      return clean((await connection.readToEnd()).bytes)
    }
  },
  {
    name: 'two upgraded connections and HTTP beside them',
    serve: serving((server) => echo(server, { log() {} })),
    async exchange({ open, request }) {
      const connections = []
      for (let i = 0; i < 2; i++) {
        const connection = await open()
        connection.write(UPGRADE)
        await connection.readUntil('\r\n\r\n')
        connections.push(connection)
      }
      const beside = await request({ path: '/beside' })
      for (const [i, connection] of connections.entries()) connection.write(`c${i}`)
      const out = []
      for (const connection of connections) out.push((await connection.readExactly(2)).toString())
      return [beside, out]
    }
  },
  {
    name: 'pause, pipe, setTimeout and friends on an upgraded socket',
    serve: serving((server, { log, attempt }) =>
      server.on('upgrade', (req, socket) => {
        log(
          attempt(() => socket.setTimeout(0) === socket),
          attempt(() => socket.setNoDelay() === socket),
          attempt(() => socket.setKeepAlive(true, 0) === socket),
          socket.listenerCount('error'),
          socket.listenerCount('data'),
          socket.listenerCount('end'),
          socket.listenerCount('timeout'),
          socket.isPaused(),
          socket.readableFlowing
        )
        socket.write(SWITCH)
        socket.unshift(Buffer.from('unshifted,'))
        socket.pipe(socket)
      })
    ),
    async exchange({ open }) {
      const connection = await open()
      connection.write(UPGRADE)
      await connection.readUntil('\r\n\r\n')
      connection.write('piped')
      return (await connection.readExactly(15)).toString()
    }
  },
  {
    name: 'server.close() does not wait for upgraded sockets to speak HTTP',
    serve: serving((server, { later, log }) => {
      server.on('upgrade', (req, socket) => {
        socket.write(SWITCH)
        later(() => {
          server.closeAllConnections()
          log('upgraded socket survives closeAllConnections', !socket.destroyed)
          socket.destroy()
        })
      })
    }),
    async exchange({ open }) {
      const connection = await open()
      connection.write(UPGRADE)
      return clean(await connection.readUntil('\r\n\r\n'))
    }
  },
  {
    name: 'CONNECT without a listener',
    serve: serving(() => {}),
    exchange: ({ raw }) => raw(CONNECT)
  },
  {
    name: 'CONNECT: a tunnel',
    serve: serving((server, { log }) =>
      server.on('connect', (req, socket, head) => {
        log(
          req.method,
          req.url,
          req.headers.host,
          head.toString(),
          socket instanceof net.Socket,
          req.upgrade
        )
        socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
        socket.write(head)
        socket.on('data', (d) => socket.write(d))
        socket.on('end', () => socket.end())
      })
    ),
    async exchange({ open }) {
      const connection = await open({ allowHalfOpen: true })
      connection.write(`${CONNECT}head`)
      const head = clean(await connection.readUntil('\r\n\r\n'))
      const early = (await connection.readExactly(4)).toString()
      connection.write('tunnel')
      const back = (await connection.readExactly(6)).toString()
      connection.end()
      return [head, early, back, (await connection.readToEnd()).bytes.length]
    }
  },
  {
    name: 'CONNECT: refused',
    serve: serving((server) =>
      server.on('connect', (req, socket) =>
        socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n')
      )
    ),
    exchange: ({ raw }) => raw(CONNECT)
  }
])
