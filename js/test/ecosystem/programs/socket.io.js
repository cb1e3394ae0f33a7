'use strict'

// socket.io attached to the server that listen() returned: polling, WebSocket, the upgrade from one to the other,
// acknowledgements, rooms, namespaces, middleware, binary data, and Express' routes beside it.

const { Server } = require('socket.io')
const { io } = require('socket.io-client')

module.exports = {
  name: 'socket.io',
  packages: ['socket.io', 'socket.io-client'],

  build(express, ctx) {
    const app = express()
    app.get('/', (req, res) => res.send('beside socket.io'))
    let sockets
    return {
      app,
      attach(server) {
        sockets = new Server(server, { serveClient: true, cors: { origin: 'http://x.test' } })
        ctx.log('listeners', [server.listenerCount('request'), server.listenerCount('upgrade')])
        sockets.use((socket, next) =>
          socket.handshake.auth.token === 'bad' ? next(new Error('not allowed')) : next()
        )
        sockets.on('connection', (socket) => {
          socket.emit('welcome', {
            transport: socket.conn.transport.name,
            query: socket.handshake.query.name,
            address: typeof socket.handshake.address
          })
          socket.on('add', (a, b, reply) => reply(a + b))
          socket.on('binary', (data, reply) => reply(Buffer.concat([data, Buffer.from([0xff])])))
          socket.on('large', (text, reply) => reply(text.length))
          socket.on('join', (room, reply) => {
            socket.join(room)
            reply([...socket.rooms].length)
          })
          socket.on('shout', (room, text) => sockets.to(room).emit('shouted', text))
          socket.on('leave-me', () => socket.disconnect(true))
          socket.on('disconnect', (reason) =>
            ctx.log(`disconnect ${socket.handshake.query.name}`, reason)
          )
        })
        sockets.of('/admin').on('connection', (socket) => socket.emit('admin', socket.nsp.name))
      },
      close: () => sockets.close()
    }
  },

  requests: [
    { path: '/' },
    { path: '/socket.io/socket.io.js' },
    { path: '/socket.io/?EIO=4&transport=bogus', expect: 400 },
    { path: '/socket.io/?EIO=4&transport=polling&sid=unknown', expect: 400 },
    {
      method: 'OPTIONS',
      path: '/socket.io/?EIO=4&transport=polling',
      headers: { Origin: 'http://x.test' },
      expect: 204
    },
    { path: '/none', expect: 404 }
  ],

  async transcript(baseUrl, { until }) {
    const out = {}
    for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']]) {
      const name = transports.join('-')
      const lines = []
      out[name] = lines
      const socket = io(baseUrl, {
        transports,
        query: { name },
        forceNew: true,
        reconnection: false
      })
      const heard = (event) =>
        new Promise((resolve) => socket.once(event, (...args) => resolve(args)))
      const welcome = heard('welcome')
      const upgraded = new Promise((resolve) =>
        transports.length === 2
          ? socket.io.engine.once('upgrade', (t) => resolve(t.name))
          : resolve('none')
      )
      await heard('connect')
      lines.push(await welcome)
      lines.push(await upgraded)
      lines.push(await socket.emitWithAck('add', 1, 2))
      lines.push((await socket.emitWithAck('binary', Buffer.from([1, 2, 3]))).toString('hex'))
      lines.push(await socket.emitWithAck('large', 'x'.repeat(300_000)))
      lines.push(await socket.emitWithAck('join', 'room'))
      const shouted = heard('shouted')
      socket.emit('shout', 'room', 'hey')
      lines.push(await shouted)
      const admin = io(`${baseUrl}/admin`, {
        transports,
        forceNew: true,
        reconnection: false,
        query: { name: 'admin' }
      })
      lines.push(await new Promise((resolve) => admin.once('admin', resolve)))
      admin.disconnect()
      const gone = heard('disconnect')
      if (transports[0] === 'websocket') socket.emit('leave-me')
      else socket.disconnect()
      lines.push((await gone)[0])
      lines.push(await until(`disconnect ${name}`, 1))
    }
    const refused = io(baseUrl, {
      auth: { token: 'bad' },
      forceNew: true,
      reconnection: false,
      query: { name: 'refused' }
    })
    out.refused = await new Promise((resolve) =>
      refused.once('connect_error', (e) => resolve(e.message))
    )
    refused.disconnect()
    return out
  }
}
