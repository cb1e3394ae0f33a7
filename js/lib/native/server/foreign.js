'use strict'
// Sockets that others have made and give to the server by emitting 'connection': TLS ends before
// it, port sharing, sticky sessions of a cluster. Node's own HTTP server serves them, with the same
// listeners. Connections that Rust has accepted never come here.

const http = require('node:http')
const { EventEmitter } = require('node:events')
const { kForeign } = require('./state')
const S = require('../symbols')

const { emit, listenerCount } = EventEmitter.prototype

/** @param {object} socket argument of 'connection' */
function isForeign(socket) {
  return socket !== null && typeof socket === 'object' && socket[S.kSlot] === undefined
}

/** Serves a stream that is no connection of Rust's. */
function serve(server, socket) {
  let inner = server[kForeign]
  if (inner === undefined) inner = server[kForeign] = innerServer(server)
  emit.call(inner, 'connection', socket)
  // the connection belongs to the server it was given to
  socket.server = server
}

const LIVE = [
  'headersTimeout',
  'requestTimeout',
  'keepAliveTimeout',
  'keepAliveTimeoutBuffer',
  'timeout',
  'maxHeaderSize',
  'maxHeadersCount',
  'maxRequestsPerSocket',
  'requireHostHeader',
  'joinDuplicateHeaders',
  'insecureHTTPParser',
  'rejectNonStandardBodyWrites',
  'highWaterMark'
]

/** A server of Node's that never listens: its events and limits are those of `server`. */
function innerServer(server) {
  const inner = new http.Server()
  for (const name of LIVE) {
    Object.defineProperty(inner, name, { configurable: true, get: () => server[name], set() {} })
  }
  inner.emit = (event, ...args) => server.emit(event, ...args)
  inner.listenerCount = (event, listener) => listenerCount.call(server, event, listener)
  return inner
}

/** `emit` of the server: a foreign socket is served before the listeners hear of it, as by Node. */
function emitServer(event, ...args) {
  const isServed = event === 'connection' && isForeign(args[0])
  if (isServed) serve(this, args[0])
  // what agents put there instead
  return http.Server.prototype.emit.call(this, event, ...args) || isServed
}

/** Whether nobody sees the events of the server but its listeners. */
function isEmitPlain(server) {
  return server.emit === emitServer && http.Server.prototype.emit === emit
}

module.exports = { emitServer, isEmitPlain }
