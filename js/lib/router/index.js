'use strict'
// Router: Express' ordered stack of layers, walked along a plan that Rust made.
// Nothing is matched here (RegExp layers excepted); moves in the plan follow
// router 2.3: next(), next('route'), next('router'), next(err), param callbacks.

const { METHODS } = require('node:http')
const debug = require('debug')('router')
const isPromise = require('is-promise')
const parseUrl = require('parseurl')
const Layer = require('./layer')
const Route = require('./route')
const { invoke, isPlainLayer, settle } = Layer
const { processParams } = require('./param')
const { Plan, Params } = require('./plan')
const { liveStack, touch, childOf } = require('./registry')
const { recordError, requestChannel, shouldTrace } = require('./tracing')
const {
  kStack,
  kChangedAt,
  kContainers,
  kTable,
  kTableVersion,
  kOnStale,
  kOnRead,
  kNatives,
  kMatchedRoute,
  kParsedUrl,
  kUntrimmedUrl
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
  // asked once per dispatch: both questions cost more than a whole step of the walk
  const debugging = debug.enabled
  const traced = shouldTrace(requestChannel)
  if (debugging) debug('dispatching %s %s', req.method, req.url)

  const self = this
  const isPlain = !traced && !debugging && !this.mergeParams
  const parentParams = req.params
  const parentUrl = req.baseUrl || ''
  const parentBaseUrl = req.baseUrl
  const parentNext = req.next
  const parentMatched = req[kMatchedRoute]
  const protohost = getProtohost(req.url)
  const stack = this[kStack]
  const plan = Plan.enter(this, req)

  /** Methods for an automatic OPTIONS answer; null for other requests. */
  const allowed = req.method === 'OPTIONS' ? [] : null
  /** Index after the last layer visited: a plan made anew goes on from here. */
  let idx = 0
  let removed = ''
  let slashAdded = false
  /** next() calls since a layer has last returned. */
  let sync = 0
  /** What param callbacks were called with, by name; made on first use. */
  let paramCalled = null

  req.next = next
  req.baseUrl = parentUrl
  if (req[kUntrimmedUrl] !== undefined) req[kUntrimmedUrl] = undefined
  req.originalUrl = req.originalUrl || req.url

  next()

  function done(err) {
    if (allowed !== null && !err && allowed.length !== 0) {
      try {
        sendOptionsResponse(res, allowed)
        return
      } catch (error) {
        err = error
      }
    }
    req.baseUrl = parentBaseUrl
    req.next = parentNext
    req.params = parentParams
    req[kMatchedRoute] = parentMatched
    return callback(err)
  }

  function next(err) {
    // the most frequent step by far: from one middleware without a path to another
    if (isPlain && !err && removed === '') {
      const index = plan.peekPlain(req)
      if (index !== -1) {
        const layer = stack[index]
        if (isPlainLayer(layer)) {
          // a long run of synchronous handlers must not exhaust the call stack
          if (++sync > 100) return setImmediate(next, err)
          plan.skipPlain()
          idx = index + 1
          req.params = new Params()
          const fn = layer.handle
          try {
            const ret = fn(req, res, next)
            if (ret !== undefined && ret !== res && isPromise(ret)) settle(ret, next)
          } catch (error) {
            next(error)
          }
          if (sync !== 0) sync = 0
          return
        }
      }
    }
    step(err)
  }

  /** next() for whatever the short step does not do. */
  function step(err) {
    if (err) recordError(req, err)
    let layerError = err === 'route' ? null : err

    // take the slash away again, unless the layer rewrote the path below a
    // mount path that has no slash of its own
    if (slashAdded) {
      const pathIsRoot = req.url === '/' || req.url.startsWith('/?')
      if (pathIsRoot || (removed.endsWith('/') && req.url[0] === '/')) req.url = req.url.slice(1)
      slashAdded = false
    }
    if (removed.length !== 0) {
      req.baseUrl = parentUrl
      req.url = protohost + removed + req.url.slice(protohost.length)
      req[kUntrimmedUrl] = undefined
      removed = ''
    }

    if (layerError === 'router') {
      setImmediate(done, null)
      return
    }
    if (idx >= stack.length) {
      setImmediate(done, layerError)
      return
    }
    // a long run of synchronous handlers must not exhaust the call stack
    if (++sync > 100) return setImmediate(next, err)

    // a middleware has rewritten the URL or method, or a route was added
    if (plan.isStale(req)) {
      const pathname = getPathname(req)
      if (pathname == null) return done(layerError)
      plan.make(req, pathname, idx)
    }

    let layer
    let route

    for (;;) {
      if (!plan.advance()) {
        idx = stack.length
        return done(layerError)
      }
      idx = plan.index + 1
      layer = stack[plan.index]
      route = layer.route

      try {
        if (!plan.resolve(layer)) continue
      } catch (error) {
        // matching can fail (a parameter that does not decode) before any handler runs
        recordError(req, error)
        layerError = layerError || error
        continue
      }

      if (!route) break
      // a pending error passes routes by
      if (layerError) continue
      // a path that the plan could not judge is in it for any method
      if (plan.checksMethod || plan.asks) {
        if (route._handlesMethod(req.method)) break
        if (allowed !== null) allowed.push(...route._methods())
        if (req.method === 'HEAD') break
        continue
      }
      break
    }

    if (route) req.route = route
    const params = plan.params
    req.params = self.mergeParams ? mergeParams(params, parentParams) : params
    if (traced) req[kMatchedRoute] = plan.pattern(layer)

    if (plan.hasKeys && hasCallbacks(self.params, params)) {
      const matched = plan.matchedPath()
      const sub = plan.sub()
      if (paramCalled === null) paramCalled = {}
      processParams(self.params, layer, Object.keys(params), paramCalled, req, res, (error) => {
        if (error) next(layerError || error)
        else if (route) run(layer)
        else enterLayer(layer, layerError, matched, sub)
        sync = 0
      })
      return
    }

    if (route) run(layer)
    else enterLayer(layer, layerError, plan.matchedPath(), plan.sub())
    sync = 0
  }

  function run(layer) {
    if (traced) layer.handleRequest(req, res, next)
    else invoke(layer, req, res, next)
  }

  /** Runs a `use` layer with its mount path taken off req.url. */
  function enterLayer(layer, layerError, layerPath, sub) {
    if (layerPath.length !== 0) {
      const path = plan.pathname
      // a match that is no prefix, or does not end at a separator, is none
      if (layerPath !== path.substring(0, layerPath.length)) {
        next(layerError)
        return
      }
      const c = path[layerPath.length]
      if (c && c !== '/') {
        next(layerError)
        return
      }

      if (debugging) debug('trim prefix (%s) from url %s', layerPath, req.url)
      removed = layerPath
      req[kUntrimmedUrl] = req.url
      if (req[kParsedUrl] !== undefined) req[kParsedUrl] = undefined
      req.url = protohost + req.url.slice(protohost.length + removed.length)
      if (!protohost && req.url[0] !== '/') {
        req.url = `/${req.url}`
        slashAdded = true
      }
      req.baseUrl =
        parentUrl + (removed.endsWith('/') ? removed.substring(0, removed.length - 1) : removed)
    }

    if (debugging) debug('%s %s : %s', layer.name, layerPath, req.originalUrl)

    if (layerError) {
      layer.handleError(layerError, req, res, next)
      return
    }
    if (sub !== 0) plan.offer(req, childOf(layer), sub)
    run(layer)
  }
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
    const router = !route && Array.isArray(layer.handle.stack) ? layer.handle : undefined
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

function sendOptionsResponse(res, methods) {
  const allow = [...new Set(methods)].sort().join(', ')
  res.setHeader('Allow', allow)
  res.setHeader('Content-Length', Buffer.byteLength(allow))
  res.setHeader('Content-Type', 'text/plain')
  res.setHeader('X-Content-Type-Options', 'nosniff')
  res.end(allow)
}

function getPathname(req) {
  try {
    return parseUrl(req).pathname
  } catch {
    return undefined
  }
}

/** Scheme and host of an absolute-form target, '' for a path. */
function getProtohost(url) {
  if (typeof url !== 'string' || url.length === 0 || url[0] === '/') return ''
  const search = url.indexOf('?')
  const scheme = url.substring(0, search === -1 ? url.length : search).indexOf('://')
  return scheme === -1 ? '' : url.substring(0, url.indexOf('/', scheme + 3))
}

function hasCallbacks(callbacks, params) {
  for (const name in callbacks) if (params[name] !== undefined) return true
  return false
}

/** The parent router's params under this level's; numbered ones are renumbered after the parent's. */
function mergeParams(params, parent) {
  if (typeof parent !== 'object' || !parent) return params
  const merged = { ...parent }
  if (!(0 in params) || !(0 in parent)) return Object.assign(merged, params)

  const count = (obj) => {
    let n = 0
    while (n in obj) n++
    return n
  }
  const own = count(params)
  const inherited = count(parent)
  for (let i = own - 1; i >= 0; i--) {
    params[i + inherited] = params[i]
    // the number is free again unless a moved value has taken it
    if (i < inherited) delete params[i]
  }
  return Object.assign(merged, params)
}
