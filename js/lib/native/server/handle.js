'use strict'
// What `server._handle` is while Rust listens: a handle of Node's on a second descriptor of the listening socket. It is made when
// somebody looks, and accepts nothing here; `child.send(message, server)` gives it to another process.

const net = require('node:net')
const native = require('../index')
const { kHandle, kId, kRelay } = require('./state')

/** @returns {object | null} a TCP or Pipe handle, the same one until close(); null if the system has no descriptor left */
function handleOf(server) {
  const inner = server[kRelay]
  if (inner !== null) return inner._handle
  if (server[kHandle] === null) {
    const fd = native.serverSocket(server[kId])
    if (fd < 0) return null
    server[kHandle] = net._createServerHandle(null, 0, 4, fd)
  }
  return server[kHandle]
}

/** As long as it is open the address stays in use. */
function closeHandle(server) {
  server[kHandle]?.close()
  server[kHandle] = null
}

module.exports = { handleOf, closeHandle }
