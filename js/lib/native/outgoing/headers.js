'use strict'
// The headers of a light response: a flat list of lower-case name, name as given and value, with
// Node's own checks and errors. It must not decide when the list ends; full.js and whole.js do.

const http = require('node:http')
const { NodeProto, proto, LIGHT, FULL, SENT, DONE, sample } = require('./proto')
const S = require('../symbols')

const { kState, kHeaderList, kSpecial, kServer, kBody, kEncoding, kEtagFn, kSentLength } = S
const { kRequest } = S

/** Bits for headers that decide how a message is framed, kept alive or finished. */
const OTHER = 1
const ETAG = 2
const LAST_MODIFIED = 4
const LENGTH = 8
const CONNECTION = 16
const DATE = 32
const DISPOSITION = 64

const SPECIAL = Object.assign(Object.create(null), {
  connection: CONNECTION,
  'content-disposition': DISPOSITION,
  'content-length': LENGTH,
  // Node joins its values
  cookie: OTHER,
  date: DATE,
  etag: ETAG,
  expect: OTHER,
  'keep-alive': OTHER,
  'last-modified': LAST_MODIFIED,
  trailer: OTHER,
  'transfer-encoding': OTHER,
  upgrade: OTHER
})

/**
 * Valid header names seen: lower case, bits, and the last valid value. Most headers have the same
 * value in every response, and need not be looked through again.
 */
const names = new Map()
const MAX_NAMES = 4096
const INVALID_VALUE = /[^\t\x20-\x7e\x80-\xff]/

function learnName(name) {
  http.validateHeaderName(name)
  const lower = name.toLowerCase()
  const field = { lower, special: SPECIAL[lower] ?? 0, value: undefined }
  if (names.size < MAX_NAMES) names.set(name, field)
  return field
}

/** What `res.json` and `res.send` ask for, and set, in every answer. */
const contentType = learnName('Content-Type')

/** What is known of a name, undefined if nothing is. */
function fieldOf(name) {
  return name === 'Content-Type' ? contentType : names.get(name)
}

/** True while the headers are in the flat list. */
function hasList(res) {
  const state = res[kState]
  return state !== FULL && state !== DONE && state !== undefined
}

/** The list, with what Rust adds to it if somebody may look for that. */
function listOf(res) {
  if (res[kBody] !== undefined) complete(res)
  return res[kHeaderList]
}

/** Puts into the list what is left to Rust for a body on its way: Content-Length and ETag, as Express sets them. */
function complete(res) {
  const body = res[kBody]
  if (body === undefined) return
  res[kBody] = undefined
  const encoding = res[kEncoding]
  const length = typeof body === 'string' ? Buffer.byteLength(body, encoding) : body.byteLength
  const etagFn = res[kEtagFn]
  res[kEtagFn] = undefined
  put(res, 'content-length', LENGTH, 'Content-Length', String(length))
  if (typeof etagFn === 'function' && (res[kSpecial] & ETAG) === 0) {
    const etag = etagFn(body, encoding)
    if (etag) put(res, 'etag', ETAG, 'ETag', etag)
  }
}

function put(res, lower, special, name, value) {
  if (special !== 0) res[kSpecial] |= special
  const list = res[kHeaderList]
  for (let i = 0; i < list.length; i += 3) {
    if (list[i] === lower) {
      list[i + 1] = name
      list[i + 2] = value
      return
    }
  }
  list.push(lower, name, value)
}

proto.setHeader = function setHeader(name, value) {
  if (this[kState] !== LIGHT) return NodeProto.setHeader.call(this, name, value)
  const field = fieldOf(name) ?? learnName(name)
  if (typeof value !== 'string') {
    if (typeof value !== 'number') http.validateHeaderValue(name, value)
  } else if (field.value !== value) {
    if (INVALID_VALUE.test(value)) http.validateHeaderValue(name, value)
    field.value = value
  }
  if (this[kBody] !== undefined) complete(this)
  put(this, field.lower, field.special, name, value)
  return this
}

/** The bits of the headers in a list. */
function specialOf(list) {
  let special = 0
  for (let i = 0; i < list.length; i += 3) special |= SPECIAL[list[i]] ?? 0
  return special
}

/** Index of a header in the list, -1 if it is not there. */
function indexOf(list, lower) {
  for (let i = 0; i < list.length; i += 3) if (list[i] === lower) return i
  return -1
}

/** A header's value in a list, by its lower-case name. */
function valueIn(list, lower) {
  for (let i = 0; i < list.length; i += 3) if (list[i] === lower) return list[i + 2]
  return undefined
}

proto.getHeader = function getHeader(name) {
  if (!hasList(this)) return NodeProto.getHeader.call(this, name)
  if (typeof name !== 'string') return NodeProto.getHeader.call(sample, name)
  const lower = fieldOf(name)?.lower ?? name.toLowerCase()
  const value = valueIn(this[kHeaderList], lower)
  if (value !== undefined || this[kBody] === undefined) return value
  // Rust writes these
  if (lower === 'content-length') {
    if (this[kState] === SENT) return String(this[kSentLength])
  } else if (lower !== 'etag') return undefined
  complete(this)
  return valueIn(this[kHeaderList], lower)
}

