// Runs one program on this package and on Express, sends both the same requests over sockets and
// compares what comes back: status, headers (names as written, any order, without Date) and body.
// Nothing is known here about single methods; that is for the test files.
'use strict'

process.env.NODE_ENV = 'test'

const assert = require('node:assert/strict')
const http = require('node:http')
const { test } = require('node:test')
const theirs = require('express')
const ours = require('../../index.js')

assert.notEqual(ours, theirs)

/**
 * How an app gets its sockets. Ours runs on Node's server and on the native one, Express always on
 * Node's.
 */
const transports = {
  'http.createServer(app)': (app) => http.createServer(app).listen(0, '127.0.0.1'),
  'app.listen(0)': (app) => app.listen(0, '127.0.0.1')
}

/**
 * One test per transport.
 *
 *     differential('res.sendStatus', (express) => {
 *       const app = express()
 *       app.get('/', (req, res) => res.sendStatus(404))
 *       return app
 *     }, [{ path: '/', status: 404 }])
 *
 * @param {string} name
 * @param {function(Function): Function} program  makes the app; called anew for every server
 * @param {Array<string|object>} requests  see `exchange`; with `status` also the expected status,
 *   with `check(response)` further expectations (so that both being wrong alike is noticed)
 * @param {object} [options]
 * @param {function(object)} [options.normalize]  changes a response before the comparison
 */
function differential(name, program, requests, { normalize } = {}) {
  for (const [transport, listen] of Object.entries(transports)) {
    test(`${name} [${transport}]`, async () => {
      const [mine, reference] = await Promise.all([
        withServer(program(ours), listen, (port) => exchangeAll(port, requests)),
        withServer(program(theirs), transports['http.createServer(app)'], (port) =>
          exchangeAll(port, requests)
        )
      ])

      for (const [i, request] of requests.entries()) {
        const label = describe(request)
        const actual = comparable(mine[i], normalize)
        const expected = comparable(reference[i], normalize)

        assert.deepEqual(
          actual,
          expected,
          `${label}: not what Express answers\n${show(actual, expected)}`
        )
        if (request.status !== undefined) assert.equal(actual.status, request.status, label)
        if (request.check) request.check(mine[i])
      }
    })
  }
}

/**
 * Listen on a free port, run `fn(port, server)`, close.
 *
 * @param {Function} app
 * @param {function(Function): Server} listen
 * @param {function(number, Server): Promise<*>} fn
 */
async function withServer(app, listen, fn) {
  if (typeof app.set === 'function') app.set('error pages', 'express')
  return serve(app, listen, fn)
}

/** As `withServer`, with the app's own "error pages" setting. */
async function serve(app, listen, fn) {
  const server = listen(app)
  if (!server.listening) {
    await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject))
  }

  try {
    return await fn(server.address().port, server)
  } finally {
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  }
}

async function exchangeAll(port, requests) {
  const responses = []
  for (const request of requests) responses.push(await exchange(port, request))
  return responses
}

/**
 * Send one request on a connection of its own and collect the response.
 *
 * @param {number} port
 * @param {string|object} request  a path, or `{ method='GET', path='/', headers={}, body }`; the
 *   Host header is example.test and the connection is to be kept alive unless `headers` say
 *   otherwise
 * @return {Promise<{ status: number, message: string, headers: string[][], body: Buffer, trailers:
 *   string[], complete: boolean }|{ failed: string }>}  `failed` if the connection ended without a
 *   response
 */
function exchange(port, request) {
  const {
    method = 'GET',
    path = '/',
    headers = {},
    body
  } = typeof request === 'string' ? { path: request } : request

  return new Promise((resolve) => {
    const outgoing = http.request({
      agent: false,
      headers: { Host: 'example.test', Connection: 'keep-alive', ...headers },
      host: '127.0.0.1',
      method,
      path,
      port
    })

    outgoing.on('error', (err) => resolve({ failed: err.code }))
    outgoing.on('response', (incoming) => {
      const chunks = []
      const finish = () => {
        outgoing.destroy()
        resolve({
          body: Buffer.concat(chunks),
          complete: incoming.complete,
          headers: pairs(incoming.rawHeaders),
          message: incoming.statusMessage,
          status: incoming.statusCode,
          trailers: incoming.rawTrailers
        })
      }

      incoming.on('data', (chunk) => chunks.push(chunk))
      incoming.on('end', finish)
      incoming.on('error', finish)
    })

    outgoing.end(body)
  })
}

function pairs(raw) {
  const list = []
  for (let i = 0; i < raw.length; i += 2) list.push([raw[i], raw[i + 1]])
  return list
}

// Frames of a stack on an error page differ with the files; the text before them does not.
const FRAMES = /(<br> &nbsp; &nbsp;at .*?)(?=<\/pre>)/s

function comparable(response, normalize) {
  if (response.failed) return response

  const copy = { ...response, body: response.body.toString('latin1') }
  const ignored = new Set(['date'])

  if (FRAMES.test(copy.body)) {
    copy.body = copy.body.replace(FRAMES, '')
    ignored.add('content-length')
  }

  copy.headers = response.headers.filter(([name]) => !ignored.has(name.toLowerCase()))
  if (normalize) normalize(copy)
  // Headers of different names may come in any order, those of one name not.
  copy.headers.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return copy
}

function describe(request) {
  return typeof request === 'string'
    ? `GET ${request}`
    : `${request.method ?? 'GET'} ${request.path ?? '/'}`
}

function show(actual, expected) {
  return `ours:    ${JSON.stringify(actual)}\nExpress: ${JSON.stringify(expected)}`
}

/** First value of a response's header, by its name in any case. */
function header(response, name) {
  return response.headers.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1]
}

module.exports = { differential, exchange, header, ours, serve, theirs, transports, withServer }
