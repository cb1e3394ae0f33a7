'use strict'
// Router: Express' ordered stack of layers and what registers in it. How a request goes through the
// stack is for walk.js, what the stack's changes mean for Rust's tables for registry.js.

const { METHODS } = require('node:http')
const debug = require('debug')('router')
const Layer = require('./layer')
const Route = require('./route')
const { liveStack, touch } = require('./registry')
const { walk } = require('./walk')
const {
  kStack,
  kChangedAt,
  kContainers,
  kTable,
  kTableVersion,
  kOnStale,
  kOnRead,
  kNatives,
  kExposed,
  kHandles
} = require('./symbols')

const methods = METHODS.map((method) => method.toLowerCase())

module.exports = Router
module.exports.Route = Route

/**
 * @param {{ caseSensitive?: boolean, mergeParams?: boolean, strict?: boolean }} [options]
 * @returns {Function & Router} callable as middleware
 *
 *     const router = express.Router({ mergeParams: true })
 *     router.get('/users/:id', (req, res) => res.json(req.params))
 */
function Router(options) {
  if (!(this instanceof Router)) return new Router(options)
  const opts = options || {}

  function router(req, res, next) {
    router.handle(req, res, next)
  }

  Object.setPrototypeOf(router, this)

  router.caseSensitive = opts.caseSensitive
  router.mergeParams = opts.mergeParams
  router.params = {}
  router.strict = opts.strict
  router[kStack] = []
  router[kChangedAt] = 0
  router[kContainers] = null
  router[kTable] = null
  router[kTableVersion] = 0
  router[kOnStale] = null
  router[kOnRead] = null
  router[kNatives] = []
  router[kExposed] = false
  router[kHandles] = null
  liveStack(router)

  return router
}

/* a function, so that `router instanceof Router` and Function.prototype both hold */
Router.prototype = function () {}

/**
 * Registers a callback for a path parameter: `fn(req, res, next, value, name)`.
 * @throws {TypeError} for a missing or wrong argument
 */
Router.prototype.param = function param(name, fn) {
  if (!name) throw new TypeError('argument name is required')
  if (typeof name !== 'string') throw new TypeError('argument name must be a string')
  if (!fn) throw new TypeError('argument fn is required')
  if (typeof fn !== 'function') throw new TypeError('argument fn must be a function')

  let callbacks = this.params[name]
  if (!callbacks) callbacks = this.params[name] = []
  callbacks.push(fn)
  return this
}

/**
 * Dispatches a request into this router.
 * @param {Function} callback called when no layer answered, or with the error left over
 */
Router.prototype.handle = function handle(req, res, callback) {
  if (!callback) throw new TypeError('argument callback is required')
  walk(this, req, res, callback)
}

/**
 * Registers middleware, optionally below a path.
 * @throws {TypeError} for a missing or wrong handler
 */
Router.prototype.use = function use(handler) {
  let offset = 0
  let path = '/'

  // the first argument is a path unless it is (an array of) functions
  if (typeof handler !== 'function') {
    let arg = handler
    while (Array.isArray(arg) && arg.length !== 0) arg = arg[0]
    if (typeof arg !== 'function') {
      offset = 1
      path = handler
    }
  }

  const callbacks = Array.prototype.slice.call(arguments, offset).flat(Infinity)
  if (callbacks.length === 0) throw new TypeError('argument handler is required')

  for (const fn of callbacks) {
    if (typeof fn !== 'function') throw new TypeError('argument handler must be a function')
    debug('use %o %s', path, fn.name || '<anonymous>')

    const layer = new Layer(path, { sensitive: this.caseSensitive, strict: false, end: false }, fn)
    layer.route = undefined
    this[kStack].push(layer)
    touch(this)
  }
  return this
}

/** Creates a route for a path; its handlers are added by `.get(fn)` and so on. */
Router.prototype.route = function route(path) {
  const route = new Route(path)

  const layer = new Layer(
    path,
    { sensitive: this.caseSensitive, strict: this.strict, end: true },
    handle
  )
  function handle(req, res, next) {
    route.dispatch(req, res, next)
  }
  layer.route = route

  this[kStack].push(layer)
  touch(this)
  return route
}

/**
 * Lists what is registered on this router itself: one entry a path, with the
 * methods of a route (`*` for all()) or the nested router.
 * @returns {{ path: *, methods: string[] | undefined, router: Function | undefined }[]}
 */
Router.prototype.listRoutes = function listRoutes() {
  const routes = []
  for (const layer of this[kStack]) {
    const route = layer.route
    const stack = layer.handle[kStack] ?? layer.handle.stack
    const router = !route && Array.isArray(stack) ? layer.handle : undefined
    if (!route && !router) continue

    const methods = route ? route._methods(true) : undefined
    if (Array.isArray(layer.rawPath)) {
      for (const path of layer.rawPath) {
        routes.push({ path, methods: methods && [...methods], router })
      }
    } else {
      routes.push({ path: layer.rawPath, methods, router })
    }
  }
  return routes
}

for (const method of [...methods, 'all']) {
  Router.prototype[method] = function (path) {
    const route = this.route(path)
    route[method].apply(route, Array.prototype.slice.call(arguments, 1))
    return this
  }
}
