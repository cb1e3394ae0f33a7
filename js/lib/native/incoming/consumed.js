'use strict'
// The state of a native request whose inline body was taken without a stream, or that nobody looked
// at before it was answered. It looks, from then on, like one whose stream was read to its end:
// complete, not readable, 'end' emitted, and closed a tick later. The accessors of body.js answer
// for it; nothing is parsed here.

const F = require('../frames')
const ticks = require('../ticks')
const { SENT, DONE } = require('../outgoing/proto')
const { entering } = require('./entering')
const {
  kAbortReason,
  kEpoch,
  kFlags,
  kInlineBody,
  kReading,
  kResponse,
  kSlot,
  kSocket,
  kState,
  kStream
} = require('../symbols')
const { nextTick } = require('../timers')

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

/** Whether `consume` was called for the request, or Node has thrown its body away behind the answer. */
function isConsumed(req) {
  const reading = req[kReading]
  // undefined: not one of ours
  return reading === null ? isPast(req) : reading?.consumed === true
}

/** Of a request that was answered long ago, and looked at never, the body is no more. */
function isPast(req) {
  const res = req[kResponse]
  const state = res?.[kState]
  if (state !== SENT && state !== DONE) return false
  if (req[kStream] === true || req._events !== undefined || req[kAbortReason] !== undefined) {
    return false
  }
  if ((req[kFlags] & F.BODY_COMPLETE) === 0 || !ticks.isOver(res[kEpoch])) return false
  req[kReading] = req[kInlineBody] === null ? CLOSED_EMPTY : CLOSED
  req[kInlineBody] = null
  req._dumped = true
  return true
}

/** Consumed, and nobody has asked for the stream since. */
function isBare(req) {
  return req[kStream] !== true && isConsumed(req)
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
  if (recent.push(req) === 1) nextTick(closeRecent)
}

function closeRecent() {
  const requests = recent
  recent = []
  for (const req of requests) req[kReading] = req[kReading].read ? CLOSED : CLOSED_EMPTY
}

/** Nobody has begun to read, nobody waits for an event, and all of the body is here. */
function isUntouched(req) {
  return (
    req[kReading] === null &&
    req[kStream] !== true &&
    req._events === undefined &&
    req[kInlineBody] !== undefined &&
    (req[kFlags] & F.BODY_COMPLETE) !== 0 &&
    req[kAbortReason] === undefined &&
    (req[kSocket] === undefined || req[kSocket].readable) &&
    req.upgrade === false &&
    !(entering.isBetween && entering.req === req) &&
    !isConsumed(req)
  )
}

/**
 * Lets a body that nobody has looked at flow away, as `resume()` does, but without a stream.
 *
 * @param {function(boolean)} done  called when the stream's 'end' would come: two ticks from now. False: somebody has
 *   touched the request meanwhile, and the body has not been read.
 * @returns {boolean} false if that needs the stream: nothing has been done then
 */
function drain(req, done) {
  // undefined: not one of ours
  if (req[kSlot] === undefined || !isUntouched(req)) return false
  nextTick(drainSoon, req, done)
  return true
}

function drainSoon(req, done) {
  nextTick(drained, req, done)
}

function drained(req, done) {
  const isStill = isUntouched(req)
  if (isStill) consume(req, req[kInlineBody] === null)
  done(isStill)
}

module.exports = { consume, drain, isConsumed, isBare }
