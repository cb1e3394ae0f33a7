'use strict'
// The server object: an http.Server to those who hold it (events, address, close,
// timeouts, listeners that come and go), with the sockets in Rust. This file is its
// class; what it does is in the files next to it, by role.

const http = require('node:http')
const { EventEmitter } = require('node:events')
const { hasten } = require('../../hasten')
const native = require('../index')
const { HIGH_WATER_MARK } = require('../socket')
const S = require('../symbols')
const { defineLimits, initialize } = require('./limits')
const { listen, listenAsNode } = require('./listening')
const closing = require('./closing')
const { UNKNOWN, watchEmit } = require('./front')
const { handleOf } = require('./handle')
const { connectionListener } = require('./streams')
const state = require('./state')
const { alike } = require('../likeness')
const { nextTick } = require('../timers')
require('./connections')

const { kId, kHandler, kUnref, kUpgraded, kClosing, kDrained, kOpen, kAddress } = state
const { kFront, kHandle, kLines, kRelay, kRouter, kUnwatch, kUnrefSockets, kLeaving } = state
const { kClosesAll, kGiven, updateRef, watchBusy } = state

/**
 * @param {object} [options] as http.createServer: keepAliveTimeout, headersTimeout,
 *   requestTimeout, maxHeaderSize, requireHostHeader, noDelay, uniqueHeaders …
 * @param {Function} handler called as (req, res)
 */
function Server(options, handler) {
  if (!(this instanceof Server)) return new Server(options, handler)
  if (typeof options === 'function') {
    handler = options
    options = {}
  }
  EventEmitter.call(this)
  this[kHandler] = handler
  this[S.kClasses] = undefined
  this[kId] = 0
  this[kUnref] = false
  this[kUnrefSockets] = 0
  this[kLeaving] = new Set()
  this[kClosesAll] = false
  this[kUpgraded] = new Set()
  this[kClosing] = false
  this[kDrained] = false
  this[kOpen] = new Set()
  this[kRouter] = null
  this[kFront] = UNKNOWN
  this[kLines] = null
  this[kUnwatch] = null
  this[kAddress] = null
  this[kRelay] = null
  this[kHandle] = null
  this[kGiven] = null
  this[S.kDefaultDeadline] = 0
  this[S.kUniqueHeaders] = uniqueHeaders(options?.uniqueHeaders)
  this.allowHalfOpen = true
  this.pauseOnConnect = false
  this.keepAlive = Boolean(options?.keepAlive)
  this.httpAllowHalfOpen = false
  this.connectionsCheckingInterval = options?.connectionsCheckingInterval ?? 30_000
  this.insecureHTTPParser = options?.insecureHTTPParser
  this.joinDuplicateHeaders = options?.joinDuplicateHeaders
  this.rejectNonStandardBodyWrites = options?.rejectNonStandardBodyWrites ?? false
  this.highWaterMark = options?.highWaterMark ?? HIGH_WATER_MARK
  this._connections = 0
  this._listeningId = 1
  initialize(this, options)
  if (handler) this.on('request', handler)
  this.on('connection', connectionListener)
  // every request asks who listens
  hasten(this._events)
}

Object.setPrototypeOf(Server, http.Server)
Server.prototype = Object.create(http.Server.prototype, {
  constructor: { configurable: true, writable: true, value: Server }
})
const proto = Server.prototype

function uniqueHeaders(list) {
  if (!Array.isArray(list)) return null
  return new Set(list.flat().map((name) => String(name).toLowerCase()))
}

defineLimits(proto)
watchEmit(proto)

Object.defineProperty(proto, 'listening', {
  configurable: true,
  enumerable: true,
  get() {
    return this[kId] !== 0 && !this[kClosing]
  }
})

Object.defineProperty(proto, '_handle', {
  configurable: true,
  get() {
    return this.listening ? handleOf(this) : null
  },
  // Node's own listen() puts the handle here that a worker got from its primary
  set(handle) {
    this[kGiven] = handle
  }
})

proto.listen = listen
proto._listen2 = listenAsNode
proto.close = closing.close
proto[Symbol.asyncDispose] = closing.asyncDispose
proto.closeAllConnections = closing.closeAllConnections
proto.closeIdleConnections = closing.closeIdleConnections

proto.address = function address() {
  const at = this.listening ? this[kAddress] : null
  // Node keeps the name of a path, whatever came of it
  if (at === null) return this._pipeName ?? null
  if (at.path !== undefined) return at.path
  return { address: at.address, family: at.family, port: at.port }
}

/** @param {(err: Error | null, count: number) => void} callback */
proto.getConnections = function getConnections(callback) {
  nextTick(callback, null, this.connections)
  return this
}

Object.defineProperty(proto, 'connections', {
  configurable: true,
  get() {
    let count = this[kUpgraded].size
    for (const id of this[kOpen]) count += native.serverConnections(id)
    return count
  },
  set() {}
})

proto.setTimeout = function setTimeout(msecs, callback) {
  this.timeout = msecs
  if (callback) this.on('timeout', callback)
  return this
}

proto.ref = function ref() {
  this[kUnref] = false
  this[kRelay]?.ref()
  updateRef()
  return this
}

proto.unref = function unref() {
  this[kUnref] = true
  watchBusy(this)
  this[kRelay]?.unref()
  updateRef()
  return this
}

/**
 * @param {object | Function} [options]
 * @param {Function} [handler] an Express app or any request listener
 * @returns {Server}
 */
function createServer(options, handler) {
  return new Server(options, handler)
}

alike(proto, http.Server.prototype)

module.exports = { Server, createServer }
