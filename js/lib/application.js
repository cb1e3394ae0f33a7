// The prototype of applications: settings, mounting, routes, views, listen.
// HTTP itself belongs to request, response and the router; sockets belong to native/server.
'use strict'

const { resolve } = require('node:path')
const debug = require('debug')('express:application')
const once = require('once')
const adopt = require('./adopt')
const { startDeadline } = require('./deadline')
const finalHandler = require('./final-handler')
const frontLines = require('./front')
const { hasten } = require('./hasten')
const nativeSettings = require('./native/settings')
const Router = require('./router')
const { kFrontLines, kMountedApp } = require('./router/symbols')
const { checkSetting, ownSettings, settingsOf } = require('./settings')
const { compileETag, compileQueryParser, compileTrust, methods } = require('./utils')
const View = require('./view')

const app = {}
module.exports = app

// A property of `settings`, true while "trust proxy" was never set by the app itself: only then
// does a mounted app take its parent's. A string that looks like a symbol, because that is what
// Express' users find there.
const trustProxyDefault = '@@symbol:trust_proxy_default'

/**
 * Initialize a new application: empty caches, default settings, a router made on first use
 * (so that the routing settings can be changed before the first route).
 * @private
 */
app.init = function init() {
  let router = null

  Object.defineProperty(this, kFrontLines, { value: frontLines })

  this.cache = Object.create(null)
  this.engines = Object.create(null)
  this.settings = hasten(Object.create(null))

  this.defaultConfiguration()

  Object.defineProperty(this, 'router', {
    configurable: true,
    enumerable: true,
    get: function getRouter() {
      if (router === null) {
        router = new Router({
          caseSensitive: this.enabled('case sensitive routing'),
          strict: this.enabled('strict routing')
        })
      }
      return router
    }
  })
}

/**
 * Set the default settings and what happens when this app is mounted on another.
 * @private
 */
app.defaultConfiguration = function defaultConfiguration() {
  const env = process.env.NODE_ENV || 'development'

  this.enable('x-powered-by')
  this.set('etag', 'weak')
  this.set('env', env)
  this.set('query parser', 'simple')
  this.set('subdomain offset', 2)
  this.set('trust proxy', false)
  markTrustProxyDefault(this.settings, true)

  debug('booting in %s mode', env)

  this.on('mount', function onMount(parent) {
    const { settings } = this

    if (
      settings[trustProxyDefault] === true &&
      typeof parent.settings['trust proxy fn'] === 'function'
    ) {
      delete settings['trust proxy']
      delete settings['trust proxy fn']
    }

    Object.setPrototypeOf(this.request, parent.request)
    Object.setPrototypeOf(this.response, parent.response)
    Object.setPrototypeOf(this.engines, parent.engines)
    Object.setPrototypeOf(settings, parent.settings)
  })

  this.locals = Object.create(null)
  this.mountpath = '/'
  this.locals.settings = this.settings

  this.set('view', View)
  this.set('views', resolve('views'))
  this.set('jsonp callback name', 'callback')

  if (env === 'production') this.enable('view cache')
}

function markTrustProxyDefault(settings, value) {
  Object.defineProperty(settings, trustProxyDefault, { configurable: true, value })
}

/**
 * Take a request into the application. Without a callback, what no handler answered ends in the
 * final handler (404, or the error page).
 *
 * @param {http.IncomingMessage} req
 * @param {http.ServerResponse} res
 * @param {function(Error?)} [callback]
 * @private
 */
app.handle = function handle(req, res, callback) {
  const done = callback || finalHandler(this, req, res)

  const settings = settingsOf(this)
  // what the calls come to
  const isPowered =
    this.enabled === enabled && this.set === set
      ? settings['x-powered-by']
      : this.enabled('x-powered-by')
  if (isPowered) res.setHeader('X-Powered-By', 'Express')

  // what comes with its request or response is left alone: see native/pin.js
  if (req.res !== res) req.res = res
  if (res.req !== req) res.req = req

  adopt(req, this.request)
  adopt(res, this.response)

  if (!res.locals) res.locals = Object.create(null)

  // A mounted app inherits its parent's setting, whose clock is running already.
  const ms = settings['handler timeout']
  if (ms !== undefined && (!callback || Object.hasOwn(settings, 'handler timeout'))) {
    startDeadline(req, res, ms)
  }

  this.router.handle(req, res, done)
}

