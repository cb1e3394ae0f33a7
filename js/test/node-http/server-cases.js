'use strict'

// What the tests of the server object share: an app, and ways to make a case of a listening server or of code that runs
// inside the child alone. It must not hold cases.

const fs = require('node:fs')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')

const hello = (ctx) => {
  const app = ctx.express()
  app.disable('x-powered-by')
  app.use((req, res) => {
    if (req.url !== '/hang') return res.end('hello')
    ctx.log('hanging')
    ctx.hanging?.(res)
  })
  return app
}

const shape = (address) =>
  address && typeof address === 'object' ? { ...address, port: typeof address.port } : address

/** Serves what `listen(app, ctx)` gives, after it listens; logs its address. */
const listening = (name, listen, options) => ({
  name,
  ...options,
  async serve(ctx) {
    const app = hello(ctx)
    const server = await listen(app, ctx)
    if (!server.listening) await new Promise((resolve) => server.once('listening', resolve))
    ctx.log('address', shape(server.address()))
    return server
  },
  exchange: ({ request }) => request({ path: '/' })
})

/** Everything happens inside the child: `act(app, ctx)` logs; a helper server answers nothing. */
const inside = (name, act, options) => ({
  name,
  ...options,
  async serve(ctx) {
    await act(hello(ctx), ctx)
    const idle = net.createServer().listen(0, '127.0.0.1')
    idle.closeAllConnections = () => {}
    return idle
  },
  exchange: async () => 'done'
})

const once = (emitter, event) =>
  new Promise((resolve) => emitter.once(event, (...args) => resolve(args)))
const closed = (server) => new Promise((resolve) => server.close(resolve))

function temporary(ctx) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'node-http-'))
  ctx.later(() => fs.rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** A raw client inside the child. */
function connect(port, text) {
  const socket = net.connect(port, '127.0.0.1')
  socket.seen = ''
  socket.on('data', (d) => {
    socket.seen += d
  })
  socket.on('error', () => {})
  if (text) socket.write(text)
  return socket
}
const received = (socket, mark) =>
  new Promise((resolve) => {
    const look = () =>
      socket.seen.includes(mark)
        ? resolve(socket.seen)
        : socket.once('data', () => setImmediate(look))
    look()
  })

const posix = process.platform === 'win32' ? 'paths of unix sockets' : undefined

module.exports = {
  hello,
  shape,
  listening,
  inside,
  once,
  closed,
  temporary,
  connect,
  received,
  posix
}
