'use strict'
// Whole answers: they leave as one frame that Rust finishes, if nobody could tell the difference
// from Node's own way; and the same for answers that are files. What could be told goes the full
// way. The events that follow are for moments.js.

const { STATUS_CODES } = require('node:http')
const { EventEmitter } = require('node:events')
const { isUint8Array } = require('node:util/types')
const F = require('../frames')
const bridge = require('../bridge')
const { finishRequest } = require('../incoming')
const { isUntouched, isTimed } = require('../socket')
const ticks = require('../ticks')
const { NodeProto, proto, LIGHT, SENT, FIXED, STREAM, kWritableFinished } = require('./proto')
const { ETAG, LAST_MODIFIED, DISPOSITION, complete, linesOf } = require('./headers')
const { NOT_ASCII, fix, headFlags, isHookedBelow, etagFlagOf } = require('./head')
const { full } = require('./full')
const { holdBody } = require('./ends')
const { emitOf, sent, tell, isFinished, whenFinished } = require('./moments')
const S = require('../symbols')
const { nextTick } = require('../timers')

const { kSlot, kGeneration, kFlags, kState, kSpecial, kHeaderList, kServer, kSocket, kFile } = S
const { kBody, kEncoding, kEtagFn, kSentLength, kFixed, kEpoch, kRequest, kStream, kTold } = S

/** What a head takes besides its lines: status, length, ETag, date and connection. */
const HEAD_BYTES = 170
/** Characters of a string whose length res.send takes without making a Buffer of it. */
const SHORT = 1000
/** Bodies from this size on may have to wait for the client: 'finish' comes when they are taken. */
const WINDOW = 256 * 1024

proto.end = function end(chunk, encoding, callback) {
  const state = this[kState]
  if (state === LIGHT || state === FIXED) {
    if (endLight(this, chunk, encoding, callback)) return this
    full(this)
  } else if (state === STREAM) {
    if (require('./stream').streamEnd(this, chunk, encoding, callback)) return this
    full(this)
  } else if (state === SENT && kWritableFinished !== undefined) return endAgain(this, arguments)
  return NodeProto.end.call(this, chunk, encoding, callback)
}

const { end, setHeader, getHeader, write, writeHead, _implicitHeader } = proto
const { emit } = EventEmitter.prototype

/** Without own methods that Node's own would call to write the head. */
function isUnhooked(res) {
  return res.writeHead === writeHead && res._implicitHeader === _implicitHeader
}

/** True if an answer through this response, or a prototype of responses, is an answer by our own methods. */
function isOriginal(res) {
  return res.end === end && res.write === write && res.setHeader === setHeader && isUnhooked(res)
}

/** Somebody listens, holds the socket, or has set its clock. */
function isWatched(res) {
  return (
    res._events !== undefined ||
    res[kSocket] !== undefined ||
    emitOf(res) !== emit ||
    isTimed(res[kRequest][kSocket])
  )
}

/** Whether the end of the response means anything to the request: somebody listens, reads, or could. */
function isUnread(req) {
  return req._events !== undefined || req[kStream] === true || (req[kFlags] & F.BODY_COMPLETE) === 0
}

/** Whether other bytes go out before: the program has written to the connection itself, or it is not this answer's turn. */
function hasOwnBytes(res) {
  if (bridge.isHeld(res)) return true
  const socket = res[kRequest][kSocket]
  return socket !== undefined && !isUntouched(socket, res[kGeneration])
}

/** Posts the answer; from here on Rust finishes it. */
function respond(res, flags, status, lines, reason, body, encoding) {
  const req = res[kRequest]
  // of a response that was sent, looking at it is an interest in its end
  const hasOwnEmit = res.emit !== emit
  res[kState] = SENT
  // before the answer: what is left of the body would be dropped behind it
  if ((req[kFlags] & F.BODY_COMPLETE) === 0) holdBody(req)
  const length = bridge.sendHead(
    F.RESPOND,
    flags,
    res[kSlot],
    res[kGeneration],
    status,
    lines,
    reason,
    body,
    encoding
  )
  res[kSentLength] = length
  // the head is Rust's: about this much
  if (req[kSocket] !== undefined) req[kSocket].bytesWritten += HEAD_BYTES + lines.length + length
  if ((flags & F.LENGTH) !== 0) res._contentLength = length
  res._headerSent = true
  res.finished = true
  if ((flags & F.CLOSE) !== 0 || (req[kFlags] & F.KEEP_ALIVE) === 0) res._last = true
  bridge.detach(res)
  sent(res, hasOwnEmit)
  if (res[kTold] === 0 && req[kSocket] !== undefined && (res._last || isTimed(req[kSocket])))
    tell(res)
  if (res._events !== undefined || hasOwnEmit) res.emit('prefinish')
  if (res[kTold] === 0 && isUnread(req)) nextTick(finishRequest, req)
}

/**
 * Sends a whole answer as one frame, with Content-Length and ETag as Express' res.send sets them,
 * if nobody could tell the difference.
 * @param {http.ServerResponse} res
 * @param {string | Uint8Array} body
 * @param {BufferEncoding} [encoding]
 * @param {Function} [etagFn] the app's ETag function
 * @returns {boolean} false if the ordinary way must be taken
 */
