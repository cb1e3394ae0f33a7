'use strict'
// Limits, switches and listeners of a server that Rust must know of: their Node names, the addon's
// keys, and how a change reaches a server that listens. It judges nothing about a request.

const http = require('node:http')
const { Duplex } = require('node:stream')
const { EventEmitter } = require('node:events')
const native = require('../index')
const { recheckFront } = require('./front')
const { connectionListener } = require('./streams')
const { kConfig, kConfigure, kId, kValues } = require('./state')

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
const REFUSE_EXCESS_HEADERS = 256

const NODE_MAJOR = Number.parseInt(process.versions.node, 10)

/** Kept from the start: programs and tools put other classes in its place. */
const NodeServer = http.Server

/** A server of Node's own, for what it has by default on the running version. */
const example = new NodeServer()
const { keepAliveTimeout, keepAliveTimeoutBuffer } = example

/** Whether the running Node has `shouldUpgradeCallback`. */
const ASKS_FOR_UPGRADES = 'shouldUpgradeCallback' in example

/** Its default. @this {Server} */
function hasUpgradeListener() {
  return this.listenerCount('upgrade') > 0
}

/** Node's names for limits, the addon's key, the default, and what the addon gets for no number. */
const LIMITS = {
  headersTimeout: ['headersTimeout', 60000, 0],
  requestTimeout: ['requestTimeout', 300000, 0],
  keepAliveTimeout: ['keepAliveTimeout', keepAliveTimeout, 0],
  keepAliveTimeoutBuffer: ['keepAliveTimeoutBuffer', keepAliveTimeoutBuffer, 1000],
  timeout: ['socketTimeout', 0, 0],
  maxHeaderSize: ['maxHeaderSize', undefined, http.maxHeaderSize],
  maxHeadersCount: ['maxHeadersCount', null, 1000],
  maxRequestsPerSocket: ['maxRequestsPerSocket', 0, 0],
  maxConnections: ['maxConnections', undefined, 0]
}

/** Makes limits and switches properties of the prototype, and listeners that come and go tell Rust. */
function defineLimits(proto) {
  for (const name of Object.keys(LIMITS)) define(proto, name, (server) => applyLimit(server, name))
  define(proto, 'requireHostHeader', syncFlags)
  if (ASKS_FOR_UPGRADES) define(proto, 'shouldUpgradeCallback', syncFlags)
  define(proto, 'noDelay', (server) => server[kConfigure]('noDelay', server.noDelay ? 1 : 0))

  // what is set before the server listens holds from its first connection on
  proto[kConfigure] = function configure(key, value) {
    this[kConfig][key] = value
    if (this[kId] !== 0) native.serverSet(this[kId], key, value)
  }

  const inherited = Object.getPrototypeOf(proto)
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
    proto[name] = {
      [name](...args) {
        // looked up anew: agents replace it to wrap every 'request' listener
        const result = inherited[name].apply(this, args)
        if (args.length === 0 || LISTENER_FLAGS[args[0]] !== undefined) syncFlags(this)
        if (args.length === 0 || args[0] === 'request') recheckFront(this)
        return result
      }
    }[name]
  }
}

function define(proto, name, changed) {
  Object.defineProperty(proto, name, {
    configurable: true,
    enumerable: true,
    get() {
      return this[kValues][name]
    },
    set(value) {
      this[kValues][name] = value
      changed(this)
    }
  })
}

function applyLimit(server, name) {
  const value = server[kValues][name]
  const [key, , none] = LIMITS[name]
  if (name === 'maxConnections') return server[kConfigure](key, connectionLimit(value))
  server[kConfigure](key, isNone(name, value) ? none : clamp(Number(value)))
}

/** The addon's word for "no connection at all". */
const NO_CONNECTION = 0xffffffff

/** What the addon knows `maxConnections` by; 0 is no limit, as it is for Node before 22. */
function connectionLimit(value) {
  const limit = Math.ceil(Number(value))
  if (value === null || value === undefined || Number.isNaN(limit)) return 0
  if (limit === 0 && NODE_MAJOR < 22) return 0
  return limit <= 0 ? NO_CONNECTION : clamp(limit)
}

/** Node takes these as "the default". */
function isNone(name, value) {
  if (value === null || value === undefined) return true
  return name === 'maxHeaderSize' && !(value > 0)
}

/** Whole and positive, in the 31 bits of a timer; 0 = none. */
function clamp(number) {
  return Number.isFinite(number) && number > 0 ? Math.min(number, 0x7fffffff) : 0
}

/** Sets limits and switches of a new server. @param {object} [options] as http.createServer's */
function initialize(server, options) {
  server[kConfig] = {}
  server[kValues] = {}
  for (const name of Object.keys(LIMITS)) server[name] = options?.[name] ?? LIMITS[name][1]
  server.noDelay = options?.noDelay ?? true
  if (ASKS_FOR_UPGRADES) {
    server.shouldUpgradeCallback = options?.shouldUpgradeCallback ?? hasUpgradeListener
  }
  server.requireHostHeader = options?.requireHostHeader ?? true
}

/** Tells Rust which switches are on and which events somebody listens to. */
function syncFlags(server) {
  let flags = server.requireHostHeader ? REQUIRE_HOST : 0
  if (refusesExcessHeaders()) flags |= REFUSE_EXCESS_HEADERS
  for (const name of Object.keys(LISTENER_FLAGS)) {
    if (isListenedTo(server, name)) flags |= LISTENER_FLAGS[name]
  }
  server[kConfigure]('flags', flags)
}

/** Node's own listener to 'connection' does not count: it is for streams that Rust has not accepted. */
function isListenedTo(server, name) {
  // a callback of the program's own may want the upgrade even so
  if (
    name === 'upgrade' &&
    (server.shouldUpgradeCallback ?? hasUpgradeListener) !== hasUpgradeListener
  )
    return true
  if (name !== 'connection') return server.listenerCount(name) !== 0
  return server.listeners(name).some((listener) => listener !== connectionListener)
}

let refusing

/**
 * Whether the running Node answers 431 to more headers than `maxHeadersCount`; older releases drop
 * them. It came with a security release of each line, so Node's own parser is asked, once.
 */
function refusesExcessHeaders() {
  if (refusing === undefined) refusing = NODE_MAJOR >= 22 && askParser() === 'HPE_HEADER_OVERFLOW'
  return refusing
}

/** @returns {string} code of the parser's error: the request never becomes one */
function askParser() {
  let code
  const server = new NodeServer()
  // agents that wrap http.Server's must not see this one
  server.emit = EventEmitter.prototype.emit
  server.maxHeadersCount = 1
  server.on('clientError', (err) => {
    code = err.code
  })
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  server.emit('connection', socket)
  socket.emit('data', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nno header\r\n\r\n'))
  socket.destroy()
  return code
}

module.exports = { defineLimits, initialize, syncFlags }
