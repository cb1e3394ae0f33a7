'use strict'
// The ways a server ends: close() in its forms, and what happens when its last connection has gone.
// It accepts and answers nothing.

const native = require('../index')
const { flush, isServing, rest } = require('../bridge')
const settings = require('../settings')
const { destroySockets } = require('../socket')
const { closeHandle } = require('./handle')
const { closeRelay } = require('./relay')
const state = require('./state')
const { closeReader, closeStreams, closeIdleStreams } = require('./streams')
const { nextTick } = require('../timers')

const { kId, kAddress, kClosesAll, kClosing, kDrained, kHandler, kListenToken } = state
const { kOpen, kRouter, kUnwatch, kUpgraded, servers, updateRef, recheckRef, watchBusy } = state

/** Stops accepting; `callback` and 'close' follow when the last connection has gone. */
function close(callback) {
  if (typeof callback === 'function') {
    if (this[kId] === 0 || this[kClosing]) {
      this.once('close', () => {
        const err = new Error('Server is not running.')
        err.code = 'ERR_SERVER_NOT_RUNNING'
        callback(err)
      })
    } else {
      this.once('close', callback)
    }
  }
  this[kListenToken] = undefined
  closeReader(this)
  closeHandle(this)
  closeRelay(this)
  if (this[kOpen].size === 0 && this[kUpgraded].size === 0) {
    nextTick(() => this.emit('close'))
    return this
  }
  if (this[kId] !== 0 && !this[kClosing]) {
    this[kDrained] = this[kOpen].size === 1 && this[kUpgraded].size === 0 && !isServing(this)
    native.serverClose(this[kId])
  }
  this[kClosing] = true
  watchBusy(this)
  updateRef()
  return this
}

/** `await using server`: close() as a promise, which fails where the server does not listen. */
function asyncDispose() {
  return new Promise((resolve, reject) => this.close((err) => (err ? reject(err) : resolve())))
}

/** Node's: every connection, in a request or not, of those that Rust has accepted and of those that it has not. */
function closeAllConnections() {
  closeStreams(this)
  // answers that were given before it go out
  flush()
  destroySockets(this)
  this[kClosesAll] = true
  for (const id of this[kOpen]) native.serverCloseAll(id)
  recheckRef(this)
}

/** Node's: those that are in no request. */
function closeIdleConnections() {
  closeIdleStreams(this)
  for (const id of this[kOpen]) native.serverCloseIdle(id)
}

/**
 * The server listens again while it closes: what its last id has open goes on under that id, and the
 * next listen() makes another. As with Node, 'close' comes if nothing was under way, and else with the
 * next close().
 */
function retire(server) {
  const id = server[kId]
  // nobody keeps its table up to date any more
  native.serverSetTable(id, null, 0)
  leave(server)
  if (!server[kDrained]) return
  server[kClosing] = false
  nextTick(() => server.emit('close'))
}

/** The last connection of an id has gone. */
function gone(server, id) {
  server[kOpen].delete(id)
  if (id !== server[kId]) forget(id)
  settle(server)
}

/** Ends a closed server if nothing of it is left. */
function settle(server) {
  if (!server[kClosing] || server[kOpen].size !== 0) return
  const id = server[kId]
  if (id !== 0) {
    // what was upgraded keeps the event loop alive by itself, as long as it reads
    leave(server)
    forget(id)
  }
  if (server[kUpgraded].size !== 0) return
  server[kClosing] = false
  server.emit('close')
}

function forget(id) {
  servers.delete(id)
  native.serverDrop(id)
  updateRef()
  if (servers.size === 0) rest()
}

/** Takes the current id off the server. */
function leave(server) {
  server[kId] = 0
  server[kAddress] = null
  server[kUnwatch]?.()
  server[kUnwatch] = null
  server[kRouter] = null
  settings.detach(server[kHandler], server)
}

module.exports = {
  close,
  asyncDispose,
  closeAllConnections,
  closeIdleConnections,
  retire,
  gone,
  settle
}
