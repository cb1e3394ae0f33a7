'use strict'
// How an invocation ends: the last byte of a full response, the events that follow it, and the
// ends that do not come from the handler (the client has gone, a deadline, a socket destroyed).

const F = require('../frames')
const bridge = require('../bridge')
const ticks = require('../ticks')
const { finishRequest, abortRequest, resetError } = require('../incoming')
const { socketOf, closed, endOfAnswer } = require('../socket')
const { NodeProto, proto, LIGHT, FULL, DONE } = require('./proto')
const { kNodeNeedDrain, DESTROYS_WAITING } = require('./proto')
const { full } = require('./full')
const { emitClose } = require('./moments')
const { passTurn } = require('./turn')
const S = require('../symbols')
const { nextTick } = require('../timers')

const { kSlot, kGeneration, kFlags, kRequest, kState, kSocket } = S

/** A body that is still to come is read, or dumped, after the response: the end of it must not decide that. */
function holdBody(req) {
  if ((req[kFlags] & F.BODY_COMPLETE) !== 0 || req[S.kReading]?.ended) return
  bridge.sendWord(F.BODY_WANT, 0, req[kSlot], req[kGeneration], 0)
  require('../message').keepReading(req)
}

/** The last byte of a full response has been given to the socket. */
proto._finish = function _finish() {
  NodeProto._finish.call(this)
  // of a connection that was destroyed 'close' will tell
  if (this[kState] !== FULL || this.socket?.destroyed) return
  this[kState] = DONE
  holdBody(this[kRequest])
  bridge.sendWord(
    F.END,
    (this._last ? F.END_CLOSE : 0) | F.END_RAW,
    this[kSlot],
    this[kGeneration],
    0
  )
  bridge.detach(this)
  this.prependListener('finish', onFinish)
}

/** What Node's server does when a response is finished. */
function onFinish() {
  this.removeListener('finish', onFinish)
  this[S.kEpoch] = ticks.mark()
  finishRequest(this[kRequest])
  const { socket } = this
  if (socket?._httpMessage === this) NodeProto.detachSocket.call(this, socket)
  nextTick(emitClose, this)
  if (this._last) socket?.destroySoon()
  else {
    endOfAnswer(socket)
    passTurn(this)
  }
}

/** ABORT frame: the invocation ends without an answer of the handler's. */
function abort(res, reason) {
  const req = res[kRequest]
  if (reason === F.ABORT_DEADLINE || reason === F.ABORT_REQUEST_TIMEOUT) {
    bridge.detach(res)
    require('./whole').giveUpFile(res)
    // Rust has answered; what the handler still does must do no harm
    full(res)
    res[kState] = DONE
    res._header = 'HTTP/1.1 503 Service Unavailable\r\n\r\n'
    require('../../deadline').sealExpired(req, res)
    abortRequest(req, reason)
    if (res.socket?._httpMessage === res) NodeProto.detachSocket.call(res, res.socket)
    nextTick(emitClose, res)
    passTurn(res)
    return
  }
  if (reason === F.ABORT_CLIENT_GONE || reason === F.ABORT_PIPELINE_BROKEN)
    bridge.sendWord(F.DESTROY, 0, res[kSlot], res[kGeneration], 0)
  const socket = socketOf(req)
  loseAll(res[kSlot], reason)
  closed(socket, false)
}

/** The connection has gone: that is the end of all that is under way on it. */
function loseAll(slot, reason) {
  const { responses, held } = bridge.detachAll(slot)
  for (const res of held) {
    // it will have no socket
    if (res[kState] !== FULL) res[kSocket] = null
    if (DESTROYS_WAITING) NodeProto.destroy.call(full(res), resetError())
  }
  for (const res of responses) {
    try {
      lost(res, reason)
    } catch (err) {
      // of a listener; the others are told all the same
      nextTick(rethrow, err)
    }
  }
}

function rethrow(err) {
  throw err
}

/** The connection has gone under a response: request and response are told as Node's server does. */
function lost(res, reason) {
  require('./whole').giveUpFile(res)
  // of a file that was on its way
  const head = res[kState] === LIGHT ? res._header : null
  full(res)
  res[kState] = DONE
  if (head !== null) {
    res._header = head
    res._headerSent = true
  }
  const { socket } = res
  if (socket) {
    socket.destroyed = true
    socket.readable = false
    socket.writable = false
  }
  abortRequest(res[kRequest], reason)
}

/** The connection has gone without an ABORT: the program has destroyed it, or every answer had been handed over. */
function connectionGone(socket) {
  const res = bridge.lookup(socket[kSlot], socket[kGeneration])
  if (res !== undefined) return loseAll(socket[kSlot], F.ABORT_CLIENT_GONE)
  // its last bytes had not been written: under Node the request is aborted, though it has been answered
  const req = socket._httpMessage?.[kRequest]
  if (req?.[kSlot] !== undefined) abortRequest(req, F.ABORT_CLIENT_GONE)
}

/** Node's server passes a socket's 'drain' on to the message that waits for it. */
function drainMessage(res) {
  if (!res.finished && res[kNodeNeedDrain]) {
    res[kNodeNeedDrain] = false
    res.emit('drain')
  }
}

module.exports = { holdBody, abort, loseAll, connectionGone, drainMessage }
