'use strict'

// A process that has no file descriptor left for connections: they wait, standard error says so once and not with every attempt,
// and the server goes on when there are some again. The limit is that of a child's shell; the children are this file.

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const net = require('node:net')
const { setTimeout: after } = require('node:timers/promises')
const assert = require('node:assert/strict')

const LIMIT = 60
const CLIENTS = 100
/** Long enough for twenty attempts … */
const SHORT_MS = 1_000
/** … and the time after which the complaint is repeated. */
const AGAIN_MS = 10_000

if (process.argv[2] === 'serve') {
  const app = require('../../..')()
  app.get('/', (_req, res) => res.send('x'))
  const server = app.listen(0, '127.0.0.1', () => process.send(server.address().port))
} else {
  const { test } = require('node:test')
  const skip = process.platform === 'win32' && 'there is no ulimit'
  test('connections wait for descriptors, and that is told once', { skip }, async (t) => {
    const script = `ulimit -n ${LIMIT}; exec "$0" "$@"`
    const child = spawn('sh', ['-c', script, process.execPath, __filename, 'serve'], {
      stdio: ['ignore', 'inherit', 'pipe', 'ipc']
    })
    t.after(() => child.kill())
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said += text
    })
    const [port] = await once(child, 'message')

    const began = performance.now()
    let answers = 0
    const clients = Array.from({ length: CLIENTS }, () => {
      const client = net.connect(port, '127.0.0.1')
      client.on('error', () => {})
      client.on('data', () => answers++)
      client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      return client
    })
    t.after(() => {
      for (const client of clients) client.destroy()
    })
    while (!said.includes('accept failed')) await once(child.stderr, 'data')
    await after(SHORT_MS)
    const most = 1 + Math.floor((performance.now() - began) / AGAIN_MS)
    assert.ok(said.match(/accept failed/g).length <= most, said)
    assert.ok(answers < CLIENTS)

    // as clients leave, those that wait are served
    const waiting = answers
    const more = new Promise((resolve) => {
      for (const client of clients) client.on('data', () => answers > waiting && resolve())
    })
    for (const client of clients.slice(0, LIMIT / 2)) client.destroy()
    await more
  })
}