function sendWhole(res, body, encoding, etagFn) {
  if (res[kState] !== LIGHT || res.end !== end) return false
  if (res.setHeader !== setHeader || res.getHeader !== getHeader) return false
  if (isHookedBelow(res) || !isOrdinary(res) || hasOwnBytes(res)) return false
  const req = res[kRequest]
  if ((req[kFlags] & F.CONDITIONAL) !== 0) return false
  let flags = etagFlagOf(etagFn)
  if (flags === undefined) return false
  if ((res[kSpecial] & ETAG) !== 0) {
    // an empty one counts as none
    if (flags !== 0 && !res.getHeader('etag')) return false
    flags = 0
    // the handler's own stays, whoever asks for the head
    etagFn = undefined
  }
  if (typeof body === 'string') {
    if (body.length >= WINDOW && isWatched(res)) return false
    if (!isUnhooked(res)) return sendHooked(res, body, encoding, etagFn)
  } else if (!isUint8Array(body) || isWatched(res) || !isUnhooked(res)) {
    // the bytes may be others when somebody asks for their ETag
    return false
  }
  const terms = headFlags(res, res[kHeaderList], res[kSpecial])
  if (terms === -1) return false
  let lines = linesOf(res)
  if (lines === null) return false
  // without an ETag to compute, Express leaves a short string as it is
  if (flags === 0 && typeof body === 'string' && body.length < SHORT) lines = asUtf8(lines)

  res[kBody] = body
  res[kEncoding] = encoding
  res[kEtagFn] = etagFn
  const status = res.statusCode
  res.statusMessage = STATUS_CODES[status] || 'unknown'
  respond(res, flags | terms | F.LENGTH, status, lines, '', body, encoding)
  return true
}

/** The same with middleware that waits for the head (on-headers): it is asked as Node's end() would. */
function sendHooked(res, body, encoding, etagFn) {
  res[kBody] = body
  res[kEncoding] = encoding
  res[kEtagFn] = etagFn
  askHooks(res)
  if (res[kState] === FIXED) {
    const { flags, status, lines, reason } = res[kFixed]
    const isText = typeof etagFn !== 'function' && body.length < SHORT && res._hasBody
    respond(res, flags, status, isText ? asUtf8(lines) : lines, reason, body, encoding)
  } else endFull(res, body, encoding)
  return true
}

/** Calls what stands where Node's writeHead was. */
function askHooks(res) {
  try {
    res._implicitHeader()
  } finally {
    if (res[kState] === LIGHT) complete(res)
  }
}

/** Sends a body behind the head that was fixed. */
function sendFixed(res, body, encoding) {
  const { flags, status, lines, reason } = res[kFixed]
  const isOneWrite =
    typeof body === 'string' &&
    body !== '' &&
    (flags & F.ADD_TE) === 0 &&
    res._hasBody &&
    (encoding === undefined || encoding === 'utf8')
  if (isOneWrite) respond(res, flags, status, asUtf8(lines), asUtf8(reason), body, encoding)
  else respond(res, flags, status, lines, reason, body, encoding)
}

/** Node writes a head and a string behind it as one string, in the encoding of the body. */
function asUtf8(text) {
  return NOT_ASCII.test(text) ? Buffer.from(text).latin1Slice() : text
}

/** A status and fields as Express leaves them for most answers. */
function isOrdinary(res) {
  const status = res.statusCode
  return (
    status >= 200 &&
    status <= 999 &&
    status !== 204 &&
    status !== 205 &&
    status !== 304 &&
    Number.isInteger(status) &&
    (res[kSpecial] & ~(ETAG | LAST_MODIFIED | DISPOSITION)) === 0 &&
    res.sendDate &&
    !res.strictContentLength &&
    res.statusMessage === undefined &&
    res[kFile] === undefined
  )
}

// end() ---------------------------------------------------------------------------

/**
 * Ends a light response as Node's end() does.
 * @returns {boolean} false if Node's must; nothing has happened then
 */
function endLight(res, chunk, encoding, callback) {
  let body = chunk
  let charset = encoding
  let done = callback
  if (typeof body === 'function') {
    done = body
    body = charset = undefined
  } else if (typeof charset === 'function') {
    done = charset
    charset = undefined
  }
  if (!body) body = ''
  else if (typeof body !== 'string' && !isUint8Array(body)) return false
  if (charset && !Buffer.isEncoding(charset)) return false
  if (res.strictContentLength || res.destroyed || res[kFile] !== undefined) return false
  if (hasOwnBytes(res)) return false
  if (res[kRequest][kServer].rejectNonStandardBodyWrites || isHookedBelow(res)) return false
  if (body.length >= WINDOW && (isWatched(res) || typeof done === 'function')) return false

  if (res[kState] === LIGHT) {
    res._contentLength =
      typeof body === 'string' ? Buffer.byteLength(body, charset) : body.byteLength
    if (!isUnhooked(res)) {
      askHooks(res)
      if (res[kState] !== FIXED) {
        endFull(res, chunk, encoding, callback)
        return true
      }
    } else if (!fix(res, res.statusCode)) return false
  }
  const { length } = res[kFixed]
  if (length !== null && !isLengthOf(res, length, body, charset)) return false
  if (typeof done === 'function') whenFinished(res, done)
  sendFixed(res, body, charset || undefined)
  return true
}

