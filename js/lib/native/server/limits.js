'use strict'
// Limits, switches and listeners of a server that Rust must know of: their Node names, the addon's
// keys, and how a change reaches a server that listens. It judges nothing about a request.

const { EventEmitter } = require('node:events')
const native = require('../index')
const { kConfigure, kId, kOptions, kValues } = require('./state')

/** Flag bits of listeners that Rust must know of. */
const LISTENER_FLAGS = {
  upgrade: 1,
  connect: 2,
  checkContinue: 4,
  checkExpectation: 8,
  clientError: 16,
  connection: 32,
  // its sockets come with their connections
  timeout: 32,
  dropRequest: 128
}

const REQUIRE_HOST = 64

/** Node's names for limits, the addon's key, the default (http.Server's, Node 20). */
const LIMITS = {
  headersTimeout: ['headersTimeout', 60000],
  requestTimeout: ['requestTimeout', 300000],
  keepAliveTimeout: ['keepAliveTimeout', 5000],
  timeout: ['socketTimeout', 0],
  maxHeadersCount: ['maxHeadersCount', null],
  maxRequestsPerSocket: ['maxRequestsPerSocket', 0],
  maxConnections: ['maxConnections', undefined]
}

/** Makes the limits properties of the prototype, and listeners that come and go tell Rust. */
function defineLimits(proto) {
  for (const name of Object.keys(LIMITS)) {
    Object.defineProperty(proto, name, {
      configurable: true,
      enumerable: true,
      get() {
        return this[kValues][name]
      },
      set(value) {
        this[kValues][name] = value
        if (this[kId] !== 0) applyLimit(this, name)
      }
    })
  }

  proto[kConfigure] = function configure(key, value) {
    if (this[kId] !== 0) native.serverSet(this[kId], key, value)
  }

  for (const name of [
    'on',
    'addListener',
    'prependListener',
    'removeListener',
    'off',
    'once',
    'prependOnceListener',
    'removeAllListeners'
  ]) {
    const original = EventEmitter.prototype[name]
    proto[name] = {
      [name](...args) {
        const result = original.apply(this, args)
        if (args.length === 0 || LISTENER_FLAGS[args[0]] !== undefined) syncFlags(this)
        return result
      }
    }[name]
  }
}

function applyLimit(server, name) {
  const value = server[kValues][name]
  // null (maxHeadersCount) leaves the engine's own default
  if (value === null || value === undefined) return
  const ms = Number(value)
  server[kConfigure](LIMITS[name][0], Number.isFinite(ms) && ms > 0 ? Math.min(ms, 0x7fffffff) : 0)
}

/** All limits at once, of a server that has just begun to listen. */
function applyLimits(server) {
  for (const name of Object.keys(LIMITS)) applyLimit(server, name)
}

function syncFlags(server) {
  if (server[kId] === 0) return
  let flags = server[kOptions].requireHostHeader === false ? 0 : REQUIRE_HOST
  for (const name of Object.keys(LISTENER_FLAGS)) {
    if (server.listenerCount(name) !== 0) flags |= LISTENER_FLAGS[name]
  }
  server[kConfigure]('flags', flags)
}

module.exports = { LIMITS, defineLimits, applyLimits, syncFlags }
