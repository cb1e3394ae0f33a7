'use strict'

// What replaces methods of http.Server.prototype, or http.createServer, for the whole process: agents that see every request so,
// hosts that choose the address (Passenger), tests that catch the server. What they see, and what a client gets, is compared with
// Express. Nothing here is about responses; see patched-responses.test.js.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const test = require('node:test')
const { linesOf } = require('../helpers/spawn')

const ours = path.resolve(__dirname, '../../..')

/**
 * A program that serves one app, asks it and prints what came and what was seen. `patch` runs before the app is loaded, `late` behind it; both have
 * `http`, `net` and `log`. `listen` starts `app` and gives the server.
 */
const program = (
  express,
  { patch = '', late = '', listen = "app.listen(0, '127.0.0.1')", ask = true }
) => `
  const http = require('node:http')
  const net = require('node:net')
  const log = (...values) => console.log(...values)
  ${patch}
  const express = require(${JSON.stringify(express)})
  ${late}
  const app = express()
  app.get('/a/:id', (req, res) => res.json({ id: req.params.id, url: req.url, isApp: req.app === app }))
  app.post('/b', express.json(), (req, res) => setImmediate(() => res.status(201).send(req.body)))
  app.use((req, res) => res.status(404).end('none'))
  async function main() {
    const server = ${listen}
    if (!${ask}) return
    if (!server.listening) await new Promise((resolve) => server.once('listening', resolve))
    const at = server.address()
    const ask = (path, method = 'GET', body) => new Promise((resolve, reject) => {
      const where = typeof at === 'string' ? { socketPath: at } : { host: at.address, port: at.port }
      const req = http.request({ ...where, path, method, agent: false, headers: body && { 'Content-Type': 'application/json' } }, (res) => {
        res.setEncoding('utf8').on('data', (text) => log(method, path, res.statusCode, text)).on('end', resolve)
      })
      req.on('error', reject).end(body)
    })
    await ask('/a/1?b=2')
    await ask('/b', 'POST', '{"c":3}')
    await ask('/none')
    await new Promise((resolve) => server.close(resolve))
    log('closed', server.listening, String(server.address()).replace(process.pid, 'PID'))
  }
  main().then(() => process.exit(), (err) => { console.log(err); process.exit(1) })
`

/** Runs it on both; `seen` guards that the patch did something on Express. */
function compared(name, parts, seen) {
  test(name, () => {
    const expected = linesOf(program('express', parts))
    assert.ok(
      expected.some((line) => seen.test(line)),
      `not seen on Express: ${expected.join('\n')}`
    )
    assert.deepEqual(linesOf(program(ours, parts)), expected)
  })
}

const wrapOn = (proto) => `
  const { addListener } = ${proto}
  ${proto}.addListener = ${proto}.on = function (event, handler) {
    if (event !== 'request') return addListener.call(this, event, handler)
    return addListener.call(this, event, function (req, res) {
      log('seen', req.method, req.url)
      res.on('finish', () => log('finished', res.statusCode))
      return handler.call(this, req, res)
    })
  }`

compared('http.Server.prototype.on, before', { patch: wrapOn('http.Server.prototype') }, /seen GET/)
compared('http.Server.prototype.on, behind', { late: wrapOn('http.Server.prototype') }, /seen GET/)
compared('net.Server.prototype.on, behind', { late: wrapOn('net.Server.prototype') }, /seen GET/)
compared(
  'the order of what a server listens to',
  {
    patch: `
      const { on } = http.Server.prototype
      http.Server.prototype.on = function (event, handler) {
        if (event === 'request') this.mine = true
        // not of servers that are only looked at
        if (this.mine && (event === 'request' || event === 'connection')) log('on', event)
        return on.call(this, event, handler)
      }`
  },
  /on request/
)

const wrapListen = (proto) => `
  const { listen } = ${proto}
  ${proto}.listen = function (...args) {
    log('listen', args.filter((arg) => typeof arg !== 'function'))
    return listen.apply(this, args)
  }`

