'use strict'
// The private state that routers, routes and layers carry, named in one place.
// Nothing outside js/lib may depend on these; users see Express' own properties.

module.exports = {
  /** On a router: the plain array behind the live `stack`. */
  kStack: Symbol('rnode.router.stack'),
  /** On a router or route: the registration clock at its last change. */
  kChangedAt: Symbol('rnode.router.changedAt'),
  /** On a router or route: the routers whose compiled table contains it. */
  kContainers: Symbol('rnode.router.containers'),
  /** On a router: its compiled table (native box) or null. */
  kTable: Symbol('rnode.router.table'),
  /** On a router: the clock for which kTable was compiled. */
  kTableVersion: Symbol('rnode.router.tableVersion'),
  /** On a router: callbacks to run when its table goes stale. */
  kOnStale: Symbol('rnode.router.onStale'),
  /** On the wrapper function of a mounted app: the app. */
  kMountedApp: Symbol('rnode.router.mountedApp'),
  /** On a middleware made by express.timeout(): the deadline in ms. */
  kDeadline: Symbol('rnode.router.deadline'),
  /** On a router: callbacks to run when somebody reads its `stack`, and may hold layers from then on. */
  kOnRead: Symbol('rnode.router.onRead'),
  /** On a router: whether its `stack` was ever read, so that somebody may hold layers. */
  kExposed: Symbol('rnode.router.exposed'),
  /** On a router: the functions of its plain layers, see handlesOf in registry.js. */
  kHandles: Symbol('rnode.router.handles'),
  /** On a router: the native layers in its compiled table, see registry.js. */
  kNatives: Symbol('rnode.router.natives'),
  /** On a middleware whose work Rust can do: `{ handle, number() }`, see registry.js. */
  kNativeLayer: Symbol('rnode.router.nativeLayer'),
  /** On an app: a function that tells whether Rust may run native layers, see ../front.js. */
  kFrontLines: Symbol('rnode.app.frontLines'),
  /** On a request: the pattern that matched last (for tracing). */
  kMatchedRoute: Symbol('rnode.router.matchedRoute'),
  /** On a request inside a mounted layer: its `url` before the mount path was taken off. */
  kUntrimmedUrl: Symbol('rnode.router.untrimmedUrl'),
  /** On a request: parseurl's memo of its `url`, see `_parsedUrl` in ../request.js. */
  kParsedUrl: Symbol('rnode.router.parsedUrl'),
  /** On a request: the plan made for it, see plan.js. */
  kPlan: Symbol('rnode.router.plan')
}
