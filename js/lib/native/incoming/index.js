'use strict'
// Native-backed requests: the layer between Express' request prototype and
// http.IncomingMessage.prototype. Everything is made when it is first touched; head.js and
// body.js have the two large parts, this file the connection, the abort and the class.
// Foreign messages (Node's server), which have no kSlot, get Node's own behaviour.

const F = require('../frames')
const { socketOf } = require('../socket')
const { createError } = require('../../errors')
const { kPlan } = require('../../router/symbols')
const { pin, regain } = require('../pin')
const { NodeProto, proto, define, lazy, own } = require('./proto')
const { alike, eventNames } = require('../likeness')
const { partsOf } = require('./head')
const body = require('./body')
const { consume, drain, isConsumed } = require('./consumed')
const { closing, errorOf, resetError } = require('./lost')
const S = require('../symbols')
const { nextTick } = require('../timers')

const { kSlot, kGeneration, kFlags, kParts, kHead, kReading, kStream, kInlineBody } = S
const { kResponse, kHeaders, kSocket, kServer, kController, kAbortReason, kPorts, kDeadlineMs } = S

for (const [name, value] of [
  ['upgrade', false],
  ['statusCode', null],
  ['statusMessage', null]
]) {
  lazy(name, function () {
    return this[kSlot] === undefined ? undefined : value
  })
}

// Node's server dumps, behind the answer, what was all there before somebody began to read it.
lazy('_dumped', function _dumped() {
  if (this[kSlot] === undefined) return undefined
  return isConsumed(this) && this[kResponse]?.writableFinished === true
})

lazy('joinDuplicateHeaders', function joinDuplicateHeaders() {
  return this[kSlot] === undefined ? undefined : this[kServer].joinDuplicateHeaders
})

// Set for each request by every Express, which goes on to replace both prototypes.
define(
  'res',
  function res() {
    return this[kResponse]
  },
  function (value) {
    if (this[kSlot] !== undefined) {
      pin(this)
      pin(value)
    }
    own(this, 'res', value)
  },
  true
)

lazy('client', function client() {
  return this[kSlot] === undefined ? undefined : this.socket
})

lazy('socket', function socket() {
  if (this[kSlot] === undefined) return undefined
  const known = this[kSocket]
  if (known !== undefined) return known
  return (this[kSocket] = socketOf(this))
})

Object.defineProperty(proto, 'connection', {
  configurable: true,
  get() {
    return this.socket
  },
  set(value) {
    this.socket = value
  }
})

/**
 * AbortSignal of the request: fires when the client leaves before the response
 * is complete, or when the handler deadline passes.
 */
define(
  'signal',
  function signal() {
    let controller = this[kController]
    if (controller === undefined) {
      controller = this[kController] = new AbortController()
      if (this[kSlot] !== undefined && this[kAbortReason] !== undefined) {
        controller.abort(abortError(this))
      }
    }
    return controller.signal
  },
  function (value) {
    own(this, 'signal', value)
  }
)

function abortError(req) {
  return req[kAbortReason] === F.ABORT_DEADLINE
    ? createError('RNODE_ERR_HANDLER_TIMEOUT', req[kDeadlineMs] ?? req[kServer][S.kDefaultDeadline])
    : createError('RNODE_ERR_CLIENT_CLOSED')
}

/**
 * The invocation ended without its response: tells the signal and, as Node's
 * server does, the request's listeners.
 * @param {number} reason of the ABORT frame
 */
function abortRequest(req, reason) {
  if (req[kAbortReason] !== undefined) return
  regain(req)
  req[kAbortReason] = reason
  const controller = req[kController]
  if (controller !== undefined) controller.abort(abortError(req))
  if (reason === F.ABORT_DEADLINE) return

  if (req[kStream] === true) {
    req.destroy(resetError())
    return
  }
  req.aborted = true
  if (req._events === undefined) return
  closing.add(req)
  req.emit('aborted')
  nextTick(tellClosed, req)
}

/** In the tick in which Node's stream would call back; its events come in the next. */
function tellClosed(req) {
  closing.delete(req)
  nextTick(tellEnd, req)
}

function tellEnd(req) {
  if (req.listenerCount('error') !== 0) req.emit('error', errorOf(req))
  req.emit('close')
}

/** The response is complete: the request's own 'end' and 'close' follow for those who listen. */
function finishRequest(req) {
  if (req[kAbortReason] !== undefined) return
  if (req[kStream] === true || req._events !== undefined || (req[kFlags] & F.BODY_COMPLETE) === 0) {
    regain(req)
    if (!body.isTaken(req)) req._dump()
  }
}

/**
 * A class whose instances have `prototype` as their prototype at once (changing
 * it per request is slow). All fields are set here, in one order.
 */
function requestClass(prototype) {
  function NativeRequest(server, flags, slot, generation, head, url, method, ports, body) {
    this[kSlot] = slot
    this[kGeneration] = generation
    this[kFlags] = flags
    this[kHead] = head
    this[kParts] = null
    this[kPorts] = ports
    this[kInlineBody] = body
    this[kReading] = null
    this[kServer] = server
    this[kAbortReason] = undefined
    this[kHeaders] = undefined
    this[kSocket] = undefined
    this[kController] = undefined
    this[kStream] = undefined
    this[kDeadlineMs] = undefined
    this[kPlan] = null
    this.url = url
    this.method = method
    this.originalUrl = undefined
    this.baseUrl = undefined
    this.params = undefined
    this.next = undefined
    this[kResponse] = undefined
  }
  NativeRequest.prototype = prototype
  return NativeRequest
}

proto.eventNames = eventNames
alike(proto, NodeProto)

const { on, push, read } = proto

/** Somebody has put methods of his own in the place of those that a body goes through, to see it. One of `emit` counts as a listener. */
function isTapped(req) {
  return req.on !== on || req.push !== push || req.read !== read
}

module.exports = {
  proto,
  partsOf,
  requestClass,
  entering: body.entering,
  entered: body.entered,
  inOwnMemory: body.inOwnMemory,
  onBody: body.onBody,
  onBodyEnd: body.onBodyEnd,
  abortRequest,
  resetError,
  finishRequest,
  consume,
  drain,
  isConsumed,
  isTapped
}
