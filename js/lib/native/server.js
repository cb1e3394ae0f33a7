'use strict'
// The server object: an http.Server to those who hold it (events, address, close,
// timeouts, listeners that come and go), with the sockets in Rust. It turns request
// frames into calls of the handler; nothing of Express beyond that.

const dc = require('node:diagnostics_channel')
const dns = require('node:dns')
const http = require('node:http')
const fs = require('node:fs')
const net = require('node:net')
const os = require('node:os')
const { AsyncResource } = require('node:async_hooks')
const { EventEmitter } = require('node:events')
const native = require('./index')
const F = require('./frames')
const bridge = require('./bridge')
const settings = require('./settings')
const { entering, entered } = require('./incoming')
const { classesFor, stopReading } = require('./message')
const {
  HIGH_WATER_MARK,
  NativeSocket,
  openSocket,
  knownSocket,
  forgetSocket,
  ended,
  closed
} = require('./socket')
const { clientError } = require('./client-error')
const { kPlan, kOnStale, kTableVersion } = require('../router/symbols')
const { Offer } = require('../router/plan')
const { tableOf } = require('../router/registry')
const S = require('./symbols')

const { kId, kHandler, kConfigure } = S
const { METHODS } = F

const requestStarted = dc.channel('http.server.request.start')
const responseFinished = dc.channel('http.server.response.finish')

/** Servers of this environment by native id. */
const servers = new Map()

const kOptions = Symbol('rnode.server.options')
const kValues = Symbol('rnode.server.values')
const kUnref = Symbol('rnode.server.unref')
const kUpgraded = Symbol('rnode.server.upgraded')
const kClosing = Symbol('rnode.server.closing')
const kRouter = Symbol('rnode.server.router')
/** Ends the watch of the router; an app that listens again and again must not gather them. */
const kUnwatch = Symbol('rnode.server.unwatch')
const kAddress = Symbol('rnode.server.address')

/** Flag bits of listeners that Rust must know of. */
const LISTENER_FLAGS = {
  upgrade: 1,
  connect: 2,
  checkContinue: 4,
  checkExpectation: 8,
  clientError: 16,
  connection: 32,
  // its sockets come with their connections
  timeout: 32,
  dropRequest: 128
}
const REQUIRE_HOST = 64

const NODE_MAJOR = Number.parseInt(process.versions.node, 10)
/** Node's own default for what not all versions have. */
const { keepAliveTimeoutBuffer } = new http.Server()

/** Node's names for limits, the addon's key, the default (http.Server's, Node 20). */
const LIMITS = {
  headersTimeout: ['headersTimeout', 60000],
  requestTimeout: ['requestTimeout', 300000],
  keepAliveTimeout: ['keepAliveTimeout', 5000],
  timeout: ['socketTimeout', 0],
  maxHeadersCount: ['maxHeadersCount', null],
  maxRequestsPerSocket: ['maxRequestsPerSocket', 0],
  maxConnections: ['maxConnections', undefined]
}

/**
 * @param {object} [options] as http.createServer: keepAliveTimeout, headersTimeout,
 *   requestTimeout, maxHeaderSize, requireHostHeader, noDelay, uniqueHeaders …
 * @param {Function} handler called as (req, res)
 */
