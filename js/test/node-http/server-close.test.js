'use strict'

// How a server ends: close in its forms, idle and busy connections, connection counts, and what lets the process end.

const { fork } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { suite } = require('./harness')
const { inside, once, closed, temporary, connect, received } = require('./server-cases')

/** The response to the request for /hang, once it is there. */
const held = (ctx) =>
  new Promise((resolve) => {
    ctx.hanging = resolve
  })

suite(__filename, [
  inside('close: callback, event, error of the second', async (app, { log }) => {
    const server = app.listen(0)
    await once(server, 'listening')
    server.on('close', () => log('event', server.listening, server.address()))
    const order = await new Promise((resolve) => {
      const returned = server.close((error) => resolve(['callback', error ?? null]))
      log('returned', returned === server, server.listening)
    })
    log(order)
    log(
      await new Promise((resolve) =>
        server.close((error) => resolve([error?.code, error?.message]))
      )
    )
  }),
  inside('close before listening', async (app, { log }) => {
    const server = app.listen(0, '127.0.0.1')
    server.on('listening', () => log('listening'))
    server.on('close', () => log('close'))
    log(
      await new Promise((resolve) =>
        server.close((error) => resolve(['callback', error?.code ?? null]))
      )
    )
  }),
  inside('close with an idle keep-alive connection', async (app, { log }) => {
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const socket = connect(server.address().port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await received(socket, 'hello')
    const gone = once(socket, 'close')
    const error = await closed(server)
    await gone
    log('closed', error ?? null, socket.seen.split('\r\n\r\n')[1])
  }),
  inside('close waits for a request in flight and tells its client to go', async (app, ctx) => {
    const { log } = ctx
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const hanging = held(ctx)
    server.keepAliveTimeout = 100
    const { port } = server.address()
    const socket = connect(port, 'GET /hang HTTP/1.1\r\nHost: a\r\n\r\n')
    const answer = await hanging
    let done = false
    const closing = closed(server).then(() => {
      done = true
    })
    const refused = connect(port)
    log('new connection', (await once(refused, 'close'))[0])
    log('closed early', done)
    answer.end('finally')
    const ended = once(socket, 'close')
    await closing
    await ended
    log(socket.seen.replace(/Date: .*/, 'Date: <date>'))
  }),
  inside('closeIdleConnections', async (app, ctx) => {
    const { log } = ctx
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const hanging = held(ctx)
    const busy = connect(server.address().port, 'GET /hang HTTP/1.1\r\nHost: a\r\n\r\n')
    const idle = connect(server.address().port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const answer = await hanging
    await received(idle, 'hello')
    const idleGone = once(idle, 'close')
    log(server.closeIdleConnections() ?? null)
    await idleGone
    answer.end('busy survived')
    await received(busy, 'survived')
    busy.destroy()
    await closed(server)
    log('closed')
  }),
  inside('closeAllConnections', async (app, ctx) => {
    const { log } = ctx
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const hanging = new Promise((resolve) => {
      ctx.hanging = (res) => {
        res.on('close', () => log('res close', res.writableFinished))
        resolve()
      }
    })
    const busy = connect(server.address().port, 'GET /hang HTTP/1.1\r\nHost: a\r\n\r\n')
    await hanging
    const gone = once(busy, 'close')
    log(server.closeAllConnections() ?? null)
    await gone
    await closed(server)
    log('closed', busy.seen)
  }),
  inside('getConnections', async (app, { log }) => {
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const count = () =>
      new Promise((resolve) => server.getConnections((error, n) => resolve([error ?? null, n])))
    log(await count())
    const sockets = []
    for (let i = 0; i < 3; i++) {
      const socket = connect(server.address().port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await received(socket, 'hello')
      sockets.push(socket)
    }
    log(await count())
    for (const socket of sockets) socket.destroy()
    await closed(server)
    log(await count())
  }),
  ...[
    ['unref lets a process end', 'server.unref(); process.disconnect()'],
    ['a process ends by itself after close()', 'process.disconnect(); server.close()']
  ].map(([name, act]) =>
    inside(name, async (app, { log }) => {
      const script = path.join(temporary({ later() {} }), 'ends.js')
      const express = require('../ecosystem/lib/targets').pathOf(process.env.NODE_HTTP_SIDE)
      fs.writeFileSync(
        script,
        `const express = require(${JSON.stringify(express)})\nconst server = express().listen(0, () => { ${act} })\n`
      )
      const [code, signal] = await once(
        fork(script, { env: { ...process.env, NODE_HTTP_SIDE: '' }, stdio: 'ignore' }),
        'exit'
      )
      fs.rmSync(path.dirname(script), { recursive: true })
      log(code, signal)
    })
  )
])
