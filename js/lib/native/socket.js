'use strict'
// The connection of a native-backed request as Node's programs see it: a
// net.Socket in its prototype chain, but only a view. Reading is the request's
// business; what is written goes to the connection as it is. One per connection,
// made when first asked for. Upgraded connections get a real net.Socket instead.

const net = require('node:net')
const { EventEmitter } = require('node:events')
const { PassThrough, getDefaultHighWaterMark } = require('node:stream')
const { isUint8Array } = require('node:util/types')
const F = require('./frames')
const bridge = require('./bridge')
const { Flow } = require('./flow')
const S = require('./symbols')
const { clearTimeout, nextTick, setImmediate, setTimeout } = require('./timers')

const { kSlot, kGeneration, kParts, kHead, kInlineBody, kPorts, kServer, kId, kWroteIn, kFlags } = S
const { kStreamOut } = S

const HIGH_WATER_MARK = getDefaultHighWaterMark ? getDefaultHighWaterMark(false) : 16384

/** sockets[io][slot]: the socket of the connection in that slot, if anybody asked for it. */
const sockets = []

const kTimeout = Symbol('rnode.socketTimeout')
const kTimer = Symbol('rnode.socketTimer')
/** What is under way to the client. */
const kFlow = Symbol('rnode.socketFlow')
const kEnded = Symbol('rnode.socketEnded')
const kHeld = Symbol('rnode.socketHeld')
const kHeldBytes = Symbol('rnode.socketHeldBytes')
const kTakeBack = Symbol('rnode.socketTakeBack')
const kFresh = Symbol('rnode.socketFresh')
/** How many listeners of 'close' were there before the request under way. */
const kListenersBefore = Symbol('rnode.socketListenersBefore')

function NativeSocket(server, slot, generation, remote, local, ports) {
  this[kSlot] = slot
  this[kGeneration] = generation
  this[kWroteIn] = -1
  this[kFlow] = new Flow(slot, F.RAW, drain, this)
  this[kTakeBack] = 0
  this[kFresh] = false
  this[kListenersBefore] = 0
  this[kEnded] = false
  this[kHeld] = []
  this[kHeldBytes] = 0
  this[kTimeout] = 0
  this[kTimer] = null
  this._events = undefined
  this._eventsCount = 0
  this._maxListeners = undefined
  this._httpMessage = null
  this._writableState = { corked: 0, length: 0, needDrain: false, errored: null, closed: false }
  this._readableState = {
    flowing: null,
    length: 0,
    ended: false,
    endEmitted: false,
    errored: null,
    closed: false
  }
  this.server = server
  this._server = server
  this.parser = null
  this.remoteAddress = remote === '' ? undefined : remote
  this.remotePort = remote === '' ? undefined : ports & 0xffff
  this.remoteFamily = family(remote)
  this.localAddress = local === '' ? undefined : local
  this.localPort = local === '' ? undefined : ports >>> 16
  this.localFamily = family(local)
  this.destroyed = false
  this.closed = false
  this.errored = null
  this.readable = true
  this.writable = true
  this.connecting = false
  this.pending = false
  this.allowHalfOpen = true
  this.timeout = undefined
  this.bytesRead = 0
  this.bytesWritten = 0
}

function family(address) {
  return address === '' ? undefined : address.includes(':') ? 'IPv6' : 'IPv4'
}

const proto = (NativeSocket.prototype = Object.create(net.Socket.prototype, {
  constructor: { configurable: true, writable: true, value: net.Socket }
}))

// these are accessors or fields made by constructors further up the chain
for (const name of [
  'remoteAddress',
  'remotePort',
  'remoteFamily',
  'localAddress',
  'localPort',
  'localFamily',
  'destroyed',
  'closed',
  'errored',
  'readable',
  'writable',
  'connecting',
  'pending',
  'bytesRead',
  'bytesWritten'
]) {
  Object.defineProperty(proto, name, { configurable: true, writable: true, value: undefined })
}

