'use strict'
// Native-backed responses: the layer between Express' response prototype and
// http.ServerResponse.prototype. Two states. *Light*: headers in a flat list,
// nothing else made; a whole answer leaves as one RESPOND frame that Rust
// finishes. *Full*: as soon as anything else is asked (write, writeHead, a replaced
// method, a listener), Node's own ServerResponse constructor and methods take
// over and write to the connection's socket view, so every observable step is
// Node's. Foreign messages, which have no kSlot, never leave Node's methods.

const http = require('node:http')
const { isUint8Array } = require('node:util/types')
const { ServerResponse } = http
const F = require('./frames')
const bridge = require('./bridge')
const { finishRequest, abortRequest } = require('./incoming')
const { HIGH_WATER_MARK, socketOf, closed } = require('./socket')
const S = require('./symbols')

const { kSlot, kGeneration, kFlags, kState, kHeaderList, kSocket, kServer, kSpecial } = S

const NodeProto = ServerResponse.prototype
const proto = Object.create(NodeProto)

/** States of a native response. */
const LIGHT = 1
const FULL = 2
/** Answered in the light state; headers are still read from the list. */
const SENT = 3
/** The invocation is over: answered in full, aborted, or ended by its deadline. */
const DONE = 4

// Node's own state behind symbols, found on a response made for the purpose.
const sample = new ServerResponse({ method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1 })
const symbolOf = (name) =>
  Object.getOwnPropertySymbols(sample).find((symbol) => symbol.description === name)
const kOutHeaders = symbolOf('kOutHeaders')
const kNodeNeedDrain = symbolOf('kNeedDrain')
const kUniqueHeaders = symbolOf('kUniqueHeaders')
const kNodeSocket = symbolOf('kSocket')

const NO_OUTPUT = []
/** Options of a response whose server has the same set. */
const REJECTING = { rejectNonStandardBodyWrites: true }

// headers in the light state ---------------------------------------------------

/** Headers whose presence decides how a message is framed or kept alive. */
const SPECIAL = Object.assign(Object.create(null), {
  connection: 1,
  'content-length': 1,
  date: 1,
  etag: 2,
  expect: 1,
  'keep-alive': 1,
  'last-modified': 4,
  trailer: 1,
  'transfer-encoding': 1,
  upgrade: 1
})

/** Valid header names seen, with their lower case. */
const names = new Map()
const MAX_NAMES = 4096
const INVALID_VALUE = /[^\t\x20-\x7e\x80-\xff]/

function lowerName(name) {
  const known = names.get(name)
  if (known !== undefined) return known
  http.validateHeaderName(name)
  const lower = name.toLowerCase()
  if (names.size < MAX_NAMES) names.set(name, lower)
  return lower
}

/** True while the headers are in the flat list. */
function hasList(res) {
  const state = res[kState]
  return state === LIGHT || state === SENT
}

proto.setHeader = function setHeader(name, value) {
  if (this[kState] !== LIGHT) return NodeProto.setHeader.call(this, name, value)
  const lower = lowerName(name)
  if (typeof value !== 'string') {
    if (typeof value !== 'number') http.validateHeaderValue(name, value)
  } else if (INVALID_VALUE.test(value)) http.validateHeaderValue(name, value)
  const special = SPECIAL[lower]
  if (special !== undefined) this[kSpecial] |= special
  const list = this[kHeaderList]
  for (let i = 0; i < list.length; i += 3) {
    if (list[i] === lower) {
      list[i + 1] = name
      list[i + 2] = value
      return this
    }
  }
  list.push(lower, name, value)
  return this
}

/** Index of a header in the list, -1 if it is not there. */
function indexOf(list, lower) {
  for (let i = 0; i < list.length; i += 3) if (list[i] === lower) return i
  return -1
}

proto.getHeader = function getHeader(name) {
  if (!hasList(this)) return NodeProto.getHeader.call(this, name)
  if (typeof name !== 'string') return NodeProto.getHeader.call(sample, name)
  const lower = names.get(name) ?? name.toLowerCase()
  const list = this[kHeaderList]
  for (let i = 0; i < list.length; i += 3) if (list[i] === lower) return list[i + 2]
  // Rust has written this one
  if (this[kState] === SENT && lower === 'content-length' && this[S.kSentLength] >= 0)
    return String(this[S.kSentLength])
  return undefined
}

proto.hasHeader = function hasHeader(name) {
  if (!hasList(this)) return NodeProto.hasHeader.call(this, name)
  if (typeof name !== 'string') return NodeProto.hasHeader.call(sample, name)
  return indexOf(this[kHeaderList], name.toLowerCase()) !== -1
}

proto.removeHeader = function removeHeader(name) {
  if (this[kState] !== LIGHT) return NodeProto.removeHeader.call(this, name)
  const lower = typeof name === 'string' ? name.toLowerCase() : undefined
  // Node remembers that these were taken away on purpose
  if (lower === undefined || SPECIAL[lower] === 1)
    return NodeProto.removeHeader.call(full(this), name)
  const list = this[kHeaderList]
  const i = indexOf(list, lower)
  if (i !== -1) {
    list.splice(i, 3)
    if (SPECIAL[lower] !== undefined) this[kSpecial] &= ~SPECIAL[lower]
  }
}