function Server(options, handler) {
  if (!(this instanceof Server)) return new Server(options, handler)
  if (typeof options === 'function') {
    handler = options
    options = {}
  }
  EventEmitter.call(this)
  this[kOptions] = { ...options }
  this[kHandler] = handler
  this[kId] = 0
  this[kValues] = {}
  this[kUnref] = false
  this[kUpgraded] = new Set()
  this[kClosing] = false
  this[kRouter] = null
  this[kUnwatch] = null
  this[kAddress] = null
  this[S.kDefaultDeadline] = 0
  this[S.kUniqueHeaders] = uniqueHeaders(options?.uniqueHeaders)
  this.allowHalfOpen = true
  this.pauseOnConnect = false
  this.noDelay = options?.noDelay ?? true
  this.keepAlive = Boolean(options?.keepAlive)
  this.httpAllowHalfOpen = false
  this.requireHostHeader = options?.requireHostHeader ?? true
  this.connectionsCheckingInterval = options?.connectionsCheckingInterval ?? 30_000
  this.insecureHTTPParser = options?.insecureHTTPParser
  this.joinDuplicateHeaders = options?.joinDuplicateHeaders
  this.rejectNonStandardBodyWrites = options?.rejectNonStandardBodyWrites ?? false
  this.highWaterMark = options?.highWaterMark ?? HIGH_WATER_MARK
  this.maxHeaderSize = options?.maxHeaderSize
  if (keepAliveTimeoutBuffer !== undefined) {
    this.keepAliveTimeoutBuffer = options?.keepAliveTimeoutBuffer ?? keepAliveTimeoutBuffer
  }
  this._connections = 0
  for (const name of Object.keys(LIMITS)) {
    this[kValues][name] = options?.[name] ?? LIMITS[name][1]
  }
  if (handler) this.on('request', handler)
}
Object.setPrototypeOf(Server, http.Server)
Server.prototype = Object.create(http.Server.prototype, {
  constructor: { configurable: true, writable: true, value: Server }
})
const proto = Server.prototype

function uniqueHeaders(list) {
  if (!Array.isArray(list)) return null
  return new Set(list.flat().map((name) => String(name).toLowerCase()))
}

for (const name of Object.keys(LIMITS)) {
  Object.defineProperty(proto, name, {
    configurable: true,
    enumerable: true,
    get() {
      return this[kValues][name]
    },
    set(value) {
      this[kValues][name] = value
      if (this[kId] !== 0) applyLimit(this, name)
    }
  })
}

function applyLimit(server, name) {
  const value = server[kValues][name]
  // null (maxHeadersCount) leaves the engine's own default
  if (value === null || value === undefined) return
  const ms = Number(value)
  server[kConfigure](LIMITS[name][0], Number.isFinite(ms) && ms > 0 ? Math.min(ms, 0x7fffffff) : 0)
}

proto[kConfigure] = function configure(key, value) {
  if (this[kId] !== 0) native.serverSet(this[kId], key, value)
}

// listening ------------------------------------------------------------------------

Object.defineProperty(proto, 'listening', {
  configurable: true,
  enumerable: true,
  get() {
    return this[kId] !== 0 && !this[kClosing]
  }
})

/** Something that is not null while listening, for those who look (supertest). */
Object.defineProperty(proto, '_handle', {
  configurable: true,
  get() {
    return this.listening ? this[kAddress] : null
  },
  set() {}
})

/**
 * All forms of net.Server.listen: (port, host, backlog, cb), (path), (options), ({ fd }), (handle) …
 * Errors of the system come as 'error' events, wrong arguments are thrown.
 */
proto.listen = function listen(...args) {
  const [options, callback] = net._normalizeArgs(args)
  if (this.listening) {
    const err = new Error('Listen method has been called more than once without closing.')
    err.code = 'ERR_SERVER_ALREADY_LISTEN'
    throw err
  }
  if (callback !== null) this.once('listening', callback)

  const wanted = listenOptions(this, args, options)
  this[kClosing] = false
  this[kListenToken] = {}

  const { signal } = options
  if (signal !== undefined) {
    const onAbort = () => this.close()
    if (signal.aborted) process.nextTick(onAbort)
    else signal.addEventListener('abort', onAbort, { once: true })
  }

  if (wanted.host !== undefined) {
    const token = this[kListenToken]
    dns.lookup(wanted.host, (err, address) => {
      // close() in between calls it off
      if (token !== this[kListenToken]) return
      if (err) this.emit('error', err)
      else bind(this, { ...wanted, host: address })
    })
    return this
  }
  bind(this, wanted)
  return this
}

const kListenToken = Symbol('rnode.server.listenToken')

