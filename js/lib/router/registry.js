'use strict'
// Keeps Rust's route tables true to the live JavaScript stacks. Every change of
// a router's or route's stack moves a clock and marks the tables that contain
// it stale; a table is compiled again when it is next needed. No matching here.

const native = require('../native')
const { isMatchedByRust, isOrdinary, plainHandle, kPatterns, kOptions } = require('./layer')
const {
  kStack,
  kChangedAt,
  kContainers,
  kTable,
  kTableVersion,
  kOnStale,
  kOnRead,
  kExposed,
  kHandles,
  kNatives,
  kNativeLayer,
  kMountedApp,
  kDeadline
} = require('./symbols')

/**
 * `now` ticks with every registration, and when layers are exposed; a table's version is the tick it was compiled at.
 */
const clock = { now: 1 }

/** Somebody may hold layers of any router. */
let allExposed = false

/** Marks a router or route as changed. */
function touch(owner) {
  owner[kChangedAt] = ++clock.now
  if (owner[kHandles] !== undefined) owner[kHandles] = null
  if (owner[kTable]) goStale(owner)
  const containers = owner[kContainers]
  if (containers !== null) {
    owner[kContainers] = null
    for (const ref of containers) {
      const router = ref.deref()
      if (router?.[kTable]) goStale(router)
    }
  }
}

function goStale(router) {
  router[kTable] = null
  const listeners = router[kOnStale]
  if (listeners) for (const listener of listeners) listener()
}

/**
 * Gives `owner` an array property `stack` whose changes, by whatever means
 * (push, splice, index, length), are seen. The array behind it, kStack, is what
 * requests walk, so the proxy costs them nothing.
 */
function liveStack(owner) {
  let proxy = null
  Object.defineProperty(owner, 'stack', {
    configurable: true,
    enumerable: true,
    get() {
      // who holds a layer may put another function into it
      if (owner[kExposed] === false) {
        owner[kExposed] = true
        owner[kHandles] = null
        clock.now++
      }
      const readers = owner[kOnRead]
      if (readers) for (const reader of readers) reader()
      if (proxy === null) proxy = watch(owner)
      return proxy
    },
    set(value) {
      owner[kStack] = value
      proxy = null
      touch(owner)
    }
  })
}

function watch(owner) {
  return new Proxy(owner[kStack], {
    set(target, key, value) {
      const ok = Reflect.set(target, key, value)
      touch(owner)
      return ok
    },
    deleteProperty(target, key) {
      const ok = Reflect.deleteProperty(target, key)
      touch(owner)
      return ok
    },
    defineProperty(target, key, descriptor) {
      const ok = Reflect.defineProperty(target, key, descriptor)
      touch(owner)
      return ok
    }
  })
}

/** Layers of all routers are given away: from now on each must be looked at before it is called. */
function exposeLayers() {
  if (allExposed) return
  allExposed = true
  clock.now++
}

/**
 * The functions of a router's layers that a walk may call without a look at the layer: middleware without a path, as long as
 * nobody can have changed a layer.
 * @returns {(Function | undefined)[] | null} by stack index; null if somebody may hold layers
 */
function handlesOf(router) {
  if (allExposed || router[kExposed] !== false) return null
  return (router[kHandles] ??= router[kStack].map(plainHandle))
}

/**
 * The router that a `use` layer leads into, if it is one of ours.
 * @returns {Function | undefined}
 */
function childOf(layer) {
  const handle = layer.handle
  if (typeof handle !== 'function') return undefined
  if (handle[kStack] !== undefined) return handle
  const router = handle[kMountedApp]?.router
  // an app of another Express has a router that Rust knows nothing of
  return router?.[kStack] === undefined ? undefined : router
}

/**
 * The compiled table of which `router` is the root.
 * @returns {object} a native box; `router[kTableVersion]` is its version
 */