const { setHeader, getHeader } = proto

/**
 * Sets the Content-Type of a light response that has none, as getHeader and setHeader would together.
 * @param {string} value a valid one
 * @returns {boolean} false if it has one, or other methods must be asked; nothing has happened then
 */
function setFirstType(res, value) {
  if (res[kState] !== LIGHT || res[kBody] !== undefined) return false
  if (res.setHeader !== setHeader || res.getHeader !== getHeader) return false
  const list = res[kHeaderList]
  if (indexOf(list, 'content-type') !== -1) return false
  list.push('content-type', 'Content-Type', value)
  return true
}

proto.hasHeader = function hasHeader(name) {
  if (!hasList(this)) return NodeProto.hasHeader.call(this, name)
  if (typeof name !== 'string') return NodeProto.hasHeader.call(sample, name)
  return indexOf(listOf(this), name.toLowerCase()) !== -1
}

/** What Node remembers of a header that was taken away on purpose. */
const REMOVED = Object.assign(Object.create(null), {
  connection: (res) => {
    res._removedConnection = true
  },
  'content-length': (res) => {
    res._removedContLen = true
  },
  'transfer-encoding': (res) => {
    res._removedTE = true
  },
  date: (res) => {
    res.sendDate = false
  }
})

proto.removeHeader = function removeHeader(name) {
  if (this[kState] !== LIGHT) return NodeProto.removeHeader.call(this, name)
  if (typeof name !== 'string') return NodeProto.removeHeader.call(sample, name)
  const lower = fieldOf(name)?.lower ?? name.toLowerCase()
  const special = SPECIAL[lower]
  if (special !== undefined) REMOVED[lower]?.(this)
  const list = listOf(this)
  const i = indexOf(list, lower)
  if (i !== -1) {
    list.splice(i, 3)
    // several share this bit
    if (special !== undefined && special !== OTHER) this[kSpecial] &= ~special
  }
}

proto.getHeaderNames = function getHeaderNames() {
  if (!hasList(this)) return NodeProto.getHeaderNames.call(this)
  return everyThird(listOf(this), 0)
}

proto.getRawHeaderNames = function getRawHeaderNames() {
  if (!hasList(this)) return NodeProto.getRawHeaderNames.call(this)
  return everyThird(listOf(this), 1)
}

function everyThird(list, from) {
  const out = []
  for (let i = from; i < list.length; i += 3) out.push(list[i])
  return out
}

proto.getHeaders = function getHeaders() {
  if (!hasList(this)) return NodeProto.getHeaders.call(this)
  const out = Object.create(null)
  const list = listOf(this)
  for (let i = 0; i < list.length; i += 3) out[list[i]] = list[i + 2]
  return out
}

/**
 * Lines that many responses begin with: those of one response, and where each of its headers ends.
 * A response that has other headers again and again takes its place.
 */
const common = { list: [], upTo: [''], misses: 0 }
const MAX_MISSES = 100

/** Headers as lines; null if Node does something to one that Rust does not. */
function linesOf(res, list = res[kHeaderList]) {
  const known = common.list
  const length = Math.min(list.length, known.length)
  let i = 0
  while (i < length && known[i + 1] === list[i + 1] && known[i + 2] === list[i + 2]) i += 3
  let lines = common.upTo[i / 3]
  if (i === list.length && i === known.length) {
    common.misses = 0
    return lines
  }
  for (; i < list.length; i += 3) {
    const value = list[i + 2]
    if (typeof value === 'string' || typeof value === 'number')
      lines += `${list[i + 1]}: ${value}\r\n`
    else if (Array.isArray(value) && res[kRequest][kServer][S.kUniqueHeaders] === null)
      for (const item of value) lines += `${list[i + 1]}: ${item}\r\n`
    else return null
  }
  if (++common.misses === MAX_MISSES) makeCommon(list)
  return lines
}

function makeCommon(list) {
  common.list = []
  common.upTo = ['']
  common.misses = 0
  let lines = ''
  for (let i = 0; i < list.length; i += 3) {
    const value = list[i + 2]
    // an array may be changed by its owner
    if (typeof value !== 'string' && typeof value !== 'number') return
    lines += `${list[i + 1]}: ${value}\r\n`
    common.list.push(list[i], list[i + 1], value)
    common.upTo.push(Buffer.from(lines, 'latin1').latin1Slice())
  }
}

/** The list as Node keeps headers: lower-case name to [name, value]. */
function nodeHeaders(list) {
  const headers = Object.create(null)
  for (let i = 0; i < list.length; i += 3) headers[list[i]] = [list[i + 1], list[i + 2]]
  return headers
}

module.exports = {
  OTHER,
  ETAG,
  LAST_MODIFIED,
  LENGTH,
  CONNECTION,
  DATE,
  DISPOSITION,
  INVALID_VALUE,
  specialOf,
  hasList,
  listOf,
  complete,
  setFirstType,
  valueIn,
  linesOf,
  nodeHeaders
}
