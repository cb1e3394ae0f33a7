'use strict'
// Layer: one handler registered in a router (with a path) or in a route (with a
// method). Express' fields (`handle`, `name`, `rawPath`, `slash`, `route`,
// `method`) are public and live; matching is asked of Rust, never done here,
// except for RegExp paths, whose dialect is JavaScript's own.

const isPromise = require('is-promise')
const debug = require('debug')('router:layer')
const deprecate = require('depd')('router')
const native = require('../native')
const PathError = require('./path-error')
const { kMatchedRoute } = require('./symbols')
const { requestChannel, shouldTrace, traceLayer } = require('./tracing')

const kPatterns = Symbol('rnode.layer.patterns')
const kOptions = Symbol('rnode.layer.options')
/** The handle whose arity kArity is: reading `length` of a function is slow. */
const kKnown = Symbol('rnode.layer.known')
const kArity = Symbol('rnode.layer.arity')
/** The handle that a walk may call by itself, see plainHandle; undefined until one is known. */
const kPlain = Symbol('rnode.layer.plain')

/** `(` that opens a capturing group, with its name if it has one. */
const CAPTURING_GROUP = /\((?:\?<(.*?)>)?(?!\?)/g

const CAPTURE_PERCENT = 1
const CAPTURE_WILDCARD = 2

const noop = () => {}

/**
 * @param {string | RegExp | Array} path
 * @param {{ sensitive?: boolean, strict?: boolean, end?: boolean }} options
 * @param {Function} fn
 * @throws {PathError} for a string path that does not parse
 */
function Layer(path, options, fn) {
  if (!(this instanceof Layer)) return new Layer(path, options, fn)

  debug('new %o', path)
  const opts = options || {}
  const end = opts.end !== false

  this.handle = fn
  this.name = fn.name || '<anonymous>'
  // nested arrays are flattened, and the caller's array is not kept
  this.rawPath = Array.isArray(path) ? path.flat(Infinity) : path
  this.slash = path === '/' && opts.end === false
  this.route = undefined
  this[kKnown] = fn
  this[kArity] = fn.length
  this[kPlain] = undefined

  this[kOptions] = { sensitive: Boolean(opts.sensitive), strict: Boolean(opts.strict), end }
  this[kPatterns] = null
  if (!this.slash) {
    const paths = Array.isArray(this.rawPath) ? this.rawPath : [path]
    this[kPatterns] = paths.map((p) => compile(p, this[kOptions]))
  }
}

const ROOT = { regexp: null, text: '/', keys: [] }

/**
 * A string pattern is checked by Rust now, so that a bad one throws where it was
 * registered; a RegExp becomes a list of its group names.
 */
function compile(path, options) {
  if (path instanceof RegExp) {
    const keys = []
    let index = 0
    for (const group of path.source.matchAll(CAPTURING_GROUP)) keys.push(group[1] || index++)
    return { regexp: path, text: null, keys }
  }
  const text = String(path)
  // every handler of a route is a layer at '/', which needs no parsing again and again
  if (text === '/') return ROOT
  const keys = native.parsePattern(text, options.sensitive, options.strict, options.end)
  if (typeof keys === 'string') throw new PathError(keys, text)
  return { regexp: null, text, keys }
}

/** Calls an error handler (four arguments), or passes the error on. */
Layer.prototype.handleError = function handleError(error, req, res, next) {
  const fn = this.handle
  if (fn.length !== 4) return next(error)

  if (shouldTrace(requestChannel)) {
    traceLayer((tracedNext) => fn(error, req, res, tracedNext), next, {
      req,
      res,
      incomingError: error,
      layer: this,
      handler: fn,
      route: req[kMatchedRoute],
      errorHandler: true
    })
    return
  }

  try {
    const ret = fn(error, req, res, next)
    if (isPromise(ret)) settle(ret, next)
  } catch (err) {
    next(err)
  }
}

/** Calls a request handler; one with more than three arguments is stepped over. */
Layer.prototype.handleRequest = function handleRequest(req, res, next) {
  const fn = this.handle
  if (fn.length > 3) return next()

  // The layer that dispatches a route is not traced: the handlers inside are.
  if (!this.route && shouldTrace(requestChannel)) {
    traceLayer((tracedNext) => fn(req, res, tracedNext), next, {
      req,
      res,
      layer: this,
      handler: fn,
      route: req[kMatchedRoute]
    })
    return
  }

  try {
    const ret = fn(req, res, next)
    if (ret !== undefined && isPromise(ret)) settle(ret, next)
  } catch (err) {
    next(err)
  }
}

const { handleRequest } = Layer.prototype

/**
 * handleRequest without its look at the tracing channel, for a walk that has
 * looked already.
 */
function invoke(layer, req, res, next) {
  // a layer of another router, or a patched one, goes its own way
  if (layer.handleRequest !== handleRequest) return layer.handleRequest(req, res, next)
  const fn = layer.handle
  if (fn !== layer[kKnown]) {
    layer[kKnown] = fn
    layer[kArity] = fn.length
  }
  if (layer[kArity] > 3) return next()
  call(fn, req, res, next)
}

/** The part of handleRequest that enters the app. */
function call(fn, req, res, next) {
  try {
    const ret = fn(req, res, next)
    if (ret !== undefined && ret !== res) settleAny(ret, next)
  } catch (err) {
    next(err)
  }
}

// Middleware looks for this name on the stack to tell whether it is within a request.
Object.defineProperty(call, 'name', { value: 'Layer.handleRequest' })

/**
 * The function of middleware without a path that a walk may call by itself, if handleRequest is the one here: nothing is
 * captured or taken off the URL. undefined for other layers.
 */
function plainHandle(layer) {
  const fn = layer.handle
  if (fn === layer[kPlain] && layer.handleRequest === handleRequest) return fn
  if (!layer.slash || layer.route !== undefined || fn.length > 3) return undefined
  if (layer.handleRequest !== handleRequest) return undefined
  layer[kPlain] = fn
  return fn
}

/** What a handler has returned, if it was anything at all. */
function settleAny(value, next) {
  if (isPromise(value)) settle(value, next)
}

/** A rejected promise is an error for the next error handler. */
function settle(promise, next) {
  if (!(promise instanceof Promise)) {
    deprecate('handlers that are Promise-like are deprecated, use a native Promise instead')
  }
  promise.then(noop, (error) => {
    next(error || new Error('Rejected promise'))
  })
}

/**
 * Matches a pathname; used for RegExp layers and by those who hold a layer.
 * @param {string} path
 * @returns {false | { params: object, path: string, keys: string[], pattern: * }}
 * @throws {URIError} status 400, for a parameter that cannot be decoded
 */
Layer.prototype.match = function match(path) {
  if (path == null) return false
  if (this.slash) return { params: {}, path: '', keys: [], pattern: this.rawPath }

  const patterns = this[kPatterns]
  for (let i = 0; i < patterns.length; i++) {
    const pattern = patterns[i]
    const found = pattern.regexp
      ? matchRegExp(pattern, path)
      : matchText(pattern, this[kOptions], path)
    if (found) {
      return {
        params: found.params,
        path: found.path,
        keys: Object.keys(found.params),
        pattern: Array.isArray(this.rawPath) ? this.rawPath[i] : this.rawPath
      }
    }
  }
  return false
}

function matchRegExp(pattern, path) {
  const match = pattern.regexp.exec(path)
  if (!match) return false
  const params = {}
  for (let i = 1; i < match.length; i++) {
    const value = decodeParam(match[i])
    if (value !== undefined) params[pattern.keys[i - 1]] = value
  }
  return { params, path: match[0] }
}

function matchText(pattern, options, path) {
  const words = native.matchPattern(
    pattern.text,
    options.sensitive,
    options.strict,
    options.end,
    path
  )
  if (words === null) return false
  return {
    params: readCaptures(words, 2, words[1], pattern.keys, path),
    path: path.slice(0, words[0])
  }
}

/**
 * Builds `req.params` from capture words (see docs/internals/frames.md).
 * @param {number[] | Int32Array} words
 * @param {number} pos index of the first capture
 * @param {number} count
 * @param {string[]} keys the pattern's key names
 * @param {string} path the pathname that the offsets refer to
 */
function readCaptures(words, pos, count, keys, path) {
  const params = Object.create(null)
  for (let i = 0; i < count; i++, pos += 3) {
    const head = words[pos]
    const flags = head >>> 24
    const start = words[pos + 1]
    const text = path.substring(start, start + words[pos + 2])
    const key = keys[head & 0xffffff]
    if (flags === 0) params[key] = text
    else if (flags & CAPTURE_WILDCARD) params[key] = text.split('/').map(decodeParam)
    else if (flags & CAPTURE_PERCENT) params[key] = decodeParam(text)
  }
  return params
}

// An engine that has seen one name alone (Node 20's) goes on to learn the store for that name at every request, since nothing
// can be learnt of an object without a prototype. Having seen many, it looks the name up.
for (let i = 0; i < 64; i++) readCaptures([0, 0, 0], 0, 1, [`key${i}`], '')

/** decodeURIComponent with Express' error (400 `Failed to decode param '…'`). */
function decodeParam(value) {
  if (typeof value !== 'string' || value.length === 0 || !value.includes('%')) return value
  try {
    return decodeURIComponent(value)
  } catch (err) {
    if (err instanceof URIError) {
      err.message = `Failed to decode param '${value}'`
      err.status = err.statusCode = 400
    }
    throw err
  }
}

/** True if calling the layer is calling its `handle`: nobody has replaced the method in between. */
function isOrdinary(layer) {
  return layer.handleRequest === handleRequest
}

/** True if Rust can match every path of the layer. */
function isMatchedByRust(layer) {
  return layer instanceof Layer && (layer.slash || layer[kPatterns].every((p) => p.regexp === null))
}

module.exports = Layer
module.exports.kPatterns = kPatterns
module.exports.kOptions = kOptions
module.exports.handleRequest = handleRequest
module.exports.invoke = invoke
module.exports.call = call
module.exports.settleAny = settleAny
module.exports.plainHandle = plainHandle
module.exports.readCaptures = readCaptures
module.exports.isMatchedByRust = isMatchedByRust
module.exports.isOrdinary = isOrdinary