Object.defineProperties(proto, {
  readyState: {
    configurable: true,
    get() {
      return this.destroyed ? 'closed' : this.writable ? 'open' : 'readOnly'
    }
  },
  writableLength: {
    configurable: true,
    get() {
      return pending(this)
    }
  },
  writableHighWaterMark: { configurable: true, get: () => HIGH_WATER_MARK },
  readableHighWaterMark: { configurable: true, get: () => HIGH_WATER_MARK },
  writableNeedDrain: {
    configurable: true,
    get() {
      return this[kFlow].needDrain
    }
  },
  writableCorked: {
    configurable: true,
    get() {
      return this._writableState.corked
    }
  },
  writableEnded: {
    configurable: true,
    get() {
      return this[kEnded]
    }
  },
  bufferSize: {
    configurable: true,
    get() {
      return pending(this)
    }
  },
  _handle: {
    configurable: true,
    get() {
      return null
    },
    set() {}
  }
})

const emitter = EventEmitter.prototype
for (const name of [
  'on',
  'addListener',
  'once',
  'prependListener',
  'removeListener',
  'off',
  'removeAllListeners'
]) {
  proto[name] = emitter[name]
}

for (const name of [
  'setNoDelay',
  'setKeepAlive',
  'ref',
  'unref',
  'pause',
  'resume',
  'setEncoding'
]) {
  proto[name] = function () {
    return this
  }
}
proto.read = function read() {
  return null
}
proto.unshift = function unshift() {}
proto.isPaused = function isPaused() {
  return false
}
proto.address = function address() {
  return this.localAddress === undefined
    ? {}
    : { address: this.localAddress, family: this.localFamily, port: this.localPort }
}

/**
 * Writes bytes to the connection as they are.
 * @returns {boolean} false once more than the high water mark waits; 'drain' follows
 */
proto.write = function write(data, encoding, callback) {
  if (typeof encoding === 'function') {
    callback = encoding
    encoding = undefined
  }
  if (
    (typeof data !== 'string' && !isUint8Array(data)) ||
    (encoding && !Buffer.isEncoding(encoding))
  ) {
    // throws the errors of Node's streams
    if (encoding !== 'buffer') return new PassThrough().write(data, encoding)
  }
  if (this.destroyed || this[kEnded]) {
    if (typeof callback === 'function') nextTick(callback, writeError(this))
    return false
  }
  ownAnswer(this)
  touch(this)
  this[kWroteIn] = this[kGeneration]
  const flow = this[kFlow]
  if (this._writableState.corked > 0) {
    this[kHeld].push(data, encoding, callback)
    // text counts by its length, as in a Writable
    this[kHeldBytes] += data.length
  } else {
    transmit(this, data, encoding)
    if (typeof callback === 'function') flow.onWritten(callback)
    if (flow.pending + this[kHeldBytes] >= HIGH_WATER_MARK) flow.hold()
    const isBelow = !flow.needDrain
    flow.commit(this[kGeneration])
    return isBelow
  }
  if (pending(this) < HIGH_WATER_MARK) return true
  flow.hold()
  return false
}

/** What Node's streams say to a write that comes too late. */
function writeError(socket) {
  const destroyed = socket.destroyed
  const err = new Error(
    destroyed ? 'Cannot call write after a stream was destroyed' : 'write after end'
  )
  err.code = destroyed ? 'ERR_STREAM_DESTROYED' : 'ERR_STREAM_WRITE_AFTER_END'
  return err
}

/** What became of bytes that were written before the socket was destroyed. */
function lossOf(socket) {
  return socket.errored ?? writeError(socket)
}

/** Who has a hand in the connection sees the answer under way as Node's. */
function ownAnswer(socket) {
  const res = socket._httpMessage ?? bridge.lookup(socket[kSlot], socket[kGeneration])
  if (res !== undefined && res[kStreamOut] !== undefined) require('./outgoing').full(res)
}

