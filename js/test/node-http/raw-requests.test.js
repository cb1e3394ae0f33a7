'use strict'

// Requests that somebody is given before the app: they are Node's, without Express' getters, so that he can put `query` or `path` on
// them, and the app finds what he has put there.

const { IncomingMessage, ServerResponse } = require('node:http')
const { types } = require('node:util')
const { suite } = require('./harness')

const NAMES = ['query', 'path', 'ip', 'ips', 'protocol', 'host', 'hostname', 'secure', 'xhr']
const GETTERS = [...NAMES, 'fresh', 'stale', 'subdomains']

const GET = 'GET /a?b=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n'

/** Puts a value under each of Express' names; what cannot be assigned is told. */
function mark(req, { log, attempt }) {
  log(GETTERS.filter((name) => name in req))
  for (const name of NAMES) {
    const { code = null, returned } = attempt(() => {
      req[name] = `own ${name}`
    })
    if (returned === undefined) log('refused', name, code)
  }
}

/** An app that tells what it finds on its requests, on a server that `prepare` has changed. */
const given = (name, prepare, request = `${GET}\r\n`) => ({
  name,
  serve: (ctx) => {
    const app = ctx.express().disable('x-powered-by').set('error pages', 'express')
    app.use((req, res) => {
      res.json(Object.fromEntries(NAMES.map((key) => [key, String(req[key])])))
    })
    const server = app.listen(0)
    prepare(server, ctx)
    return server
  },
  exchange: (client) => client.raw(request)
})

/** What reflection finds on a message. */
const seen = (message, app, sub) => ({
  tag: Object.prototype.toString.call(message),
  constructor: message.constructor.name,
  isBuiltIn: Object.keys(types).filter((name) => types[name](message)),
  isNodes: [IncomingMessage, ServerResponse].map((Class) => message instanceof Class),
  of: [app.request, app.response, sub.request, sub.response].indexOf(
    Object.getPrototypeOf(message)
  ),
  hasPath: 'path' in message,
  hasSend: 'send' in message
})

/** An app below another, asked several times: later requests may be made for what the first has met. */
const mounted = (name, mount, prepare = () => {}) => ({
  name,
  serve: (ctx) => {
    const app = ctx.express()
    const sub = ctx.express()
    const look = (where) => (req, res, next) => {
      ctx.log(where, seen(req, app, sub), seen(res, app, sub))
      next()
    }
    app.use(look('before'))
    sub.use(look('below'))
    sub.get('/b', (req, res) => {
      req.own = res.own = 1
      res.json([req.path, req.baseUrl, req.query, req.app === sub, res.app === sub])
    })
    mount(app, sub)
    app.use(look('behind'))
    app.use((req, res) => {
      res.json([req.path, req.app === app, res.app === app])
    })
    const server = app.listen(0)
    prepare(server, (req) => ctx.log('in front', seen(req, app, sub)))
    return server
  },
  async exchange(client) {
    const answers = []
    for (const path of ['/a/b?c=1', '/a/none', '/a/b?c=2', '/none', '/a/none', '/a/b']) {
      answers.push(await client.request({ path }))
    }
    return answers
  }
})

suite(__filename, [
  mounted('an app mounted in another', (app, sub) => app.use('/a', sub)),
  mounted('an app mounted in a router', (app, sub) => {
    app.use('/a', (req, res, next) => sub(req, res, next))
  }),
  mounted(
    'a listener in front of both',
    (app, sub) => app.use('/a', sub),
    (server, look) => server.prependListener('request', look)
  ),
  given('the app alone', () => {}),
  given('a listener behind it', (server, ctx) => {
    server.on('request', (req) => mark(req, ctx))
  }),
  given('a listener in front', (server, ctx) => {
    server.prependListener('request', (req) => mark(req, ctx))
  }),
  given('a listener in its place, which calls it', (server, ctx) => {
    const listeners = server.listeners('request')
    server.removeAllListeners('request')
    server.on('request', (req, res) => {
      mark(req, ctx)
      for (const listener of listeners) listener.call(server, req, res)
    })
  }),
  given(
    "'checkContinue'",
    (server, ctx) => {
      server.on('checkContinue', (req, res) => {
        mark(req, ctx)
        res.writeContinue()
        server.emit('request', req, res)
      })
    },
    `${GET}Expect: 100-continue\r\n\r\n`
  ),
  given(
    "'checkExpectation'",
    (server, ctx) => {
      server.on('checkExpectation', (req, res) => {
        mark(req, ctx)
        server.emit('request', req, res)
      })
    },
    `${GET}Expect: more\r\n\r\n`
  ),
  given(
    "'upgrade'",
    (server, ctx) => {
      server.on('upgrade', (req, socket) => {
        mark(req, ctx)
        socket.end(`HTTP/1.1 101 Switching Protocols\r\n\r\n${req.query}`)
      })
    },
    'GET /a?b=1 HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: own\r\n\r\n'
  )
])
