'use strict'
// Native-backed requests: the layer between Express' request prototype and
// http.IncomingMessage.prototype. Everything is made when it is first touched; the
// Readable's own constructor runs only for those who read the body as a stream.
// Foreign messages (Node's server), which have no kSlot, get Node's own behaviour.

const { IncomingMessage } = require('node:http')
const { Readable, EventEmitter } = { ...require('node:stream'), ...require('node:events') }
const F = require('./frames')
const bridge = require('./bridge')
const { HIGH_WATER_MARK, socketOf } = require('./socket')
const { createError } = require('../errors')
const { kPlan } = require('../router/symbols')
const S = require('./symbols')

const { kSlot, kGeneration, kFlags, kParts, kHead, kReading, kStream, kInlineBody } = S
const { kHeaders, kDistinct, kTrailerParts, kTrailers, kTrailersDistinct, kSocket, kServer } = S
const { kController, kAbortReason, kPorts } = S

const NodeProto = IncomingMessage.prototype
const proto = Object.create(NodeProto)

/** Body bytes that may be under way or unread at once (credit given to Rust). */
const BODY_WINDOW = 64 * 1024
const NO_PARTS = []

function define(name, get, set) {
  Object.defineProperty(proto, name, { configurable: true, enumerable: false, get, set })
}

/** A property that a write turns into an own one, as if it had been a plain field. */
function lazy(name, get) {
  define(name, get, function (value) {
    Object.defineProperty(this, name, {
      configurable: true,
      enumerable: true,
      writable: true,
      value
    })
  })
}

/** Getter on Node's prototype for messages that are not ours. */
function nodeGetter(name) {
  return Object.getOwnPropertyDescriptor(NodeProto, name)?.get ?? (() => undefined)
}

/** url, remote address, local address, then names and values. */
function partsOf(req) {
  let parts = req[kParts]
  if (parts === null) {
    parts = req[kHead] === null ? NO_PARTS : req[kHead].split('\n')
    req[kParts] = parts
  }
  return parts
}

// head -----------------------------------------------------------------------

lazy('rawHeaders', function rawHeaders() {
  if (this[kSlot] === undefined) return undefined
  const raw = partsOf(this).slice(3)
  this.rawHeaders = raw
  return raw
})

const addHeaderLine = NodeProto._addHeaderLine
const addHeaderLineDistinct = NodeProto._addHeaderLineDistinct

function collect(req, parts, from, add) {
  const dest = {}
  for (let i = from; i + 1 < parts.length; i += 2) add.call(req, parts[i], parts[i + 1], dest)
  return dest
}

/** What counts for `headers`; the raw ones may hold a few more than maxHeadersCount, as Node's. */
function limited(req, parts, from) {
  const end = from + 2 * (req[kServer].maxHeadersCount ?? 1000)
  return end > from && parts.length > end ? parts.slice(0, end) : parts
}

const nodeHeaders = nodeGetter('headers')
const nodeDistinct = nodeGetter('headersDistinct')
const nodeTrailers = nodeGetter('trailers')
const nodeTrailersDistinct = nodeGetter('trailersDistinct')

function override(name, get, key) {
  const nodeSet = Object.getOwnPropertyDescriptor(NodeProto, name)?.set
  define(name, get, function (value) {
    if (this[kSlot] === undefined && nodeSet) nodeSet.call(this, value)
    else this[key] = value
  })
}

override(
  'headers',
  function headers() {
    if (this[kSlot] === undefined) return nodeHeaders.call(this)
    const known = this[kHeaders]
    if (known !== undefined) return known
    const parts = Object.hasOwn(this, 'rawHeaders') ? this.rawHeaders : null
    return (this[kHeaders] =
      parts === null
        ? collect(this, limited(this, partsOf(this), 3), 3, addHeaderLine)
        : collect(this, limited(this, parts, 0), 0, addHeaderLine))
  },
  kHeaders
)

override(
  'headersDistinct',
  function headersDistinct() {
    if (this[kSlot] === undefined) return nodeDistinct.call(this)
    if (this[kDistinct] === undefined)
      this[kDistinct] = distinct(this, limited(this, partsOf(this), 3), 3)
    return this[kDistinct]
  },
  kDistinct
)

override(
  'trailers',
  function trailers() {
    if (this[kSlot] === undefined) return nodeTrailers.call(this)
    if (this[kTrailers] === undefined) {
      const parts = this[kTrailerParts]
      // empty until the end of the body has come
      if (parts === undefined) return {}
      this[kTrailers] = collect(this, parts, 0, addHeaderLine)
    }
    return this[kTrailers]
  },
  kTrailers
)

