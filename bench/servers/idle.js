'use strict'
// Servers for idle-memory.mjs: the hello program, with the idle timeouts so long that the connections stay.
// Usage: idle.js <express | rnode | node-http>

const http = require('node:http')
const path = require('node:path')
const { load } = require('../scenarios')
const { listen, run } = require('./child')

const root = process.env.BENCH_RNODE_ROOT ?? path.join(__dirname, '..', '..')
const hello = load('hello-json')

const kinds = {
  express: () => hello.setup(require('express')),
  rnode: () => hello.setup(require(path.join(root, 'js', 'index.js'))),
  'node-http': () => http.createServer(hello.nodeHttp())
}

let server

run(
  async (kind) => {
    const listening = await listen(kinds[kind]())
    server = listening.server
    server.keepAliveTimeout = 3_600_000
    return listening.port
  },
  {
    /** How many connections the server says it has. */
    connections: () =>
      new Promise((resolve, reject) => {
        server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
      })
  }
)
