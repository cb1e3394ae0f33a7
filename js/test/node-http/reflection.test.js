'use strict'

// What tools find that look a message, its socket or the server over: the lengths of methods, the names of events, and accessors of
// Node's classes that no handler reads but that must not throw.

const http = require('node:http')
const net = require('node:net')
const { suite, one } = require('./harness')

/** Public names of what Node's own objects inherit. */
function namesOf(object) {
  const names = new Set()
  for (let at = object; at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) if (!name.startsWith('_')) names.add(name)
  }
  return [...names].sort()
}

const NAMES = {
  req: namesOf(new http.IncomingMessage(new net.Socket())),
  res: namesOf(new http.ServerResponse({ method: 'GET' })),
  socket: namesOf(new net.Socket()),
  server: namesOf(http.createServer())
}

/** Methods of one object, by name and length; what reading throws. */
function methodsOf(kind, object) {
  return NAMES[kind].map((name) => {
    try {
      const value = object[name]
      return typeof value === 'function' ? `${name} ${value.length}` : typeof value
    } catch (error) {
      return `${name} ${error.message}`
    }
  })
}

const isMethod = (text) => text.includes(' ')

suite(__filename, [
  one('methods of a message and its socket', (req, res, { log }) => {
    for (const [kind, object] of Object.entries({ req, res, socket: req.socket })) {
      log(kind, methodsOf(kind, object).filter(isMethod))
    }
    res.end()
  }),
  {
    name: 'methods of a server',
    serve: ({ express, log }) => {
      const server = express().listen(0)
      log(methodsOf('server', server).filter(isMethod))
      return server
    },
    exchange: () => null
  },
  one('names of events', (req, res, { log }) => {
    const own = (object) => object.eventNames().filter((name) => name === 'own')
    const all = () => log([req, res, req.socket].map(own))
    log(req.eventNames())
    all()
    for (const object of [req, res, req.socket]) object.on('own', () => {})
    all()
    for (const object of [req, res, req.socket]) object.removeAllListeners('own')
    all()
    res.end()
  }),
  one('names of events, of a request that nobody has looked at', (req, res) => {
    res.json([req.eventNames(), res.eventNames().includes('close')])
  }),
  one("a socket's accessors", ({ socket }, res, { log, attempt }) => {
    log(socket.readableBuffer, socket.writableBuffer, socket.readableEncoding)
    log(attempt(() => socket.setEncoding('utf8')))
    log(socket.readableObjectMode, socket.writableObjectMode, socket.readableLength)
    res.end()
  })
])
