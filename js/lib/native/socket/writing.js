'use strict'
// What a program writes to a socket view: bytes that go to the connection as they are, against the
// flow of what is under way. Ends and the bytes of light answers are no business of this file.

const { PassThrough } = require('node:stream')
const { isUint8Array } = require('node:util/types')
const bridge = require('../bridge')
const { kSlot, kGeneration, kWroteIn, kStreamOut } = require('../symbols')
const { touch } = require('./timeout')
const { HIGH_WATER_MARK, kFlow, kEnded, kHeld, kHeldBytes, kTakeBack } = require('./state')
const { nextTick } = require('../timers')

/**
 * Writes bytes to the connection as they are.
 * @returns {boolean} false once more than the high water mark waits; 'drain' follows
 */
function write(data, encoding, callback) {
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
    const err = writeError(this)
    if (typeof callback === 'function') nextTick(callback, err)
    this.destroy(err)
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
  if (res !== undefined && res[kStreamOut] !== undefined) require('../outgoing').full(res)
}

/** Posts one run of bytes. */
function transmit(socket, data, encoding) {
  if ((typeof data === 'string' ? data.length : data.byteLength) === 0) return
  socket.bytesWritten += socket[kFlow].post(socket[kGeneration], data, encoding || 'utf8')
}

/** Writable's: what follows is held. */
function cork() {
  this._writableState.corked++
}

/** Held writes leave together, as with any Writable: a response that fails before has sent nothing. */
function uncork() {
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

/** Bytes that do not count as written yet. */
function pending(socket) {
  return socket[kFlow].pending + socket[kHeldBytes]
}

/** A writer that was told to wait may go on. */
function drain(socket) {
  if (socket[kHeldBytes] !== 0) {
    socket[kFlow].needDrain = true
    return
  }
  if (socket._httpMessage) require('../outgoing').drainMessage(socket._httpMessage)
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

/** Some program has put a write() of its own on a socket: later requests of the connection are to know. */
let someReplaced = false

/** Whether answers are to be written by a write() of the program's. */
function isReplaced(socket) {
  if (socket.write === write) return false
  someReplaced = true
  return true
}

/** The same for a connection that nobody may have asked for. */
function isReplacedOn(socket) {
  return someReplaced && socket !== undefined && isReplaced(socket)
}

/** Whether what a program has done to the socket of a request lets Rust frame the answer. */
function isUntouched(socket, generation) {
  return (
    socket[kWroteIn] !== generation &&
    !isReplaced(socket) &&
    socket.writable &&
    !socket.destroyed &&
    socket._writableState.corked === 0
  )
}

module.exports = {
  write,
  cork,
  uncork,
  pending,
  drain,
  lossOf,
  ownAnswer,
  refuseHeld,
  adoptFlow,
  drainReached,
  isReplaced,
  isReplacedOn,
  isUntouched
}
