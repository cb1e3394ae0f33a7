'use strict'
// server.listen in all of Node's forms, down to the bound socket, with Node's errors. What
// happens on connections is no business of this file.

const dns = require('node:dns')
const fs = require('node:fs')
const http = require('node:http')
const net = require('node:net')
const os = require('node:os')
const native = require('../index')
const bridge = require('../bridge')
const settings = require('../settings')
const { syncFlags } = require('./limits')
const { retire } = require('./closing')
const { isRelayed, relay } = require('./relay')
const state = require('./state')
const { nextTick } = require('../timers')
const { nodesOwn } = require('../nodes-own')

const { kId, kAddress, kClosing, kConfig, kGiven, kHandler, kListenToken } = state
const { kOpen, kRouter, kUnref, kUnwatch, servers, updateRef, watchBusy } = state

const NODE_MAJOR = Number.parseInt(process.versions.node, 10)

/** Options of the addon's listen where a net.Server accepts. */
const ELSEWHERE = { elsewhere: true }

/** Flags of libuv's TCP binds; Node does not export them. */
const UV_TCP_IPV6ONLY = 1
const UV_TCP_REUSEPORT = 2

/** Kept from the start: programs put other classes in the place of http.Server, this package's too. */
const { prototype: nodes } = http.Server

/** Node's own method, null if it was replaced before this file was loaded. */
const nodesListen = nodesOwn(net.Server.prototype.listen, 'listenInCluster(')

/**
 * All forms of net.Server.listen: (port, host, backlog, cb), (path), (options), ({ fd }), (handle) …
 * Errors of the system come as 'error' events, wrong arguments are thrown.
 */
function listen(...args) {
  // whoever has replaced it may take another address, or not listen at all; his call of Node's own ends in listenAsNode
  if (nodes.listen !== nodesListen) return nodes.listen.apply(this, args)

  const [options, callback] = net._normalizeArgs(args)
  if (this.listening) {
    const err = new Error('Listen method has been called more than once without closing.')
    err.code = 'ERR_SERVER_ALREADY_LISTEN'
    throw err
  }
  if (callback !== null) this.once('listening', callback)

  if (this[kId] !== 0) retire(this)
  this[kListenToken] = {}
  if (isRelayed(options)) {
    const given = args.filter((arg) => typeof arg !== 'function')
    relay(
      this,
      (inner) => inner.listen(...given),
      (inner) => open(this, ELSEWHERE, inner)
    )
    return this
  }
  const wanted = listenOptions(args, options)
  if (wanted.path !== undefined) this._pipeName = wanted.path
  if (options.signal !== undefined) closeOnAbort(this, options.signal, args)

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

/**
 * The last step of Node's own listen(), which has judged the arguments and knows the address: net.Server's `_listen2`, named
 * so for those who wrap it.
 *
 * @param {string | null} address an IP address, null for any, or a path (then `port` is -1)
 * @param {number} port
 * @param {number} addressType 4, 6 or -1
 * @param {number} backlog 0: the default
 * @param {number} [fd] of a socket that is bound
 * @param {number} [flags] libuv's, of TCP
 */
function listenAsNode(address, port, addressType, backlog, fd, flags) {
  if (this[kId] !== 0) retire(this)
  this[kListenToken] = {}
  const given = this[kGiven]
  if (given !== null) {
    this[kGiven] = null
    const begin = (inner) => {
      inner._handle = given
      inner._listen2(address, port, addressType, backlog, fd, flags)
    }
    relay(this, begin, (inner) => open(this, ELSEWHERE, inner))
    return
  }
  const wanted = {
    backlog: backlog || 0,
    ipv6Only: (flags & UV_TCP_IPV6ONLY) !== 0,
    reusePort: (flags & UV_TCP_REUSEPORT) !== 0
  }
  if (typeof fd === 'number' && fd >= 0) bind(this, { ...wanted, fd })
  else if (port === -1) bind(this, { ...wanted, path: address })
  else bind(this, { ...wanted, port, host: address || undefined })
}

function closeOnAbort(server, signal, args) {
  if (signal === null || typeof signal !== 'object' || !('aborted' in signal)) rejectArguments(args)
  const onAbort = () => server.close()
  if (signal.aborted) {
    nextTick(onAbort)
  } else {
    signal.addEventListener('abort', onAbort, { once: true })
    server.once('close', () => signal.removeEventListener('abort', onAbort))
  }
}

/** What the addon needs; Node's own server judges what is not plain. */
function listenOptions(args, options) {
  const backlog = typeof options.backlog === 'number' ? options.backlog : backlogOf(args)
  const common = {
    backlog,
    ipv6Only: Boolean(options.ipv6Only),
    reusePort: Boolean(options.reusePort),
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
    // an abstract socket has no file to set it on
    if (mode !== 0 && options.path[0] === '\0') rejectArguments(args)
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

/** Lets Node's own server throw its error for these arguments. */
function rejectArguments(args) {
  const server = new net.Server()
  server.listen(...args)
  server.close()
  throw new TypeError('cannot listen on these arguments')
}

function bind(server, wanted) {
  const result = open(server, wanted)
  if (result.code !== undefined) {
    const err = listenError(result, wanted)
    nextTick(() => server.emit('error', err))
    return
  }
  if (wanted.mode) {
    // newer versions of libuv set these bits alone
    const kept = NODE_MAJOR < 22 ? fs.statSync(wanted.path).mode : 0
    fs.chmodSync(wanted.path, kept | wanted.mode)
  }
  nextTick(() => {
    // close() in between calls it off
    if (server[kId] === result.id && !server[kClosing]) server.emit('listening')
  })
}

/**
 * Begins to serve.
 * @param {object} wanted options of the addon's listen
 * @param {net.Server} [inner] who accepts, if Rust does not
 * @returns {object} the addon's result: with `code`, it was refused
 */
function open(server, wanted, inner) {
  bridge.start()
  attachHandler(server)
  syncFlags(server)
  const path = wanted.path && boundPath(wanted.path)
  const result = native.listen({ ...wanted, path, config: server[kConfig] })
  if (result.code !== undefined) {
    settings.detach(server[kHandler], server)
    if (servers.size === 0) bridge.rest()
    return result
  }
  server[kId] = result.id
  server[kOpen].add(result.id)
  // what is left of an earlier listen() no longer ends this server
  server[kClosing] = false
  // a Unix socket has the name that it was given
  const own = result.path === undefined ? result : { path: wanted.path ?? null }
  server[kAddress] = inner ? addressOf(inner.address()) : own
  servers.set(result.id, server)
  if (server[kUnref]) watchBusy(server)
  updateRef()
  return result
}

/** Older versions of libuv fill the name of an abstract socket up with zeros. */
function boundPath(path) {
  return path[0] === '\0' && NODE_MAJOR < 22 ? path.padEnd(ABSTRACT_BYTES, '\0') : path
}

/** As `address()` gives it; never null while listening. */
function addressOf(address) {
  return address === null || typeof address === 'string' ? { path: address } : address
}

/** Bytes of `sun_path`. */
const ABSTRACT_BYTES = 108

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

module.exports = { listen, listenAsNode }
