'use strict'
// Whose turn it is on a connection with pipelined requests: answers whose turn has not come are held by Node's own
// methods, as Node's server has it, and go to the socket when the answers before them are over. Who is in the
// line is the bridge's business.

const F = require('../frames')
const bridge = require('../bridge')
const { HIGH_WATER_MARK, knownSocket, giveTurn } = require('../socket')
const { FULL, SENT } = require('./proto')
const S = require('../symbols')
const { nextTick } = require('../timers')

const { kSlot, kGeneration, kState, kSocket, kNext, kTold } = S

let bind

bridge.onTurn(comesNext, (res) => bridge.sendWord(F.HOLD, 0, res[kSlot], res[kGeneration], 0))

/** The answers before this one have been handed over; `last` is the one just before. */
function comesNext(res, last) {
  const socket = knownSocket(res[kSlot])
  if (socket !== undefined) giveTurn(socket, res[kGeneration])
  if (res[kState] !== FULL && res._events?.socket === undefined) return
  last[kNext] = res
  // one that nobody listens to finishes in the next tick, and does not tell
  nextTick(passUntold, last)
}

function passUntold(res) {
  if (res[kState] === SENT && res[kTold] === 0) passTurn(res)
}

/** What Node's server does when an answer is finished: the next one gets the socket, as by assignSocket. */
function passTurn({ [kNext]: next }) {
  if (next === undefined || !bridge.isWaiting(next)) return
  if (next[kState] !== FULL) {
    next.emit('socket', next.socket)
    return
  }
  // it has taken the socket since by itself
  if (next[kSocket] !== null) return
  bind ??= require('./full').bind
  const socket = bind(next)
  next.socket = socket
  next.emit('socket', socket)
  next._flush()
}

/**
 * `_onPendingData` of an answer that is held: from the high-water mark on the connection takes no further request.
 * @param {http.ServerResponse} res
 */
function countHeld(res) {
  return (delta) => {
    const line = bridge.lineOf(res)
    if (line === undefined) return
    line.bytes = Math.max(0, line.bytes + delta)
    const isFull = line.bytes >= HIGH_WATER_MARK
    if (isFull === line.isFull) return
    line.isFull = isFull
    bridge.sendWord(F.HOLD, 0, res[kSlot], res[kGeneration], isFull ? 1 : 0)
  }
}

module.exports = { countHeld, passTurn }
