'use strict'

// Handlers that give a request or a response another prototype, or take theirs away. What they break themselves is theirs;
// what the package does on its own account must go on, and nobody else may notice: neither the next request of the
// connection, nor the next connection.

const http = require('node:http')
const { suite } = require('./harness')

const { IncomingMessage, ServerResponse } = http

/** What handlers throw where nobody catches, and what the final handler says, is not these cases' affair. */
function hushed({ later }) {
  const uncaught = () => {}
  const { error } = console
  console.error = () => {}
  process.on('uncaughtException', uncaught)
  later(() => {
    process.off('uncaughtException', uncaught)
    console.error = error
  })
}

const replace = {
  "the request's by Node's": (req) => Object.setPrototypeOf(req, IncomingMessage.prototype),
  "the request's by none": (req) => Object.setPrototypeOf(req, null),
  "the response's by Node's": (_req, res) => Object.setPrototypeOf(res, ServerResponse.prototype),
  "the response's by none": (_req, res) => Object.setPrototypeOf(res, null)
}

/** What has been looked at before decides how much of a message exists. */
const looks = {
  'of messages that nobody has looked at': () => {},
  'of messages with sockets and listeners': (req, res) => {
    req.on('close', () => {})
    res.on('finish', () => {})
    return [req.socket, req.headers]
  },
  'of a request that is being read': (req) => req.on('data', () => {}),
  'of an answer that has begun': (_req, res) => res.write('begun')
}

const GET = (path, close = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${close}\r\n`
const CLOSE = 'Connection: close\r\n'
const UNFINISHED = 'POST /replaced HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nbody'

/** The client leaves a request whose prototype was replaced; connections after it get that one's place. */
function left(name, look) {
  const changes = Object.entries(replace)
  return {
    name: `${name}: those who come afterwards are answered`,
    serve(ctx) {
      hushed(ctx)
      const app = ctx.express()
      app.use('/replaced', (req, res) => {
        look(req, res)
        changes[req.url.length - 1][1](req, res)
        ctx.log('held')
      })
      app.use((req, res) => res.send(`served ${req.url}`))
      return app
    },
    async exchange({ open, raw, until }) {
      const answers = []
      let held = 0
      for (const [i] of changes.entries()) {
        for (const request of [GET('/replaced'), UNFINISHED, GET('/replaced') + GET('/b')]) {
          const connection = await open()
          connection.write(request.replace('/replaced', `/replaced/${'x'.repeat(i)}`))
          await until(++held)
          connection.destroy()
          for (let n = 0; n < 3; n++) answers.push(await raw(GET(`/${n}`, CLOSE)))
        }
      }
      return answers
    }
  }
}

/** A handler fails, or ends the answer, behind the change. */
const after = (name, change, act) => ({
  name,
  serve(ctx) {
    hushed(ctx)
    const app = ctx.express()
    app.set('error pages', 'express')
    app.use((req, res, next) => {
      if (req.url === '/next') return res.send('the next one')
      change(req, res)
      act(req, res, next)
    })
    return app
  },
  exchange: ({ raw }) => raw(GET('/') + GET('/next', CLOSE))
})

const ofRequest = replace["the request's by Node's"]
const ofResponse = replace["the response's by Node's"]
const fail = () => {
  throw new Error('made')
}
const nextError = (_req, _res, next) => next(new Error('made'))

suite(__filename, [
  ...Object.entries(looks).map(([name, look]) => left(name, look)),
  after("the request has Node's, and the handler throws", ofRequest, fail),
  after("the request has Node's, and the handler passes an error on", ofRequest, nextError),
  after("the request has Node's, and nobody answers", ofRequest, (_req, _res, next) => next()),
  after("the request has Node's, and the handler sends", ofRequest, (_req, res) => res.send('x')),
  after("the request has Node's, and the handler writes", ofRequest, (_req, res) => {
    res.write('a')
    res.end('b')
  }),
  after("the request has Node's, and the answer becomes full", ofRequest, (_req, res) => {
    res.appendHeader('X-A', 'b')
    res.cork()
    res.write('a')
    res.end('b')
  }),
  after("the response has Node's, and the handler throws", ofResponse, fail),
  after("the response has Node's, and the handler passes an error on", ofResponse, nextError),
  after("the response has Node's, and nobody answers", ofResponse, (_req, _res, next) => next()),
  {
    name: 'a listener that throws when the client has gone harms nobody else',
    serve(ctx) {
      hushed(ctx)
      const app = ctx.express()
      app.use('/left', (req, res) => {
        req.on('aborted', fail)
        res.on('close', fail)
        ctx.log(req.socket.destroyed)
      })
      app.use((req, res) => res.send(`served ${req.url}`))
      return app
    },
    async exchange({ open, raw, until }) {
      const answers = []
      for (let n = 1; n < 4; n++) {
        const connection = await open()
        connection.write(GET('/left'))
        await until(n)
        connection.destroy()
        for (let i = 0; i < 3; i++) answers.push(await raw(GET(`/${n}${i}`, CLOSE)))
      }
      return answers
    }
  },
  {
    name: 'res.req and req.res replaced: the answer leaves, and nothing is thrown later',
    serve({ express, log, later }) {
      const uncaught = (err) => log('uncaught', err.message)
      process.on('uncaughtException', uncaught)
      later(() => process.off('uncaughtException', uncaught))
      const app = express()
      app.use((req, res) => {
        const { socket } = req
        const [, what, how, end] = req.url.split('/')
        if (how === 'heard') res.on('finish', () => log('finish'))
        res.on('close', () => log('close'))
        if (what === 'req') res.req = null
        else if (what === 'other') res.req = { method: 'GET' }
        else req.res = null
        if (end === 'write') res.write('a')
        if (end === 'head') res.writeHead(200, { 'X-A': 'b' })
        if (end === 'full') res.appendHeader('X-A', 'b')
        if (end === 'destroy') socket.destroy()
        else res.end('b')
        log(end, Object.is(res.req, null), Object.is(req.res, null))
      })
      return app
    },
    async exchange({ raw, until }) {
      const answers = []
      let seen = 0
      for (const what of ['req', 'other', 'res']) {
        for (const how of ['heard', 'unheard']) {
          for (const end of ['end', 'write', 'head', 'full', 'destroy']) {
            const { text, error } = await raw(GET(`/${what}/${how}/${end}`, CLOSE))
            answers.push(text, error)
            seen += how === 'heard' && end !== 'destroy' ? 3 : 2
            await until(seen)
          }
        }
      }
      return answers
    }
  }
])