proto.getHeaderNames = function getHeaderNames() {
  if (!hasList(this)) return NodeProto.getHeaderNames.call(this)
  return everyThird(this[kHeaderList], 0)
}

proto.getRawHeaderNames = function getRawHeaderNames() {
  if (!hasList(this)) return NodeProto.getRawHeaderNames.call(this)
  return everyThird(this[kHeaderList], 1)
}

function everyThird(list, from) {
  const out = []
  for (let i = from; i < list.length; i += 3) out.push(list[i])
  return out
}

proto.getHeaders = function getHeaders() {
  if (!hasList(this)) return NodeProto.getHeaders.call(this)
  const out = Object.create(null)
  const list = this[kHeaderList]
  for (let i = 0; i < list.length; i += 3) out[list[i]] = list[i + 2]
  return out
}

// everything else goes to Node --------------------------------------------------

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

/** A body that is still to come is read, or dumped, after the response: the end of it must not decide that. */
function holdBody(req) {
  if ((req[kFlags] & F.BODY_COMPLETE) !== 0 || req[S.kReading]?.ended) return
  bridge.sendWord(F.BODY_WANT, 0, req[kSlot], req[kGeneration], 0)
  require('./message').keepReading(req)
}

/** The last byte of a full response has been given to the socket. */
proto._finish = function _finish() {
  NodeProto._finish.call(this)
  if (this[kState] !== FULL) return
  this[kState] = DONE
  holdBody(this.req)
  bridge.sendWord(F.END, (this._last ? F.CLOSE : 0) | F.RAW_END, this[kSlot], this[kGeneration], 0)
  bridge.detach(this)
  this.prependListener('finish', onFinish)
}

/** What Node's server does when a response is finished. */
function onFinish() {
  this.removeListener('finish', onFinish)
  finishRequest(this.req)
  const { socket } = this
  if (socket?._httpMessage === this) NodeProto.detachSocket.call(this, socket)
  process.nextTick(emitClose, this)
  if (this._last) socket?.destroySoon()
}

