'use strict'
// The head of a native-backed request as Node's programs see it: headers in their forms,
// version, trailers. All of it is cut out of the frame's one string when it is first asked for.

const F = require('../frames')
const { NodeProto, lazy, nodeGetter, override } = require('./proto')
const S = require('../symbols')

const { kSlot, kFlags, kParts, kHead, kServer } = S
const { kHeaders, kDistinct, kTrailerParts, kTrailers, kTrailersDistinct } = S

const NO_PARTS = []

/** url, remote address, local address, then names and values. */
function partsOf(req) {
  let parts = req[kParts]
  if (parts === null) {
    parts = req[kHead] === null ? NO_PARTS : req[kHead].split('\n')
    req[kParts] = parts
  }
  return parts
}

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

/** Names in the case received, with the name in `headers`; '' for what Node must look at. */
const fields = new Map()
const MAX_FIELDS = 1024

/** The name under which Node keeps a header that comes once. */
function fieldOf(req, name) {
  const dest = {}
  addHeaderLine.call(req, name, '', dest)
  const [field] = Object.keys(dest)
  const known = typeof dest[field] === 'string' && field !== '__proto__' ? field : ''
  if (fields.size < MAX_FIELDS && name.length < 128) fields.set(name, known)
  return known
}

/** `headers`: by Node's rules for those that come again, which decide how values are joined. */
function collectHeaders(req, parts, from) {
  const dest = {}
  for (let i = from; i + 1 < parts.length; i += 2) {
    const name = parts[i]
    const field = fields.get(name) ?? fieldOf(req, name)
    if (field !== '' && dest[field] === undefined) dest[field] = parts[i + 1]
    else addHeaderLine.call(req, name, parts[i + 1], dest)
  }
  return dest
}

/** What counts for `headers`; the raw ones may hold a few more than maxHeadersCount, as Node's. */
function limited(req, parts, from) {
  const end = from + 2 * (req[kServer].maxHeadersCount ?? 1000)
  return end > from && parts.length > end ? parts.slice(0, end) : parts
}

/** Names and values as they came, from an index on. */
function ownParts(req) {
  return { parts: limited(req, partsOf(req), 3), from: 3 }
}

/** The same of `rawHeaders`, which a program may have replaced: as many as came, be they there or not. */
function rawParts(req) {
  const own = ownParts(req)
  if (!Object.hasOwn(req, 'rawHeaders')) return own
  const raw = Array.from(req.rawHeaders)
  raw.length = own.parts.length - own.from
  return { parts: raw, from: 0 }
}

const nodeHeaders = nodeGetter('headers')
const nodeDistinct = nodeGetter('headersDistinct')
const nodeTrailers = nodeGetter('trailers')
const nodeTrailersDistinct = nodeGetter('trailersDistinct')

override(
  'headers',
  function headers() {
    if (this[kSlot] === undefined) return nodeHeaders.call(this)
    const known = this[kHeaders]
    if (known !== undefined) return known
    // of an HTTP/1.1 request Node has looked at them (for Host) before a program can replace the raw ones
    const isEarly = (this[kFlags] & F.HTTP_1_0) === 0
    const src = isEarly ? ownParts(this) : rawParts(this)
    return (this[kHeaders] = collectHeaders(this, src.parts, src.from))
  },
  kHeaders
)

override(
  'headersDistinct',
  function headersDistinct() {
    if (this[kSlot] === undefined) return nodeDistinct.call(this)
    if (this[kDistinct] === undefined) {
      const { parts, from } = rawParts(this)
      this[kDistinct] = distinct(this, parts, from)
    }
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

module.exports = { partsOf }
