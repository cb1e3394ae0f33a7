'use strict'
// What happens to a response after its answer has been handed over without Node's methods: 'finish'
// a tick later, 'close' a tick after that, and what the properties say at each moment. Nobody pays
// for events that nobody listens to: those responses only remember in which tick they were sent.

const { EventEmitter } = require('node:events')
const { finishRequest } = require('../incoming')
const bridge = require('../bridge')
const { own } = require('../likeness')
const ticks = require('../ticks')
const { NodeProto, proto, SENT, kWritableFinished } = require('./proto')
const { endOfAnswer } = require('../socket')
const { passTurn } = require('./turn')
const S = require('../symbols')
const { nextTick } = require('../timers')

const { kSlot, kNext, kFollower, kRequest } = S
const { kState, kSocket, kFile, kEpoch, kTold, kDestroyed, kClosed, kEndCallbacks } = S

/** Values of kTold: nobody is told, 'finish' is scheduled, has been emitted, 'close' has been emitted. */
const NOBODY = 0
const SCHEDULED = 1
const FINISHED = 2
const CLOSED = 3

/** The answer is on its way: what Node does from here on happens in the next ticks. */
function sent(res, hasOwnEmit) {
  res[kEpoch] = ticks.mark(res)
  if (
    res._events !== undefined ||
    res[kSocket] !== undefined ||
    res[kEndCallbacks] !== undefined ||
    hasOwnEmit
  )
    tell(res)
}

/** The response told last, until it is finished. */
let recent = null

/** The response has been sent: 'finish' and 'close' come in their ticks. */
function tell(res) {
  res[kTold] = SCHEDULED
  // pipelined ones finish one after the other, as under Node
  if (recent !== null && recent[kSlot] === res[kSlot] && recent[kTold] === SCHEDULED) {
    recent[kFollower] = res
  } else ticks.follow(res, finish)
  recent = res
}

/** Answered, and nobody has an interest in the end. */
function isUnheard(res) {
  return res[kState] === SENT && res[kTold] === NOBODY && res[kFile] === undefined
}

/** The same, in the tick in which the answer was sent. */
function isUntold(res) {
  return isUnheard(res) && ticks.isNow(res[kEpoch])
}

/** Whether 'finish' has come, or would have for a listener. */
function isFinished(res) {
  const told = res[kTold]
  return told === NOBODY
    ? res[kFile] === undefined && !ticks.isNow(res[kEpoch])
    : told !== SCHEDULED
}

/** The same for 'close'. */
function isClosed(res) {
  const told = res[kTold]
  return told === NOBODY ? isFinished(res) && ticks.isClosed(res[kEpoch]) : told === CLOSED
}

/** What Node's server does when a response is finished, then its listeners. */
function finish(res) {
  if (res[kTold] !== SCHEDULED) return
  res[kTold] = FINISHED
  if (recent === res) recent = null
  const callbacks = res[kEndCallbacks]
  if (callbacks !== undefined) {
    res[kEndCallbacks] = undefined
    for (const callback of callbacks) callback(null)
  }
  finishRequest(res[kRequest])
  const socket = res[kRequest][kSocket]
  if (socket !== undefined) {
    if (socket._httpMessage === res) socket._httpMessage = null
    res[kSocket] = null
    endOfAnswer(socket)
  }
  nextTick(emitClose, res)
  if (res[kFollower] !== undefined) nextTick(finish, res[kFollower])
  if (res._last) socket?.destroySoon()
  else if (res[kNext] !== undefined) passTurn(res)
  res.emit('finish')
}

/** An answer that was sent in pieces has left. */
function finishNow(res) {
  bridge.settle()
  res[kState] = SENT
  res[kEpoch] = ticks.mark()
  res[kTold] = SCHEDULED
  finish(res)
}

/** Emits 'close', once. */
function emitClose(res) {
  if (res[kState] === SENT) {
    if (res[kTold] === CLOSED) return
    res[kTold] = CLOSED
  } else if (res._closed) return
  res.destroyed = true
  res._closed = true
  res.emit('close')
}

/** Calls `callback` when the response finishes, as end() does. */
function whenFinished(res, callback) {
  if (kWritableFinished === undefined) {
    res.once('finish', callback)
    return
  }
  if (res[kEndCallbacks] === undefined) res[kEndCallbacks] = [callback]
  else res[kEndCallbacks].push(callback)
  if (isUntold(res)) tell(res)
}

/** Somebody listens after all: what has not come yet will. */
function tellLate(res) {
  if (ticks.isNow(res[kEpoch])) tell(res)
  else if (!ticks.isClosed(res[kEpoch])) {
    res[kTold] = FINISHED
    nextTick(emitClose, res)
  }
}

for (const name of ['on', 'addListener', 'prependListener']) {
  const original = EventEmitter.prototype[name]
  proto[name] = {
    [name](event, listener) {
      original.call(this, event, listener)
      if (isUnheard(this)) tellLate(this)
      return this
    }
  }[name]
}

let isOurLook = false

/** `res.emit`, without being taken for a listener. */
function emitOf(res) {
  isOurLook = true
  const { emit } = res
  isOurLook = false
  return emit
}

// Agents wrap it when the handler has returned, to hear of 'close': they look at it first.
Object.defineProperty(proto, 'emit', {
  configurable: true,
  enumerable: true,
  get() {
    if (isUnheard(this) && !isOurLook) tellLate(this)
    return NodeProto.emit
  },
  set(value) {
    own(this, 'emit', value)
  }
})

for (const [name, key] of [
  ['destroyed', kDestroyed],
  ['_closed', kClosed]
]) {
  Object.defineProperty(proto, name, {
    configurable: true,
    enumerable: true,
    get() {
      return this[key] || (this[kState] === SENT && isClosed(this))
    },
    set(value) {
      this[key] = value
    }
  })
}

module.exports = { sent, tell, isUntold, isFinished, finishNow, emitClose, emitOf, whenFinished }