override(
  'trailersDistinct',
  function trailersDistinct() {
    if (this[kSlot] === undefined) return nodeTrailersDistinct.call(this)
    if (this[kTrailersDistinct] === undefined) {
      const parts = this[kTrailerParts]
      if (parts === undefined) return Object.create(null)
      this[kTrailersDistinct] = distinct(this, parts, 0)
    }
    return this[kTrailersDistinct]
  },
  kTrailersDistinct
)

function distinct(req, parts, from) {
  // no prototype: a header named __proto__ or constructor is a header
  const dest = Object.create(null)
  for (let i = from; i + 1 < parts.length; i += 2) {
    addHeaderLineDistinct.call(req, parts[i], parts[i + 1], dest)
  }
  return dest
}

lazy('rawTrailers', function rawTrailers() {
  if (this[kSlot] === undefined) return undefined
  return this[kTrailerParts] ?? []
})

lazy('httpVersionMajor', function httpVersionMajor() {
  return this[kSlot] === undefined ? undefined : 1
})
lazy('httpVersionMinor', function httpVersionMinor() {
  return this[kSlot] === undefined ? undefined : this[kFlags] & F.HTTP_1_0 ? 0 : 1
})
lazy('httpVersion', function httpVersion() {
  return this[kSlot] === undefined ? undefined : this[kFlags] & F.HTTP_1_0 ? '1.0' : '1.1'
})
/** The request whose handler is being called: Node's parser sees its end only afterwards. */
const entering = { req: null }

/** The handler has returned; behind a body, Node's parser sees the end after the first ticks. */
function entered(req) {
  if (req[kInlineBody] === null) entering.req = null
  else process.nextTick(leave, req)
}

function leave(req) {
  if (entering.req === req) entering.req = null
}

lazy('complete', function complete() {
  if (this[kSlot] === undefined) return undefined
  if (entering.req === this) return false
  return (this[kFlags] & F.BODY_COMPLETE) !== 0 || this[kReading]?.ended === true
})
lazy('aborted', function aborted() {
  return this[kSlot] === undefined ? undefined : false
})
for (const [name, value] of [
  ['upgrade', false],
  ['statusCode', null],
  ['statusMessage', null],
  ['joinDuplicateHeaders', undefined],
  ['_consuming', false],
  ['_dumped', false]
]) {
  lazy(name, function () {
    return this[kSlot] === undefined ? undefined : value
  })
}
lazy('client', function client() {
  return this[kSlot] === undefined ? undefined : this.socket
})

// connection -----------------------------------------------------------------

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
    Object.defineProperty(this, 'signal', {
      configurable: true,
      enumerable: true,
      writable: true,
      value
    })
  }
)

function abortError(req) {
  return req[kAbortReason] === F.ABORT_DEADLINE
    ? createError(
        'RNODE_ERR_HANDLER_TIMEOUT',
        req[S.kDeadlineMs] ?? req[kServer][S.kDefaultDeadline]
      )
    : createError('RNODE_ERR_CLIENT_CLOSED')
}

// body -----------------------------------------------------------------------

/** Runs Readable's constructor on the request, once. */
function materialize(req) {
  req[kStream] = true
  Readable.call(req, { highWaterMark: HIGH_WATER_MARK })
  const state = req._readableState
  state.readingMore = true
  if (req[kAbortReason] !== undefined) req.destroy()
  return state
}

define(
  '_readableState',
  function () {
    if (this[kSlot] === undefined || this[kStream] === true) return undefined
    return materialize(this)
  },
  function (value) {
    Object.defineProperty(this, '_readableState', {
      configurable: true,
      enumerable: false,
      writable: true,
      value
    })
  }
)

const readableGetter = (name) => Object.getOwnPropertyDescriptor(Readable.prototype, name)

/** Stream properties whose answer is known before there is a stream. */
function streamProperty(name, before) {
  const descriptor = readableGetter(name)
  define(
    name,
    function () {
      if (this[kSlot] !== undefined && this[kStream] !== true) return before(this)
      return descriptor.get.call(this)
    },
    function (value) {
      if (descriptor.set) descriptor.set.call(this, value)
    }
  )
}

streamProperty('readable', (req) => req[kAbortReason] === undefined)
streamProperty('destroyed', (req) => req[kAbortReason] !== undefined)
streamProperty('closed', (req) => req[kAbortReason] !== undefined)
streamProperty('readableEnded', () => false)
streamProperty('readableAborted', (req) => req[kAbortReason] !== undefined)
streamProperty('readableDidRead', () => false)
streamProperty('readableFlowing', () => null)
streamProperty('errored', () => null)