/** Posts one run of bytes. */
function transmit(socket, data, encoding) {
  if ((typeof data === 'string' ? data.length : data.byteLength) === 0) return
  socket.bytesWritten += socket[kFlow].post(socket[kGeneration], data, encoding || 'utf8')
}

proto.cork = function cork() {
  this._writableState.corked++
}

/** Held writes leave together, as with any Writable: a response that fails before has sent nothing. */
proto.uncork = function uncork() {
  const state = this._writableState
  if (state.corked === 0 || --state.corked > 0) return
  this[kTakeBack] = 0
  const held = this[kHeld]
  const flow = this[kFlow]
  if (this.destroyed || (held.length === 0 && flow.fresh === 0)) return
  this[kHeld] = []
  this[kHeldBytes] = 0
  for (let i = 0; i < held.length; i += 3) transmit(this, held[i], held[i + 1])
  for (let i = 2; i < held.length; i += 3)
    if (typeof held[i] === 'function') flow.onWritten(held[i])
  flow.commit(this[kGeneration])
}

/** Bytes that never left: a tick after destroy() their callbacks get its error. */
function refuseHeld(socket) {
  const held = socket[kHeld]
  socket[kHeld] = []
  socket[kHeldBytes] = 0
  socket[kFlow].refuse(lossOf(socket))
  for (let i = 2; i < held.length; i += 3) {
    if (typeof held[i] === 'function') held[i](lossOf(socket))
  }
}

function pending(socket) {
  return socket[kFlow].pending + socket[kHeldBytes]
}

/** A writer that was told to wait may go on. */
function drain(socket) {
  if (socket[kHeldBytes] !== 0) {
    socket[kFlow].needDrain = true
    return
  }
  if (socket._httpMessage) require('./outgoing').drainMessage(socket._httpMessage)
  socket.emit('drain')
}

/**
 * What a streamed response has under way is from now on the socket's.
 * @param {boolean} corked it writes in this tick: the socket is corked until the next, as Node's would be
 * @param {number} fresh bytes of this tick, which destroy() takes back
 */
function adoptFlow(socket, flow, generation, corked, fresh) {
  socket[kFlow].absorb(flow)
  if (!corked) return socket[kFlow].commit(generation)
  socket[kTakeBack] = fresh
  socket.cork()
  nextTick(letGo, socket)
}

function letGo(socket) {
  socket.uncork()
}

/** DRAIN frame. One for another mark says nothing of what was written here. */
function drainReached(socket, mark) {
  socket[kFlow].drained(mark, socket[kGeneration])
}

proto.end = function end(data, encoding, callback) {
  if (typeof data === 'function') {
    callback = data
    data = undefined
  } else if (typeof encoding === 'function') {
    callback = encoding
    encoding = undefined
  }
  if (data !== undefined && data !== null) this.write(data, encoding)
  if (this._writableState.corked > 0) {
    this._writableState.corked = 1
    this.uncork()
  }
  ownAnswer(this)
  if (!this[kEnded] && !this.destroyed) {
    this[kEnded] = true
    this.writable = false
    bridge.sendWord(F.SOCKET_END, 0, this[kSlot], this[kGeneration], 0)
    setImmediate(() => {
      this.emit('finish')
      closed(this, false)
    })
  }
  if (callback) nextTick(callback)
  return this
}

/** Closes the connection at once; the request under way is aborted as Node's server does. */
proto.destroy = function destroy(err) {
  if (this.destroyed) return this
  ownAnswer(this)
  bridge.sendWord(F.DESTROY, 0, this[kSlot], this[kGeneration], this[kTakeBack] << 1)
  this.errored = err ?? null
  this.destroyed = true
  this.readable = false
  this.writable = false
  nextTick(refuseHeld, this)
  if (err) nextTick(emitError, this)
  // as a handle's: after what the turn has left to do
  setImmediate(closed, this, Boolean(err))
  return this
}
proto._destroy = proto.destroy
proto.destroySoon = function destroySoon() {
  return this.end()
}
proto.resetAndDestroy = function resetAndDestroy() {
  if (!this.destroyed) {
    ownAnswer(this)
    bridge.sendWord(F.DESTROY, 0, this[kSlot], this[kGeneration], (this[kTakeBack] << 1) | 1)
  }
  return this.destroy()
}

