'use strict'
// Listening that Node has to do itself: in a worker of node:cluster the primary owns the port and
// deals the connections, and a handle belongs to who made it. A net.Server accepts; the descriptor
// of each connection goes to Rust, which serves it as any other. No HTTP in here.

const cluster = () => require('node:cluster')
const net = require('node:net')
const native = require('../index')
const { kId, kRelay, kUnref } = require('./state')

const { close } = net.Server.prototype

/**
 * Whether `listen` with these options is Node's own affair.
 * @param {object} options as net.Server.listen has normalised them
 */
function isRelayed(options) {
  if (options._handle || options.handle || typeof options.getAsyncId === 'function') return true
  if (options.exclusive || options.reusePort) return false
  // only processes that were forked have a channel; the module need not be loaded for the others
  return typeof process.send === 'function' && cluster().isWorker
}

/**
 * Listens with a net.Server.
 * @param {(inner: net.Server) => void} begin makes it listen
 * @param {(inner: net.Server) => void} opened called once it listens, before 'listening'
 */
function relay(server, begin, opened) {
  const inner = new net.Server({ allowHalfOpen: true, pauseOnConnect: true })
  server[kRelay] = inner
  // the worker's disconnect() closes what it finds on the handle
  inner.close = (callback) => server.close(callback)
  Object.defineProperties(inner, {
    maxConnections: { get: () => server.maxConnections },
    dropMaxConnection: { get: () => server.dropMaxConnection },
    _connections: { get: () => native.serverConnections(server[kId]), set() {} }
  })
  inner.on('connection', (socket) => {
    const fd = socket._handle?.fd
    if (fd >= 0) native.serverAdopt(server[kId], fd)
    // Rust has a descriptor of its own
    socket.destroy()
  })
  inner.on('drop', (data) => server.emit('drop', data))
  inner.on('error', (err) => {
    server[kRelay] = null
    server.emit('error', err)
  })
  inner.on('listening', () => {
    if (server[kRelay] !== inner) return
    if (server[kId] === 0) opened(inner)
    server.emit('listening')
  })
  if (server[kUnref]) inner.unref()
  begin(inner)
  // with a handle it listens at once
  if (inner.listening) opened(inner)
}

/** Accepts no more. */
function closeRelay(server) {
  const inner = server[kRelay]
  server[kRelay] = null
  if (inner !== null) close.call(inner)
}

module.exports = { isRelayed, relay, closeRelay }