/** What the addon needs; Node's own server judges what is not plain. */
function listenOptions(server, args, options) {
  const backlog = typeof options.backlog === 'number' ? options.backlog : backlogOf(args)
  const common = {
    backlog,
    ipv6Only: Boolean(options.ipv6Only),
    reusePort: Boolean(options.reusePort) || isClusterWorker(),
    exclusive: Boolean(options.exclusive)
  }
  if (typeof options.fd === 'number' && options.fd >= 0) return { ...common, fd: options.fd }
  if (
    args.length === 0 ||
    typeof args[0] === 'function' ||
    (options.port === undefined && 'port' in options) ||
    options.port === null
  ) {
    return { ...common, port: 0 }
  }
  if (typeof options.port === 'number' || typeof options.port === 'string') {
    if (!isPort(options.port)) rejectArguments(args)
    return { ...common, port: options.port | 0, host: options.host || undefined }
  }
  if (typeof options.path === 'string' && options.path !== '') {
    const mode = (options.readableAll ? 0o444 : 0) | (options.writableAll ? 0o222 : 0)
    return { ...common, path: options.path, mode }
  }
  rejectArguments(args)
}

function isPort(port) {
  return (
    (typeof port === 'number' || port.trim().length !== 0) &&
    +port === +port >>> 0 &&
    +port <= 0xffff
  )
}

function backlogOf(args) {
  // listen(port, host, backlog) and listen(port, backlog)
  const numbers = args.slice(1).filter((arg) => typeof arg === 'number')
  return numbers.length !== 0 ? numbers[0] : 0
}

function isClusterWorker() {
  const cluster = process.env.NODE_UNIQUE_ID === undefined ? undefined : require('node:cluster')
  return cluster?.isWorker === true
}

/** Lets Node's own server throw its error for these arguments. */
function rejectArguments(args) {
  const server = new net.Server()
  server.listen(...args)
  server.close()
  throw new TypeError('cannot listen on these arguments')
}

function bind(server, wanted) {
  bridge.start()
  const result = native.listen(wanted)
  if (result.code !== undefined) {
    const err = listenError(result, wanted)
    process.nextTick(() => server.emit('error', err))
    return
  }
  server[kId] = result.id
  server[kAddress] = result
  if (wanted.mode) {
    // newer versions of libuv set these bits alone
    const kept = NODE_MAJOR < 22 ? fs.statSync(wanted.path).mode : 0
    fs.chmodSync(wanted.path, kept | wanted.mode)
  }
  servers.set(result.id, server)
  for (const name of Object.keys(LIMITS)) applyLimit(server, name)
  const { maxHeaderSize } = server[kOptions]
  server[kConfigure]('maxHeaderSize', maxHeaderSize ?? http.maxHeaderSize)
  server[kConfigure]('noDelay', server.noDelay ? 1 : 0)
  syncFlags(server)
  updateRef()
  attachHandler(server)
  process.nextTick(() => {
    if (server[kId] === result.id) server.emit('listening')
  })
}

const NO_ACCESS = {
  code: 'EACCES',
  errno: -os.constants.errno.EACCES,
  message: 'permission denied'
}

function listenError(result, wanted) {
  const where =
    wanted.path ??
    (wanted.host === undefined ? `:::${wanted.port}` : `${wanted.host}:${wanted.port}`)
  // Node has this one for all platforms
  const isMissing = wanted.path !== undefined && result.code === 'ENOENT'
  const { code, errno, message } = isMissing ? NO_ACCESS : result
  const err = new Error(`listen ${code}: ${message} ${where}`)
  err.code = code
  err.errno = errno
  err.syscall = 'listen'
  err.address = wanted.path ?? wanted.host ?? '::'
  if (wanted.path === undefined && wanted.port !== 0) err.port = wanted.port
  return err
}

/** Gives Rust the route table of the app that answers requests. */
function attachHandler(server) {
  const handler = server[kHandler]
  if (typeof handler !== 'function') return
  settings.attach(handler, server)
  server[kUnwatch]?.()
  server[kUnwatch] = null
  server[kRouter] = null
}

/** The app's router, watched from the first request on. */
function routerOf(server, handler) {
  const router = handler.router
  if (typeof router !== 'function' || router[kOnStale] === undefined) return null
  if (server[kRouter] === router) return router
  server[kUnwatch]?.()
  server[kRouter] = router
  const ref = new WeakRef(server)
  if (router[kOnStale] === null) router[kOnStale] = new Set()
  const onStale = () => {
    const watched = ref.deref()
    if (watched?.listening) native.serverSetTable(watched[kId], null, 0)
  }
  router[kOnStale].add(onStale)
  server[kUnwatch] = () => router[kOnStale].delete(onStale)
  return router
}

// closing --------------------------------------------------------------------------

