// A native request whose inline body was taken without a stream looks, from then on, like one whose
// stream was read to its end: complete, not readable, 'end' emitted, and closed a tick later.
// It completes the accessors of native/incoming.js for that one state and parses nothing.
'use strict'

const { proto } = require('../../native/incoming')
const { kAbortReason, kInlineBody, kReading, kStream } = require('../../native/symbols')

/**
 * Values of kReading for such requests: read in the tick under way, then (as after autoDestroy)
 * closed. A stream that ended without a chunk counts as not read.
 */
const state = (read, closed) => ({ closed, consumed: true, credit: 0, ended: true, read })
const CLOSED = state(true, true)
const CLOSED_EMPTY = state(false, true)
const READ = state(true, false)
const READ_EMPTY = state(false, false)

/** Requests read in this tick. */
let recent = []

/** Whether `consume` was called for the request. */
function isConsumed(req) {
  return req[kReading]?.consumed === true
}

/**
 * Marks the body as read to its end. The request must be native and have neither a stream nor
 * listeners.
 *
 * @param {boolean} empty  it had no bytes
 */
function consume(req, empty) {
  // nothing is left to come: null, as for a request without a body
  req[kInlineBody] = null
  req[kReading] = empty ? READ_EMPTY : READ
  // one tick for all requests of a batch; no code of users runs in it
  if (recent.push(req) === 1) process.nextTick(closeRecent)
}

function closeRecent() {
  const requests = recent
  recent = []
  for (const req of requests) req[kReading] = req[kReading].read ? CLOSED : CLOSED_EMPTY
}

const isBare = (req) => req[kStream] !== true && isConsumed(req)
const isClosed = (req) => req[kReading].closed

/** Replaces the getter of an accessor for requests without a stream. */
function answer(name, value) {
  const descriptor = Object.getOwnPropertyDescriptor(proto, name)
  const { get } = descriptor
  Object.defineProperty(proto, name, {
    ...descriptor,
    get() {
      return isBare(this) ? value(this) : get.call(this)
    }
  })
}

answer('readable', () => false)
answer('readableEnded', () => true)
answer('readableAborted', () => false)
answer('readableDidRead', (req) => req[kReading].read)
answer('readableFlowing', () => true)
answer('destroyed', isClosed)
answer('closed', isClosed)
answer('_consuming', () => true)

// also while the server is still calling the handler
const complete = Object.getOwnPropertyDescriptor(proto, 'complete')
Object.defineProperty(proto, 'complete', {
  ...complete,
  get() {
    return isConsumed(this) ? true : complete.get.call(this)
  }
})

// Node's server aborts requests by destroying them, which one that was read is already
const aborted = Object.getOwnPropertyDescriptor(proto, 'aborted')
Object.defineProperty(proto, 'aborted', {
  ...aborted,
  set(value) {
    if (!isBare(this)) aborted.set.call(this, value)
  }
})

/** Who asks for the stream after all gets one that has ended. */
const readableState = Object.getOwnPropertyDescriptor(proto, '_readableState')
Object.defineProperty(proto, '_readableState', {
  ...readableState,
  get() {
    return isBare(this) ? endedState(this) : readableState.get.call(this)
  }
})

function endedState(req) {
  const closed = isClosed(req)
  const reason = req[kAbortReason]
  // what was aborted is the response: the body had come
  req[kAbortReason] = undefined
  const made = readableState.get.call(req)
  req[kAbortReason] = reason

  made.readingMore = false
  made.reading = false
  made.sync = false
  made.flowing = true
  made.dataEmitted = req[kReading].read
  made.ended = true
  made.endEmitted = true
  if (closed) {
    made.destroyed = true
    made.closed = true
    made.closeEmitted = true
  } else {
    // autoDestroy of a stream that was read: 'close' for those who have just subscribed
    process.nextTick(destroy, req)
  }
  return made
}

function destroy(req) {
  req.destroy()
}

// Nobody is told of an event that has passed: neither of 'end' nor, later, of 'close'.
const { on } = proto
proto.on = function (event, listener) {
  if (isBare(this)) endedState(this)
  return on.call(this, event, listener)
}
Object.defineProperty(proto.on, 'name', { value: 'on' })
proto.addListener = proto.on

module.exports = { consume, isConsumed }