/** The client has sent FIN: nothing more to read. */
function ended(socket) {
  if (socket.closed || socket._readableState.endEmitted) return
  socket.readable = false
  socket._readableState.ended = socket._readableState.endEmitted = true
  socket.emit('end')
}

/** The request is none, or late: Node's server destroys the socket with the error of its parser. */
function broken(socket, err) {
  if (socket.destroyed) return
  socket.errored = err
  socket.destroyed = true
  socket.readable = false
  socket.writable = false
  emitError(socket)
}

/** 'error', once, where somebody listens: Node's server always does. */
function emitError(socket) {
  const state = socket._writableState
  if (socket.errored === null || state.errored !== null) return
  state.errored = socket.errored
  if (socket.listenerCount('error') !== 0) socket.emit('error', socket.errored)
}

/** The connection has gone: 'error' if it has one, then 'close', once. */
function closed(socket, hadError) {
  if (socket.closed) return
  socket.closed = true
  socket.destroyed = true
  socket.readable = false
  socket.writable = false
  clearTimeout(socket[kTimer])
  // writes that wait fail before anybody hears of the end
  ownAnswer(socket)
  socket[kFlow].fail(lossOf(socket))
  emitError(socket)
  require('./outgoing').connectionGone(socket)
  const slots = sockets[socket[kSlot] >>> 24]
  const index = socket[kSlot] & 0xffffff
  if (slots?.[index] === socket) slots[index] = undefined
  if (socket._httpMessage) tellMessage(socket)
  socket.emit('close', hadError || socket.errored !== null)
}

/** Node's server listens for its message, from the moment at which the request came. */
function tellMessage(socket) {
  const listeners = socket.rawListeners('close')
  listeners.splice(socket[kListenersBefore], 0, onMessageClose)
  socket.removeAllListeners('close')
  for (const listener of listeners) emitter.on.call(socket, 'close', listener)
}

function onMessageClose() {
  if (this._httpMessage) require('./outgoing').emitClose(this._httpMessage)
}

proto.setTimeout = function setSocketTimeout(msecs, callback) {
  const isCallback = callback === undefined || typeof callback === 'function'
  // throws the errors of Node's own
  if (typeof msecs !== 'number' || !(msecs >= 0 && msecs < Infinity) || !isCallback) {
    return new net.Socket().setTimeout(msecs, callback)
  }
  clearTimeout(this[kTimer])
  this[kTimer] = null
  this.timeout = this[kTimeout] = Number(msecs) || 0
  if (typeof callback === 'function') {
    if (this[kTimeout] === 0) this.removeListener('timeout', callback)
    else this.once('timeout', callback)
  }
  if (this[kTimeout] > 0) {
    this[kTimer] = setTimeout(() => {
      // the server's own listener is the first
      timedOut(this)
      this.emit('timeout')
    }, this[kTimeout])
    this[kTimer].unref()
  }
  return this
}

/** What Node's server does with a timed-out socket: tells request, response, server, else closes it. */
function timedOut(socket) {
  const res = socket._httpMessage
  const handled = [
    res?.req && !res.req.complete && res.req.emit('timeout', socket),
    res?.emit('timeout', socket),
    socket.server?.emit('timeout', socket)
  ]
  if (!handled.some(Boolean)) socket.destroy()
}

function touch(socket) {
  if (socket[kTimer] !== null) socket[kTimer].refresh()
}

