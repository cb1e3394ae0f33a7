'use strict'
// The body of a native-backed request: a Readable whose constructor runs only for those who read
// it as a stream, fed by frames against credit. Until then its properties are answered from what
// the frame said, also for a body that was taken without a stream (see consumed.js).

const { Readable } = require('node:stream')
const { EventEmitter } = require('node:events')
const F = require('../frames')
const bridge = require('../bridge')
const { HIGH_WATER_MARK } = require('../socket')
const { NodeProto, proto, define, lazy, own } = require('./proto')
const { isBare, isConsumed } = require('./consumed')
const { entering } = require('./entering')
const { errorOf, isAborted, isClosed } = require('./lost')
const { regain } = require('../pin')
const { SENT, DONE } = require('../outgoing/proto')
const {
  kAbortReason,
  kFlags,
  kGeneration,
  kInlineBody,
  kReading,
  kSlot,
  kSocket,
  kResponse,
  kState,
  kStream,
  kTrailerParts
} = require('../symbols')
const { nextTick, queueMicrotask } = require('../timers')

/**
 * Body bytes of a request that may be under way or unread at once (credit given to Rust), and the same while more bodies than
 * MANY_BODIES are being read. It bounds memory: those who read fast get larger parts, those who stop get no more.
 */
const BODY_WINDOW = 512 * 1024
const SMALL_WINDOW = 64 * 1024
const MANY_BODIES = 64

/**
 * A Buffer of the bytes that shares its memory with nobody, as those that Node reads into. The app may transfer it (a byte stream does so
 * with what it is given); with Buffer's pool or the inbox, all others in there would be lost.
 */
function inOwnMemory(bytes) {
  if (bytes.buffer.byteLength === bytes.length) return bytes
  const own = Buffer.allocUnsafeSlow(bytes.length)
  own.set(bytes)
  return own
}

/** In place of the body: it was given to the stream, and its end is on its way there. */
const ENDING = false

/**
 * The handler has returned: the parser sees the body; the end behind it after the first ticks.
 * @param {http.IncomingMessage} req
 */
function entered(req) {
  const { isBetween } = entering
  entering.isRunning = false
  const isStream = req[kStream] === true && (req[kFlags] & F.BODY_COMPLETE) !== 0
  const body = req[kInlineBody]
  if (body === null || body === ENDING) {
    entering.req = null
    if (isStream) pushEnd(req)
  } else {
    if (!isBetween) nextTick(leaveSoon, req)
    if (isStream && body !== undefined) {
      req[kInlineBody] = null
      if (!req._dumped) req.push(inOwnMemory(body))
    }
  }
  // the parser runs them behind each part of a body
  if (isBetween) {
    bridge.runTicks()
    entering.isBetween = false
    leave(req)
  }
}

/** Behind the promises of the tick, too, and those behind them: the next tick after one of them waits for all. */
function leaveSoon(req) {
  queueMicrotask(() => nextTick(leave, req))
}

/** The same for one that is being read. */
function endSoon(req) {
  queueMicrotask(() => nextTick(pushEnd, req))
}

function leave(req) {
  if (entering.req === req) entering.req = null
  // nobody has asked for more
  const isDue = req[kStream] === true && (req[kFlags] & F.BODY_COMPLETE) !== 0
  if (isDue && req[kInlineBody] === null) pushEnd(req)
}

/** The end of a body that came with its request; once. */
function pushEnd(req) {
  if (req[kInlineBody] !== null && req[kInlineBody] !== ENDING) return
  req[kInlineBody] = undefined
  if (entering.req === req) entering.req = null
  req.push(null)
}

lazy('complete', function complete() {
  if (this[kSlot] === undefined) return undefined
  // also while the server is still calling the handler
  if (isConsumed(this)) return true
  if (entering.req === this) return false
  return (this[kFlags] & F.BODY_COMPLETE) !== 0 || this[kReading]?.ended === true
})

define(
  'aborted',
  function aborted() {
    return this[kSlot] === undefined ? undefined : false
  },
  function (value) {
    // Node's server aborts requests by destroying them, which one that was read is already
    if (isBare(this)) return
    own(this, 'aborted', value)
    // a program's own word: the end of the stream takes the connection along
    if (value && this[kSlot] !== undefined && this[kAbortReason] === undefined) this._readableState
  },
  true
)

lazy('_consuming', function () {
  return this[kSlot] === undefined ? undefined : isBare(this)
})

/** Runs Readable's constructor on the request, once. */
function materialize(req) {
  req[kStream] = true
  Readable.call(req, { highWaterMark: HIGH_WATER_MARK })
  const state = req._readableState
  state.readingMore = true
  if (req[kAbortReason] !== undefined) req.destroy()
  else if ((req[kFlags] & F.BODY_COMPLETE) !== 0) fill(req, state)
  return state
}

