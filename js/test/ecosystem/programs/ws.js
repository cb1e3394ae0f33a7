'use strict'

// ws on the server that listen() returned: several paths, subprotocols, refused handshakes, compression, fragments, pings,
// close codes, large messages, streams, bytes sent with the handshake, and a client that vanishes.

const { WebSocketServer, WebSocket, createWebSocketStream } = require('ws')
const { messagesOf } = require('../lib/messages')

module.exports = {
  name: 'ws',
  packages: ['ws'],

  build(express, ctx) {
    const app = express()
    app.get('/', (req, res) => res.send('beside ws'))
    let servers = []
    return {
      app,
      attach(server) {
        const echo = new WebSocketServer({
          noServer: true,
          perMessageDeflate: { threshold: 100 },
          handleProtocols: (protocols) => (protocols.has('second') ? 'second' : false)
        })
        const stream = new WebSocketServer({ noServer: true })
        servers = [echo, stream]
        echo.on('headers', (headers) => headers.push('X-Handshake: seen'))
        echo.on('connection', (ws, req) => {
          ws.send(
            JSON.stringify({
              url: req.url,
              protocol: ws.protocol,
              extensions: ws.extensions,
              method: req.method,
              version: req.httpVersion,
              cookie: req.headers.cookie ?? null
            })
          )
          ws.on('message', (data, binary) => {
            if (!binary && data.toString() === 'close me') return ws.close(4321, 'as asked')
            if (!binary && data.toString() === 'kill me') return ws.terminate()
            ws.send(data, { binary })
          })
          ws.on('ping', (data) => ctx.log(req.url, ['ping', data.toString()]))
          ws.on('close', (code, reason) => ctx.log(req.url, ['close', code, reason.toString()]))
          ws.on('error', (error) => ctx.log(req.url, ['error', error.code]))
        })
        stream.on('connection', (ws) => {
          const duplex = createWebSocketStream(ws, { encoding: 'utf8' })
          duplex.on('error', () => {})
          duplex.on('data', (text) => duplex.write(text.toUpperCase()))
        })
        server.on('upgrade', (req, socket, head) => {
          socket.on('error', () => {})
          const { pathname } = new URL(req.url, 'ws://x')
          if (pathname === '/echo')
            echo.handleUpgrade(req, socket, head, (ws) => echo.emit('connection', ws, req))
          else if (pathname === '/stream')
            stream.handleUpgrade(req, socket, head, (ws) => stream.emit('connection', ws, req))
          else if (pathname === '/refuse')
            socket.end(
              'HTTP/1.1 401 Unauthorized\r\nX-Why: no\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno'
            )
          else socket.destroy()
        })
      },
      close() {
        for (const one of servers) for (const client of one.clients) client.terminate()
      }
    }
  },

  requests: [
    { path: '/' },
    async function handshakes({ open }) {
      const out = []
      const lines = [
        'Connection: keep-alive, Upgrade',
        'Upgrade: WebSocket',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        'Sec-WebSocket-Version: 13'
      ]
      for (const [path, headers] of [
        ['/echo', lines],
        ['/echo', [...lines.slice(0, 3), 'Sec-WebSocket-Version: 5']],
        ['/echo', lines.slice(0, 2)],
        ['/refuse', lines],
        ['/elsewhere', lines],
        ['/', ['Upgrade: websocket']]
      ]) {
        const connection = await open()
        connection.write(
          `GET ${path} HTTP/1.1\r\nHost: app.test\r\n${headers.join('\r\n')}\r\n\r\n`
        )
        out.push(await connection.readResponse().catch((error) => error.code))
        connection.destroy()
      }
      return out
    },
    async function frameWithHandshake({ open }) {
      const connection = await open()
      const frame = Buffer.from([0x81, 0x85, 0, 0, 0, 0, 0x65, 0x61, 0x72, 0x6c, 0x79])
      connection.write(
        Buffer.concat([
          Buffer.from(
            'GET /echo?early HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n'
          ),
          frame
        ])
      )
      const head = await connection.readResponse()
      await connection.readUntil('early', 'greeting')
      await connection.readUntil('early', 'echo of the early frame')
      connection.destroy(true)
      return head
    }
  ],

  async transcript(baseUrl, { port, until }) {
    const lines = []
    const open = (path, ...args) => new WebSocket(`ws://127.0.0.1:${port}${path}`, ...args)
    const ws = open('/echo?main', ['first', 'second'], {
      headers: { Cookie: 'a=b' },
      perMessageDeflate: true
    })
    const next = messagesOf(ws)
    lines.push(await next(), ws.protocol, ws.extensions)
    for (const message of [
      'text',
      'ü'.repeat(5000),
      Buffer.from([0, 1, 2]),
      Buffer.alloc(2_000_000, 5),
      ''
    ]) {
      ws.send(message)
      const back = await next()
      lines.push([
        typeof back === 'string' ? 'text' : 'binary',
        back.length,
        Buffer.compare(Buffer.from(back), Buffer.from(message)) === 0
      ])
    }
    ws.send('frag', { fin: false })
    ws.send('mented', { fin: true })
    lines.push(await next())
    const pong = new Promise((resolve) => ws.once('pong', (data) => resolve(data.toString())))
    ws.ping('are you there')
    lines.push(await pong)
    for (let i = 0; i < 200; i++) ws.send(`burst ${i}`)
    const burst = []
    for (let i = 0; i < 200; i++) burst.push(await next())
    lines.push(burst.join().length, burst.at(-1))
    ws.send('close me')
    lines.push(
      await new Promise((resolve) =>
        ws.once('close', (code, reason) => resolve([code, reason.toString()]))
      )
    )

    const killed = open('/echo?killed')
    await new Promise((resolve) => killed.once('message', resolve))
    killed.send('kill me')
    lines.push(await new Promise((resolve) => killed.once('close', (code) => resolve(code))))

    const vanishing = open('/echo?vanishing')
    await new Promise((resolve) => vanishing.once('message', resolve))
    vanishing.terminate()
    lines.push(await until('/echo?vanishing', 1))

    const refused = open('/refuse')
    lines.push(
      await new Promise((resolve) => refused.once('error', (error) => resolve(error.message)))
    )

    const duplex = createWebSocketStream(open('/stream'), { encoding: 'utf8' })
    duplex.write('stream me')
    lines.push(await new Promise((resolve) => duplex.once('data', resolve)))
    duplex.destroy()
    lines.push(await until('/echo?main', 2), await until('/echo?killed', 1))
    return lines
  }
}
