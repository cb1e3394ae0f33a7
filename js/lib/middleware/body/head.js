// The header fields a body parser looks at, of a native request, without building `req.headers`.
// Knows their names only; what the values mean is for the parsers.
'use strict'

const { partsOf } = require('../../native/incoming')
const { kFlags, kHead, kHeaders, kServer } = require('../../native/symbols')
const { lazy } = require('../../lazy')
const F = require('../../native/frames')

const typeis = lazy(() => require('type-is'))

/** Parts of a head with as many fields as `headers` takes by default (maxHeadersCount). */
const MOST_PARTS = 3 + 2 * 1000
const LENGTH_FIELD = /\ncontent-length\n/i

/** What `read` has found; overwritten by the next call (no request keeps it). */
const fields = { type: undefined, length: undefined, encoding: undefined }

/** Whether somebody has seen `headers` or `rawHeaders`, and so may have changed them. */
function isTouched(req) {
  return (
    req[kHeaders] !== undefined || Object.hasOwn(req, 'rawHeaders') || Object.hasOwn(req, 'headers')
  )
}

/**
 * As `hasBody` of type-is: a Content-Length of 0 announces a body as well, which the frame's flag
 * does not say.
 *
 * @param {boolean} touched  see `isTouched`
 */
function announcesBody(req, touched) {
  if (touched) return typeis().hasBody(req)
  if ((req[kFlags] & F.HAS_BODY) !== 0) return true
  const head = req[kHead]
  // a value may look like the name, so this only rules out
  return head !== null && LENGTH_FIELD.test(head) && typeis().hasBody(req)
}

/**
 * Content-Type, Content-Length and Content-Encoding, as `req.headers` would have them.
 *
 * @param {boolean} touched  see `isTouched`
 * @return {{ type?: string, length?: string, encoding?: string }}  valid until the next call
 */
function read(req, touched) {
  if (touched) return fromHeaders(req)
  fields.type = fields.length = fields.encoding = undefined
  const parts = partsOf(req)
  if (parts.length > MOST_PARTS || req[kServer].maxHeadersCount != null) return fromHeaders(req)

  for (let i = 3; i + 1 < parts.length; i += 2) {
    const name = parts[i]
    const size = name.length
    if (size !== 12 && size !== 14 && size !== 16) continue
    // "c" and "-" where these three have them: most others are out before their case is changed
    if ((name.charCodeAt(0) | 32) !== 99 || name.charCodeAt(7) !== 45) continue
    const field = fieldOf(name)
    if (field === undefined) continue
    // Node's rules for fields that come twice differ with the field
    if (fields[field] !== undefined) return fromHeaders(req)
    fields[field] = parts[i + 1]
  }
  return fields
}

function fieldOf(name) {
  switch (name) {
    case 'Content-Type':
    case 'content-type':
      return 'type'
    case 'Content-Length':
    case 'content-length':
      return 'length'
    case 'Content-Encoding':
    case 'content-encoding':
      return 'encoding'
  }
  const lower = name.toLowerCase()
  return lower === name ? undefined : fieldOf(lower)
}

function fromHeaders(req) {
  const { headers } = req
  fields.type = headers['content-type']
  fields.length = headers['content-length']
  fields.encoding = headers['content-encoding']
  return fields
}

module.exports = { announcesBody, isTouched, read }
