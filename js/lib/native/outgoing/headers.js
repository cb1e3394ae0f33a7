'use strict'
// The headers of a light response: a flat list of lower-case name, name as given and value, with
// Node's own checks and errors. It must not decide when the list ends; full.js does.

const http = require('node:http')
const { NodeProto, proto, LIGHT, SENT, hasList, sample } = require('./proto')
const S = require('../symbols')

const { kState, kHeaderList, kSpecial } = S

/** Headers whose presence decides how a message is framed or kept alive. */
const SPECIAL = Object.assign(Object.create(null), {
  connection: 1,
  'content-length': 1,
  date: 1,
  etag: 2,
  expect: 1,
  'keep-alive': 1,
  'last-modified': 4,
  trailer: 1,
  'transfer-encoding': 1,
  upgrade: 1
})

/** Valid header names seen, with their lower case. */
const names = new Map()
const MAX_NAMES = 4096
const INVALID_VALUE = /[^\t\x20-\x7e\x80-\xff]/

function lowerName(name) {
  const known = names.get(name)
  if (known !== undefined) return known
  http.validateHeaderName(name)
  const lower = name.toLowerCase()
  if (names.size < MAX_NAMES) names.set(name, lower)
  return lower
}

proto.setHeader = function setHeader(name, value) {
  if (this[kState] !== LIGHT) return NodeProto.setHeader.call(this, name, value)
  const lower = lowerName(name)
  if (typeof value !== 'string') {
    if (typeof value !== 'number') http.validateHeaderValue(name, value)
  } else if (INVALID_VALUE.test(value)) http.validateHeaderValue(name, value)
  const special = SPECIAL[lower]
  if (special !== undefined) this[kSpecial] |= special
  const list = this[kHeaderList]
  for (let i = 0; i < list.length; i += 3) {
    if (list[i] === lower) {
      list[i + 1] = name
      list[i + 2] = value
      return this
    }
  }
  list.push(lower, name, value)
  return this
}

/** Index of a header in the list, -1 if it is not there. */
function indexOf(list, lower) {
  for (let i = 0; i < list.length; i += 3) if (list[i] === lower) return i
  return -1
}

proto.getHeader = function getHeader(name) {
  if (!hasList(this)) return NodeProto.getHeader.call(this, name)
  if (typeof name !== 'string') return NodeProto.getHeader.call(sample, name)
  const lower = names.get(name) ?? name.toLowerCase()
  const list = this[kHeaderList]
  for (let i = 0; i < list.length; i += 3) if (list[i] === lower) return list[i + 2]
  // Rust has written this one
  if (this[kState] === SENT && lower === 'content-length' && this[S.kSentLength] >= 0)
    return String(this[S.kSentLength])
  return undefined
}

proto.hasHeader = function hasHeader(name) {
  if (!hasList(this)) return NodeProto.hasHeader.call(this, name)
  if (typeof name !== 'string') return NodeProto.hasHeader.call(sample, name)
  return indexOf(this[kHeaderList], name.toLowerCase()) !== -1
}

proto.removeHeader = function removeHeader(name) {
  if (this[kState] !== LIGHT) return NodeProto.removeHeader.call(this, name)
  const lower = typeof name === 'string' ? name.toLowerCase() : undefined
  // Node remembers that these were taken away on purpose
  if (lower === undefined || SPECIAL[lower] === 1)
    return NodeProto.removeHeader.call(require('./full').full(this), name)
  const list = this[kHeaderList]
  const i = indexOf(list, lower)
  if (i !== -1) {
    list.splice(i, 3)
    if (SPECIAL[lower] !== undefined) this[kSpecial] &= ~SPECIAL[lower]
  }
}

proto.getHeaderNames = function getHeaderNames() {
  if (!hasList(this)) return NodeProto.getHeaderNames.call(this)
  return everyThird(this[kHeaderList], 0)
}

proto.getRawHeaderNames = function getRawHeaderNames() {
  if (!hasList(this)) return NodeProto.getRawHeaderNames.call(this)
  return everyThird(this[kHeaderList], 1)
}

function everyThird(list, from) {
  const out = []
  for (let i = from; i < list.length; i += 3) out.push(list[i])
  return out
}

proto.getHeaders = function getHeaders() {
  if (!hasList(this)) return NodeProto.getHeaders.call(this)
  const out = Object.create(null)
  const list = this[kHeaderList]
  for (let i = 0; i < list.length; i += 3) out[list[i]] = list[i + 2]
  return out
}

/** The headers as lines; null if one has a value of another type than setHeader takes. */
function linesOf(res) {
  const list = res[kHeaderList]
  let lines = ''
  for (let i = 0; i < list.length; i += 3) {
    const value = list[i + 2]
    if (typeof value === 'string' || typeof value === 'number')
      lines += `${list[i + 1]}: ${value}\r\n`
    else if (Array.isArray(value)) for (const item of value) lines += `${list[i + 1]}: ${item}\r\n`
    else return null
  }
  return lines
}

/** The list as Node keeps headers: lower-case name to [name, value]. */
function nodeHeaders(list) {
  const headers = Object.create(null)
  for (let i = 0; i < list.length; i += 3) headers[list[i]] = [list[i + 1], list[i + 2]]
  return headers
}

module.exports = { linesOf, nodeHeaders }