/** A Content-Length that the program has set: Rust does not check it. */
function isLengthOf(res, length, body, charset) {
  if (!res._hasBody) return true
  const bytes = typeof body === 'string' ? Buffer.byteLength(body, charset) : body.byteLength
  return String(length) === String(bytes)
}

/** Goes on with Node's end() after the head was asked for. */
function endFull(res, chunk, encoding, callback) {
  if (res[kState] !== LIGHT) {
    NodeProto.end.call(res, chunk, encoding, callback)
    return
  }
  // who stands in for writeHead has kept the call: Node writes a body without a head
  full(res)
  const own = Object.getOwnPropertyDescriptor(res, '_implicitHeader')
  Object.defineProperty(res, '_implicitHeader', { configurable: true, value() {} })
  try {
    NodeProto.end.call(res, chunk, encoding, callback)
  } finally {
    if (own === undefined) delete res._implicitHeader
    else Object.defineProperty(res, '_implicitHeader', own)
  }
}

/** end() on a response that was answered: Node's answer depends on whether 'finish' has come. */
function endAgain(res, [chunk, encoding, callback]) {
  const done = [chunk, encoding, callback].find((value) => typeof value === 'function')
  if (done === undefined || (chunk && chunk !== done))
    return NodeProto.end.call(res, chunk, encoding, callback)
  if (isFinished(res)) {
    res[kWritableFinished] = true
    return NodeProto.end.call(res, chunk, encoding, callback)
  }
  whenFinished(res, done)
  return res
}

// files ---------------------------------------------------------------------------

/** Listens to what only a stream that is written into emits. */
function seesStream(res) {
  const events = res._events
  if (res.emit !== emit) return true
  return events !== undefined && (events.pipe ?? events.unpipe ?? events.drain) !== undefined
}

/**
 * True if Rust may answer with a file: nobody could tell the difference. Listeners of 'finish' and 'close' are
 * told (fileSent), and find the head on the response; who has replaced writeHead is asked before it is sent (respondHeld).
 */
function isPlain(res) {
  return (
    res[kState] === LIGHT &&
    !seesStream(res) &&
    res.end === end &&
    res.write === write &&
    res.setHeader === setHeader &&
    res._implicitHeader === _implicitHeader &&
    !isHookedBelow(res) &&
    isOrdinary(res) &&
    !hasOwnBytes(res) &&
    headFlags(res, res[kHeaderList], res[kSpecial]) === 0
  )
}

/** Rust answers: until it says otherwise, the response counts as sent. */
function sealForFile(res, pending) {
  res[kState] = SENT
  res[kFile] = pending
  res[kSentLength] = -1
  res._header = '\r\n'
  res._headerSent = true
  res.finished = true
}

/** True if somebody must be asked before a head is sent. */
function isHooked(res) {
  return res.writeHead !== writeHead
}

/**
 * Sends the head that was fixed, and behind it the file that Rust has kept for this response.
 * @param {Pending} pending told when everything has left
 * @param {number} length what the head should promise, in bytes
 * @returns {boolean} false if the file must be written by JavaScript; nothing has happened then
 */
function respondHeld(res, pending, length) {
  if (res[kState] !== FIXED || res.end !== end || res.write !== write) return false
  if (seesStream(res) || isHookedBelow(res) || hasOwnBytes(res)) return false
  const { flags, status, lines, reason, length: promised } = res[kFixed]
  if ((flags & F.ADD_TE) !== 0 || String(promised) !== String(length)) return false
  res[kState] = SENT
  res[kFile] = pending
  res[kSentLength] = length
  res._headerSent = true
  res.finished = true
  if ((flags & F.CLOSE) !== 0 || (res[kRequest][kFlags] & F.KEEP_ALIVE) === 0) res._last = true
  const slot = res[kSlot]
  bridge.sendHead(F.RESPOND, flags | F.HELD, slot, res[kGeneration], status, lines, reason, null)
  return true
}

/** The invocation has ended while Rust was to answer. */
function giveUpFile(res) {
  const pending = res[S.kFile]
  if (pending === undefined) return
  const head = pending.begun ? res._header : null
  reopen(res)
  res._header = head
  pending.abort()
}

/** Rust has not answered: the response is as it was. */
function reopen(res) {
  if (res[kFile] === undefined) return
  res[kFile] = undefined
  res[kState] = LIGHT
  res[kSentLength] = 0
  res._header = null
  res._headerSent = false
  res.finished = false
}

/** Rust has answered: for those who came to listen meanwhile. */
function fileSent(res) {
  if (isWatched(res)) {
    res[kEpoch] = ticks.mark()
    tell(res)
  } else res[kEpoch] = ticks.PAST
}

module.exports = {
  sendWhole,
  isOriginal,
  isPlain,
  isHooked,
  sealForFile,
  respondHeld,
  giveUpFile,
  reopen,
  fileSent
}
