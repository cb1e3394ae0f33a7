'use strict'
// Walk: one request's way through one router, along the plan that Rust made. Nothing is matched here
// (RegExp layers excepted); the moves follow router 2.3: next(), next('route'), next('router'),
// next(err), param callbacks. Registration and the plan's layout are for the files next to it.

const createDebug = require('debug')
const parseUrl = require('parseurl')
const Layer = require('./layer')
const { processParams } = require('./param')
const { Plan, Params } = require('./plan')
const { hasten } = require('../hasten')
const { childOf, clock, exposeLayers } = require('./registry')
const { recordError, requestChannel, shouldTrace } = require('./tracing')
const { kStack, kMatchedRoute, kParsedUrl, kUntrimmedUrl } = require('./symbols')

const { call, handleRequest, invoke, plainHandle, settleAny } = Layer

// asked by every walk whether it is enabled
const debug = hasten(hasten(createDebug)('router'))

/** A run of synchronous handlers longer than this must not exhaust the call stack. */
const MAX_SYNC = 100

/**
 * Takes a request through a router.
 * @param {Function} router
 * @param {(err?: *) => void} callback called when no layer answered, or with the error left over
 */
function walk(router, req, res, callback) {
  // asked once per dispatch: both questions cost more than a whole step of the walk
  const debugging = debug.enabled
  const traced = shouldTrace(requestChannel)
  if (debugging) debug('dispatching %s %s', req.method, req.url)

  const self = new Walk(router, req, res, callback, debugging, traced)
  // all that a request keeps as a closure; the rest is state of `self`
  const next = (err) => {
    if (!stepOn(self, err)) step(self, err)
  }
  self.next = next
  // a subscriber is given layers, and may keep them
  if (traced) exposeLayers()

  req.next = next
  req.baseUrl = self.parentUrl
  if (req[kUntrimmedUrl] !== undefined) req[kUntrimmedUrl] = undefined
  req.originalUrl = req.originalUrl || req.url

  // no run is open yet
  step(self)
}

/** State of a walk, and its place in the plan; one is made for every router that a request enters. */
class Walk extends Plan {
  constructor(router, req, res, callback, debugging, traced) {
    super(router, req)
    this.req = req
    this.res = res
    this.next = undefined
    /** next() calls since a layer has last returned. */
    this.sync = 0
    /** Index after the last layer visited: a plan made anew goes on from here. */
    this.idx = 0
    this.stack = router[kStack]
    this.isPlain = !traced && !debugging && !router.mergeParams
    /** stepOn() may be all of a step: the walk is plain, and nothing is taken off the URL. */
    this.isShort = this.isPlain
    this.debugging = debugging
    this.traced = traced
    this.callback = callback
    this.removed = ''
    this.slashAdded = false
    this.parentParams = req.params
    this.parentUrl = req.baseUrl || ''
    this.parentBaseUrl = req.baseUrl
    this.parentNext = req.next
    this.parentMatched = traced ? req[kMatchedRoute] : undefined
    this.protohost = getProtohost(req.url)
    /** Methods for an automatic OPTIONS answer; null for other requests. */
    this.allowed = req.method === 'OPTIONS' ? [] : null
    /** What param callbacks were called with, by name; made on first use. */
    this.paramCalled = null
  }
}

/**
 * next(): the most frequent step by far is the one from middleware without a path to the next of them.
 * @returns {boolean} false if it is another: nothing has happened then
 */
function stepOn(walk, err) {
  const { req } = walk
  if (
    walk.runAt >= walk.runEnd ||
    err ||
    req.url !== walk.url ||
    req.method !== walk.method ||
    clock.now !== walk.seen ||
    !walk.isShort
  ) {
    return false
  }
  const idx = walk.runAt
  const { handles } = walk
  const fn = handles === null ? plainHandle(walk.stack[idx]) : handles[idx]
  if (fn === undefined || Layer.prototype.handleRequest !== handleRequest) return false
  if (++walk.sync > MAX_SYNC) {
    setImmediate(walk.next, err)
    return true
  }
  walk.runAt = walk.idx = idx + 1
  req.params = new Params()
  // as call(), whose frame of its own would cost as much as the rest of the step
  try {
    const ret = fn(req, walk.res, walk.next)
    if (ret !== undefined && ret !== walk.res) settleAny(ret, walk.next)
  } catch (error) {
    walk.next(error)
  }
  if (walk.sync !== 0) walk.sync = 0
  return true
}

// as call(), for those who look for this name on the stack
Object.defineProperty(stepOn, 'name', { value: call.name })

