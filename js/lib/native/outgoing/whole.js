'use strict'
// The fast path: a whole answer leaves as one frame that Rust finishes, if nobody could tell the
// difference; and the same for answers that are files.

const { isUint8Array } = require('node:util/types')
const F = require('../frames')
const bridge = require('../bridge')
const { finishRequest } = require('../incoming')
const { proto, LIGHT, SENT } = require('./proto')
const { linesOf } = require('./headers')
const { holdBody, emitClose } = require('./ends')
const S = require('../symbols')

const { kSlot, kGeneration, kFlags, kState, kSpecial } = S

const { setHeader, write, end, writeHead, _implicitHeader } = proto

/** What a head takes besides its lines: status, length, ETag, date and connection. */
const HEAD_BYTES = 170

/** Flags for the settings' own ETag functions; any other function runs in JavaScript. */
const etagFlags = new Map([[undefined, 0]])

/** Tells which functions Rust can stand in for. */
function setEtagFunctions(weak, strong) {
  etagFlags.set(weak, F.ETAG_WEAK).set(strong, F.ETAG_STRONG)
}

/** True if an answer through this response, or a prototype of responses, is an answer by our own methods. */
function isOriginal(res) {
  return (
    res.end === end &&
    res.write === write &&
    res.writeHead === writeHead &&
    res.setHeader === setHeader &&
    res._implicitHeader === _implicitHeader
  )
}

/** Light, without listeners, and with the methods it was made with. */
function isUnhooked(res) {
  return res[kState] === LIGHT && res._events === undefined && isOriginal(res)
}

/**
 * Sends a whole answer as one frame, if nobody could tell the difference.
 * @param {http.ServerResponse} res
 * @param {string | Uint8Array} body
 * @param {BufferEncoding} [encoding]
 * @param {Function} [etagFn] the app's ETag function
 * @returns {boolean} false if the ordinary way must be taken
 */
function sendWhole(res, body, encoding, etagFn) {
  if (!isPlain(res)) return false
  if (typeof body !== 'string' && !isUint8Array(body)) return false
  const req = res.req
  if ((req[kFlags] & F.CONDITIONAL) !== 0) return false
  let flags = etagFlags.get(etagFn)
  if (flags === undefined) return false
  if (res[kSpecial] & 2) flags = 0
  const lines = linesOf(res)
  if (lines === null) return false
  const status = res.statusCode
  const follows =
    req._events !== undefined || req[S.kStream] === true || (req[kFlags] & F.BODY_COMPLETE) === 0
  if (follows) holdBody(req)

  res[kState] = SENT
  res[S.kSentLength] = bridge.sendHead(
    F.RESPOND,
    flags | F.LENGTH,
    res[kSlot],
    res[kGeneration],
    status,
    lines,
    '',
    body,
    encoding
  )
  // the head is Rust's: about this much
  if (req[S.kSocket] !== undefined) {
    req[S.kSocket].bytesWritten += HEAD_BYTES + lines.length + res[S.kSentLength]
  }
  res._header = lines === '' ? '\r\n' : lines
  res._headerSent = true
  res.finished = true
  bridge.detach(res)
  if (follows) process.nextTick(finishRequest, req)
  return true
}

/** True if Rust may finish the head, of a whole answer or a file: nobody could tell the difference. */
function isPlain(res) {
  if (!isUnhooked(res) || (res[kSpecial] & 1) !== 0) return false
  const status = res.statusCode
  return (
    status >= 200 &&
    status <= 999 &&
    status !== 204 &&
    status !== 205 &&
    status !== 304 &&
    Number.isInteger(status) &&
    res.sendDate &&
    res.shouldKeepAlive &&
    res.statusMessage === undefined &&
    res[S.kFile] === undefined
  )
}

/** Rust answers: until it says otherwise, the response counts as sent. */
function sealForFile(res, pending) {
  res[kState] = SENT
  res[S.kFile] = pending
  res[S.kSentLength] = -1
  res._header = '\r\n'
  res._headerSent = true
  res.finished = true
}

/** The invocation has ended while Rust was to answer. */
function giveUpFile(res) {
  const pending = res[S.kFile]
  if (pending === undefined) return
  reopen(res)
  pending.abort()
}

/** Rust has not answered: the response is as it was. */
function reopen(res) {
  if (res[S.kFile] === undefined) return
  res[S.kFile] = undefined
  res[kState] = LIGHT
  res[S.kSentLength] = 0
  res._header = null
  res._headerSent = false
  res.finished = false
}

/** Rust has answered: for those who came to listen meanwhile. */
function fileSent(res) {
  res.emit('finish')
  emitClose(res)
}

module.exports = {
  setEtagFunctions,
  sendWhole,
  isOriginal,
  isPlain,
  sealForFile,
  giveUpFile,
  reopen,
  fileSent
}
