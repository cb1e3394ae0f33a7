'use strict'
// Route: the handlers of one path, by method. Its stack is as live as a
// router's: removing a layer from `route.stack` removes the handler.

const debug = require('debug')('router:route')
const { METHODS } = require('node:http')
const Layer = require('./layer')
const { requestChannel, shouldTrace } = require('./tracing')
const { invoke } = Layer
const { liveStack, touch } = require('./registry')
const { kStack, kChangedAt, kContainers } = require('./symbols')

const methods = METHODS.map((method) => method.toLowerCase())

/** @param {string | RegExp | Array} path */
function Route(path) {
  debug('new %o', path)
  this.path = path
  this[kStack] = []
  this[kChangedAt] = 0
  this[kContainers] = null
  liveStack(this)
  // which methods have handlers; `_all` for those registered by all()
  this.methods = Object.create(null)
}

/** True if a request with this method would be handled (GET answers HEAD). */
Route.prototype._handlesMethod = function _handlesMethod(method) {
  if (this.methods._all) return true
  const name = typeof method === 'string' ? method.toLowerCase() : method
  if (name === 'head' && !this.methods.head) return Boolean(this.methods.get)
  return Boolean(this.methods[name])
}

/**
 * Upper-case names of the methods, HEAD implied by GET.
 * @param {boolean} [includeAll] list `all()` as `*`
 */
Route.prototype._methods = function _methods(includeAll) {
  const names = []
  for (const method of Object.keys(this.methods)) {
    if (method !== '_all') names.push(method.toUpperCase())
    else if (includeAll) names.push('*')
  }
  if (this.methods.get && !this.methods.head) names.push('HEAD')
  return names
}

/** Runs the handlers registered for the request's method, in order. */
Route.prototype.dispatch = function dispatch(req, res, done) {
  const stack = this[kStack]
  if (stack.length === 0) return done()

  let method = lowerCase(req.method)
  if (method === 'head' && !this.methods.head) method = 'get'

  req.route = this

  let idx = 0
  let sync = 0
  const traced = shouldTrace(requestChannel)
  next()

  function next(err) {
    if (err) {
      if (err === 'route') return done()
      if (err === 'router') return done(err)
    }
    if (idx >= stack.length) return done(err)
    // a long run of synchronous handlers must not exhaust the call stack
    if (++sync > 100) return setImmediate(next, err)

    let layer
    while (idx < stack.length) {
      const candidate = stack[idx++]
      if (!candidate.method || candidate.method === method) {
        layer = candidate
        break
      }
    }
    if (layer === undefined) return done(err)

    if (err) layer.handleError(err, req, res, next)
    else if (traced) layer.handleRequest(req, res, next)
    else invoke(layer, req, res, next)
    sync = 0
  }
}

const LOWER = Object.assign(
  Object.create(null),
  Object.fromEntries(METHODS.map((m) => [m, m.toLowerCase()]))
)

function lowerCase(method) {
  if (method === 'GET') return 'get'
  return typeof method === 'string' ? LOWER[method] || method.toLowerCase() : method
}

function add(route, method, args) {
  const handlers = Array.prototype.flat.call(Array.prototype.slice.call(args), Infinity)
  if (handlers.length === 0) throw new TypeError('argument handler is required')

  for (const fn of handlers) {
    if (typeof fn !== 'function') throw new TypeError('argument handler must be a function')
    debug('%s %s', method || 'all', route.path)
    const layer = new Layer('/', {}, fn)
    layer.method = method
    route.methods[method || '_all'] = true
    route[kStack].push(layer)
  }
  touch(route)
  return route
}

/** Handlers for every method. */
Route.prototype.all = function all() {
  return add(this, undefined, arguments)
}

for (const method of methods) {
  Route.prototype[method] = function () {
    return add(this, method, arguments)
  }
}

module.exports = Route