/**
 * The socket of a request's connection.
 * @param {http.IncomingMessage} req native-backed
 */
function socketOf(req) {
  const slot = req[kSlot]
  const io = slot >>> 24
  const slots = sockets[io] ?? (sockets[io] = [])
  let socket = slots[slot & 0xffffff]
  if (socket === undefined) {
    const parts = req[kParts] ?? (req[kParts] = req[kHead].split('\n'))
    const turn = bridge.first(slot) ?? req
    socket = new NativeSocket(
      req[kServer],
      slot,
      turn[kGeneration],
      parts[1],
      parts[2],
      req[kPorts]
    )
    slots[slot & 0xffffff] = socket
    socket.bytesRead = sizeOf(req)
    if ((req[kFlags] & F.FIRST) === 0) stayOpen(socket)
    // whoever holds it is told when the connection goes
    bridge.sendWord(F.WATCH_CLOSE, 0, slot, req[kGeneration], req[kServer][kId])
  } else {
    // one that Rust has announced gets its first request, others their next
    if (req[S.kSocket] === undefined) socket.bytesRead += sizeOf(req)
    giveTurn(socket, (bridge.first(slot) ?? req)[kGeneration])
    socket[kFresh] = false
  }
  return socket
}

/** From now on what is written to the socket is said beside this request. */
function giveTurn(socket, generation) {
  if (socket[kGeneration] === generation) return
  socket[kGeneration] = generation
  socket[kListenersBefore] = socket.listenerCount('close')
  if (!socket[kFresh]) stayOpen(socket)
}

/** Between requests Node has the connection wait for as long as keepAliveTimeout says, and takes that back. */
function stayOpen(socket) {
  if (socket.timeout === undefined && socket.server.keepAliveTimeout > 0) {
    socket.timeout = socket.server.timeout || 0
  }
}

/** Bytes of a request's head, written as nearly all clients write it, and of a body that came with it. */
function sizeOf(req) {
  const head = req[kHead]
  if (head === null) return 0
  const parts = req[kParts] ?? (req[kParts] = head.split('\n'))
  const fields = parts.length - 3
  // of the frame's head the parts without the addresses; a line feed stands where the wire has two characters
  const text = head.length - parts[1].length - parts[2].length - 2
  // the method, two spaces, the version and the line ends of request line and head
  return req.method.length + text + fields + 14 + (req[kInlineBody]?.length ?? 0)
}

/** The socket for a CONNECTION frame, made at once. */
function openSocket(server, slot, generation, remote, local, ports) {
  const socket = new NativeSocket(server, slot, generation, remote, local, ports)
  const io = slot >>> 24
  const slots = sockets[io] ?? (sockets[io] = [])
  slots[slot & 0xffffff] = socket
  socket[kFresh] = true
  return socket
}

/** The socket in a slot, if somebody asked for it. */
function knownSocket(slot) {
  return sockets[slot >>> 24]?.[slot & 0xffffff]
}

/** A new connection has taken the slot: the old one's socket is not its. */
function forgetSocket(slot) {
  const slots = sockets[slot >>> 24]
  const old = slots?.[slot & 0xffffff]
  if (old === undefined) return
  if (old[kFresh]) {
    // made by 'connection', for this very connection
    old[kFresh] = false
    return
  }
  slots[slot & 0xffffff] = undefined
  closed(old, false)
}

/** Whether what a program has done to the socket of a request lets Rust frame the answer. */
function isUntouched(socket, generation) {
  return (
    socket[kWroteIn] !== generation &&
    socket.writable &&
    !socket.destroyed &&
    socket._writableState.corked === 0
  )
}

module.exports = {
  NativeSocket,
  isUntouched,
  HIGH_WATER_MARK,
  socketOf,
  openSocket,
  knownSocket,
  forgetSocket,
  ended,
  closed,
  broken,
  drainReached,
  adoptFlow,
  giveTurn,
  touch
}
