'use strict'
// The ways a server ends: close() in its forms, and what happens when its last connection has gone.
// It accepts and answers nothing.

const native = require('../index')
const settings = require('../settings')
const { closeRelay } = require('./relay')
const state = require('./state')
const { closeReader, closeStreams, closeIdleStreams } = require('./streams')

const { kId, kAddress, kClosing, kHandler, kListenToken, kRouter, kUnwatch, kUpgraded } = state
const { servers, updateRef } = state

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
  closeRelay(this)
  if (this[kId] === 0) {
    process.nextTick(() => this.emit('close'))
    return this
  }
  if (!this[kClosing]) {
    this[kClosing] = true
    native.serverClose(this[kId])
  }
  return this
}

function asyncDispose() {
  return this[kId] === 0
    ? Promise.resolve()
    : new Promise((resolve, reject) => this.close((err) => (err ? reject(err) : resolve())))
}

function closeAllConnections() {
  closeStreams(this)
  if (this[kId] !== 0) native.serverCloseAll(this[kId])
}

function closeIdleConnections() {
  closeIdleStreams(this)
  if (this[kId] !== 0) native.serverCloseIdle(this[kId])
}

/** The last connection has gone. */
function gone(server) {
  if (server[kId] === 0) return
  if (server[kUpgraded].size !== 0) return
  servers.delete(server[kId])
  native.serverDrop(server[kId])
  server[kId] = 0
  server[kClosing] = false
  server[kAddress] = null
  server[kUnwatch]?.()
  server[kUnwatch] = null
  server[kRouter] = null
  settings.detach(server[kHandler], server)
  updateRef()
  server.emit('close')
}

module.exports = { close, asyncDispose, closeAllConnections, closeIdleConnections, gone }
