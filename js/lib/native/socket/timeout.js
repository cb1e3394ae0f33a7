'use strict'
// Time-outs that a program sets on a socket view: how long they run, and whom they tell. The server's own are Rust's.

const net = require('node:net')
const F = require('../frames')
const bridge = require('../bridge')
const { kSlot, kGeneration, kRequest } = require('../symbols')
const { sockets, kTimeout, kOwnTimeout, kTimer, kAsked, kProgress } = require('./state')
const { clearTimeout, setTimeout } = require('../timers')

/** Sockets whose time-out is the program's: while there are none, nobody looks for them. */
let running = 0

/** Node's socket.setTimeout, for the view. */
function setSocketTimeout(msecs, callback) {
  const isCallback = callback === undefined || typeof callback === 'function'
  // throws the errors of Node's own
  if (typeof msecs !== 'number' || !(msecs >= 0 && msecs < Infinity) || !isCallback) {
    return new net.Socket().setTimeout(msecs, callback)
  }
  stopTimer(this)
  if (!this[kOwnTimeout] && !this.closed) {
    this[kOwnTimeout] = true
    running++
  }
  this.timeout = this[kTimeout] = Number(msecs) || 0
  if (typeof callback === 'function') {
    if (this[kTimeout] === 0) this.removeListener('timeout', callback)
    else this.once('timeout', callback)
  }
  if (this[kTimeout] > 0 && !this.closed) {
    this[kTimer] = setTimeout(expire, this[kTimeout], this)
    this[kTimer].unref()
  }
  return this
}

function stopTimer(socket) {
  if (socket[kTimer] === null) return
  clearTimeout(socket[kTimer])
  socket[kTimer] = null
  socket[kAsked] = false
}

/** The program's time-out is over, and the server's holds again. */
function endTimeout(socket) {
  stopTimer(socket)
  if (!socket[kOwnTimeout]) return
  socket[kOwnTimeout] = false
  running--
}

/** Nothing was heard here for so long; what the kernel has taken meanwhile Rust knows. */
function expire(socket) {
  if (socket.destroyed) return timedOut(socket)
  socket[kAsked] = true
  bridge.sendWord(F.PROGRESS_ASK, 0, socket[kSlot], socket[kGeneration], 0)
}

bridge.onFrame(F.PROGRESS, (words, at) => {
  const socket = sockets[words[at + 2] >>> 24]?.[words[at + 2] & 0xffffff]
  if (!socket?.[kAsked]) return
  socket[kAsked] = false
  const isWaiting = ((words[at + 1] >>> 8) & F.BYTES_WAIT) !== 0
  const progress = words[at + 4]
  if (isWaiting && socket[kProgress] !== progress) {
    // as Node's sockets with a write under way
    socket[kProgress] = progress
    touch(socket)
  } else timedOut(socket)
})

function timedOut(socket) {
  const res = socket._httpMessage ?? bridge.lookup(socket[kSlot], socket[kGeneration])
  // the server's own listener is the first
  if (!tellTimeout(socket.server, socket, res)) socket.destroy()
  socket.emit('timeout')
}

/**
 * What Node's server does with a timed-out socket: tells the request that is still coming in, the response under way, the server.
 * @returns {boolean} whether one of them has listeners; otherwise the connection is to be closed
 */
function tellTimeout(server, socket, res) {
  const last = res === undefined ? undefined : (bridge.lineOf(res)?.responses.at(-1) ?? res)
  const req = last?.[kRequest]
  const handled = [
    req !== undefined && !req.complete && req.emit('timeout', socket),
    res?.emit('timeout', socket),
    server.emit('timeout', socket)
  ]
  return handled.some(Boolean)
}

/** Something has come or gone: the time-out starts anew. */
function touch(socket) {
  if (socket[kTimer] !== null) socket[kTimer].refresh()
}

/** The same for the connection in a slot, which nobody may have asked for. */
function touchSlot(slot) {
  if (running === 0) return
  const socket = sockets[slot >>> 24]?.[slot & 0xffffff]
  if (socket !== undefined) touch(socket)
}

/** Whether a connection's time-out is the program's, and not the server's; `undefined` is one whose socket nobody has asked for. */
function isTimed(socket) {
  return running !== 0 && socket !== undefined && socket[kOwnTimeout]
}

/** Behind the last answer under way Node's server sets keepAliveTimeout, which Rust knows, in the place of the program's time-out. */
function endOfAnswer(socket) {
  if (!isTimed(socket) || !(socket.server.keepAliveTimeout > 0)) return
  if (bridge.first(socket[kSlot]) !== undefined) return
  endTimeout(socket)
  // what the next request finds
  socket.timeout = socket[kTimeout] = socket.server.timeout || 0
}

module.exports = {
  setSocketTimeout,
  endTimeout,
  tellTimeout,
  touch,
  touchSlot,
  isTimed,
  endOfAnswer
}