function tableOf(router) {
  if (router[kTable] !== null) return router[kTable]
  const routers = []
  const indexes = new Map()
  const root = new WeakRef(router)
  const out = []

  const visit = (owner) => {
    if (owner[kContainers] === null) owner[kContainers] = new Set()
    if (owner !== router) owner[kContainers].add(root)
  }
  const enter = (child) => {
    let index = indexes.get(child)
    if (index === undefined) {
      index = routers.length
      indexes.set(child, index)
      routers.push(child)
    }
    return index
  }

  enter(router)
  for (let i = 0; i < routers.length; i++) {
    visit(routers[i])
    const layers = routers[i][kStack].map((layer) => describe(layer, visit, enter))
    if (i === 0) markNative(router, layers)
    out.push({ layers })
  }

  router[kTable] = native.compileTable(JSON.stringify({ routers: out }))
  router[kTableVersion] = clock.now
  return router[kTable]
}

function describe(layer, visit, enter) {
  const options = layer[kOptions]
  const route = layer.route
  const known = isMatchedByRust(layer)
  const child = route ? undefined : childOf(layer)
  if (route?.[kStack]) visit(route)
  return {
    array: known && Array.isArray(layer.rawPath),
    paths: !known ? [] : layer.slash ? ['/'] : layer[kPatterns].map((p) => p.text),
    ask: !known,
    end: known ? options.end : true,
    sensitive: known && options.sensitive,
    strict: known && options.strict,
    methods: route && typeof route._methods === 'function' ? route._methods(true) : null,
    child: child === undefined || !known ? null : enter(child),
    ...deadlineOf(layer, route)
  }
}

/** Layers whose `handle` is watched, with the router it is watched for. */
const watched = new WeakMap()

/**
 * Gives layers of the root router the number by which Rust can do their work, where the layer is what `use` has
 * made it: an agent that has put a function of its own in its place is called.
 */
function markNative(router, described) {
  const found = []
  const stack = router[kStack]
  for (let i = 0; i < stack.length; i++) {
    const layer = stack[i]
    const native = layer.handle?.[kNativeLayer]
    // wrappers may copy the properties of what they wrap
    if (native?.handle !== layer.handle || layer.route || described[i].ask) continue
    if (!isOrdinary(layer) || !watchHandle(layer, router)) continue
    const number = native.number()
    if (number === 0) continue
    described[i].native = number
    found.push({ layer, native, number })
  }
  router[kNatives] = found
}

/**
 * True if the native layers in the compiled table are what they were; else the table goes stale. For changes that
 * nothing tells of: options that somebody has kept and writes to, a `handle` that was defined anew.
 */
function checkNatives(router) {
  const intact = router[kNatives].every(
    ({ layer, native, number }) =>
      layer.handle === native.handle && isOrdinary(layer) && native.number() === number
  )
  if (!intact) touch(router)
  return intact
}

/** Makes a change of the layer's function a change of the router. False if another router does so already. */
function watchHandle(layer, router) {
  const owner = watched.get(layer)?.deref()
  if (owner !== undefined) return owner === router
  watched.set(layer, new WeakRef(router))
  const { handle } = layer
  Object.defineProperty(layer, 'handle', {
    configurable: true,
    enumerable: true,
    get: () => handle,
    set(value) {
      watched.delete(layer)
      Object.defineProperty(layer, 'handle', {
        configurable: true,
        enumerable: true,
        writable: true,
        value
      })
      touch(router)
    }
  })
  return true
}

function deadlineOf(layer, route) {
  let ms = layer.handle?.[kDeadline]
  if (route?.[kStack]) {
    for (const inner of route[kStack]) ms = inner.handle?.[kDeadline] ?? ms
  }
  return ms === undefined ? undefined : { deadline: ms }
}

module.exports = {
  clock,
  touch,
  liveStack,
  exposeLayers,
  handlesOf,
  childOf,
  tableOf,
  checkNatives
}