/** What came with the request has been read before anybody asked for it. */
function fill(req, state) {
  const body = req[kInlineBody]
  const isEntering = entering.req === req
  if (body === undefined || (isEntering && entering.isRunning)) return
  if (body !== null) req.push(inOwnMemory(body))
  req[kInlineBody] = isEntering ? null : undefined
  if (!isEntering) state.ended = true
}

define(
  '_readableState',
  function () {
    if (this[kSlot] === undefined || this[kStream] === true) return undefined
    return isConsumed(this) ? endedState(this) : materialize(this)
  },
  function (value) {
    own(this, '_readableState', value)
  },
  true
)

const readableGetter = (name) => Object.getOwnPropertyDescriptor(Readable.prototype, name)

/**
 * Stream properties whose answer is known before there is a stream.
 * @param {Function} before  gives it for a body that nobody has asked for
 * @param {Function} after  for one that was taken without a stream
 */
function streamProperty(name, before, after) {
  const descriptor = readableGetter(name)
  define(
    name,
    function () {
      if (this[kSlot] !== undefined && this[kStream] !== true) {
        return isConsumed(this) ? after(this) : before(this)
      }
      return descriptor.get.call(this)
    },
    function (value) {
      if (descriptor.set) descriptor.set.call(this, value)
    }
  )
}

const isReadAndClosed = (req) => req[kReading].closed
const yes = () => true
const no = () => false
const none = () => null

streamProperty('readable', (req) => !isAborted(req), no)
streamProperty('destroyed', isAborted, isReadAndClosed)
streamProperty('closed', isClosed, isReadAndClosed)
streamProperty('readableEnded', no, yes)
streamProperty('readableAborted', isAborted, no)
streamProperty('readableDidRead', no, (req) => req[kReading].read)
streamProperty('readableFlowing', none, yes)
streamProperty('errored', errorOf, none)

/** Who asks for the stream of a taken body after all gets one that has ended. */
function endedState(req) {
  const closed = isReadAndClosed(req)
  const reason = req[kAbortReason]
  // what was aborted is the response: the body had come
  req[kAbortReason] = undefined
  const state = materialize(req)
  req[kAbortReason] = reason

  state.readingMore = false
  state.reading = false
  state.sync = false
  state.flowing = true
  state.dataEmitted = req[kReading].read
  state.ended = true
  state.endEmitted = true
  if (closed) {
    state.destroyed = true
    state.closed = true
    state.closeEmitted = true
  } else {
    // autoDestroy of a stream that was read: 'close' for those who have just subscribed
    nextTick(destroy, req)
  }
  return state
}

function destroy(req) {
  req.destroy()
}

// Listening to 'close', 'aborted', 'error' or 'end' reads nothing: no stream is needed for it.
proto.on = function on(event, listener) {
  // nobody is told of an event that has passed: neither of 'end' nor, later, of 'close'
  if (isBare(this)) endedState(this)
  if (
    this[kSlot] !== undefined &&
    this[kStream] !== true &&
    event !== 'data' &&
    event !== 'readable'
  ) {
    // a short answer has left, and nobody was there then who wanted to hear of the request's end
    if (this._events === undefined && isAnswered(this[kResponse])) hearEnd(this)
    return EventEmitter.prototype.on.call(this, event, listener)
  }
  return Readable.prototype.on.call(this, event, listener)
}

/** As a listener is: what is emitted from here on is asked for. */
function heed(req) {
  if (req[kSlot] === undefined || req[kStream] === true || req._events !== undefined) return
  if (isBare(req)) endedState(req)
  if (isAnswered(req[kResponse])) hearEnd(req)
  req._events = { __proto__: null }
  req._eventsCount = 0
}

// Agents and context libraries wrap it, by assignment or by definition: they look at it first.
Object.defineProperty(proto, 'emit', {
  configurable: true,
  enumerable: true,
  get() {
    heed(this)
    return NodeProto.emit
  },
  set(value) {
    heed(this)
    own(this, 'emit', value)
  }
})

/** Answered in full: one whose head is fixed, or that is being written, is not. */
function isAnswered(res) {
  const state = res?.[kState]
  return state === SENT || state === DONE
}

/** What happens when a response is finished, for those who came to listen just before, or even later. */
function hearEnd(req) {
  const { isUntold, tell } = require('../outgoing/moments')
  if (isUntold(req[kResponse])) tell(req[kResponse])
  else nextTick(dumpLate, req)
}

function dumpLate(req) {
  if (!isTaken(req) && req[kAbortReason] === undefined) req._dump()
}

/** Somebody reads the body, or is about to: Node's server leaves it to them behind the answer. */
function isTaken(req) {
  return req._consuming || (req[kStream] === true && req._readableState.resumeScheduled)
}

proto.addListener = proto.on

proto.removeListener = function removeListener(event, listener) {
  if (this[kSlot] !== undefined && this[kStream] !== true) {
    return EventEmitter.prototype.removeListener.call(this, event, listener)
  }
  return Readable.prototype.removeListener.call(this, event, listener)
}
proto.off = proto.removeListener

