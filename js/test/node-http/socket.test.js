'use strict'

// req.socket: what it tells about the connection, what can be done to it, and that it stays one object per connection.

const net = require('node:net')
const { Duplex } = require('node:stream')
const { one, suite } = require('./harness')

suite(__filename, [
  one('addresses', (req, res, { log }) => {
    const s = req.socket
    log(
      s.remoteAddress,
      typeof s.remotePort,
      s.remoteFamily,
      s.localAddress,
      typeof s.localPort,
      s.localFamily ?? null
    )
    log(
      { ...s.address(), port: typeof s.address().port },
      s.address().port === s.localPort,
      s.remotePort !== s.localPort
    )
    res.end()
  }),
  one('state and kind', (req, res, { log }) => {
    const s = req.socket
    log(
      s instanceof net.Socket,
      s instanceof Duplex,
      s.constructor.name,
      s.encrypted ?? null,
      s.readable,
      s.writable,
      s.destroyed,
      s.connecting,
      s.pending,
      s.readyState,
      s.allowHalfOpen
    )
    log(
      s.writableLength,
      s.writableHighWaterMark,
      s.readableHighWaterMark,
      s.timeout ?? null,
      typeof s.bytesRead,
      typeof s.bytesWritten,
      s.bytesRead > 0,
      typeof s._handle,
      s.closed,
      s.writableEnded,
      s.readableEnded
    )
    log(
      s === req.connection,
      s === res.socket,
      s === res.connection,
      s._httpMessage === res,
      typeof s.server,
      typeof s.parser
    )
    res.end()
  }),
  one('chainable methods', (req, res, { log, attempt }) => {
    const s = req.socket
    log(
      attempt(() => s.setNoDelay(true) === s),
      attempt(() => s.setKeepAlive(true, 1000) === s),
      attempt(() => s.setTimeout(5000) === s),
      s.timeout,
      attempt(() => s.ref() === s),
      attempt(() => s.unref() === s),
      attempt(() => s.ref() === s),
      attempt(() => s.setTimeout(0) === s),
      s.timeout ?? null
    )
    res.end()
  }),
  one('bad arguments', (req, res, { log, attempt }) => {
    const s = req.socket
    log(
      attempt(() => s.setTimeout('x')),
      attempt(() => s.setTimeout(-1)),
      attempt(() => s.setTimeout(10, 'not a function'))
    )
    log(attempt(() => s.write(null)).code ?? null)
    s.on('error', () => {})
    res.end()
  }),
  one('own properties and listeners', (req, res, { log }) => {
    const s = req.socket
    s.own = 'mine'
    log(s.own, Object.hasOwn(s, 'own'))
    const before = s.listenerCount('close')
    const listener = () => log('close')
    s.on('close', listener)
    log(s.listenerCount('close') - before)
    res.end('x')
  }),
  one('setTimeout and the timeout event', (req, res, { log }) => {
    req.socket.setTimeout(20, () => {
      log('callback')
      req.socket.setTimeout(0)
      res.end('after')
    })
    req.socket.once('timeout', () => log('event'))
  }),
  one(
    'express: ip, protocol, secure from the socket',
    (req, res, { log }) => {
      log(req.ip, req.ips, req.protocol, req.secure, req.hostname)
      res.end()
    },
    { path: '/', headers: { 'X-Forwarded-For': '9.9.9.9', 'X-Forwarded-Proto': 'https' } }
  ),
  {
    name: 'one socket per connection, with what was put on it',
    serve: ({ log }) => {
      const sockets = []
      return (req, res) => {
        if (!sockets.includes(req.socket)) sockets.push(req.socket)
        req.socket.requests = (req.socket.requests ?? 0) + 1
        log(sockets.length, req.socket.requests)
        res.end()
      }
    },
    async exchange({ open, encodeRequest }) {
      const connections = [await open(), await open()]
      for (let i = 0; i < 3; i++) {
        for (const connection of connections) {
          connection.write(encodeRequest({ path: '/' }))
          await connection.readResponse()
        }
      }
    }
  },
  {
    name: 'bytes written to the socket beside the response',
    serve: () => (req, res) => {
      req.socket.write('HTTP/1.1 102 Processing\r\nX-By: hand\r\n\r\n')
      res.end('real')
    },
    async exchange({ open, encodeRequest }) {
      const connection = await open()
      connection.write(encodeRequest({ path: '/' }))
      return connection.readResponse()
    }
  },
  {
    name: 'a whole answer written to the socket, then destroySoon',
    serve: () => (req) => {
      req.socket.write('HTTP/1.1 200 By Hand\r\nContent-Length: 4\r\n\r\nhand')
      req.socket.destroySoon()
    },
    exchange: ({ raw }) => raw('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  },
  {
    name: "write callback and 'finish', 'end', 'close' of the socket",
    serve:
      ({ log }) =>
      (req, res) => {
        for (const event of ['end', 'finish', 'close']) req.socket.on(event, () => log(event))
        res.setHeader('Connection', 'close')
        res.end('bye')
      },
    async exchange({ open, encodeRequest, until }) {
      const connection = await open()
      connection.write(encodeRequest({ path: '/' }))
      const answer = await connection.readResponse()
      await connection.readToEnd()
      connection.destroy()
      await until(2)
      return answer
    }
  },
  {
    name: 'after the response: res.socket, req.socket, detached',
    serve:
      ({ log }) =>
      (req, res) => {
        const { socket } = req
        res.on('finish', () => log('finish', res.socket === null, req.socket === socket))
        res.on('close', () =>
          log(
            'close',
            res.socket === null,
            req.socket === socket,
            socket._httpMessage === res,
            socket.destroyed
          )
        )
        res.end('x')
      },
    exchange: ({ request, until }) =>
      request({ path: '/' }).then(async (answer) => [answer, await until(2)])
  },
  {
    name: 'client leaves an idle connection: the socket closes without error',
    serve:
      ({ log }) =>
      (req, res) => {
        req.socket.once('end', () => log('end'))
        req.socket.once('close', (hadError) => log('close', hadError))
        req.socket.once('error', (error) => log('error', error.code))
        res.end('x')
      },
    async exchange({ open, encodeRequest, until }) {
      const connection = await open()
      connection.write(encodeRequest({ path: '/' }))
      const answer = await connection.readResponse()
      connection.end()
      await until(2)
      return answer
    }
  },
  {
    name: 'req.client and a data listener do not disturb parsing',
    serve:
      ({ log }) =>
      (req, res) => {
        log(req.client === req.socket)
        res.end(req.url)
      },
    async exchange({ open, encodeRequest }) {
      const connection = await open()
      const out = []
      for (const path of ['/1', '/2']) {
        connection.write(encodeRequest({ path }))
        out.push(await connection.readResponse())
      }
      return out
    }
  }
])
