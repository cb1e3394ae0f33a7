'use strict'

// better-sse: sessions, channels, named events, iterables, last event ids, clients that leave; and an event stream by hand.

const { createSession, createChannel } = require('better-sse')

module.exports = {
  name: 'better-sse',
  packages: ['better-sse'],

  build(express, ctx) {
    const app = express()
    const channel = createChannel()
    channel.on('session-registered', () => ctx.log('channel', ['registered', channel.sessionCount]))
    channel.on('session-deregistered', () =>
      ctx.log('channel', ['deregistered', channel.sessionCount])
    )
    app.get('/sse', async (req, res) => {
      const session = await createSession(req, res, {
        retry: 4000,
        keepAlive: null,
        headers: { 'X-Own': 'header' },
        statusCode: 200
      })
      session.on('disconnected', () => ctx.log('session', 'disconnected'))
      session.push('Hello world!', 'message', '1')
      session.push({ last: session.lastId }, 'json', '2')
      await session.iterate(['a', 'b'], { eventName: 'iterated' })
      res.end()
    })
    app.get('/channel', async (req, res) => {
      const session = await createSession(req, res, { keepAlive: null })
      session.push('joined', 'joined', 'j')
      channel.register(session)
    })
    app.post('/broadcast', express.json(), (req, res) => {
      channel.broadcast(req.body, 'news', { eventId: 'n' })
      res.json({ sessions: channel.sessionCount })
    })
    app.get('/by-hand', (req, res) => {
      res.writeHead(200, {
        'Content-Type': 'text/event-stream',
        'Cache-Control': 'no-cache',
        Connection: 'keep-alive'
      })
      res.flushHeaders()
      req.on('close', () => ctx.log('by-hand', 'close'))
      res.write('data: first\n\n')
    })
    return app
  },

  normalize(result) {
    return {
      ...result,
      body: result.body?.replace(/^id: ?[0-9a-f]{8}-[0-9a-f-]{27}$/gm, 'id: <uuid>')
    }
  },

  requests: [
    { path: '/sse' },
    { path: '/sse', headers: { 'Last-Event-ID': '77' } },
    async function broadcast({ open, encodeRequest, request, until }) {
      const listeners = []
      for (let i = 0; i < 3; i++) {
        const connection = await open()
        connection.write(
          encodeRequest({ path: '/channel', headers: { Accept: 'text/event-stream' } })
        )
        await connection.readUntil('"joined"\n', 'greeting')
        listeners.push(connection)
      }
      await until('channel', 3)
      const out = [await request({ method: 'POST', path: '/broadcast', json: { text: 'to all' } })]
      for (const connection of listeners)
        out.push((await connection.readUntil('"to all"}\n', 'broadcast')).toString())
      listeners[0].destroy()
      await until('channel', 4)
      out.push(await request({ method: 'POST', path: '/broadcast', json: { text: 'to the rest' } }))
      for (const connection of listeners.slice(1))
        out.push((await connection.readUntil('"to the rest"}\n', 'broadcast')).toString())
      for (const connection of listeners) connection.destroy()
      await until('channel', 6)
      return out
    },
    async function byHand({ open, encodeRequest, until }) {
      const connection = await open()
      connection.write(encodeRequest({ path: '/by-hand' }))
      const head = await connection.readUntil('\r\n\r\n')
      await connection.readUntil('first')
      connection.destroy()
      return [head.toString().replace(/Date: .*/, 'Date: <date>'), await until('by-hand', 1)]
    }
  ]
}
