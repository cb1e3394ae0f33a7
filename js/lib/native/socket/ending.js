'use strict'
// How a socket view ends: the program ends or destroys it, the client leaves, the request is none.
// Who is told of it, in which tick and in which order, is Node's.

const { EventEmitter } = require('node:events')
const F = require('../frames')
const bridge = require('../bridge')
const { kSlot, kGeneration, kRequest, kSocket } = require('../symbols')
const { lossOf, ownAnswer, refuseHeld } = require('./writing')
const { sockets, destroyedSlots, endedSlots, kFlow, kEnded, kFinished, kGone } = require('./state')
const { kTakeBack, kListenersBefore, kUnref } = require('./state')
const { kLeaving, kUnrefSockets, recheckRef } = require('../server/state')
const { endTimeout } = require('./timeout')
const { nextTick, setImmediate } = require('../timers')

/** Ends this side. 'close' follows when the client has ended its own, which Rust gives a second for. */
function end(data, encoding, callback) {
  if (typeof data === 'function') {
    callback = data
    data = undefined
  } else if (typeof encoding === 'function') {
    callback = encoding
    encoding = undefined
  }
  if (data !== undefined && data !== null) this.write(data, encoding)
  endWriting(this, F.WAIT_FOR_CLIENT)
  if (typeof callback === 'function') {
    if (this[kFinished]) nextTick(callback)
    else this.prependOnceListener('finish', callback)
  }
  return this
}

function endWriting(socket, flags) {
  if (socket._writableState.corked > 0) {
    socket._writableState.corked = 1
    socket.uncork()
  }
  ownAnswer(socket)
  if (socket[kEnded] || socket.destroyed) return
  socket[kEnded] = true
  socket.writable = false
  // an answer of another request, which knows nothing of the socket, is to find it ended
  endedSlots.add(socket[kSlot])
  const turn = bridge.first(socket[kSlot])?.[kRequest]
  if (turn !== undefined && turn[kSocket] === undefined) turn[kSocket] = socket
  bridge.sendWord(F.SOCKET_END, flags, socket[kSlot], socket[kGeneration], 0)
  leave(socket)
  setImmediate(finish, socket)
}

/** Everything was written and the end of it is on its way. */
function finish(socket) {
  if (socket[kFinished] || socket.destroyed) return
  socket[kFinished] = true
  socket.emit('finish')
  if (socket[kGone]) closed(socket, false)
}

/** Closes the connection at once; the request under way is aborted as Node's server does. */
function destroy(err) {
  if (this.destroyed) return this
  ownAnswer(this)
  bridge.sendWord(F.DESTROY, 0, this[kSlot], this[kGeneration], this[kTakeBack] << 1)
  destroyedSlots.add(this[kSlot])
  leave(this)
  this.errored = err ?? null
  this.destroyed = true
  this.readable = false
  this.writable = false
  nextTick(refuseHeld, this)
  if (err) nextTick(emitError, this)
  // as a handle's, which is closed behind the immediates: those that are set by now, and those set in this turn
  setImmediate(setImmediate, closed, this, Boolean(err))
  return this
}

/** Ends this side and does not wait for the client's. */
function destroySoon() {
  this[kGone] = true
  if (this[kFinished]) return this.destroy()
  endWriting(this, 0)
  return this
}

/** Node's: closes with RST. */
function resetAndDestroy() {
  if (!this.destroyed) {
    ownAnswer(this)
    bridge.sendWord(F.DESTROY, 0, this[kSlot], this[kGeneration], (this[kTakeBack] << 1) | 1)
  }
  return this.destroy()
}

/** The client has sent FIN: nothing more to read. Node's server ends its side before anybody hears of it. */
function ended(socket) {
  const state = socket._readableState
  if (socket.closed || state.endEmitted) return
  socket.readable = false
  state.ended = state.endEmitted = true
  const isOwn = !socket.destroyed && !socket[kEnded]
  if (isOwn) {
    socket[kEnded] = true
    socket.writable = false
  }
  socket.emit('end')
  if (isOwn) finish(socket)
}

/**
 * The socket is broken, or its request is none, or late: Node's server tells 'clientError' of it and destroys the socket
 * with the error.
 * @param {boolean} [isEnd] it was found at the client's FIN
 */
function broken(socket, err, isEnd) {
  if (socket.destroyed) return
  socket.errored = err
  socket.destroyed = true
  socket.readable = false
  socket.writable = false
  socket.server.emit('clientError', err, socket)
  if (isEnd) ended(socket)
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
  endTimeout(socket)
  if (socket[kUnref]) setUnref(socket, false)
  // writes that wait fail before anybody hears of the end
  ownAnswer(socket)
  socket[kFlow].fail(lossOf(socket))
  emitError(socket)
  require('../outgoing').connectionGone(socket)
  const slots = sockets[socket[kSlot] >>> 24]
  const index = socket[kSlot] & 0xffffff
  if (slots?.[index] === socket) slots[index] = undefined
  if (socket._httpMessage) tellMessage(socket)
  socket.emit('close', hadError || socket.errored !== null)
}

/** Until Rust has told of the end, the process goes on: others wait for it. */
function leave({ server, [kSlot]: slot }) {
  server[kLeaving].add(slot)
  recheckRef(server)
}

/** The server counts those of its sockets that do not keep the process alive. */
function setUnref(socket, value) {
  socket[kUnref] = value
  socket.server[kUnrefSockets] += value ? 1 : -1
  recheckRef(socket.server)
}

/** Node's server listens for its message, from the moment at which the request came. */
function tellMessage(socket) {
  const listeners = socket.rawListeners('close')
  listeners.splice(socket[kListenersBefore], 0, onMessageClose)
  socket.removeAllListeners('close')
  for (const listener of listeners) EventEmitter.prototype.on.call(socket, 'close', listener)
}

function onMessageClose() {
  if (this._httpMessage) require('../outgoing').emitClose(this._httpMessage)
}

module.exports = { end, destroy, destroySoon, resetAndDestroy, setUnref, ended, broken, closed }
