// app.listen: arguments of server.listen, the server it returns, the callback's error.
'use strict'

const { exchange, ours, theirs } = require('../helpers/differential')
const assert = require('node:assert/strict')
const fs = require('node:fs')
const http = require('node:http')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')
const { once } = require('node:events')
const { test } = require('node:test')

const close = (server) => new Promise((resolve) => server.close(resolve))

const hello = (express) => express().get('/', (_req, res) => res.send('hello'))

for (const [name, express] of Object.entries({ ours, theirs })) {
  test(`app.listen(0, callback) calls back once, without an error [${name}]`, async () => {
    const calls = []
    const server = hello(express).listen(0, (...args) => calls.push(args))
    await once(server, 'listening')

    assert.ok(server.address().port > 0)
    assert.equal((await exchange(server.address().port, '/')).body.toString(), 'hello')
    assert.equal(calls.length, 1)
    assert.equal(calls[0][0] ?? undefined, undefined)
    await close(server)
  })

  test(`app.listen with options, host and backlog [${name}]`, async () => {
    for (const args of [
      [{ host: '127.0.0.1', port: 0 }],
      [0, '127.0.0.1'],
      [0, '127.0.0.1', 10],
      [0, undefined]
    ]) {
      const server = hello(express).listen(...args)
      await once(server, 'listening')
      assert.equal((await exchange(server.address().port, '/')).status, 200)
      await close(server)
    }
  })

  test(`app.listen gives its callback the error of a port in use, once [${name}]`, async () => {
    const taken = net.createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')

    const calls = []
    const server = hello(express).listen(taken.address().port, '127.0.0.1', (err) =>
      calls.push(err)
    )
    const [err] = await once(server, 'error')

    assert.equal(err.code, 'EADDRINUSE')
    assert.deepEqual(calls, [err])
    assert.equal(server.listening, false)
    await close(taken)
  })

  test(`app.listen without callback emits 'error' [${name}]`, async () => {
    const taken = net.createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const [err] = await once(hello(express).listen(taken.address().port, '127.0.0.1'), 'error')
    assert.equal(err.code, 'EADDRINUSE')
    await close(taken)
  })

  test(`app.listen on a unix socket [${name}]`, {
    skip: process.platform === 'win32' && 'no unix sockets'
  }, async () => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'rnode-sock-'))
    const file = path.join(dir, 'http.sock')
    const server = hello(express).listen(file)
    await once(server, 'listening')

    assert.equal(server.address(), file)
    const outgoing = http.get({ agent: false, path: '/', socketPath: file })
    const [incoming] = await once(outgoing, 'response')
    incoming.resume()
    assert.equal(incoming.statusCode, 200)
    outgoing.destroy()
    await close(server)
    fs.rmSync(dir, { recursive: true })
  })
}
