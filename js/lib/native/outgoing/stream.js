'use strict'
// Streamed answers that nobody has a hand in: write() and end() leave as HEAD, CHUNK and END frames, and Rust frames them
// for the wire. What these frames cannot say makes the response a full one, in mid-stream if need be (`resume`):
// from there on it is Node's own. Nothing here decides what Node would do with odd arguments.

const http = require('node:http')
const { isUint8Array } = require('node:util/types')
const F = require('../frames')
const bridge = require('../bridge')
const ticks = require('../ticks')
const { Flow } = require('../flow')
const { abortRequest, finishRequest } = require('../incoming')
const { HIGH_WATER_MARK, isUntouched, touch, adoptFlow, endOfAnswer } = require('../socket')
const { NodeProto, proto, LIGHT, FIXED, STREAM, DONE } = require('./proto')
const { kNodeNeedDrain, kWritableFinished, COUNTS_SOCKET_CORKS } = require('./proto')
const { LENGTH, linesOf } = require('./headers')
const { NOT_ASCII, headFlags, isHookedBelow } = require('./head')
const { full } = require('./full')
const { holdBody } = require('./ends')
const { finishNow, emitClose } = require('./moments')
const { passTurn } = require('./turn')
const S = require('../symbols')
const { nextTick } = require('../timers')

const { kSlot, kGeneration, kFlags, kState, kSpecial, kHeaderList, kSocket, kServer, kStreamOut } =
  S
const { kFixed, kRequest } = S

const { writeHead, _implicitHeader } = proto

/** What a streamed response keeps beside its headers. */
class Stream {
  constructor(res, length, status, message) {
    /** As they were sent. */
    this.status = status
    this.message = message
    this.flow = new Flow(res[kSlot], F.CHUNK, drain, res)
    /** Bytes that Content-Length promises and that are not written yet; -1: the body is chunked. */
    this.left = length
    /** The next tick hands over what this one writes. */
    this.corked = false
    /** The head is older than this tick. */
    this.headGone = false
  }
}

/** Requests with answers of a form of their own. */
const UNUSUAL =
  F.HTTP_1_0 | F.EXPECT_CONTINUE | F.EXPECT_OTHER | F.LIMIT_REACHED | F.OVER_LIMIT | F.UPGRADE_ASKED

/** True if nobody has a hand in the head, which is still to be written, and it is a plain one. */
function isPlainHead(res) {
  return (
    res.writeHead === writeHead &&
    res._implicitHeader === _implicitHeader &&
    headFlags(res, res[kHeaderList], res[kSpecial]) === 0 &&
    res.statusMessage === undefined &&
    !res._removedTE
  )
}

/**
 * True if Rust may write the head and frame the body: nobody could tell the difference. Who has put a write() or an end() of
 * his own on the response (compression, sessions) calls ours from there; Node's methods call neither.
 */
function isStreamable(res, status) {
  const req = res[kRequest]
  return (
    !isHookedBelow(res) &&
    status >= 200 &&
    status <= 999 &&
    status !== 204 &&
    status !== 304 &&
    Number.isInteger(status) &&
    !res.destroyed &&
    !res.finished &&
    res[S.kFile] === undefined &&
    !bridge.isHeld(res) &&
    (req[kFlags] & UNUSUAL) === 0 &&
    res._hasBody &&
    // a closing server's connections end after answers that do not say so
    req[kServer].listening &&
    (req[kSocket] === undefined ||
      (!req[kSocket].destroyed && isUntouched(req[kSocket], res[kGeneration])))
  )
}

/**
 * The length that a header promises.
 * @returns {number} NaN if what it says is no length
 */
function lengthOf(value) {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : NaN
  return typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : NaN
}

/**
 * Sends the head of a light response, or the one that writeHead has fixed.
 * @param {http.ServerResponse} res
 * @returns {boolean} false if the full way must be taken
 */
function begin(res) {
  if (res[kState] === FIXED) {
    const { flags, status, lines, reason, message, length } = res[kFixed]
    if ((flags & ~F.ADD_TE) !== 0 || !isStreamable(res, status)) return false
    const left = flags === F.ADD_TE ? -1 : lengthOf(length)
    return sendHead(res, status, lines, reason, message, left)
  }
  const { statusCode } = res
  if (!isPlainHead(res) || !isStreamable(res, statusCode)) return false
  const length = (res[kSpecial] & LENGTH) === 0 ? -1 : lengthOf(res.getHeader('content-length'))
  const lines = linesOf(res)
  if (lines === null) return false
  return sendHead(res, statusCode, lines, '', http.STATUS_CODES[statusCode] ?? 'unknown', length)
}