/** next() for whatever the short way does not do. */
function step(walk, err) {
  const { req, stack } = walk
  if (err) recordError(req, err)
  let layerError = err === 'route' ? null : err

  if (walk.removed.length !== 0) untrim(walk)

  if (layerError === 'router') {
    setImmediate(done, walk, null)
    return
  }
  if (walk.idx >= stack.length) {
    setImmediate(done, walk, layerError)
    return
  }
  if (walk.isShort && !err && !walk.isStale(req) && walk.openRun() && stepOn(walk)) return
  if (++walk.sync > MAX_SYNC) return setImmediate(walk.next, err)

  // a middleware has rewritten the URL or method, or a route was added
  if (walk.isStale(req)) {
    const pathname = getPathname(req)
    if (pathname == null) return done(walk, layerError)
    walk.make(req, pathname, walk.idx)
  }

  let layer
  let route

  for (;;) {
    if (!walk.advance()) {
      walk.idx = stack.length
      return done(walk, layerError)
    }
    walk.idx = walk.index + 1
    layer = stack[walk.index]
    route = layer.route

    try {
      if (!walk.resolve(layer)) continue
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
    if (walk.checksMethod || walk.asks) {
      if (route._handlesMethod(req.method)) break
      if (walk.allowed !== null && req.method === 'OPTIONS') {
        walk.allowed.push(...route._methods())
      }
      if (req.method === 'HEAD') break
      continue
    }
    break
  }

  if (route) req.route = route
  const { router } = walk
  const params = walk.params
  req.params = router.mergeParams ? mergeParams(params, walk.parentParams) : params
  if (walk.traced) req[kMatchedRoute] = walk.pattern(layer)

  if (walk.hasKeys && hasCallbacks(router.params, params)) {
    runParams(walk, layer, route, layerError, params)
    return
  }

  if (route) run(walk, layer)
  else enter(walk, layer, layerError, walk.matchedPath(), walk.sub())
  walk.sync = 0
}

/** Runs the callbacks of the layer's parameters, then the layer. */
function runParams(walk, layer, route, layerError, params) {
  const { req, res, router, words, url, method } = walk
  const matched = walk.matchedPath()
  const sub = walk.sub()
  if (walk.paramCalled === null) walk.paramCalled = {}
  const called = walk.paramCalled
  processParams(router.params, layer, Object.keys(params), called, req, res, (error) => {
    if (error) walk.next(layerError || error)
    else if (route) run(walk, layer)
    else {
      // a callback may have rewritten what the nested router's words were made for
      const isFit = words === walk.words && req.url === url && req.method === method
      enter(walk, layer, layerError, matched, isFit ? sub : 0)
    }
    walk.sync = 0
  })
}

function run(walk, layer) {
  if (walk.traced) layer.handleRequest(walk.req, walk.res, walk.next)
  else invoke(layer, walk.req, walk.res, walk.next)
}

/** Runs a `use` layer with its mount path taken off req.url. */
function enter(walk, layer, layerError, layerPath, sub) {
  const { req } = walk
  if (layerPath.length !== 0 && !trim(walk, layer, layerPath)) {
    walk.next(layerError)
    return
  }
  if (walk.debugging) debug('%s %s : %s', layer.name, layerPath, req.originalUrl)

  if (layerError) {
    layer.handleError(layerError, req, walk.res, walk.next)
    return
  }
  if (sub !== 0) walk.offer(req, childOf(layer), sub)
  run(walk, layer)
}

/**
 * Takes a mount path off req.url and adds it to req.baseUrl.
 * @returns {boolean} false if it is no prefix, or does not end at a separator: no match
 */
function trim(walk, layer, layerPath) {
  const { req, protohost } = walk
  const path = walk.pathname
  if (layerPath !== path.substring(0, layerPath.length)) return false
  const c = path[layerPath.length]
  if (c && c !== '/') return false

  if (walk.debugging) debug('trim prefix (%s) from url %s', layerPath, req.url)
  walk.removed = layerPath
  walk.isShort = false
  req[kUntrimmedUrl] = req.url
  if (req[kParsedUrl] !== undefined) req[kParsedUrl] = undefined
  req.url = protohost + req.url.slice(protohost.length + layerPath.length)
  if (!protohost && req.url[0] !== '/') {
    req.url = `/${req.url}`
    walk.slashAdded = true
  }
  req.baseUrl =
    walk.parentUrl +
    (layerPath.endsWith('/') ? layerPath.substring(0, layerPath.length - 1) : layerPath)
  return true
}

/** Gives req.url and req.baseUrl back what trim() took. */
function untrim(walk) {
  const { req, protohost, removed } = walk
  // take the slash away again, unless the layer rewrote the path below a
  // mount path that has no slash of its own
  if (walk.slashAdded) {
    const pathIsRoot = req.url === '/' || req.url.startsWith('/?')
    if (pathIsRoot || (removed.endsWith('/') && req.url[0] === '/')) req.url = req.url.slice(1)
    walk.slashAdded = false
  }
  req.baseUrl = walk.parentUrl
  req.url = protohost + removed + req.url.slice(protohost.length)
  req[kUntrimmedUrl] = undefined
  walk.removed = ''
  walk.isShort = walk.isPlain
}

/** The end of the walk: the request is the parent's again. */
function done(walk, err) {
  const { req, allowed } = walk
  if (allowed !== null && !err && allowed.length !== 0) {
    try {
      sendOptionsResponse(walk.res, allowed)
      return
    } catch (error) {
      err = error
    }
  }
  req.baseUrl = walk.parentBaseUrl
  req.next = walk.parentNext
  req.params = walk.parentParams
  if (walk.traced) req[kMatchedRoute] = walk.parentMatched
  return walk.callback(err)
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

module.exports = { walk }
