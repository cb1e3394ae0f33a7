'use strict'

// A closed server of which only an upgraded connection is left, and that one's client has gone: under Node nothing keeps the process
// alive, so it ends although the server never emits 'close'. Programs of their own, since it is their end that is looked at.

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const path = require('node:path')
const test = require('node:test')

const heads = {
  connect: 'CONNECT a:1 HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n',
  upgrade: 'GET / HTTP/1.1\\r\\nHost: a\\r\\nConnection: upgrade\\r\\nUpgrade: x\\r\\n\\r\\n'
}

const program = (express, event, answers) => `
  const net = require('node:net')
  const server = require(${JSON.stringify(express)})().listen(0, () => {
    const client = net.connect(server.address().port, () => client.write('${heads[event]}'))
    server.on('${event}', (req, socket) => {
      for (const name of ['end', 'close', 'error']) socket.on(name, () => console.log(name))
      socket.on('end', () => { if (${answers}) socket.end() })
      client.destroy()
      server.close(() => console.log('server closed', server.listening, server.address()))
      process.on('exit', () => console.log('exit', server.listening, server.address()))
    })
  })
`

for (const event of Object.keys(heads)) {
  for (const answers of [false, true]) {
    test(`${event}, ${answers ? 'ended' : 'left half-open'}`, () => {
      const run = (express) => {
        const source = program(express, event, answers)
        const { stdout, signal } = spawnSync(process.execPath, ['-e', source], {
          encoding: 'utf8',
          timeout: 10_000
        })
        // A server hears from its I/O threads that nothing is left of it, the socket's 'close' comes from the event loop: which is
        // first is not what is looked at here.
        return [answers ? stdout.split('\n').sort() : stdout, signal]
      }
      const expected = run(require.resolve('express'))
      assert.match(String(expected[0]), /\bend\b/)
      assert.match(String(expected[0]), /\bexit\b/)
      assert.deepEqual(run(path.resolve(__dirname, '../../index.js')), expected)
    })
  }
}
