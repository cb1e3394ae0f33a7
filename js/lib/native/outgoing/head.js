'use strict'
// The head of a response that Node's methods have no part in: writeHead on a light response fixes
// status, reason and lines as Node's does, and `_header` is made when somebody looks. What is not
// plain is declined, and Node's own writeHead decides, or throws.

const { OutgoingMessage, STATUS_CODES } = require('node:http')
const F = require('../frames')
const { NodeProto, proto, LIGHT, SENT, FIXED, STREAM } = require('./proto')
const { kOutHeaders, kUniqueHeaders } = require('./proto')
const headers = require('./headers')
const S = require('../symbols')

const { OTHER, LENGTH, CONNECTION, DATE, DISPOSITION, INVALID_VALUE } = headers
const { specialOf, complete, listOf, valueIn, linesOf, nodeHeaders } = headers
const { kFlags, kState, kHeaderList, kSpecial, kServer, kBody, kEtagFn } = S
const { kFixed, kHeaderText, kRequest, kStreamOut } = S

const NOT_ASCII = /[\x80-\xff]/

/** Flags for the settings' own ETag functions; any other function runs in JavaScript. */
const etagFlags = new Map([[undefined, 0]])

/** Tells which functions Rust can stand in for. */
function setEtagFunctions(weak, strong) {
  weakEtag = weak
  etagFlags.set(weak, F.ETAG_WEAK).set(strong, F.ETAG_STRONG)
}

/** The default's function. */
let weakEtag

/** The flag for an ETag function, 0 for none; undefined if Rust cannot stand in for it. */
function etagFlagOf(fn) {
  return fn !== undefined && fn === weakEtag ? F.ETAG_WEAK : etagFlags.get(fn)
}

/**
 * Flags of a RESPOND for what the program has decided about date and connection.
 * @param {string[]} list headers that will be sent
 * @param {number} special their bits
 * @returns {number} -1 if Node must write the head
 */
function headFlags(res, list, special) {
  const keepsAlive = (res[kRequest][kFlags] & F.KEEP_ALIVE) !== 0
  if ((special & OTHER) !== 0 || res.shouldKeepAlive !== keepsAlive) return -1
  if (!res.useChunkedEncodingByDefault) return -1
  let flags = 0
  if (!res.sendDate) flags |= F.NO_DATE
  else if ((special & DATE) !== 0) {
    // without a value it is as if it were not there
    if (valueIn(list, 'date')?.length === 0) return -1
    flags |= F.NO_DATE
  }
  if ((special & CONNECTION) !== 0) {
    const value = valueIn(list, 'connection')
    if (typeof value !== 'string' || value.toLowerCase() !== 'close') return -1
    flags |= F.CONNECTION_SET | F.CLOSE
  } else if (res._removedConnection) return -1
  // beside a length, Node writes this one in another encoding
  if ((special & DISPOSITION) !== 0 && NOT_ASCII.test(valueIn(list, 'content-disposition')))
    return -1
  return flags
}

/** The internal methods that Node's own would call, as they are. */
const { _storeHeader, _send, _writeRaw, _finish } = NodeProto
let internals = null

/** True if a method that only Node's own methods call has been replaced. */
function isHookedBelow(res) {
  if (internals === null) {
    const own = proto
    internals = {
      _storeHeader: own._storeHeader ?? _storeHeader,
      _send: own._send ?? _send,
      _writeRaw: own._writeRaw ?? _writeRaw,
      _finish: own._finish ?? _finish
    }
  }
  return (
    res._storeHeader !== internals._storeHeader ||
    res._send !== internals._send ||
    res._writeRaw !== internals._writeRaw ||
    res._finish !== internals._finish
  )
}

/** What a head promises about the body, or what makes Node the one to decide (-1). */
function framing(res, status, special) {
  if (res[kBody] !== undefined) return F.LENGTH | (etagFlagOf(res[kEtagFn]) ?? 0)
  if ((special & LENGTH) !== 0 || !mayHaveBody(res, status)) return 0
  if (typeof res._contentLength === 'number' && !res._removedContLen)
    return F.LENGTH | F.LENGTH_LAST
  return res._removedTE ? -1 : F.ADD_TE
}

/** By the client's method: what a program makes of req.method changes nothing on the wire. */
function mayHaveBody(res, status) {
  return res._hasBody && status !== 204 && status !== 304
}

/**
 * Fixes the head of a light response, as Node's writeHead does.
 * @returns {boolean} false if Node's must; nothing has happened then
 */
