'use strict'

// Differential tests of Node's http surface: every case is a small server program and an exchange of bytes with it, done on
// Express over node:http and on the target (RNODE_TARGET, see ../ecosystem/lib/targets.js), and the two records compared.
// It must not hold expectations: the oracle is node:http, at test time.
//
// A test file calls `suite(__filename, cases)`. The same file is loaded again in one child process per side, where `suite`
// serves the cases instead of registering tests; a child that dies fails the case it served and is replaced.

const assert = require('node:assert')
const { fork } = require('node:child_process')
const { describe, test, after } = require('node:test')
const { inspect } = require('node:util')
const rawHttp = require('../ecosystem/lib/raw-http')
const { settle, differences } = require('../ecosystem/lib/compare')
const { TARGET, load } = require('../ecosystem/lib/targets')
const { closeServer } = require('../helpers/wait')

const CASE_LIMIT_MS = 30_000
const UNTIL_LIMIT_MS = 8_000
/** Rounds of the event loop in which what has gone is told of. */
const ROUNDS = 20
/** In bytes that are compared as they are. */
const DATE = /^Date: .*GMT\r$/gim

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {(ctx: object) => any} serve runs in the child: returns a handler `(req, res)`, an app, a server, or a promise of one.
 *   `ctx` has `express`, `log(value)` (ordered observations), `attempt(fn)`, `later(fn)` (work for the end of the case) and `whenGone(fn)` (called
 *   when no connection is left and all has been told of them: nothing more can come then).
 * @property {(client: object) => Promise<any>} exchange runs in the test: `client` has `request(options)`, `open(options?)`,
 *   `raw(text)` (one connection: sends bytes, reads to the end), `until(count)` (waits for so many observations), `port`, `info`.
 * @property {(ours: object, nodes: object) => void} [differs] asserts on both records, where ours is another on purpose:
 *   for what ../ecosystem/differences.json tells
 * @property {string} [skip] why the case does not apply on this Node or platform
 */

/** Registers the cases as tests or, in a child, serves them. */
function suite(file, cases) {
  if (process.env.NODE_HTTP_SIDE) serveCases(cases)
  else testCases(file, cases)
}

/** A case whose handler gets `(req, res, ctx)` and is asked once, with GET unless `request` says otherwise. */
const one = (name, handler, request = { path: '/' }) => ({
  name,
  serve: (ctx) => (req, res) => handler(req, res, ctx),
  exchange: (client) => client.request(request)
})

/** What `fn` throws as `{ name, code, message }`, or `{ returned }` with a type or primitive. */
function attempt(fn) {
  try {
    const value = fn()
    return {
      returned:
        value !== null && typeof value === 'object'
          ? value.constructor?.name
          : typeof value === 'function'
            ? 'function'
            : (value ?? null)
    }
  } catch (error) {
    return { name: error.name, code: error.code ?? null, message: error.message }
  }
}

/** Calls `fn` so many rounds of the event loop later, counted from when no work with files is under way any more. */
function whenIdle(count, fn) {
  const isBusy = process.getActiveResourcesInfo().some((what) => what.startsWith('FSReq'))
  if (count === 0 && !isBusy) fn()
  else setImmediate(whenIdle, isBusy ? ROUNDS : count - 1, fn)
}

function serveCases(cases) {
  const express = load(process.env.NODE_HTTP_SIDE)
  let current

  async function start(index) {
    const log = []
    const waiting = []
    const closers = []
    const answer = () => {
      for (const count of waiting.splice(0)) {
        if (log.length >= count) process.send({ reached: log.slice(0, count) })
        else waiting.push(count)
      }
    }
    const ctx = {
      express,
      attempt,
      log(...values) {
        log.push(values.length === 1 ? (values[0] ?? null) : values)
        answer()
      },
      later(fn) {
        closers.push(fn)
      },
      whenGone(fn) {
        current.server.getConnections((_, count) => {
          if (count !== 0) setTimeout(ctx.whenGone, 2, fn)
          else whenIdle(ROUNDS, fn)
        })
      }
    }
    current = { log, waiting, answer, closers }
    let made = await cases[index].serve(ctx)
    if (typeof made === 'function' && !made.listen) {
      const app = express()
      app.disable('x-powered-by')
      app.set('error pages', 'express')
      app.use(made)
      made = app
    }
    const server = typeof made === 'function' ? made.listen(0) : (made?.server ?? made)
    current.server = server
    if (!server.listening && !made.notListening) {
      await new Promise((resolve, reject) => {
        server.once('listening', resolve)
        server.once('error', reject)
      })
    }
    const address = server.address()
    process.send({
      started: {
        port: address?.port,
        path: typeof address === 'string' ? address : undefined,
        info: made.info
      }
    })
  }

  async function finish() {
    const { server, log, closers } = current
    for (const close of closers) await close()
    const closed = server.listening ? await closeServer(server) : true
    // The 'close' events of sockets come after the server's own, in a later phase of the event loop.
    whenIdle(ROUNDS, () => process.send({ collected: { log, closed } }))
  }

  process.on('message', (message) => {
    const failed = (error) => process.send({ failed: error.stack ?? String(error) })
    if ('start' in message) start(message.start).catch(failed)
    else if ('until' in message) {
      current.waiting.push(message.until)
      current.answer()
    } else if ('peek' in message) process.send({ peeked: current.log })
    else finish().catch(failed)
  })
  process.on('disconnect', () => process.exit())
  process.send({ loaded: true })
}

