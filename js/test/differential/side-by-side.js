'use strict'
// Runs one program on this package's own server and on Express, and sends both the same bytes. No expectations here: answers
// must be the same bytes but for Date, and come before only a blow-up would.

const assert = require('node:assert/strict')
const http = require('node:http')
const { after, before } = require('node:test')
const theirs = require('express')
const ours = require('../../index.js')
const { Connection } = require('../ecosystem/lib/raw-http')

const BLOW_UP_MS = 5000

/** What a server answers to some bytes until it closes, latin1, without Date. */
async function ask(port, bytes) {
  const connection = await Connection.open({ port })
  const { bytes: answer, error } = await connection.write(bytes).readToEnd()
  connection.destroy()
  return (error ?? '') + answer.toString('latin1').replace(/^Date: .*\r\n/gm, '')
}

/**
 * Starts both before the tests of the file and stops them after.
 * @param {(express: Function) => Function} program makes the app
 * @returns {{ same: (requests: string[], edit?: (answer: string) => string) => Promise<string[]>, ports: object }} `same`
 *   asserts that both answer alike, once `edit` has taken out what cannot be the same, and resolves to ours
 */
function sideBySide(program) {
  const ports = {}
  const servers = []
  before(async () => {
    servers.push(program(ours).listen(0), http.createServer(program(theirs)).listen(0))
    for (const server of servers) {
      if (!server.listening) await new Promise((resolve) => server.once('listening', resolve))
    }
    ;[ports.ours, ports.theirs] = servers.map((server) => server.address().port)
  })
  after(() => {
    for (const server of servers) {
      server.close()
      server.closeAllConnections()
    }
  })

  async function same(requests, edit = (answer) => answer) {
    const answers = []
    for (const request of requests) {
      const began = performance.now()
      const mine = await ask(ports.ours, request)
      const took = performance.now() - began
      const label = JSON.stringify(request.slice(0, 200))
      assert.ok(took < BLOW_UP_MS, `${took.toFixed(0)} ms for ${label}`)
      assert.equal(edit(mine), edit(await ask(ports.theirs, request)), label)
      answers.push(mine)
    }
    return answers
  }

  return { same, ports }
}

const get = (target, lines = '') =>
  `GET ${target} HTTP/1.1\r\nHost: app.test\r\n${lines}Connection: close\r\n\r\n`
const post = (target, type, body, lines = '') =>
  `POST ${target} HTTP/1.1\r\nHost: app.test\r\n${lines}Content-Type: ${type}\r\n` +
  `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`

module.exports = { sideBySide, get, post }
