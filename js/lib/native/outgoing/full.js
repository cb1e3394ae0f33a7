'use strict'
// Full responses: Node's own ServerResponse constructor and methods take over and write to the
// connection's socket view, so that every observable step is Node's. Everything that the light
// state has no answer for comes here.

const { ServerResponse } = require('node:http')
const F = require('../frames')
const { HIGH_WATER_MARK, socketOf, closeInOrder } = require('../socket')
const { NodeProto, proto, LIGHT, FULL, SENT, hasList } = require('./proto')
const { kOutHeaders, kUniqueHeaders, kNodeSocket } = require('./proto')
const { nodeHeaders } = require('./headers')
const S = require('../symbols')

const { kFlags, kState, kHeaderList, kSocket, kServer } = S

/** Options of a response whose server has the same set. */
const REJECTING = { rejectNonStandardBodyWrites: true }

/**
 * Turns a light response into a full one: Node's constructor runs, headers move
 * over, and the connection's socket is assigned.
 */
function full(res) {
  if (res[kState] !== LIGHT) return res
  res[kState] = FULL
  const req = res.req
  const list = res[kHeaderList]
  const { sendDate, shouldKeepAlive, useChunkedEncodingByDefault, strictContentLength } = res
  ServerResponse.call(res, req, req[kServer].rejectNonStandardBodyWrites ? REJECTING : undefined)
  res.sendDate = sendDate
  res.strictContentLength = strictContentLength
  if (!useChunkedEncodingByDefault) res.useChunkedEncodingByDefault = false

  if (list.length !== 0) {
    if (kOutHeaders !== undefined) {
      res[kOutHeaders] = nodeHeaders(list)
    } else {
      for (let i = 0; i < list.length; i += 3)
        NodeProto.setHeader.call(res, list[i + 1], list[i + 2])
    }
  }

  const server = req[kServer]
  const flags = req[kFlags]
  const socket = req[kSocket] ?? (req[kSocket] = socketOf(req))
  res._keepAliveTimeout = server.keepAliveTimeout
  res._maxRequestsPerSocket = server.maxRequestsPerSocket
  res._onPendingData = noop
  res.shouldKeepAlive = shouldKeepAlive && (flags & F.KEEP_ALIVE) !== 0
  if (flags & (F.LIMIT_REACHED | F.OVER_LIMIT)) res.maxRequestsOnConnectionReached = true
  if (kUniqueHeaders !== undefined) res[kUniqueHeaders] = server[S.kUniqueHeaders] ?? null
  if (req.headers.expect !== undefined) {
    // 100 Continue has been written by Rust unless somebody listens to checkContinue
    if (flags & F.EXPECT_CONTINUE) res._expect_continue = true
    else res._sent100 = true
  }
  // the response before this one is complete, it may only wait for its last callback
  if (socket._httpMessage) NodeProto.detachSocket.call(socket._httpMessage, socket)
  NodeProto.assignSocket.call(res, socket)
  closeInOrder(socket)
  return res
}

function noop() {}

for (const name of [
  '_send',
  '_writeRaw',
  '_storeHeader',
  '_flush',
  '_flushOutput',
  '_renderHeaders',
  'addTrailers',
  'appendHeader',
  'assignSocket',
  'cork',
  'destroy',
  'detachSocket',
  'end',
  'flushHeaders',
  'pipe',
  'setHeaders',
  'setTimeout',
  'uncork',
  'write',
  'writeContinue',
  'writeEarlyHints',
  'writeHead',
  'writeHeader',
  'writeProcessing'
]) {
  const original = NodeProto[name]
  if (typeof original !== 'function') continue
  proto[name] = {
    [name](...args) {
      if (this[kState] === LIGHT) full(this)
      return original.apply(this, args)
    }
  }[name]
}

proto.end = function end(chunk, encoding, callback) {
  if (this[kState] === LIGHT) full(this)
  return NodeProto.end.call(this, chunk, encoding, callback)
}

proto.write = function write(chunk, encoding, callback) {
  if (this[kState] === LIGHT) full(this)
  return NodeProto.write.call(this, chunk, encoding, callback)
}

proto._implicitHeader = function _implicitHeader() {
  this.writeHead(this.statusCode)
}

for (const name of ['socket', 'connection']) {
  Object.defineProperty(proto, name, {
    configurable: true,
    get() {
      const socket = this[kSocket]
      if (socket !== undefined) return socket
      // a light response has its socket as soon as somebody looks for it
      return this[kState] === LIGHT ? full(this)[kSocket] : null
    },
    set(value) {
      this[kSocket] = value
      // from Node 22 on its own methods read the socket behind a symbol
      if (kNodeSocket !== undefined) this[kNodeSocket] = value
    }
  })
}

// Some call Node's own methods on any response (`OutgoingMessage.prototype.setHeader.call(res, …)`):
// the first look at Node's headers ends the light state.
if (kOutHeaders !== undefined) {
  Object.defineProperty(proto, kOutHeaders, {
    configurable: true,
    get() {
      if (this[kState] === LIGHT) return full(this)[kOutHeaders]
      if (this[kState] !== SENT) return undefined
      return nodeHeaders(this[kHeaderList])
    },
    set(value) {
      Object.defineProperty(this, kOutHeaders, {
        configurable: true,
        enumerable: true,
        writable: true,
        value
      })
    }
  })
}

// Node keeps what these are made of behind symbols that only its constructor sets.
for (const [name, light] of [
  ['closed', (res) => res._closed],
  ['errored', () => null],
  ['writableCorked', () => 0],
  ['writableFinished', (res) => res.finished],
  // the socket's: asked of the full one
  ['writableHighWaterMark', (res) => full(res).socket?.writableHighWaterMark ?? HIGH_WATER_MARK],
  ['writableLength', () => 0],
  ['writableNeedDrain', () => false]
]) {
  const descriptor = descriptorOf(name)
  if (descriptor === undefined) continue
  Object.defineProperty(proto, name, {
    configurable: true,
    enumerable: descriptor.enumerable,
    get() {
      return hasList(this) ? light(this) : descriptor.get.call(this)
    }
  })
}

/** The getter that a response inherits, if its Node has one. */
function descriptorOf(name) {
  for (let at = NodeProto; at !== null; at = Object.getPrototypeOf(at)) {
    const descriptor = Object.getOwnPropertyDescriptor(at, name)
    if (descriptor !== undefined) return descriptor.get === undefined ? undefined : descriptor
  }
}

module.exports = { full, noop }