/** Stops accepting; `callback` and 'close' follow when the last connection has gone. */
proto.close = function close(callback) {
  if (typeof callback === 'function') {
    if (this[kId] === 0 || this[kClosing]) {
      this.once('close', () => {
        const err = new Error('Server is not running.')
        err.code = 'ERR_SERVER_NOT_RUNNING'
        callback(err)
      })
    } else {
      this.once('close', callback)
    }
  }
  this[kListenToken] = undefined
  if (this[kId] === 0) {
    process.nextTick(() => this.emit('close'))
    return this
  }
  if (!this[kClosing]) {
    this[kClosing] = true
    native.serverClose(this[kId])
  }
  return this
}

proto[Symbol.asyncDispose] = function asyncDispose() {
  return this[kId] === 0
    ? Promise.resolve()
    : new Promise((resolve, reject) => this.close((err) => (err ? reject(err) : resolve())))
}

proto.closeAllConnections = function closeAllConnections() {
  if (this[kId] !== 0) native.serverCloseAll(this[kId])
}

proto.closeIdleConnections = function closeIdleConnections() {
  if (this[kId] !== 0) native.serverCloseIdle(this[kId])
}

function gone(server) {
  if (server[kId] === 0) return
  if (server[kUpgraded].size !== 0) return
  servers.delete(server[kId])
  native.serverDrop(server[kId])
  server[kId] = 0
  server[kClosing] = false
  server[kAddress] = null
  server[kUnwatch]?.()
  server[kUnwatch] = null
  server[kRouter] = null
  settings.detach(server[kHandler], server)
  updateRef()
  server.emit('close')
}

proto.address = function address() {
  const at = this[kId] === 0 ? null : this[kAddress]
  if (at === null) return null
  if (at.path !== undefined) return at.path
  return { address: at.address, family: at.family, port: at.port }
}

/** @param {(err: Error | null, count: number) => void} callback */
proto.getConnections = function getConnections(callback) {
  const count = this[kId] === 0 ? 0 : native.serverConnections(this[kId]) + this[kUpgraded].size
  process.nextTick(callback, null, count)
  return this
}

Object.defineProperty(proto, 'connections', {
  configurable: true,
  get() {
    return this[kId] === 0 ? 0 : native.serverConnections(this[kId]) + this[kUpgraded].size
  },
  set() {}
})

proto.setTimeout = function setTimeout(msecs, callback) {
  this.timeout = msecs
  if (callback) this.on('timeout', callback)
  return this
}

proto.ref = function ref() {
  this[kUnref] = false
  updateRef()
  return this
}

proto.unref = function unref() {
  this[kUnref] = true
  updateRef()
  return this
}

let referenced = false

/** The event loop stays alive as long as a server does that nobody unreferenced. */
function updateRef() {
  let wanted = false
  for (const server of servers.values()) if (!server[kUnref]) wanted = true
  if (wanted === referenced) return
  referenced = wanted
  if (wanted) native.ref()
  else native.unref()
}

// listeners ------------------------------------------------------------------------

for (const name of [
  'on',
  'addListener',
  'prependListener',
  'removeListener',
  'off',
  'once',
  'prependOnceListener',
  'removeAllListeners'
]) {
  const original = EventEmitter.prototype[name]
  proto[name] = {
    [name](...args) {
      const result = original.apply(this, args)
      if (args.length === 0 || LISTENER_FLAGS[args[0]] !== undefined) syncFlags(this)
      return result
    }
  }[name]
}

function syncFlags(server) {
  if (server[kId] === 0) return
  let flags = server[kOptions].requireHostHeader === false ? 0 : REQUIRE_HOST
  for (const name of Object.keys(LISTENER_FLAGS)) {
    if (server.listenerCount(name) !== 0) flags |= LISTENER_FLAGS[name]
  }
  server[kConfigure]('flags', flags)
}

// frames ---------------------------------------------------------------------------