// Listening to 'close', 'aborted', 'error' or 'end' reads nothing: no stream is needed for it.
proto.on = function on(event, listener) {
  if (
    this[kSlot] !== undefined &&
    this[kStream] !== true &&
    event !== 'data' &&
    event !== 'readable'
  ) {
    return EventEmitter.prototype.on.call(this, event, listener)
  }
  return Readable.prototype.on.call(this, event, listener)
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

class Reading {
  constructor() {
    /** Credit given and not used up by frames yet. */
    this.credit = 0
    this.ended = false
  }
}

proto._read = function _read(n) {
  if (this[kSlot] === undefined) return NodeProto._read.call(this, n)
  this._consuming = true
  const state = this._readableState
  if (state.readingMore) state.readingMore = false
  if (this[kFlags] & F.BODY_COMPLETE) {
    const body = this[kInlineBody]
    this[kInlineBody] = undefined
    // as if it had come just now: the parser has no say in a handler's own turn
    if (body === null && entering.req !== this) this.push(null)
    else if (body !== undefined) process.nextTick(pushInline, this, body)
    return
  }
  let reading = this[kReading]
  if (reading === null) reading = this[kReading] = new Reading()
  if (reading.ended) return
  want(this, reading)
}

function pushInline(req, body) {
  if (req.destroyed) return
  if (body !== null) req.push(body)
  req.push(null)
}

/** The least credit given at once: _read() must always lead to a push. */
const LEAST_CREDIT = 16 * 1024

function want(req, reading) {
  // buffered bytes count against the window, so memory stays bounded
  const room = BODY_WINDOW - req.readableLength - reading.credit
  // some is under way: wait until a worthwhile amount can be asked for
  if (reading.credit > 0 && room < BODY_WINDOW / 2) return
  const credit = Math.max(room, LEAST_CREDIT)
  reading.credit += credit
  bridge.sendWord(F.BODY_WANT, 0, req[kSlot], req[kGeneration], credit)
}

/** BODY frame: bytes copied out of the inbox. */
function onBody(req, bytes) {
  const reading = req[kReading]
  if (reading === null) return
  reading.credit -= bytes.length
  if (req.destroyed) return
  if (req.push(bytes) && !reading.ended) want(req, reading)
}

/** BODY_END frame. */
function onBodyEnd(req, trailers) {
  const reading = req[kReading] ?? (req[kReading] = new Reading())
  reading.ended = true
  req[kTrailerParts] = trailers.length === 0 ? [] : trailers.split('\n')
  if (!req.destroyed) req.push(null)
}

proto._destroy = function _destroy(err, callback) {
  if (this[kSlot] === undefined) return NodeProto._destroy.call(this, err, callback)
  if (!this.readableEnded || !this.complete) {
    this.aborted = true
    this.emit('aborted')
  }
  // a destroyed request that is still coming in takes its connection along
  const { socket } = this
  if (this.aborted && this[kAbortReason] === undefined && !socket.destroyed) {
    socket.destroy(err)
  }
  process.nextTick(tellDestroyed, this, err, callback)
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
    bridge.sendWord(F.BODY_DUMP, 0, this[kSlot], this[kGeneration], 0)
  }
}

proto.setTimeout = function setTimeout(msecs, callback) {
  if (this[kSlot] === undefined) return NodeProto.setTimeout.call(this, msecs, callback)
  if (callback) this.on('timeout', callback)
  this.socket.setTimeout(msecs)
  return this
}

// abort ----------------------------------------------------------------------

/**
 * The invocation ended without its response: tells the signal and, as Node's
 * server does, the request's listeners.
 * @param {number} reason of the ABORT frame
 */
function abortRequest(req, reason) {
  if (req[kAbortReason] !== undefined) return
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
  req.emit('aborted')
  process.nextTick(() => {
    if (req.listenerCount('error') !== 0) req.emit('error', resetError())
    req.emit('close')
  })
}

function resetError() {
  const err = new Error('aborted')
  err.code = 'ECONNRESET'
  return err
}

/** The response is complete: the request's own 'end' and 'close' follow for those who listen. */
function finishRequest(req) {
  if (req[kAbortReason] !== undefined) return
  if (req[kStream] === true || req._events !== undefined || (req[kFlags] & F.BODY_COMPLETE) === 0) {
    if (!req._consuming && !(req[kStream] === true && req._readableState.resumeScheduled))
      req._dump()
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
    this[S.kDeadlineMs] = undefined
    this[kPlan] = null
    this.url = url
    this.method = method
    this.originalUrl = undefined
    this.baseUrl = undefined
    this.params = undefined
    this.route = undefined
    this.next = undefined
    this.res = undefined
  }
  NativeRequest.prototype = prototype
  return NativeRequest
}

module.exports = {
  proto,
  entering,
  entered,
  requestClass,
  partsOf,
  onBody,
  onBodyEnd,
  abortRequest,
  finishRequest
}
