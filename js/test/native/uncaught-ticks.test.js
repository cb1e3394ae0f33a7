'use strict'
// Ticks that throw between two pipelined requests: 'uncaughtException' hears of it and the process goes on, or it ends with the
// error, as under Node, whose parser however never comes to the requests behind. The ticks are run within a turn there, where
// Node's stack of async contexts must be left in order.

const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const path = require('node:path')
const { test } = require('node:test')

const root = path.join(__dirname, '..', '..', '..')

/** Two requests in one packet; a tick of the first one's body throws, from inside a nested async context. */
const program = (listen, listens) => `
'use strict'
const net = require('node:net')
const { AsyncResource } = require('node:async_hooks')
const app = require(${JSON.stringify(listen === 'ours' ? root : 'express')})()
const seen = []
${listens ? "process.on('uncaughtException', (err) => seen.push('uncaught ' + err.message))" : ''}
app.use((req, res) => {
  seen.push(req.url)
  req.on('data', () => {
    process.nextTick(() => {
      const resource = new AsyncResource('inner')
      resource.runInAsyncScope(() => { process.nextTick(() => { throw new Error('from a tick of ' + req.url) }) })
    })
  })
  req.on('end', () => setImmediate(() => res.end(req.url)))
})
const server = app.listen(0, '127.0.0.1', () => {
  const post = (path, close) => 'POST ' + path + ' HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 3\\r\\n' +
    (close ? 'Connection: close\\r\\n' : '') + '\\r\\nabc'
  let text = ''
  let left = 3
  const ask = () => {
    const client = net.connect(server.address().port, '127.0.0.1')
    client.on('data', (chunk) => { text += chunk })
    client.on('close', () => { if (--left > 0) ask(); else end() })
    client.write(post('/1') + post('/2') + post('/3', true))
  }
  const end = () => {
    server.close()
    console.log(JSON.stringify({ seen, answers: text.match(/HTTP\\/1.1 200/g)?.length }))
  }
  ask()
})
`

function run(listen, listens) {
  return new Promise((resolve) => {
    const options = { cwd: root, timeout: 30_000 }
    execFile(process.execPath, ['-e', program(listen, listens)], options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stderr, stdout })
    )
  })
}

test("'uncaughtException' hears of them, and the process goes on", async () => {
  const ours = await run('ours', true)
  assert.equal(ours.stderr, '')
  assert.equal(ours.code, 0)
  const connection = ['/1', '/2', '/3'].flatMap((url) => [url, `uncaught from a tick of ${url}`])
  assert.deepEqual(JSON.parse(ours.stdout), {
    seen: [...connection, ...connection, ...connection],
    answers: 9
  })
})

test('without a listener the process ends with the error', async () => {
  const ours = await run('ours', false)
  const theirs = await run('theirs', false)
  assert.equal(ours.code, theirs.code)
  assert.equal(ours.stdout, theirs.stdout)
  assert.match(theirs.stderr, /Error: from a tick of \/1/)
  assert.match(ours.stderr, /Error: from a tick of \/1/)
  assert.doesNotMatch(ours.stderr, /corrupted/)
})