/** Reads a REQUEST or UPGRADE frame into a request. */
function readRequest(server, classes, words, at, inbox, extraWords) {
  const w = at + 12 + extraWords
  const start = w * 4
  const headLength = words[at + 7]
  const head = inbox.latin1Slice(start, start + headLength)
  const flags = words[at + 1] >>> 8
  const planWords = words[at + 9]
  const bodyLength = words[at + 10]
  const planAt = w + ((headLength + 3) >> 2)
  let body = null
  if (bodyLength !== 0) {
    const from = (planAt + planWords) * 4
    body = Buffer.allocUnsafe(bodyLength)
    inbox.copy(body, 0, from, from + bodyLength)
  }
  return new classes.Request(
    server,
    flags,
    words[at + 2],
    words[at + 3],
    head,
    head.slice(0, words[at + 6]),
    METHODS[words[at + 5]],
    words[at + 11],
    body
  )
}

/** Only the routing of the request itself needs the words: copied, the inbox is reused. */
function copyPlan(req, router, version, words, at, count) {
  const plan = new Array(count)
  for (let i = 0; i < count; i++) plan[i] = words[at + i]
  req[kPlan] = new Offer(router, plan, 0, count, version, req.url, req.method)
}

const { emit } = EventEmitter.prototype

const dispatchResource = class extends AsyncResource {}

bridge.onFrame(F.REQUEST, (words, at, inbox) => {
  const server = servers.get(words[at + 4])
  if (server === undefined) {
    bridge.sendWord(F.DESTROY, 0, words[at + 2], words[at + 3], 0)
    return
  }
  const handler = server[kHandler]
  const classes = classesFor(handler ?? noHandler)
  const flags = words[at + 1] >>> 8
  const slot = words[at + 2]
  if (flags & F.FIRST) forgetSocket(slot)
  stopReading(slot)
  const req = readRequest(server, classes, words, at, inbox, 0)
  const res = new classes.Response(req, slot, words[at + 3])
  req.res = res
  bridge.attach(res)

  const router = classes.request === undefined ? null : routerOf(server, handler)
  if (router !== null) {
    const version = words[at + 8]
    if (version !== 0 && version === router[kTableVersion]) {
      const planAt = at + 12 + ((words[at + 7] + 3) >> 2)
      copyPlan(req, router, version, words, planAt, words[at + 9])
    } else {
      shareTable(server, router)
    }
  }

  // Every request is an asynchronous context of its own: what one enters
  // (AsyncLocalStorage.enterWith) must not be seen by the next of the same batch.
  const resource = new dispatchResource('HTTPINCOMINGMESSAGE', REQUEST_RESOURCE)
  entering.req = req
  try {
    resource.runInAsyncScope(dispatch, undefined, server, handler, req, res, flags)
  } catch (err) {
    // as from any callback: 'uncaughtException', and the rest of the batch goes on
    process.nextTick(rethrow, err)
  }
  entered(req)
})

const REQUEST_RESOURCE = { requireManualDestroy: true }

function rethrow(err) {
  throw err
}

function noHandler() {}

/** Lets Rust plan from now on with the table as it is. */
function shareTable(server, router) {
  const table = tableOf(router)
  native.serverSetTable(server[kId], table, router[kTableVersion])
}

function dispatch(server, handler, req, res, flags) {
  if (requestStarted.hasSubscribers) {
    requestStarted.publish({ request: req, response: res, socket: req.socket, server })
  }
  if (responseFinished.hasSubscribers) {
    res.on('finish', () => {
      responseFinished.publish({ request: req, response: res, socket: req.socket, server })
    })
  }
  if (flags & F.EXPECT_CONTINUE) {
    if (server.emit('checkContinue', req, res)) return
    res.writeContinue()
  } else if (flags & F.OVER_LIMIT) {
    server.emit('dropRequest', req, req.socket)
    res.writeHead(503)
    res.end()
    return
  } else if (flags & F.EXPECT_OTHER) {
    if (server.emit('checkExpectation', req, res)) return
    res.writeHead(417)
    res.end()
    return
  }
  // agents replace emit to see every request
  if (server._events.request === handler && server.emit === emit) handler.call(server, req, res)
  else server.emit('request', req, res)
}