/**
 * Add middleware, or mount another application, at a path (default `/`).
 *
 *     app.use(express.json())
 *     app.use('/admin', requireLogin, adminApp)
 *     app.use(['/a', '/b'], [first, [second]])
 *
 * A mounted application gets `mountpath` and `parent`, inherits settings, engines and prototypes,
 * and emits 'mount'.
 *
 * @param {string|RegExp|Array} [path]
 * @param {...(Function|Function[])} fns
 * @return {Function} the app
 * @throws {TypeError} if there is no function
 */
app.use = function use(...args) {
  let path = '/'
  let fns = args

  // app.use([fn]) has no path: look at the first thing inside nested arrays.
  if (typeof args[0] !== 'function') {
    let first = args[0]
    while (Array.isArray(first) && first.length > 0) first = first[0]

    if (typeof first !== 'function') {
      path = args[0]
      fns = args.slice(1)
    }
  }

  fns = fns.flat(Infinity)
  if (fns.length === 0) throw new TypeError('app.use() requires a middleware function')

  const router = this.router

  for (const fn of fns) {
    if (fn?.handle && fn.set) mount(this, router, path, fn)
    else router.use(path, fn)
  }

  return this
}

// `use` has always counted one argument; wrappers look at `length`.
Object.defineProperty(app.use, 'length', { configurable: true, value: 1 })

function mount(parent, router, path, child) {
  debug('.use app under %s', path)
  child.mountpath = path
  child.parent = parent

  const mounted = {
    mounted_app(req, res, next) {
      const outer = req.app

      child.handle(req, res, (err) => {
        adopt(req, outer.request)
        adopt(res, outer.response)
        next(err)
      })
    }
  }.mounted_app

  mounted[kMountedApp] = child
  router.use(path, mounted)
  child.emit('mount', parent)
}

/**
 * New route for a path; see Route.
 *
 *     app.route('/users').get(list).post(create)
 *
 * @param {string|RegExp|Array} path
 * @return {Route}
 */
app.route = function route(path) {
  return this.router.route(path)
}

/**
 * Register a template engine for an extension. Without it, `res.render('page.ejs')` uses
 * `require('ejs').__express`.
 *
 *     app.engine('html', require('ejs').renderFile)
 *
 * @param {string} ext  with or without the dot
 * @param {function(string, object, Function)} fn  `(path, options, callback)`
 * @return {Function} the app
 * @throws {Error} if `fn` is no function
 */
app.engine = function engine(ext, fn) {
  if (typeof fn !== 'function') throw new Error('callback function required')

  this.engines[ext[0] === '.' ? ext : `.${ext}`] = fn
  return this
}

/**
 * Call `fn(req, res, next, value, name)` once per request for routes with a parameter of that name.
 *
 *     app.param('user', async (req, res, next, id) => { req.user = await load(id); next() })
 *     app.param(['id', 'page'], checkNumber)
 *
 * @param {string|string[]} name
 * @param {Function} fn
 * @return {Function} the app
 */
app.param = function param(name, fn) {
  if (Array.isArray(name)) {
    for (const each of name) this.param(each, fn)
  } else {
    this.router.param(name, fn)
  }
  return this
}

/**
 * Set a setting, or with one argument read it. Mounted apps inherit what they do not set
 * themselves.
 *
 *     app.set('trust proxy', 'loopback')
 *     app.set('handler timeout', 10000)   // ms; ours
 *     app.set('error pages', 'negotiate') // 'page' (default), 'express', 'negotiate'; ours
 *
 * @param {string} setting
 * @param {*} [val]
 * @return {*} the app, or the value
 * @throws {TypeError} for a value that the setting does not take
 */
app.set = function set(setting, val) {
  if (arguments.length === 1) return this.settings[setting]

  debug('set "%s" to %o', setting, val)

  const own = ownSettings.has(setting)
  if (own) checkSetting(setting, val)

  this.settings[setting] = val

  switch (setting) {
    case 'etag':
      this.set('etag fn', compileETag(val))
      break
    case 'query parser':
      this.set('query parser fn', compileQueryParser(val))
      break
    case 'trust proxy':
      this.set('trust proxy fn', compileTrust(val))
      markTrustProxyDefault(this.settings, false)
      break
  }

  if (own || setting === 'x-powered-by') nativeSettings.changed(this, setting, val)

  return this
}

