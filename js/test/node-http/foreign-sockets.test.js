'use strict'

// Sockets that others have accepted and give to the server by emitting 'connection': streams in memory, TLS in front of the
// server, one port for two protocols. Node's server serves whatever it is given.

const fs = require('node:fs')
const http = require('node:http')
const net = require('node:net')
const path = require('node:path')
const tls = require('node:tls')
const { Duplex } = require('node:stream')
const { suite } = require('./harness')
const { inside, once } = require('./server-cases')

/** Two ends of a stream in memory. */
function pair() {
  const ends = [0, 1].map((me) => {
    const end = new Duplex({
      read() {},
      write(chunk, encoding, done) {
        setImmediate(() => ends[1 - me].push(chunk))
        done()
      },
      final(done) {
        setImmediate(() => ends[1 - me].push(null))
        done()
      },
      destroy(error, done) {
        if (!this.writableFinished) setImmediate(() => ends[1 - me].push(null))
        done(error)
      }
    })
    return end
  })
  return ends
}

const withoutDate = (text) => text.replace(/Date: .*/g, 'Date: <date>')

async function readAll(stream) {
  let text = ''
  stream.setEncoding('utf8')
  for await (const chunk of stream) text += chunk
  return withoutDate(text)
}

function application({ express, log }) {
  const app = express()
  app.set('error pages', 'express')
  app.use((req, res, next) => {
    log('middleware', req.method, req.url, req.socket.encrypted ?? null)
    res.on('finish', () => log('finish', req.url))
    next()
  })
  app.post('/json', express.json(), (req, res) => res.json(req.body))
  app.get('/send', (req, res) => res.send('sent'))
  app.get('/stream', (req, res) => {
    res.write('a')
    setImmediate(() => res.end('b'))
  })
  return app
}

suite(__filename, [
  inside("a stream in memory: emit('connection')", async (app, ctx) => {
    const { log } = ctx
    const server = application(ctx).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const heard = []
    server.on('connection', (socket) => heard.push(socket))
    const [client, end] = pair()
    log(server.emit('connection', end), heard.length, heard[0] === end, end.server === server)
    client.write('GET /send HTTP/1.1\r\nHost: a\r\n\r\n')
    client.write(
      'POST /json HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"a":"b"}'
    )
    client.write('GET /missing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    log(await readAll(client))
    await new Promise((resolve) => server.close(resolve))
  }),
  inside('a server that does not listen', async (app, ctx) => {
    const { log } = ctx
    const server = application(ctx).listen(0, '127.0.0.1')
    await once(server, 'listening')
    await new Promise((resolve) => server.close(resolve))
    const [client, end] = pair()
    server.emit('connection', end)
    client.write('GET /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    log(await readAll(client))
  }),
  inside('limits, bad packets and upgrades of such a stream', async (app, ctx) => {
    const { log } = ctx
    const server = application(ctx).listen(0, '127.0.0.1')
    await once(server, 'listening')
    server.keepAliveTimeout = 9000
    server.requireHostHeader = false
    const ask = (text) => {
      const [client, end] = pair()
      server.emit('connection', end)
      client.write(text)
      return readAll(client)
    }
    log(await ask('GET /send HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /send HTTP/1.0\r\n\r\n'))
    log(await ask('no request\r\n\r\n'))
    server.on('clientError', (error, socket) => {
      log(error.code)
      socket.end('HTTP/1.1 418 Own\r\n\r\n')
    })
    log(await ask('no request\r\n\r\n'))
    server.on('upgrade', (req, socket, head) => {
      log('upgrade', req.url, head.toString())
      socket.end('HTTP/1.1 101 Switching\r\n\r\n')
    })
    log(await ask('GET /up HTTP/1.1\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhead'))
    await new Promise((resolve) => server.close(resolve))
  }),
  inside('TLS in front of the server', async (app, ctx) => {
    const { log } = ctx
    const server = application(ctx).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const files = path.join(__dirname, '..', 'ecosystem', 'fixtures', 'tls')
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) =>
      fs.readFileSync(path.join(files, name))
    )
    const front = tls.createServer({ key, cert }, (socket) => server.emit('connection', socket))
    front.listen(0, '127.0.0.1')
    await once(front, 'listening')
    const client = tls.connect({ port: front.address().port, rejectUnauthorized: false })
    client.write('GET /send HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    log(await readAll(client))
    await new Promise((resolve) => front.close(resolve))
    await new Promise((resolve) => server.close(resolve))
  }),
  inside('one port for two protocols', async (app, ctx) => {
    const { log } = ctx
    const server = application(ctx).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const front = net.createServer((socket) => {
      socket.once('data', (first) => {
        socket.pause()
        if (first.toString().startsWith('PING')) return socket.end('PONG')
        socket.unshift(first)
        server.emit('connection', socket)
        process.nextTick(() => socket.resume())
      })
    })
    front.listen(0, '127.0.0.1')
    await once(front, 'listening')
    const ask = (text) => {
      const client = net.connect(front.address().port, '127.0.0.1')
      client.write(text)
      return readAll(client)
    }
    log(await ask('PING'))
    log(await ask('GET /send HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'))
    await new Promise((resolve) => front.close(resolve))
    await new Promise((resolve) => server.close(resolve))
  }),
  inside('a chunk that is emitted by hand', async (app, ctx) => {
    const { log } = ctx
    const server = application(ctx).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const front = net.createServer({ pauseOnConnect: true }, (socket) => {
      server.emit('connection', socket)
      socket.emit('data', Buffer.from('GET /send HTTP/1.1\r\n'))
      socket.resume()
    })
    front.listen(0, '127.0.0.1')
    await once(front, 'listening')
    const client = net.connect(front.address().port, '127.0.0.1')
    client.write('Host: a\r\nConnection: close\r\n\r\n')
    log(await readAll(client))
    await new Promise((resolve) => front.close(resolve))
    await new Promise((resolve) => server.close(resolve))
  }),
  inside("an agent that wraps http.Server's emit sees such requests once", async (app, ctx) => {
    const { log } = ctx
    const server = application(ctx).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { emit } = http.Server.prototype
    const isOwn = Object.hasOwn(http.Server.prototype, 'emit')
    http.Server.prototype.emit = function (event, ...args) {
      if (event === 'request') log('wrapped', args[0].url)
      return emit.call(this, event, ...args)
    }
    const [client, end] = pair()
    server.emit('connection', end)
    client.write('GET /send HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    log(await readAll(client))
    const other = net.connect(server.address().port, '127.0.0.1')
    other.write('GET /send HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    log(await readAll(other))
    if (isOwn) http.Server.prototype.emit = emit
    else delete http.Server.prototype.emit
    await new Promise((resolve) => server.close(resolve))
  })
])