bridge.onFrame(F.UPGRADE, (words, at, inbox) => {
  const server = servers.get(words[at + 4])
  const fd = words[at + 12]
  if (server === undefined) {
    if (fd >= 0) native.closeFd(fd)
    return
  }
  forgetSocket(words[at + 2])
  const req = readRequest(server, classesFor(server[kHandler] ?? noHandler), words, at, inbox, 1)
  const head = req[S.kInlineBody] ?? Buffer.alloc(0)
  req[S.kInlineBody] = null
  const socket = adoptSocket(server, fd)
  if (socket === null) return
  req.socket = socket
  req.upgrade = true
  const event = req.method === 'CONNECT' ? 'connect' : 'upgrade'
  const resource = new dispatchResource('HTTPINCOMINGMESSAGE', REQUEST_RESOURCE)
  try {
    resource.runInAsyncScope(() => {
      if (!server.emit(event, req, socket, head)) socket.destroy()
    })
  } catch (err) {
    process.nextTick(rethrow, err)
  }
})

/** A real socket on a descriptor that Rust has given away. */
function adoptSocket(server, fd) {
  if (fd < 0) return null
  const socket = new net.Socket({ fd, readable: true, writable: true, allowHalfOpen: true })
  socket.server = server
  socket._server = server
  server[kUpgraded].add(socket)
  socket.once('close', () => {
    server[kUpgraded].delete(socket)
    if (server[kClosing] && native.serverConnections(server[kId]) === 0) gone(server)
  })
  return socket
}

bridge.onFrame(F.CLIENT_ERROR, (words, at, inbox) => {
  const server = servers.get(words[at + 4])
  const fd = words[at + 6]
  if (server === undefined) {
    if (fd >= 0) native.closeFd(fd)
    return
  }
  const start = (at + 8) * 4
  const rawPacket = Buffer.from(inbox.subarray(start, start + words[at + 7]))
  const socket = adoptSocket(server, fd)
  if (socket === null) return
  const err = clientError(words[at + 5], rawPacket)
  if (!server.emit('clientError', err, socket)) socket.destroy(err)
})

bridge.onFrame(F.CONNECTION, (words, at, inbox) => {
  const server = servers.get(words[at + 4])
  if (server === undefined) return
  const start = (at + 7) * 4
  const [remote, local] = inbox.latin1Slice(start, start + words[at + 6]).split('\n')
  if ((words[at + 1] >>> 8) & F.CONNECTION_DROPPED) {
    const { localAddress, localPort, localFamily, remoteAddress, remotePort, remoteFamily } =
      new NativeSocket(server, 0, 0, remote, local, words[at + 5])
    const data = { localAddress, localPort, localFamily, remoteAddress, remotePort, remoteFamily }
    server.emit('drop', data)
    return
  }
  const socket = openSocket(server, words[at + 2], words[at + 3], remote, local, words[at + 5])
  server.emit('connection', socket)
})

bridge.onFrame(F.CONNECTION_CLOSED, (words, at) => {
  const socket = knownSocket(words[at + 2])
  // an answer to a late WATCH_CLOSE may find the next connection's socket in the slot
  if (socket === undefined || ((socket[S.kGeneration] - words[at + 3]) | 0) > 0) return
  const fin = ((words[at + 1] >>> 8) & F.CONNECTION_ENDED) !== 0
  // what was read before it is handled first, down to the end of its turn
  setImmediate(() => {
    if (fin) ended(socket)
    closed(socket, false)
  })
})

bridge.onFrame(F.SERVER_CLOSED, (words, at) => {
  const server = servers.get(words[at + 4])
  if (server !== undefined) gone(server)
})

bridge.onFrame(F.SOCKET_TIMEOUT, (words, at) => {
  const server = servers.get(words[at + 4])
  if (server === undefined) return
  const slot = words[at + 2]
  const res = bridge.lookup(slot, words[at + 3])
  const socket = res === undefined ? knownSocket(slot) : res.req.socket
  const handled =
    socket !== undefined &&
    [
      res !== undefined && !res.req.complete && res.req.emit('timeout', socket),
      res?.emit('timeout', socket),
      server.emit('timeout', socket)
    ].some(Boolean)
  if (handled) return
  if (socket !== undefined) socket.destroy()
  else bridge.sendWord(F.DESTROY, 0, slot, words[at + 3], 0)
})

/**
 * @param {object | Function} [options]
 * @param {Function} [handler] an Express app or any request listener
 * @returns {Server}
 */
function createServer(options, handler) {
  return new Server(options, handler)
}

module.exports = { Server, createServer }