/** One child process, for one side. */
class Side {
  constructor(file, target) {
    this.target = target
    this.output = ''
    this.child = fork(file, [], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: {
        ...process.env,
        NODE_HTTP_SIDE: target,
        NODE_ENV: 'production',
        NODE_TEST_CONTEXT: undefined
      }
    })
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.on('data', (d) => {
        this.output += d
      })
    }
    // Sending to a child that has just died fails here; its exit is reported by `dead`.
    this.child.on('error', () => {})
    this.alive = true
    this.dead = new Promise((resolve, reject) => {
      this.child.once('exit', (code, signal) => {
        this.alive = false
        reject(new Error(`the process ended (code ${code}, signal ${signal})`))
      })
    })
    this.dead.catch(() => {})
    this.ready = Promise.race([this.message('loaded'), this.dead])
    this.ready.catch(() => {})
  }

  message(name) {
    return new Promise((resolve, reject) => {
      const listen = (m) => {
        if (!m.failed && !(name in m)) return
        this.child.off('message', listen)
        if (m.failed) reject(new Error(m.failed))
        else resolve(m[name])
      }
      this.child.on('message', listen)
    })
  }

  ask(message, answer) {
    const wait = this.message(answer)
    this.child.send(message)
    return Promise.race([wait, this.dead])
  }

  async run(one, index) {
    let timer
    const limit = new Promise((_, reject) => {
      timer = setTimeout(() => {
        this.alive = false
        this.child.kill('SIGKILL')
        reject(new Error(`no result after ${CASE_LIMIT_MS} ms`))
      }, CASE_LIMIT_MS)
    })
    try {
      return await Promise.race([this.#exchange(one, index), limit])
    } catch (error) {
      // A client may see the connection break before the exit of the process is known: that says more.
      const exit = await Promise.race([
        this.dead.catch((e) => e.message),
        new Promise((resolve) => setTimeout(resolve, 200, ''))
      ])
      throw new Error(
        `on ${this.target}: ${exit} ${error.stack ?? error}\n--- output of the process ---\n${this.output.slice(-4000)}`
      )
    } finally {
      clearTimeout(timer)
    }
  }

  async #exchange(one, index) {
    await this.ready
    const { port, path, info } = await this.ask({ start: index }, 'started')
    const where = path ? { socketPath: path } : { port, tls: info?.tls }
    const connections = []
    const open = async (options) => {
      const connection = await rawHttp.Connection.open({ ...where, ...options })
      connections.push(connection)
      return connection
    }
    const client = {
      ...rawHttp,
      port,
      info,
      where,
      open,
      request: (options) => rawHttp.request(where, options),
      async raw(text, options = {}) {
        const connection = await open(options)
        connection.write(text)
        if (options.end) connection.end()
        const { bytes, error } = await connection.readToEnd()
        return {
          text: bytes.toString('latin1'),
          error
        }
      },
      until: async (count) => {
        let timer
        const late = new Promise((resolve) => {
          timer = setTimeout(resolve, UNTIL_LIMIT_MS, null)
        })
        const seen = await Promise.race([this.ask({ until: count }, 'reached'), late])
        clearTimeout(timer)
        if (seen) return seen
        const log = await this.ask({ peek: true }, 'peeked')
        throw new Error(`only ${log.length} of ${count} observations came: ${JSON.stringify(log)}`)
      }
    }
    try {
      const seen = await Promise.race([one.exchange(client), this.dead])
      for (const connection of connections) connection.destroy()
      const collected = await this.ask({ finish: true }, 'collected')
      return settleAll({ seen: seen ?? null, ...collected })
    } finally {
      for (const connection of connections) connection.destroy()
    }
  }

  end() {
    this.child.kill()
  }
}

function settleAll(value) {
  if (typeof value === 'string') return value.replace(DATE, 'Date: <date>\r')
  if (Buffer.isBuffer(value)) return settleAll(settle({ headers: [], body: value }).body)
  if (Array.isArray(value)) return value.map(settleAll)
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value.headers) && 'status' in value) return settle(value)
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, settleAll(v)]))
}

function testCases(file, cases) {
  const only = process.env.RNODE_ONLY
  const sides = new Map()
  const side = (target) => {
    const found = sides.get(target.key)
    if (found?.alive) return found
    const made = new Side(file, target.name)
    sides.set(target.key, made)
    return made
  }
  describe(require('node:path').basename(file, '.test.js'), () => {
    cases.forEach((one, index) => {
      if (only && !one.name.includes(only)) return
      test(one.name, { skip: one.skip }, async () => {
        const oracle = side({ key: 'oracle', name: 'express' })
        const target = side({ key: 'target', name: TARGET })
        const expected = await oracle.run(one, index)
        if (process.env.RNODE_PRINT === '1')
          console.log(
            one.name,
            inspect(expected, { depth: 8, breakLength: 160, maxStringLength: 500 })
          )
        const actual = await target.run(one, index)
        if (one.differs) return one.differs(actual, expected)
        const found = differences(expected, actual)
        if (found.length > 0)
          assert.fail(`${found.length} differences from Node:\n  ${found.join('\n  ')}`)
      })
    })
    after(() => {
      for (const one of sides.values()) one.end()
    })
  })
}

module.exports = { suite, one, attempt }
