'use strict'
// Handlers that do what none should, at every place where a handler can stand. What the client gets, what the handler is thrown,
// and what becomes an uncaught exception or an unhandled rejection must be as on Express; the process goes on.

const assert = require('node:assert/strict')
const { suite } = require('../node-http/harness')
const { error, misuses } = require('./misuses')

/** Errors and values as the log shows them; must not throw whatever it is given. */
function shown(value) {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) {
    return typeof value === 'symbol' || typeof value === 'bigint' || value === undefined
      ? String(value)
      : value
  }
  try {
    // which variable holds what is no function, and which property of null is read, is each program's own
    const message = String(value.message)
      .replace(/^\S+?(\.\w+)? is not/, '$1 is not')
      .replace(/^Cannot (read|destructure) .*/, 'Cannot read')
    return [value.name, value.code, message, value.status].map((part) => part ?? null)
  } catch {
    return 'unspeakable'
  }
}

/**
 * What ends otherwise here, since messages are made otherwise: an ETag is made last, and not at all for an answer that fails;
 * Node's own methods find nothing of what Node's constructor makes; and nothing is read of `res.req` and `req.res` for an
 * answer that Rust finishes.
 */
const OWN = new Set([
  'statusCode symbol false',
  'prototype of res, then end',
  'res.req null',
  'req.res null'
])

/** Node 24 tells nobody of the end of such a response, and leaves its connection open for the client to give up. */
const ENDLESS =
  Number.parseInt(process.versions.node, 10) < 24 ? [] : ['throw in the callback of end']

/** Puts the handler `misuse` where its name says. */
const positions = {
  middleware: (app, misuse) => app.use((req, res, next) => misuse(req, res, next)),
  route: (app, misuse) => app.get('/:name', (req, res, next) => misuse(req, res, next)),
  'middleware of a route': (app, misuse) =>
    app
      .route('/:name')
      .all((req, res, next) => misuse(req, res, next))
      .get((req, res) => res.send('the next of the route')),
  router: (app, misuse, express) => {
    const router = express.Router()
    router.use((req, res, next) => misuse(req, res, next))
    app.use(router)
  },
  param: (app, misuse) => {
    app.param('name', (req, res, next) => misuse(req, res, next))
    app.get('/:name', (req, res) => res.send('the route of the parameter'))
  },
  'error handler': (app, misuse) => {
    app.use((req, res, next) => next(error({ status: 400 })))
    app.use((err, req, res, next) => misuse(req, res, next))
  },
  'async function': (app, misuse) =>
    app.get('/:name', async (req, res, next) => {
      await null
      return misuse(req, res, next)
    })
}

function position(name, put, names, differs) {
  return {
    name,
    differs,
    serve(ctx) {
      const { express, log } = ctx
      // by misuse, since what is observed late must not shift what follows
      const notes = Object.fromEntries(Object.keys(misuses).map((misuse) => [misuse, []]))
      let current
      const note = (...what) => notes[current].push(what.map(shown))
      const uncaught = (err, origin) => note('uncaught', origin, err)
      const unhandled = (reason) => note('unhandled', reason)
      process.on('uncaughtException', uncaught)
      process.on('unhandledRejection', unhandled)
      // what the final handler says
      const { error: say } = console
      console.error = () => {}
      ctx.later(() => {
        process.off('uncaughtException', uncaught)
        process.off('unhandledRejection', unhandled)
        console.error = say
        log(notes)
      })
      const app = express()
      app.set('error pages', 'express')
      // Ends what a misuse has left open, in a later turn of the loop, on the connection: whatever became of res.
      app.use((req, res, next) => {
        const { socket } = req
        const { end } = res
        current = decodeURIComponent(req.originalUrl.slice(1))
        req.note = note
        let turns = 20
        // what is thrown when the connection goes belongs to this request, however late that is
        const settle = () => {
          if (socket.closed) setImmediate(setImmediate, () => log('settled'))
          else setImmediate(settle)
        }
        const rest = () => {
          if (--turns > 0) return setImmediate(rest)
          if (res.writableEnded || socket.destroyed) return settle()
          note('left open')
          try {
            end.call(res, 'left open')
          } catch (err) {
            note('cannot be ended', err)
          }
          setImmediate(() =>
            setImmediate(() => {
              socket.destroy()
              settle()
            })
          )
        }
        setImmediate(rest)
        next()
      })
      put(
        app,
        (req, res, next) => {
          const misuse = misuses[current]
          return misuse({ req, res, next })
        },
        express
      )
      app.use((req, res) => res.send('the end of the stack'))
      app.use((err, req, res, next) => {
        note('error handler', err)
        next(err)
      })
      return app
    },
    async exchange({ raw, until }) {
      const answers = {}
      let settled = 0
      for (const misuse of names) {
        const target = `/${encodeURIComponent(misuse)}`
        const { text, error: failed } = await raw(
          `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`
        )
        answers[misuse] = [text, failed]
        await until(++settled)
      }
      return answers
    }
  }
}

suite(
  __filename,
  Object.entries(positions).flatMap(([name, put]) => [
    position(
      name,
      put,
      Object.keys(misuses).filter((misuse) => !OWN.has(misuse) && !ENDLESS.includes(misuse))
    ),
    // the process goes on here, too: what follows is answered as ever
    position(`${name}: what ends otherwise`, put, [...OWN, 'status(200.5)'], (ours, theirs) => {
      assert.equal(ours.closed, true)
      assert.deepEqual(ours.seen['status(200.5)'], theirs.seen['status(200.5)'])
    })
  ])
)
