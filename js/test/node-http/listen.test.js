'use strict'

// Every form of listen(): ports, hosts, backlogs, option objects, unix paths, callbacks, and what is refused. Ports are
// always 0; what the system chooses is compared by type.

const fs = require('node:fs')
const net = require('node:net')
const path = require('node:path')
const { suite } = require('./harness')
const {
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
} = require('./server-cases')

suite(__filename, [
  listening('listen(0)', (app) => app.listen(0)),
  listening('listen()', (app) => app.listen()),
  listening("listen('0')", (app) => app.listen('0')),
  listening('listen(0, host)', (app) => app.listen(0, '127.0.0.1')),
  listening('listen(0, any address)', (app) => app.listen(0, '0.0.0.0')),
  listening('listen(0, host, backlog)', (app) => app.listen(0, '127.0.0.1', 10)),
  listening('listen(0, backlog)', (app) => app.listen(0, 10)),
  listening(
    'listen(0, callback)',
    (app, { log }) =>
      new Promise((resolve) => {
        const server = app.listen(0, function (...args) {
          log('callback', args.length, this === server, server.listening)
          resolve(server)
        })
        log('returned', server.listening, shape(server.address()))
      })
  ),
  listening(
    'listen(0, host, callback)',
    (app, { log }) =>
      new Promise((resolve) => {
        const server = app.listen(0, '127.0.0.1', () => {
          log('callback')
          resolve(server)
        })
      })
  ),
  listening(
    'listen(0, host, backlog, callback)',
    (app, { log }) =>
      new Promise((resolve) => {
        const server = app.listen(0, '127.0.0.1', 5, () => {
          log('callback')
          resolve(server)
        })
      })
  ),
  listening(
    'listen(callback)',
    (app, { log }) =>
      new Promise((resolve) => {
        const server = app.listen(() => {
          log('callback')
          resolve(server)
        })
      })
  ),
  listening('listen({ port, host })', (app) => app.listen({ port: 0, host: '127.0.0.1' })),
  listening('listen({ port, ipv6Only })', (app) =>
    app.listen({ port: 0, host: '::', ipv6Only: false })
  ),
  listening(
    'listen({ port }, callback)',
    (app, { log }) =>
      new Promise((resolve) => {
        const server = app.listen(
          { port: 0, host: '127.0.0.1', backlog: 3, exclusive: true },
          () => {
            log('callback')
            resolve(server)
          }
        )
      })
  ),
  listening("listen(0, '::1')", (app) => app.listen(0, '::')),
  {
    name: 'listen(path)',
    skip: posix,
    async serve(ctx) {
      const file = path.join(temporary(ctx), 'socket')
      const server = hello(ctx).listen(file)
      await once(server, 'listening')
      ctx.log(server.address() === file, typeof server.address())
      ctx.later(() => ctx.log('socket file exists before close', fs.existsSync(file)))
      return server
    },
    exchange: ({ request }) => request({ path: '/' })
  },
  inside('address() behind the end of a path', async (app, ctx) => {
    const file = path.join(temporary(ctx), 'socket')
    const server = app.listen(file)
    await once(server, 'listening')
    await closed(server)
    ctx.log(server.address() === file)
    server.listen(0)
    await once(server, 'listening')
    ctx.log(shape(server.address()))
    await closed(server)
    ctx.log(server.address() === file)
    const missing = app.listen(path.join(file, 'missing'))
    ctx.log((await once(missing, 'error')).code, missing.address() === path.join(file, 'missing'))
  }),
  {
    name: 'listen({ path }): mode, address, file removed by close',
    skip: posix,
    async serve(ctx) {
      const file = path.join(temporary(ctx), 'socket')
      const server = hello(ctx).listen({ path: file, readableAll: true, writableAll: true })
      await once(server, 'listening')
      ctx.log((fs.statSync(file).mode & 0o777).toString(8))
      server.on('close', () => ctx.log('close', fs.existsSync(file)))
      return server
    },
    exchange: ({ request }) => request({ path: '/' })
  },
  {
    name: 'addresses of a request over a unix socket',
    skip: posix,
    async serve(ctx) {
      const app = ctx.express()
      app.use((req, res) =>
        res.json({
          address: req.socket.address(),
          remote: req.socket.remoteAddress ?? null,
          port: req.socket.remotePort ?? null,
          local: req.socket.localAddress ?? null,
          ip: req.ip ?? null,
          ips: req.ips,
          hostname: req.hostname
        })
      )
      const server = app.listen(path.join(temporary(ctx), 'socket'))
      await once(server, 'listening')
      return server
    },
    exchange: ({ request }) => request({ path: '/' })
  },
  inside('EADDRINUSE as an error event', async (app, { log, express }) => {
    const first = app.listen(0, '127.0.0.1')
    await once(first, 'listening')
    const { port } = first.address()
    const second = express().listen(port, '127.0.0.1')
    const [error] = await once(second, 'error')
    log(
      error.code,
      error.syscall,
      error.errno,
      error.address,
      error.port === port,
      error.message.replace(port, '<port>'),
      error instanceof Error,
      second.listening,
      second.address()
    )
    await closed(first)
  }),
  inside('EADDRINUSE given to the callback of app.listen', async (app, { log, express }) => {
    const first = app.listen(0, '127.0.0.1')
    await once(first, 'listening')
    const calls = await new Promise((resolve) => {
      const server = express().listen(first.address().port, '127.0.0.1', (error) =>
        resolve([error?.code, server.listening])
      )
    })
    log(calls)
    await closed(first)
  }),
  inside(
    'EADDRINUSE on a unix path',
    async (app, ctx) => {
      const file = path.join(temporary(ctx), 'socket')
      const first = app.listen(file)
      await once(first, 'listening')
      const second = ctx.express().listen(file)
      const [error] = await once(second, 'error')
      ctx.log(error.code, error.syscall, error.address === file)
      await closed(first)
    },
    { skip: posix }
  ),
  inside('an address that is not ours', async (app, { log }) => {
    const server = app.listen(0, '203.0.113.1')
    const [error] = await once(server, 'error')
    log(error.code, error.syscall, error.address, error.port)
  }),
  inside(
    'a path that cannot be made',
    async (app, { log }) => {
      const server = app.listen('/no/such/directory/socket')
      const [error] = await once(server, 'error')
      log(error.code, error.syscall)
    },
    { skip: posix }
  ),
  inside('bad arguments of listen', async (app, { log, attempt }) => {
    for (const args of [
      [-1],
      [65536],
      [1.5],
      ['not a port', 5],
      [{}],
      [{ port: 'x' }],
      [{ host: 'a' }],
      [null, 'x'],
      [{ port: 99999 }],
      [true]
    ]) {
      const result = attempt(() => {
        const server = app.listen(...args)
        server.on('error', () => {})
        server.on('listening', () => server.close())
        return server
      })
      log(
        JSON.stringify(args),
        result.code ?? null,
        result.name ?? null,
        result.code ? result.message : null
      )
    }
  }),
  inside(
    'listen({ fd }), a descriptor that was inherited',
    async (app, ctx) => {
      const { fork } = require('node:child_process')
      const holder = net.createServer().listen(0, '127.0.0.1')
      await once(holder, 'listening')
      const { port } = holder.address()
      const script = path.join(temporary(ctx), 'child.js')
      const target = require('../ecosystem/lib/targets').pathOf(process.env.NODE_HTTP_SIDE)
      fs.writeFileSync(
        script,
        `const app = require(${JSON.stringify(target)})()
        app.use((req, res) => res.end('hello from ' + typeof req.socket.localPort))
        const server = app.listen({ fd: 4 }, () => process.send(server.address()))
        process.on('message', () => server.close(() => process.disconnect()))`
      )
      const child = fork(script, {
        env: { ...process.env, NODE_HTTP_SIDE: '' },
        stdio: ['ignore', 'inherit', 'inherit', 'ipc', holder._handle.fd]
      })
      const [address] = await once(child, 'message')
      await closed(holder)
      ctx.log(address.port === port, shape(address))
      const socket = connect(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
      await once(socket, 'close')
      ctx.log(socket.seen.split('\r\n\r\n')[1])
      child.send('close')
      ctx.log(await once(child, 'exit'))
    },
    { skip: posix }
  ),
  listening('listen(handle)', async (app) => {
    const holder = net.createServer().listen(0, '127.0.0.1')
    await once(holder, 'listening')
    const server = app.listen(holder._handle)
    return server
  }),
  listening('listen({ _handle }), a server that has bound', async (app) => {
    const holder = net.createServer().listen(0, '127.0.0.1')
    await once(holder, 'listening')
    return app.listen(holder)
  }),
  inside('address() and listening from listen() on', async (app, { log }) => {
    const server = app.listen(0, '127.0.0.1')
    log(server.listening, shape(server.address()))
    await once(server, 'listening')
    log(server.listening, shape(server.address()))
    server.close()
    log(server.listening, shape(server.address()))
    await once(server, 'close')
    log(server.listening, shape(server.address()))
  }),
  inside('address() at once without a host', async (app, { log }) => {
    const server = app.listen(0)
    log(server.listening, shape(server.address()), typeof server._handle)
    await once(server, 'listening')
    await closed(server)
    log(server._handle)
  }),
  inside('close() before the event of listen()', async (app, { log }) => {
    const server = app.listen(0, () => log('callback', server.listening, server.address()))
    server.on('listening', () => log('listening', server.listening))
    server.close(() => log('closed'))
    log(server.listening, server.address())
    await once(server, 'close')
    await new Promise(setImmediate)
  }),
  inside('a host that does not resolve', async (app, { log, attempt }) => {
    const server = app.listen(0, 'no-such-host.invalid')
    const [error] = await once(server, 'error')
    log(error.code, error.syscall, error.hostname, server.listening, server.address())
    log(attempt(() => server.listen(0, '127.0.0.1')))
    await once(server, 'listening')
    await closed(server)
  }),
  listening('a host by name', (app) => app.listen(0, 'localhost')),
  inside('ipv6Only leaves IPv4 to others', async (_, { log, express }) => {
    // another program may have the IPv4 port of a free IPv6 one: not ten times
    for (let tries = 1; ; tries++) {
      const server = express().listen({ port: 0, host: '::', ipv6Only: true })
      await once(server, 'listening')
      const second = express().listen(server.address().port, '0.0.0.0')
      const [error] = await Promise.race([once(second, 'listening'), once(second, 'error')])
      await closed(second)
      await closed(server)
      if (error === undefined || tries === 10) return log(error)
    }
  }),
  inside('IPv6 takes IPv4 along', async (app, { log, express }) => {
    const server = app.listen({ port: 0, host: '::' })
    await once(server, 'listening')
    const second = express().listen(server.address().port, '0.0.0.0')
    const [error] = await once(second, 'error')
    log(error.code, error.address)
    await closed(server)
  }),
  ...['before', 'at once', 'later', 'after close'].map((when) =>
    inside(`signal aborted ${when}`, async (app, { log }) => {
      const controller = new AbortController()
      if (when === 'before') controller.abort()
      const server = app.listen({ port: 0, host: '127.0.0.1', signal: controller.signal })
      server.on('listening', () => log('listening'))
      const gone = once(server, 'close')
      if (when === 'at once') controller.abort()
      if (when === 'later' || when === 'after close') await once(server, 'listening')
      if (when === 'after close') {
        server.close()
        await gone
        server.on('close', () => log('closed again'))
      }
      controller.abort()
      await gone
      log('close', server.listening)
    })
  ),
  inside('a signal that is none', (app, { log, attempt }) => {
    for (const signal of ['x', {}, null, 5])
      log(
        attempt(() => {
          const server = app.listen({ port: 0, signal })
          server.close()
          return server
        })
      )
  }),
  inside(
    'an abstract unix socket',
    async (app, { log, attempt }) => {
      const name = `\0rnode-${process.pid}-${Math.random()}`
      const server = app.listen(name)
      await once(server, 'listening')
      log(server.address() === name)
      const socket = net.connect(name)
      socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
      let text = ''
      for await (const chunk of socket) text += chunk
      log(text.split('\r\n')[0])
      await closed(server)
    },
    { skip: process.platform === 'linux' ? undefined : 'Linux has them' }
  ),
  ...[{}, { readableAll: true }, { writableAll: true }].map((options) =>
    inside(
      `mode of a unix socket: ${JSON.stringify(options)}`,
      async (app, ctx) => {
        const file = path.join(temporary(ctx), 'socket')
        const server = app.listen({ path: file, ...options })
        await once(server, 'listening')
        ctx.log((fs.statSync(file).mode & 0o777).toString(8))
        await closed(server)
      },
      { skip: posix }
    )
  ),
  inside('two processes do not share a port', async (app, ctx) => {
    const { fork } = require('node:child_process')
    const server = app.listen(0)
    await once(server, 'listening')
    const script = path.join(temporary(ctx), 'second.js')
    const target = require('../ecosystem/lib/targets').pathOf(process.env.NODE_HTTP_SIDE)
    fs.writeFileSync(
      script,
      `const server = require(${JSON.stringify(target)})().listen(${server.address().port})
      server.on('error', (error) => process.send([error.code, error.syscall], () => process.exit()))
      server.on('listening', () => process.send(['listening'], () => process.exit()))`
    )
    const child = fork(script, { env: { ...process.env, NODE_HTTP_SIDE: '' } })
    ctx.log(await once(child, 'message'))
    await closed(server)
  }),
  inside('listen twice', async (app, { log, attempt }) => {
    const server = app.listen(0)
    await once(server, 'listening')
    log(attempt(() => server.listen(0)))
    await closed(server)
  }),
  inside('listen again after close', async (app, { log }) => {
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    await closed(server)
    log(server.listening, server.address())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    log(server.listening, shape(server.address()))
    const socket = connect(
      server.address().port,
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
    )
    log((await received(socket, 'hello')).split('\r\n')[0])
    socket.destroy()
    await closed(server)
  })
])