/**
 * Absolute path of the app: the mount paths of its parents and its own, '' for one that is not
 * mounted.
 *
 * @return {string}
 */
app.path = function path() {
  return this.parent ? this.parent.path() + this.mountpath : ''
}

/**
 * Is a setting truthy?
 *
 * @param {string} setting
 * @return {boolean}
 */
app.enabled = function enabled(setting) {
  return Boolean(this.set(setting))
}

/**
 * Is a setting falsy?
 *
 * @param {string} setting
 * @return {boolean}
 */
app.disabled = function disabled(setting) {
  return !this.set(setting)
}

/**
 * Set a setting to true.
 *
 * @param {string} setting
 * @return {Function} the app
 */
app.enable = function enable(setting) {
  return this.set(setting, true)
}

/**
 * Set a setting to false.
 *
 * @param {string} setting
 * @return {Function} the app
 */
app.disable = function disable(setting) {
  return this.set(setting, false)
}

// app.METHOD(path, ...handlers)
for (const method of methods) {
  app[method] = function (path, ...handlers) {
    this.route(path)[method](...handlers)
    return this
  }
}

const routeGet = app.get

/**
 * Add handlers for GET at a path, or with one argument read a setting.
 *
 *     app.get('/users/:id', show)
 *     app.get('views')
 *
 * @param {string|RegExp|Array} path
 * @return {*} the app, or the value
 */
app.get = function (path) {
  return arguments.length === 1 ? this.set(path) : routeGet.apply(this, arguments)
}

/**
 * Add handlers for every HTTP method at a path.
 *
 *     app.all('/secret', requireLogin)
 *
 * @param {string|RegExp|Array} path
 * @param {...Function} handlers
 * @return {Function} the app
 */
app.all = function all(path, ...handlers) {
  const route = this.route(path)
  for (const method of methods) route[method](...handlers)
  return this
}

/**
 * Render a view to a string.
 *
 *     app.render('email', { name: 'Tobi' }, (err, html) => { … })
 *
 * What the template sees: `app.locals`, then `options._locals` (a response's locals), then
 * `options`.
 *
 * @param {string} name
 * @param {object|Function} [options]  `cache` overrides the "view cache" setting
 * @param {function(Error?, string?)} callback
 */
app.render = function render(name, options, callback) {
  const done = typeof options === 'function' ? options : callback
  const opts = typeof options === 'function' ? {} : options || {}
  const context = { ...this.locals, ...opts._locals, ...opts }

  // null or undefined: not given
  if (context.cache == null) context.cache = this.enabled('view cache')

  let view = context.cache ? this.cache[name] : undefined

  if (!view) {
    const ViewClass = this.get('view')

    view = new ViewClass(name, {
      defaultEngine: this.get('view engine'),
      engines: this.engines,
      root: this.get('views')
    })

    if (!view.path) {
      const err = new Error(`Failed to lookup view "${name}" in views ${describeRoots(view.root)}`)
      err.view = view
      done(err)
      return
    }

    if (context.cache) this.cache[name] = view
  }

  try {
    view.render(context, done)
  } catch (err) {
    done(err)
  }
}

function describeRoots(root) {
  if (!Array.isArray(root) || root.length < 2) return `directory "${root}"`
  return `directories "${root.slice(0, -1).join('", "')}" or "${root.at(-1)}"`
}

/**
 * Start the Rust HTTP server for this app. Arguments as Node's `server.listen`; the callback is
 * called once, with an error if listening failed.
 *
 *     app.listen(3000, (err) => { if (err) throw err })
 *
 * For TLS, or Node's own server: `https.createServer(options, app).listen(443)`.
 *
 * @return {Server}
 */
app.listen = function listen(...args) {
  // Required here: an app that only runs under Node's server needs no native server.
  const server = require('./native/server/choice').serverOf(this)

  if (typeof args.at(-1) === 'function') {
    const callback = once(args.pop())
    server.once('error', callback)
    args.push(callback)
  }

  return server.listen(...args)
}

const { enabled, set } = app
