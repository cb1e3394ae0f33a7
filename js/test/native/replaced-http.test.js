'use strict'

// Tools put other classes in the place of node:http's: with this package's own there, before its first server is made, everything
// that calls http.createServer must be served by it.

const assert = require('node:assert/strict')
const path = require('node:path')
const test = require('node:test')
const { linesOf } = require('../helpers/spawn')

const program = `
  const http = require('node:http')
  const express = require(${JSON.stringify(path.resolve(__dirname, '../../..'))})
  const { Server, createServer } = require(${JSON.stringify(path.resolve(__dirname, '../../lib/native/server'))})
  http.Server = Server
  http.createServer = createServer
  const app = express()
  app.get('/', (req, res) => res.json(req.socket.server instanceof http.Server))
  const plain = http.createServer((req, res) => res.end(req.url))
  const servers = [http.createServer(app), new http.Server(app), plain, app.listen(0)]
  async function ask(server) {
    if (!server.listening) await new Promise((resolve) => server.listen(0, resolve))
    const answer = await fetch('http://127.0.0.1:' + server.address().port)
    console.log(server instanceof Server, await answer.text())
    server.close()
  }
  ;(async () => { for (const server of servers) await ask(server) })()
`

test("http.Server and http.createServer can be replaced by this package's", () => {
  assert.deepEqual(linesOf(program), ['true true', 'true true', 'true /', 'true true'])
})
