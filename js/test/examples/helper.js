'use strict'

// What the tests of the examples share: an example on a free port, raw requests, waiting for a
// condition instead of for a time. No test of its own.

const { once } = require('node:events')
const http = require('node:http')
const net = require('node:net')
const { eventually } = require('../helpers/wait')

// The final handler logs errors that no handler took, except here.
process.env.NODE_ENV = 'test'

/**
 * Listen on a free port of the loopback interface until the test ends.
 *
 * @param {import('node:test').TestContext} t
 * @param {Function} app
 * @returns {Promise<string>} the URL, without a slash at its end
 */
async function serve(t, app) {
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  })
  return `http://127.0.0.1:${server.address().port}`
}

/**
 * One request with Node's client on a connection of its own; redirects are not followed.
 *
 * @param {string} url
 * @param {http.RequestOptions & { body?: string|Buffer }} [options]
 * @returns {Promise<{ status: number, headers: http.IncomingHttpHeaders, text: string }>}
 */
function request(url, { body, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const outgoing = http.request(url, { agent: false, ...options }, (incoming) => {
      const chunks = []
      incoming.on('data', (chunk) => chunks.push(chunk))
      incoming.on('error', reject)
      incoming.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ status: incoming.statusCode, headers: incoming.headers, text })
      })
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/**
 * A JSON body and its headers, for request().
 *
 * @param {string} method
 * @param {unknown} value a string is sent as it is
 */
function json(method, value) {
  const body = typeof value === 'string' ? value : JSON.stringify(value)
  return { method, body, headers: { 'Content-Type': 'application/json' } }
}

/**
 * A response whose body is read piece by piece.
 *
 * @param {string} url
 * @returns {Promise<{ status: number, headers: http.IncomingHttpHeaders,
 *   until: (text: string) => Promise<string>, leave: () => void }>} `until` resolves to all that
 *   has come as soon as it contains `text`; `leave` closes the connection
 */
async function open(url) {
  const outgoing = http.get(url, { agent: false })
  const [incoming] = await once(outgoing, 'response')
  incoming.on('error', () => {})
  let seen = ''
  incoming.setEncoding('utf8').on('data', (text) => {
    seen += text
  })
  const until = async (text) => {
    while (!seen.includes(text)) await once(incoming, 'data')
    return seen
  }
  return {
    status: incoming.statusCode,
    headers: incoming.headers,
    until,
    leave: () => outgoing.destroy()
  }
}

/**
 * Send a request and close the connection without waiting for its answer, as soon as `started`
 * says that the handler is at work.
 *
 * @param {string} url
 * @param {() => boolean|Promise<boolean>} started
 */
async function abandon(url, started) {
  const { hostname, port, pathname, search, host } = new URL(url)
  const socket = net.connect(Number(port), hostname)
  await once(socket, 'connect')
  socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  await eventually(started)
  socket.destroy()
}

module.exports = { abandon, eventually, json, open, request, serve }