/**
 * @param {string} reason '' for the standard one
 * @param {string} message the reason that is written
 * @param {number} length that the head promises, -1 for a chunked body, NaN for what is no length
 */
function sendHead(res, status, lines, reason, message, length) {
  if (Number.isNaN(length)) return false
  // Node writes the head and a string behind it as one, in the encoding of the string
  if (length !== -1 && (res.strictContentLength || NOT_ASCII.test(lines + message))) return false
  const req = res[kRequest]
  const stream = new Stream(res, length, status, message)
  res[kStreamOut] = stream
  res[kState] = STREAM
  const flags = length === -1 ? F.ADD_TE : 0
  bridge.sendHead(F.HEAD, flags, res[kSlot], res[kGeneration], status, lines, reason, null)

  res.statusMessage = message
  res._headerSent = true
  res._last = (req[kFlags] & F.KEEP_ALIVE) === 0
  res.chunkedEncoding = length === -1
  if (length !== -1) res._contentLength = length

  // Node's head counts against the high-water mark: status line, Date, Connection, Keep-Alive, Transfer-Encoding
  let size = 17 + message.length + lines.length + 37
  if (res._last) size += 19
  else {
    const { keepAliveTimeout } = req[kServer]
    size += 24 + (keepAliveTimeout ? 22 + String(Math.floor(keepAliveTimeout / 1000)).length : 0)
  }
  if (length === -1) size += 28
  stream.flow.count(size)
  return true
}

/** `res.flushHeaders` of a light response; false if the full way must be taken. */
function flushHead(res) {
  if (!begin(res)) return false
  const stream = res[kStreamOut]
  stream.headGone = true
  stream.flow.commit(res[kGeneration])
  return true
}

/** True if these are data; Node's own judges all else. */
function isData(chunk, encoding) {
  if (typeof chunk !== 'string' && !isUint8Array(chunk)) return false
  return encoding === undefined || encoding === null || Buffer.isEncoding(encoding)
}

/** True if the response is open and the length that it promised leaves room for these data. */
function fits(res, chunk, encoding) {
  if (res.destroyed || res[kRequest][kSocket]?.destroyed === true) return false
  const { left } = res[kStreamOut]
  if (left === -1) return true
  const size = typeof chunk === 'string' ? Buffer.byteLength(chunk, encoding) : chunk.byteLength
  return size <= left
}

/**
 * `res.write` of a light or streamed response.
 * @returns {boolean | undefined} undefined if the full way must be taken
 */
function streamWrite(res, chunk, encoding, callback) {
  if (typeof encoding === 'function') {
    callback = encoding
    encoding = undefined
  }
  if (callback !== undefined && callback !== null && typeof callback !== 'function') return
  if (!isData(chunk, encoding)) return
  if (res[kState] !== STREAM && !begin(res)) return
  if (res.finished || !fits(res, chunk, encoding)) return
  const stream = res[kStreamOut]
  const { flow } = stream
  post(res, stream, chunk, encoding)
  if (typeof callback === 'function') flow.onWritten(callback)
  if (!stream.corked) {
    stream.corked = true
    nextTick(handOver, stream, res[kGeneration])
  }
  if (flow.pending < HIGH_WATER_MARK) return true
  flow.hold()
  return false
}

function post(res, stream, chunk, encoding) {
  if (chunk.length === 0) return
  const size = stream.flow.post(res[kGeneration], chunk, encoding ?? undefined)
  if (stream.left !== -1) stream.left -= size
  // hexadecimal digits of the size, and two line breaks
  else stream.flow.count(4 + ((35 - Math.clz32(size)) >> 2))
  const socket = res[kRequest][kSocket]
  if (socket !== undefined) {
    socket.bytesWritten += size
    touch(socket)
  }
}

/** The tick after writes: as when a socket is uncorked. */
function handOver(stream, generation) {
  if (!stream.corked) return
  stream.corked = false
  stream.headGone = true
  stream.flow.commit(generation)
}

/** A writer that was told to wait may go on. */
function drain(res) {
  if (!res.finished) res.emit('drain')
}

/**
 * ending[io][slot]: the flow of a response that has ended while its client was slow; of several of a connection the last.
 * It is no Map: when that grows, or is tidied up, its old table goes on holding what was in it and points to the new
 * one. One of them among the old objects, and all flows and their responses outlive every collection of the young.
 */
const ending = []

function keepEnding(slot, generation, flow) {
  const slots = ending[slot >>> 24] ?? (ending[slot >>> 24] = [])
  flow.endedAs = generation
  flow.earlier = slots[slot & 0xffffff]
  slots[slot & 0xffffff] = flow
}

