'use strict'

// server._handle: what child_process gives to another process with `child.send(message, server)`, and what another server of this
// process can listen on. Not the clusters of Node, which send handles of the primary's.

const { fork } = require('node:child_process')
const net = require('node:net')
const path = require('node:path')
const { suite } = require('./harness')
const { closed, connect, inside, once } = require('./server-cases')
const { pathOf } = require('../ecosystem/lib/targets')

const file = path.join(__dirname, 'fixtures', 'shared-handle.js')

/** What answers at the port, or the error's code. */
function ask(port) {
  const socket = connect(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  return new Promise((resolve) => {
    socket.on('close', () => resolve(socket.seen.split('\r\n\r\n')[1]))
    socket.on('error', (err) => resolve(err.code))
  })
}

suite(__filename, [
  ...['', 'its own'].map((how) =>
    inside(`a port is shared with a child: ${how || "Node's server"}`, async (app, ctx) => {
      const server = app.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address()
      const shared = how && pathOf(process.env.NODE_HTTP_SIDE)
      const child = fork(file, { env: { ...process.env, RNODE_SHARED: shared } })
      ctx.later(() => child.kill())
      child.send('server', server)
      ctx.log(await once(child, 'message'))
      await closed(server)
      ctx.log(await ask(port), await ask(port))
      child.kill()
      await once(child, 'exit')
      ctx.log(await ask(port))
    })
  ),
  inside('a handle that was looked at does not keep the port', async (app, { log }) => {
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address()
    const handle = server._handle
    log(handle.constructor.name, handle === server._handle, handle.fd >= 0, await ask(port))
    await closed(server)
    log(server._handle, await ask(port))
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    log(server._handle === handle, await ask(port))
    await closed(server)
  }),
  inside('another server listens on the same handle', async (app, ctx) => {
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address()
    const second = net.createServer((socket) => socket.end('second'))
    second.listen(server)
    await once(second, 'listening')
    ctx.log(second.address().port === port)
    second.close()
    await closed(server)
    ctx.log(await ask(port))
  })
])
