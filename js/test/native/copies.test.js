'use strict'

// Two copies of the package in one process: test runners evaluate the files again for every test file, tools empty require.cache,
// dependencies bring their own. Each must listen, take the other's requests, and go when nobody uses it. Express is the reference.

const assert = require('node:assert/strict')
const path = require('node:path')
const test = require('node:test')
const { linesOf } = require('../helpers/spawn')

const ours = path.resolve(__dirname, '../..')
const theirs = path.dirname(require.resolve('express/package.json'))

/** Evaluates a package's files again; a compiled addon stays loaded, as in a test runner. */
const copies = `
  const { createRequire } = require('node:module')
  // a module remembers what it has required
  const load = (folder) => createRequire(process.cwd() + '/copy.js')(folder)
  function copy(folder) {
    for (const file of Object.keys(require.cache)) {
      if (file.startsWith(folder) && file.endsWith('.js')) delete require.cache[file]
    }
    return load(folder)
  }
  const listen = (app, make = (app) => app.listen(0)) => new Promise((resolve) => {
    const server = make(app)
    if (!server.listening) return server.once('listening', () => resolve(server))
    resolve(server)
  })
`

const program = (folder, other = folder, isCalled = false) => `
  ${copies}
  const http = require('node:http')
  const [A, B] = [copy(${JSON.stringify(folder)}), copy(${JSON.stringify(other)})]
  const [outer, inner] = [A(), B()]
  outer.set('error pages', 'express')
  inner.set('error pages', 'express')
  inner.request.told = function () { return [this.app === inner, this.baseUrl, this.ip, this.get('x-word')] }
  outer.request.heard = () => 'outer'
  inner.get('/told', (req, res) => res.vary('X-Word').json([req.told(), req.heard?.(), req.query, req.socket.remoteFamily]))
  inner.post('/json', B.json(), (req, res) => res.cookie('a', 'b').status(201).send(req.body))
  inner.post('/raw', async (req, res) => res.type('txt').end(Buffer.concat(await req.toArray())))
  inner.get('/parts', (req, res) => { res.write('one '); setImmediate(() => res.end('two')) })
  inner.get('/file', (req, res) => res.sendFile(process.cwd() + "/raw.js"))
  inner.use('/files', B.static(process.cwd()))
  inner.get('/broken', () => { throw Object.assign(new Error('broken'), { status: 418, expose: true, stack: 'broken' }) })
  inner.get('/next', (req, res, next) => next())
  outer.use('/in', ${isCalled} ? (req, res, next) => inner(req, res, next) : inner)
  outer.use((req, res) => res.status(404).json([req.app === outer, req.heard?.(), req.url, 'told' in req]))
  const asks = [
    ['GET', '/told?a=1'], ['HEAD', '/told'], ['POST', '/json', '{"x":[1]}'], ['POST', '/json', '{'], ['POST', '/raw', 'a'.repeat(200_000)],
    ['GET', '/parts'], ['GET', '/file'], ['GET', '/files/%2e%2e/x'], ['GET', '/broken'], ['GET', '/next'], ['GET', '/nothing']
  ]
  ;(async () => {
    const plain = (app) => http.createServer(app).listen(0)
    const places = [[outer, '/in'], [inner, ''], [outer, '/in'], [outer, '/in', plain], [inner, '', plain], [outer, '/in']]
    for (const [app, base, make] of places) {
      const server = await listen(app, make)
      for (const [method, url, body] of asks) {
        const headers = { 'x-word': 'w', ...(body && { 'content-type': 'application/json' }) }
        const answer = await fetch('http://127.0.0.1:' + server.address().port + base + url, { method, body, headers })
        const text = (await answer.text()).replace(/<br>.*<\\/pre>|at .*/g, '')
        const names = ['content-type', 'vary', 'set-cookie', 'etag', 'content-length', 'x-powered-by']
        if (text.includes('<pre>')) names.length = 1
        console.log(JSON.stringify([method, base + url, answer.status, names.map((name) => answer.headers.get(name)), text.length, text.slice(0, 200)]))
      }
      await new Promise((resolve) => { server.close(resolve); server.closeAllConnections() })
    }
  })()
`

const run = (source, ...flags) => linesOf(source, { cwd: __dirname, flags })

test('an app of one copy mounted in an app of the other, and both listening', () => {
  const expected = run(program(theirs))
  assert.equal(expected.length, 66)
  assert.deepEqual(run(program(ours)), expected)
})

test('an app mounted in one of Express goes on listening by itself', () => {
  assert.deepEqual(run(program(theirs, ours)), run(program(theirs)))
})

test('an app of Express mounted in one that listens', () => {
  assert.deepEqual(run(program(ours, theirs)), run(program(theirs)))
})

test('an app that is called by a handler, and not mounted', () => {
  const expected = run(program(theirs, theirs, true))
  assert.equal(expected.length, 66)
  assert.deepEqual(run(program(ours, theirs, true)), expected)
  assert.deepEqual(run(program(ours, ours, true)), expected)
})

test('a copy is let go of once its servers have closed', () => {
  const lines = run(
    `${copies}
    async function use() {
      const express = copy(${JSON.stringify(ours)})
      const app = express()
      app.get('/', (req, res) => res.send('ok'))
      const server = await listen(app)
      const refused = app.listen(server.address().port).on('error', () => {})
      await new Promise((resolve) => refused.once('error', resolve))
      console.log(await (await fetch('http://127.0.0.1:' + server.address().port)).text())
      await new Promise((resolve) => { server.close(resolve); server.closeAllConnections() })
      // and once more, after its rest
      const again = await listen(app)
      console.log(await (await fetch('http://127.0.0.1:' + again.address().port)).text())
      await new Promise((resolve) => { again.close(resolve); again.closeAllConnections() })
      return new WeakRef(express)
    }
    ;(async () => {
      // its dependencies remember who required them first
      load(${JSON.stringify(ours)})
      const used = [await use(), await use(), await use()]
      copy(${JSON.stringify(ours)})
      for (let i = 0; i < 50 && used.some((ref) => ref.deref()); i++) {
        await new Promise(setImmediate)
        gc()
      }
      console.log(used.filter((ref) => ref.deref()).length)
    })()`,
    '--expose-gc'
  )
  assert.deepEqual(lines, ['ok', 'ok', 'ok', 'ok', 'ok', 'ok', '0'])
})