function fix(res, status, reason, given) {
  if (typeof status !== 'number' || !Number.isInteger(status)) return false
  if (status < 200 || status > 999 || isHookedBelow(res)) return false
  if ((res[kRequest][kFlags] & UNUSUAL_REQUEST) !== 0) return false
  let message = reason
  let object = given
  if (typeof reason !== 'string') {
    message = res.statusMessage || STATUS_CODES[status] || 'unknown'
    object ??= reason
  }
  if (typeof message !== 'string' || message === '' || INVALID_VALUE.test(message)) return false

  let list = res[kHeaderList]
  let special = res[kSpecial]
  let fixedHeaders
  if (object !== undefined && object !== null) {
    if (typeof object !== 'object' || Array.isArray(object)) return false
    if (list.length === 0 && res[kBody] === undefined) {
      // Node does not take these for headers that were set
      list = plainList(res, object)
      if (list === null) return false
      special = specialOf(list)
      fixedHeaders = { ...object }
    } else {
      res.statusMessage = message
      res.statusCode = status
      for (const key of Object.keys(object)) if (key) res.setHeader(key, object[key])
      special = res[kSpecial]
    }
  }
  if (res[kBody] !== undefined && !mayHaveBody(res, status) && res._hasBody) complete(res)
  const frame = framing(res, status, special)
  const flags = frame === -1 ? -1 : headFlags(res, list, special)
  const lines = flags === -1 ? null : linesOf(res, list)
  if (lines === null || res[kState] !== LIGHT) {
    if (fixedHeaders !== undefined || object === undefined || object === null) return false
    // its headers are set already
    writeFull(res, status, message)
    return true
  }
  res.statusMessage = message
  res.statusCode = status
  if (!mayHaveBody(res, status)) res._hasBody = false
  res[kFixed] = {
    status,
    message,
    reason: message === STATUS_CODES[status] ? '' : message,
    headers: fixedHeaders,
    lines,
    flags: flags | frame,
    length: (special & LENGTH) === 0 ? null : valueIn(list, 'content-length')
  }
  res[kState] = FIXED
  return true
}

const UNUSUAL_REQUEST = F.HTTP_1_0 | F.EXPECT_CONTINUE | F.EXPECT_OTHER

function writeFull(res, status, message) {
  require('./full').full(res)
  NodeProto.writeHead.call(res, status, message)
}

/** An object of headers as a list; null if Node should look at it. */
function plainList(res, object) {
  const list = []
  for (const name of Object.keys(object)) {
    const value = object[name]
    if (!isToken(name) || !isPlainValue(value)) return null
    list.push(name.toLowerCase(), name, value)
  }
  return list
}

const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/
const isToken = (name) => TOKEN.test(name)

function isPlainValue(value) {
  if (typeof value === 'string') return !INVALID_VALUE.test(value)
  if (typeof value === 'number') return true
  return Array.isArray(value) && value.every((item) => !Array.isArray(item) && isPlainValue(item))
}

proto.writeHead = function writeHead(statusCode, reason, obj) {
  const state = this[kState]
  if (state === LIGHT) {
    if (fix(this, statusCode, reason, obj)) return this
    require('./full').full(this)
  }
  return NodeProto.writeHead.call(this, statusCode, reason, obj)
}
proto.writeHeader = proto.writeHead

proto._implicitHeader = function _implicitHeader() {
  this.writeHead(this.statusCode)
}

/** What a message must know of its connection before Node's writeHead can write the head. */
function connectionTerms(message, req) {
  const server = req[kServer]
  message._keepAliveTimeout = server.keepAliveTimeout
  message._maxRequestsPerSocket = server.maxRequestsPerSocket
  if (req[kFlags] & (F.LIMIT_REACHED | F.OVER_LIMIT)) message.maxRequestsOnConnectionReached = true
  if (kUniqueHeaders !== undefined) message[kUniqueHeaders] = server[S.kUniqueHeaders] ?? null
}

/** Fields that a program may have changed, or Node's methods have noted, on a light response. */
const KEPT = [
  'req',
  'sendDate',
  'shouldKeepAlive',
  'strictContentLength',
  '_contentLength',
  // by the client's method, whatever req.method has become since
  '_hasBody',
  '_removedConnection',
  '_removedContLen',
  '_removedTE'
]

/** The head as Node would have written it. */
function headText(res) {
  const req = res[kRequest]
  const message = Object.create(NodeProto)
  OutgoingMessage.call(message)
  for (const name of KEPT) message[name] = res[name]
  message.req = req
  if (req[kFlags] & F.HTTP_1_0) message.useChunkedEncodingByDefault = false
  connectionTerms(message, req)
  const list = listOf(res)
  if (list.length !== 0 && kOutHeaders !== undefined) message[kOutHeaders] = nodeHeaders(list)
  // what the program has made of them since changes nothing
  const sent = res[kFixed] ?? res[kStreamOut]
  message.statusMessage = sent?.message ?? res.statusMessage
  NodeProto.writeHead.call(message, sent?.status ?? res.statusCode, sent?.headers)
  return message._header
}

Object.defineProperty(proto, '_header', {
  configurable: true,
  enumerable: true,
  get() {
    const text = this[kHeaderText]
    const state = this[kState]
    if (text !== null || (state !== SENT && state !== FIXED && state !== STREAM)) return text
    return (this[kHeaderText] = headText(this))
  },
  set(value) {
    this[kHeaderText] = value
  }
})

Object.defineProperty(proto, 'headersSent', {
  configurable: true,
  enumerable: true,
  get() {
    const state = this[kState]
    if (state === LIGHT) return false
    return state === SENT || state === FIXED || state === STREAM || Boolean(this._header)
  }
})

module.exports = {
  NOT_ASCII,
  KEPT,
  fix,
  headFlags,
  isHookedBelow,
  connectionTerms,
  etagFlagOf,
  setEtagFunctions
}
