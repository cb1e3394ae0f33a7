// Helpers shared by application, request and response; the same names as Express' lib/utils,
// because tools reach for them. Nothing here may depend on an application.
'use strict'

const { METHODS } = require('node:http')
const querystring = require('node:querystring')
const createETag = require('etag')
const { withCharset, withUtf8 } = require('./content-type')
const { lazy } = require('./lazy')
const { trustNobody } = require('./settings')

const mime = lazy(() => require('mime-types'))
const proxyaddr = lazy(() => require('proxy-addr'))
const qs = lazy(() => require('qs'))

/**
 * The HTTP methods Node's parser knows, in lower case: each is a method of app, router and route.
 */
exports.methods = METHODS.map((method) => method.toLowerCase())

const etagGenerator = (options) =>
  function generateETag(body, encoding) {
    return createETag(Buffer.isBuffer(body) ? body : Buffer.from(body, encoding), options)
  }

/**
 * Strong ETag of a body.
 *
 * @param {string|Buffer} body
 * @param {string} [encoding]
 * @return {string}
 */
exports.etag = etagGenerator({ weak: false })

/** Weak ETag of a body; the default of the "etag" setting. Same arguments as `etag`. */
exports.wetag = etagGenerator({ weak: true })

/**
 * Media type for an extension name or a media type with parameters.
 *
 *     normalizeType('html')              // { value: 'text/html', params: {} }
 *     normalizeType('text/html;level=1') // { value: 'text/html', quality: 1, params: { level: '1' } }
 *
 * @param {string} type
 * @return {{ value: string, quality?: number, params: object }}
 */
exports.normalizeType = function normalizeType(type) {
  if (type.includes('/')) return parseMediaType(type)
  return { value: mime().lookup(type) || 'application/octet-stream', params: {} }
}

/** `normalizeType` for a list. */
exports.normalizeTypes = function normalizeTypes(types) {
  return types.map(exports.normalizeType)
}

/** Split `type/subtype; name=value; q=0.5`; pieces without `=` are passed over. */
function parseMediaType(str) {
  const [value, ...pieces] = str.split(';')
  const parsed = { value: value.trim(), quality: 1, params: {} }

  for (const piece of pieces) {
    const equals = piece.indexOf('=')
    if (equals === -1) continue

    const name = piece.slice(0, equals).trim()
    const text = piece.slice(equals + 1).trim()
    if (name === 'q') parsed.quality = Number.parseFloat(text)
    else parsed.params[name] = text
  }

  return parsed
}

/**
 * Function for a value of the "etag" setting.
 *
 * @param {boolean|'weak'|'strong'|Function} val
 * @return {Function|undefined} undefined when ETags are off
 * @throws {TypeError} for any other value
 */
exports.compileETag = function compileETag(val) {
  if (typeof val === 'function') return val

  switch (val) {
    case true:
    case 'weak':
      return exports.wetag
    case 'strong':
      return exports.etag
    case false:
      return undefined
    default:
      throw new TypeError(`unknown value for etag function: ${val}`)
  }
}

/**
 * Function for a value of the "query parser" setting.
 *
 * @param {boolean|'simple'|'extended'|Function} val
 * @return {Function|undefined} undefined when parsing is off
 * @throws {TypeError} for any other value
 */
exports.compileQueryParser = function compileQueryParser(val) {
  if (typeof val === 'function') return val

  switch (val) {
    case true:
    case 'simple':
      return querystring.parse
    case 'extended':
      return parseExtendedQuery
    case false:
      return undefined
    default:
      throw new TypeError(`unknown value for query parser function: ${val}`)
  }
}

function parseExtendedQuery(str) {
  return qs().parse(str, { allowPrototypes: true })
}

/**
 * Function `(address, hop) => boolean` for a value of the "trust proxy" setting.
 *
 * @param {boolean|number|string|string[]|Function} val  all, hops, (comma separated) addresses or
 *   subnets
 * @return {Function}
 */
exports.compileTrust = function compileTrust(val) {
  if (typeof val === 'function') return val
  if (val === true) return () => true
  // the default
  if (!val) return trustNobody
  if (typeof val === 'number') return (_address, hop) => hop < val
  if (typeof val === 'string') return proxyaddr().compile(val.split(',').map((part) => part.trim()))
  return proxyaddr().compile(val)
}

/**
 * Set the charset parameter of a Content-Type.
 *
 * @param {string} type
 * @param {string} charset
 * @return {string}
 */
exports.setCharset = function setCharset(type, charset) {
  if (!type || !charset) return type
  return charset === 'utf-8' ? withUtf8(type) : withCharset(type, charset)
}