for (const proto of ['http.Server.prototype', 'net.Server.prototype']) {
  for (const when of ['patch', 'late']) {
    for (const listen of [
      "app.listen(0, '127.0.0.1')",
      "app.listen({ port: 0, host: 'localhost' })",
      'app.listen()',
      "await new Promise((resolve) => { const s = app.listen(0, '127.0.0.1', () => { log('called back'); resolve(s) }) })"
    ]) {
      const name = `${proto}.listen, ${when === 'patch' ? 'before' : 'behind'}: ${listen}`
      compared(name, { [when]: wrapListen(proto), listen }, /^listen/)
    }
  }
}
compared(
  'a listen that takes another address',
  {
    patch: `
      const path = require('node:path').join(require('node:os').tmpdir(), 'patched-' + process.pid + '.sock')
      const { listen } = http.Server.prototype
      http.Server.prototype.originalListen = listen
      http.Server.prototype.listen = function (...args) {
        const first = this.listeners('request')
        this.removeAllListeners('request')
        this.on('request', (req) => log('before', req.url))
        for (const listener of first) this.on('request', listener)
        this.originalListen(path, () => log('listens', this.address() === path))
        return this
      }`
  },
  /listens true/
)
compared(
  'a listen that does nothing',
  {
    patch: `http.Server.prototype.listen = function (port, callback) { log('asked', port, this.listening); callback?.(); return 'mine' }`,
    listen: "log(app.listen(12, (err) => log('called back', err)))",
    ask: false
  },
  /mine/
)
compared(
  'an address in use, behind a wrapped listen',
  {
    patch: wrapListen('http.Server.prototype'),
    listen: `await new Promise((resolve) => {
      const taken = net.createServer().listen(0, '127.0.0.1', () => {
        const { port } = taken.address()
        const { log: print } = { log }
        app.listen(port, '127.0.0.1', (err) => {
          print(err.code, err.syscall, err.address, err.port === port)
          taken.close(resolve)
        })
      })
      http.Server.prototype.listen = function (...args) { log('listen'); return listen.apply(this, args) }
    })`,
    ask: false
  },
  /EADDRINUSE/
)
compared(
  'a wrapped listen, called twice',
  {
    patch: wrapListen('http.Server.prototype'),
    listen: `(() => {
      const server = app.listen(0)
      try { server.listen(0) } catch (err) { log(err.code) }
      return server
    })()`
  },
  /ERR_SERVER_ALREADY_LISTEN/
)

const wrapCreate = `
  const { createServer } = http
  http.createServer = (options, handler) => {
    const given = typeof options === 'function' ? options : handler
    const wrapped = (req, res) => { log('seen', req.method, req.url); given(req, res) }
    const server = createServer(wrapped)
    log('created', server instanceof http.Server)
    return server
  }`

compared('http.createServer, before', { patch: wrapCreate }, /seen GET/)
compared('http.createServer, behind', { late: wrapCreate }, /seen GET/)
compared(
  'http.createServer that gives a double',
  {
    late: `http.createServer = (app) => ({ listen: (...args) => ['double', typeof app, args.length, typeof args.at(-1)], once: (event) => log('once', event) })`,
    listen: 'log(app.listen(3000, () => {}))',
    ask: false
  },
  /double/
)

/** Two workers whose wrapped listen() ends at the primary's port; then they are told to go. */
const clustered = (express) => `
  const cluster = require('node:cluster')
  if (cluster.isPrimary) {
    cluster.setupPrimary({ exec: process.argv[1], silent: false })
    const seen = []
    const workers = [cluster.fork(), cluster.fork()]
    let left = 2
    for (const worker of workers) {
      worker.on('message', (message) => seen.push(JSON.stringify(message)))
      worker.on('listening', async ({ port }) => {
        if (--left) return
        for (let i = 0; i < 4; i++) {
          const answer = await fetch('http://127.0.0.1:' + port + '/a', { headers: { connection: 'close' } })
          seen.push(answer.status + ' ' + (await answer.text()))
        }
        for (const each of workers) each.disconnect()
      })
      worker.on('exit', (code) => {
        seen.push('exit ' + code)
        if (seen.filter((line) => line.startsWith('exit')).length === 2) console.log(seen.sort().join('\\n'))
      })
    }
  } else {
    const http = require('node:http')
    const { listen } = http.Server.prototype
    http.Server.prototype.listen = function (...args) {
      process.send({ listens: args.filter((arg) => typeof arg !== 'function') })
      return listen.apply(this, args)
    }
    const app = require(${JSON.stringify(express)})()
    app.get('/a', (req, res) => res.send('of a worker'))
    app.listen(0, '127.0.0.1')
  }
`

test('a wrapped listen in the workers of a cluster', (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'patched-'))
  t.after(() => fs.rmSync(dir, { recursive: true }))
  const run = (express) => {
    const file = path.join(dir, 'clustered.js')
    fs.writeFileSync(file, clustered(express))
    return linesOf(`process.argv[1] = ${JSON.stringify(file)}; require(process.argv[1])`)
  }
  const expected = run(require.resolve('express'))
  assert.equal(expected.filter((line) => line === '200 of a worker').length, 4)
  assert.deepEqual(run(ours), expected)
})

test("an untouched process listens without Node's server", () => {
  const parts = {
    listen:
      "(() => { const s = app.listen(0, '127.0.0.1'); log(s.constructor === http.Server); return s })()"
  }
  assert.equal(linesOf(program(ours, parts))[0], 'false')
})
