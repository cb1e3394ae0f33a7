'use strict'
// Connections that the program brings itself, by server.emit('connection', stream): those of a
// balancer over a cluster, of a port that speaks two protocols, of a test. Node's own server
// reads them on behalf of ours. What Rust has accepted passes through here untouched.

const { Server: NodeServer } = require('node:http')
const { EventEmitter } = require('node:events')
const { NativeSocket } = require('../socket')
const S = require('../symbols')

const kReader = Symbol('rnode.server.reader')

/** Events of Node's server that are the program's; the others are between it and its own listeners. */
const PASSED_ON = new Set([
  'request',
  'checkContinue',
  'checkExpectation',
  'connect',
  'upgrade',
  'dropRequest',
  'clientError',
  'timeout'
])

/** What Node's server asks itself while it reads: ours has the say. */
const ASKED = [
  'headersTimeout',
  'requestTimeout',
  'keepAliveTimeout',
  'keepAliveTimeoutBuffer',
  'timeout',
  'maxHeadersCount',
  'maxRequestsPerSocket'
]

/**
 * The listener to 'connection' that every server has, as every http.Server has one of this name.
 * @this {Server}
 * @param {net.Socket | Duplex} stream
 */
function connectionListener(stream) {
  if (stream instanceof NativeSocket) return
  if (this[kReader] === undefined) this[kReader] = makeReader(this)
  EventEmitter.prototype.emit.call(this[kReader], 'connection', stream)
  stream.server = this
}

/** Connections whose next request the program does not want as an upgrade. */
const declined = new WeakSet()

/**
 * Reads a connection as HTTP whose request `shouldUpgradeCallback` has declined.
 * @param {net.Socket} socket the adopted one
 * @param {http.IncomingMessage} req the request that was read off it
 * @param {Buffer} head what was read behind it
 */
function declineUpgrade(server, socket, req, head) {
  const lines = [`${req.method} ${req.url} HTTP/${req.httpVersion}`]
  for (let i = 0; i < req.rawHeaders.length; i += 2) {
    lines.push(`${req.rawHeaders[i]}: ${req.rawHeaders[i + 1]}`)
  }
  declined.add(socket)
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]))
  connectionListener.call(server, socket)
}

function makeReader(server) {
  const reader = new NodeServer({
    insecureHTTPParser: server.insecureHTTPParser,
    joinDuplicateHeaders: server.joinDuplicateHeaders,
    rejectNonStandardBodyWrites: server.rejectNonStandardBodyWrites,
    requireHostHeader: server.requireHostHeader,
    maxHeaderSize: server.maxHeaderSize,
    highWaterMark: server.highWaterMark,
    noDelay: server.noDelay,
    keepAlive: server.keepAlive,
    connectionsCheckingInterval: server.connectionsCheckingInterval,
    uniqueHeaders: server[S.kUniqueHeaders] === null ? undefined : [...server[S.kUniqueHeaders]]
  })
  for (const name of ASKED) {
    if (!(name in server)) continue
    Object.defineProperty(reader, name, { configurable: true, get: () => server[name], set() {} })
  }
  if ('shouldUpgradeCallback' in reader) {
    reader.shouldUpgradeCallback = (req) =>
      !declined.delete(req.socket) && server.shouldUpgradeCallback(req)
  }
  reader.listenerCount = (name) => server.listenerCount(name)
  // starts its watch over heads that do not come
  if (server.listening) reader.emit('listening')
  reader.emit = (name, ...args) =>
    PASSED_ON.has(name)
      ? server.emit(name, ...args)
      : EventEmitter.prototype.emit.call(reader, name, ...args)
  return reader
}

/** close(): Node ends the connections that wait for a request, and its watch. */
function closeReader(server) {
  server[kReader]?.close()
  server[kReader]?.closeIdleConnections()
}

/** Closes what `emit('connection', stream)` has brought. */
function closeStreams(server) {
  server[kReader]?.closeAllConnections()
}

/** The same for those that are in no request. */
function closeIdleStreams(server) {
  server[kReader]?.closeIdleConnections()
}

module.exports = { connectionListener, declineUpgrade, closeReader, closeStreams, closeIdleStreams }
