'use strict'
// The end of requests that nobody reads as a stream and whose client has left: what Node's stream would say of it. It tells nobody.

const F = require('../frames')
const { kAbortReason } = require('../symbols')

/** The errors that such requests ended with, made when they are asked for. */
const errors = new WeakMap()
/** Between 'aborted' and what follows it in the next tick. */
const closing = new WeakSet()

/** The error that Node gives a request whose client has left. */
function resetError() {
  const err = new Error('aborted')
  err.code = 'ECONNRESET'
  return err
}

/** Whether the request has ended before its time. */
const isAborted = (req) => req[kAbortReason] !== undefined
/** The same, and 'close' has come, or is about to. */
const isClosed = (req) => isAborted(req) && !closing.has(req)

/** What it is destroyed with, one error for each; null if its client has not left. */
function errorOf(req) {
  if (!isAborted(req) || req[kAbortReason] === F.ABORT_DEADLINE) return null
  let err = errors.get(req)
  if (err === undefined) errors.set(req, (err = resetError()))
  return err
}

module.exports = { closing, errorOf, isAborted, isClosed, resetError }