/** @returns {Flow | undefined} that of the response, which is forgotten */
function takeEnding(slot, generation) {
  const slots = ending[slot >>> 24]
  let later
  let flow = slots?.[slot & 0xffffff]
  while (flow !== undefined && flow.endedAs !== generation) {
    later = flow
    flow = flow.earlier
  }
  if (flow === undefined) return
  if (later === undefined) slots[slot & 0xffffff] = flow.earlier
  else later.earlier = flow.earlier
  flow.earlier = undefined
  return flow
}

/**
 * `res.end` of a streamed response.
 * @returns {boolean} false if the full way must be taken
 */
function streamEnd(res, chunk, encoding, callback) {
  if (res.finished || typeof chunk === 'function' || typeof encoding === 'function') return false
  if (callback !== undefined && callback !== null) return false
  if (chunk && !(isData(chunk, encoding) && fits(res, chunk, encoding))) return false
  const stream = res[kStreamOut]
  if (chunk) post(res, stream, chunk, encoding)
  if (stream.left > 0) return false

  const req = res[kRequest]
  const { flow } = stream
  const [slot, generation] = [res[kSlot], res[kGeneration]]
  if (stream.left === -1) flow.count(5)
  if ((req[kFlags] & F.BODY_COMPLETE) === 0) holdBody(req)
  const isSlow = flow.isFull()
  if (isSlow) keepEnding(slot, generation, flow)
  bridge.sendWord(F.END, isSlow ? F.END_NOTIFY : 0, slot, generation, 0)
  bridge.detach(res)
  flow.onWritten((err) => over(res, err))
  stream.corked = false
  flow.finish()
  res.finished = true
  res.emit('prefinish')
  return true
}

bridge.onFrame(F.FINISHED, (words, at) => {
  const flow = takeEnding(words[at + 2], words[at + 3])
  if (flow === undefined) return
  if (words[at + 4] === 1) flow.acknowledgeAll()
  else flow.fail(new Error('the client has gone'))
})

/** The client has left before the last byte: Node's server aborts the request, though it has been answered. */
function unfinished(res) {
  abortRequest(res[kRequest], F.ABORT_CLIENT_GONE)
  emitClose(res)
}

/** The last byte counts as written, or the client has gone before. */
function over(res, err) {
  if (err !== null && kWritableFinished !== undefined) {
    nextTick(unfinished, res)
    return
  }
  if (res[kState] === STREAM) return finishNow(res)
  // made full meanwhile
  res[S.kEpoch] = ticks.mark()
  finishRequest(res[kRequest])
  const socket = res[kSocket]
  if (socket?._httpMessage === res) NodeProto.detachSocket.call(res, socket)
  if (kWritableFinished !== undefined) res[kWritableFinished] = true
  if (!res._last) {
    endOfAnswer(socket)
    passTurn(res)
  }
  res.emit('finish')
  nextTick(emitClose, res)
  if (res._last) socket?.destroySoon()
}

/** Makes a streamed response a full one: Node's methods go on where the frames have come to. */
function resume(res) {
  const { flow, corked, headGone } = res[kStreamOut]
  const { _header, _last, chunkedEncoding, _contentLength, finished, destroyed, _closed } = res
  res[kState] = LIGHT
  full(res)
  res._header = _header
  res._headerSent = true
  Object.assign(res, { _last, chunkedEncoding, _contentLength, finished, destroyed, _closed })
  if (kNodeNeedDrain !== undefined) res[kNodeNeedDrain] = flow.needDrain
  if (finished) res[kState] = DONE
  const fresh = headGone ? flow.fresh : F.ALL_OF_RESPONSE
  adoptFlow(res[kSocket], flow, res[kGeneration], corked, fresh)
  return res
}

/** Bytes that do not count as written yet. */
function writableLength(res) {
  return res[kStreamOut].flow.pending
}

/** For versions of Node on which this means that all has been written, and not that 'finish' has come. */
function writableFinished(res) {
  return res.finished && kWritableFinished === undefined && res[kStreamOut].flow.pending === 0
}

/** How often Node's response would be corked. */
function writableCorked(res) {
  return COUNTS_SOCKET_CORKS && res[kStreamOut].corked ? 1 : 0
}

/** A write was refused, and 'drain' has not come. */
function writableNeedDrain(res) {
  return !res.destroyed && !res.finished && res[kStreamOut].flow.needDrain
}

module.exports = {
  flushHead,
  streamWrite,
  streamEnd,
  resume,
  writableCorked,
  writableFinished,
  writableLength,
  writableNeedDrain
}