proto.unpipe = function unpipe(dest) {
  if (this[kSlot] !== undefined && this[kStream] !== true) return this
  return Readable.prototype.unpipe.call(this, dest)
}

/** Bodies that were asked for and have not come to their end. */
let openBodies = 0

class Reading {
  constructor() {
    /** Credit given and not used up by frames yet. */
    this.credit = 0
    this.ended = false
    /** Rust reads what is left, and drops it. */
    this.dropped = false
    /** It is one of the open bodies. */
    this.open = true
    openBodies++
  }
}

/** No more will come of it, or nobody waits for it. */
function closeReading(reading) {
  if (reading === null || reading.open !== true) return
  reading.open = false
  openBodies--
}

proto._read = function _read(n) {
  if (this[kSlot] === undefined) return NodeProto._read.call(this, n)
  this._consuming = true
  const state = this._readableState
  if (state.readingMore) state.readingMore = false
  if (this[kFlags] & F.BODY_COMPLETE) {
    // who asks for more is told of the end, as if it had come just now, in the reader's async context
    if (this[kInlineBody] === null && !(entering.isBetween && entering.req === this)) {
      this[kInlineBody] = ENDING
      nextTick(entering.req === this ? endSoon : pushEnd, this)
    }
    return
  }
  let reading = this[kReading]
  if (reading === null) reading = this[kReading] = new Reading()
  if (reading.dropped) {
    // who comes so late is told of the end
    reading.dropped = false
    reading.ended = true
    nextTick(endDropped, this)
  }
  if (reading.ended) return
  want(this, reading)
}

function endDropped(req) {
  if (!req.destroyed) req.push(null)
}

/** The least credit given at once: _read() must always lead to a push. */
const LEAST_CREDIT = 16 * 1024

function want(req, reading) {
  const window = openBodies > MANY_BODIES ? SMALL_WINDOW : BODY_WINDOW
  // buffered bytes count against the window, so memory stays bounded
  const room = window - req.readableLength - reading.credit
  // some is under way: wait until a worthwhile amount can be asked for
  if (reading.credit > 0 && room < window / 2) return
  const credit = Math.max(room, LEAST_CREDIT)
  reading.credit += credit
  bridge.sendWord(F.BODY_WANT, 0, req[kSlot], req[kGeneration], credit)
}

/** BODY frame: bytes that are the request's own. */
function onBody(req, bytes) {
  regain(req)
  // unasked, the client having left behind it: it waits in the stream, as under Node
  const reading = req[kReading] ?? (req[kReading] = new Reading())
  reading.credit -= bytes.length
  if (req[kSocket] !== undefined) req[kSocket].bytesRead += bytes.length
  if (req.destroyed) return
  if (req.push(bytes) && !reading.ended) want(req, reading)
}

/** BODY_END frame. */
function onBodyEnd(req, trailers) {
  regain(req)
  const reading = req[kReading] ?? (req[kReading] = new Reading())
  reading.ended = true
  closeReading(reading)
  req[kTrailerParts] = trailers.length === 0 ? [] : trailers.split('\n')
  if (!req.destroyed) req.push(null)
}

proto._destroy = function _destroy(err, callback) {
  if (this[kSlot] === undefined) return NodeProto._destroy.call(this, err, callback)
  closeReading(this[kReading])
  if (!this.readableEnded || !this.complete) {
    this.aborted = true
    this.emit('aborted')
  }
  // a destroyed request that is still coming in takes its connection along
  const { socket } = this
  if (this.aborted && this[kAbortReason] === undefined && !socket.destroyed) {
    socket.destroy(err)
  }
  nextTick(tellDestroyed, this, err, callback)
}

/** Without a listener there is nobody to tell of an error. */
function tellDestroyed(req, err, callback) {
  callback(err && req.listenerCount('error') === 0 ? null : err)
}

/** Lets what is left of the body flow away. */
proto._dump = function _dump() {
  if (this[kSlot] === undefined) return NodeProto._dump.call(this)
  if (this._dumped) return
  this._dumped = true
  if (this[kStream] === true || this._events !== undefined) {
    this.removeAllListeners('data')
    this.resume()
  } else if ((this[kFlags] & F.BODY_COMPLETE) === 0) {
    const reading = this[kReading] ?? (this[kReading] = new Reading())
    reading.dropped = !reading.ended
    // it is not told where such a body ends
    closeReading(reading)
    bridge.sendWord(F.BODY_DUMP, 0, this[kSlot], this[kGeneration], 0)
  }
}

proto.setTimeout = function setTimeout(msecs, callback) {
  if (this[kSlot] === undefined) return NodeProto.setTimeout.call(this, msecs, callback)
  if (callback) this.on('timeout', callback)
  this.socket.setTimeout(msecs)
  return this
}

module.exports = { entering, entered, inOwnMemory, isTaken, onBody, onBodyEnd }