function emitClose(res) {
  if (res._closed) return
  res.destroyed = true
  res._closed = true
  res.emit('close')
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

/** The list as Node keeps headers: lower-case name to [name, value]. */
function nodeHeaders(list) {
  const headers = Object.create(null)
  for (let i = 0; i < list.length; i += 3) headers[list[i]] = [list[i + 1], list[i + 2]]
  return headers
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

// the fast path -------------------------------------------------------------------

const { setHeader, write, end, writeHead, _implicitHeader } = proto

/** Flags for the settings' own ETag functions; any other function runs in JavaScript. */
const etagFlags = new Map([[undefined, 0]])

/** Tells which functions Rust can stand in for. */
function setEtagFunctions(weak, strong) {
  etagFlags.set(weak, F.ETAG_WEAK).set(strong, F.ETAG_STRONG)
}

/** Light, without listeners, and with the methods it was made with. */
function isUnhooked(res) {
  return (
    res[kState] === LIGHT &&
    res._events === undefined &&
    res.end === end &&
    res.write === write &&
    res.writeHead === writeHead &&
    res.setHeader === setHeader &&
    res._implicitHeader === _implicitHeader
  )
}

/**
 * Sends a whole answer as one frame, if nobody could tell the difference.
 * @param {http.ServerResponse} res
 * @param {string | Uint8Array} body
 * @param {BufferEncoding} [encoding]
 * @param {Function} [etagFn] the app's ETag function
 * @returns {boolean} false if the ordinary way must be taken
 */
function sendWhole(res, body, encoding, etagFn) {
  if (!isPlain(res)) return false
  if (typeof body !== 'string' && !isUint8Array(body)) return false
  const req = res.req
  if ((req[kFlags] & F.CONDITIONAL) !== 0) return false
  let flags = etagFlags.get(etagFn)
  if (flags === undefined) return false
  if (res[kSpecial] & 2) flags = 0
  const lines = linesOf(res)
  if (lines === null) return false
  const status = res.statusCode

  res[kState] = SENT
  res[S.kSentLength] = bridge.sendHead(
    F.RESPOND,
    flags | F.LENGTH,
    res[kSlot],
    res[kGeneration],
    status,
    lines,
    '',
    body,
    encoding
  )
  res._header = lines === '' ? '\r\n' : lines
  res._headerSent = true
  res.finished = true
  bridge.detach(res)
  if (req._events !== undefined || req[S.kStream] === true) {
    holdBody(req)
    process.nextTick(finishRequest, req)
  }
  return true
}

// files ---------------------------------------------------------------------------

/** True if Rust may finish the head, of a whole answer or a file: nobody could tell the difference. */
function isPlain(res) {
  if (!isUnhooked(res) || (res[kSpecial] & 1) !== 0) return false
  const status = res.statusCode
  return (
    status >= 200 &&
    status <= 999 &&
    status !== 204 &&
    status !== 205 &&
    status !== 304 &&
    Number.isInteger(status) &&
    res.sendDate &&
    res.shouldKeepAlive &&
    res.statusMessage === undefined &&
    res[S.kFile] === undefined
  )
}

/** The headers as lines; null if one has a value of another type than setHeader takes. */
function linesOf(res) {
  const list = res[kHeaderList]
  let lines = ''
  for (let i = 0; i < list.length; i += 3) {
    const value = list[i + 2]
    if (typeof value === 'string' || typeof value === 'number')
      lines += `${list[i + 1]}: ${value}\r\n`
    else if (Array.isArray(value)) for (const item of value) lines += `${list[i + 1]}: ${item}\r\n`
    else return null
  }
  return lines
}

/** Rust answers: until it says otherwise, the response counts as sent. */
function sealForFile(res, pending) {
  res[kState] = SENT
  res[S.kFile] = pending
  res[S.kSentLength] = -1
  res._header = '\r\n'
  res._headerSent = true
  res.finished = true
}

/** Rust has not answered: the response is as it was. */
function reopen(res) {
  if (res[S.kFile] === undefined) return
  res[S.kFile] = undefined
  res[kState] = LIGHT
  res[S.kSentLength] = 0
  res._header = null
  res._headerSent = false
  res.finished = false
}

/** Rust has answered: for those who came to listen meanwhile. */
function fileSent(res) {
  res.emit('finish')
  emitClose(res)
}

// ends that do not come from the handler -----------------------------------------

/** ABORT frame: the invocation ends without an answer of the handler's. */
function abort(res, reason) {
  const { req } = res
  bridge.detach(res)
  reopen(res)
  if (reason === F.ABORT_DEADLINE || reason === F.ABORT_REQUEST_TIMEOUT) {
    // Rust has answered; what the handler still does must do no harm
    full(res)
    res[kState] = DONE
    res._header = 'HTTP/1.1 503 Service Unavailable\r\n\r\n'
    require('../deadline').sealExpired(req, res)
    abortRequest(req, reason)
    if (res.socket?._httpMessage === res) NodeProto.detachSocket.call(res, res.socket)
    process.nextTick(emitClose, res)
    return
  }
  if (reason === F.ABORT_CLIENT) bridge.sendWord(F.DESTROY, 0, res[kSlot], res[kGeneration], 0)
  lost(res, reason)
  closed(socketOf(req), false)
}

/** The connection has gone under a response: request and response are told as Node's server does. */
function lost(res, reason) {
  reopen(res)
  full(res)
  res[kState] = DONE
  if (res.socket) res.socket.destroyed = true
  abortRequest(res.req, reason)
}

/** The program has destroyed the connection itself. */
function connectionGone(socket) {
  const res = bridge.lookup(socket[kSlot], socket[kGeneration])
  if (res === undefined) return
  bridge.detach(res)
  lost(res, F.ABORT_CLIENT)
}

/** Node's server passes a socket's 'drain' on to the message that waits for it. */
function drainMessage(res) {
  if (!res.finished && res[kNodeNeedDrain]) {
    res[kNodeNeedDrain] = false
    res.emit('drain')
  }
}

/**
 * A class whose instances have `prototype` as their prototype at once. The fields
 * are those of Node's OutgoingMessage, so that its methods work on a light
 * response as well; all are set here, in one order.
 */
function responseClass(prototype) {
  function NativeResponse(req, slot, generation) {
    this[kSlot] = slot
    this[kGeneration] = generation
    this[kState] = LIGHT
    this[kSpecial] = 0
    this[kHeaderList] = []
    this[kSocket] = undefined
    this[S.kSentLength] = 0
    this[S.kFile] = undefined
    this._events = undefined
    this._eventsCount = 0
    this._maxListeners = undefined
    this.outputData = NO_OUTPUT
    this.outputSize = 0
    this.writable = true
    this.destroyed = false
    this._last = false
    this.chunkedEncoding = false
    this.shouldKeepAlive = true
    this.maxRequestsOnConnectionReached = false
    this._defaultKeepAlive = true
    this.useChunkedEncodingByDefault = true
    this.sendDate = true
    this._removedConnection = false
    this._removedContLen = false
    this._removedTE = false
    this.strictContentLength = false
    this._contentLength = null
    this._hasBody = true
    this._trailer = ''
    this.finished = false
    this._headerSent = false
    this._closed = false
    this._header = null
    this._keepAliveTimeout = 0
    this._onPendingData = noop
    this.req = req
    this._sent100 = false
    this._expect_continue = false
    this._maxRequestsPerSocket = 0
    this.statusCode = 200
    this.statusMessage = undefined
    this.locals = undefined
  }
  NativeResponse.prototype = prototype
  return NativeResponse
}

module.exports = {
  proto,
  responseClass,
  sendWhole,
  isPlain,
  linesOf,
  sealForFile,
  reopen,
  fileSent,
  setEtagFunctions,
  abort,
  connectionGone,
  drainMessage,
  full
}
