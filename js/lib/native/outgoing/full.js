'use strict'
// Full responses: Node's own ServerResponse constructor and methods take over and write to the
// connection's socket view, so that every observable step is Node's. Everything that the light
// state has no answer for comes here.

const { ServerResponse } = require('node:http')
const F = require('../frames')
const bridge = require('../bridge')
const { HIGH_WATER_MARK, socketOf } = require('../socket')
const { NodeProto, proto, LIGHT, FULL, SENT, FIXED, STREAM } = require('./proto')
const { kOutHeaders, kNodeSocket, kWritableFinished } = require('./proto')
const { hasList, complete, listOf, nodeHeaders } = require('./headers')
const { KEPT, connectionTerms } = require('./head')
const { tell, isUntold, isFinished } = require('./moments')
const { countHeld } = require('./turn')
const { regain } = require('../pin')
const { own } = require('../likeness')
const S = require('../symbols')

const { kFlags, kRequest, kState, kHeaderList, kSocket, kServer, kFixed } = S

/** Options of a response whose server has the same set. */
const REJECTING = { rejectNonStandardBodyWrites: true }

/**
 * Turns a response that nothing has been sent of into a full one: Node's constructor runs, headers
 * move over, and the connection's socket is assigned.
 */
function full(res) {
  const state = res[kState]
  if (state === STREAM) return streams().resume(res)
  if (state !== LIGHT && state !== FIXED) return withOutput(res)
  regain(res)
  complete(res)
  const req = res[kRequest]
  regain(req)
  const server = req[kServer]
  const flags = req[kFlags]
  const list = res[kHeaderList]
  const kept = KEPT.map((name) => res[name])
  const { useChunkedEncodingByDefault } = res
  const isHeld = res[kSocket] === null || bridge.isHeld(res)
  const socket = isHeld ? null : bind(res)
  res[kState] = FULL
  ServerResponse.call(res, req, server.rejectNonStandardBodyWrites ? REJECTING : undefined)
  KEPT.forEach((name, i) => {
    res[name] = kept[i]
  })
  if (list.length !== 0) {
    if (kOutHeaders !== undefined) {
      res[kOutHeaders] = nodeHeaders(list)
    } else {
      for (let i = 0; i < list.length; i += 3)
        NodeProto.setHeader.call(res, list[i + 1], list[i + 2])
    }
  }

  res._onPendingData = isHeld ? countHeld(res) : noop
  connectionTerms(res, req)
  if (req.headers.expect !== undefined) {
    // 100 Continue has been written by Rust unless somebody listens to checkContinue
    if (flags & F.EXPECT_CONTINUE) res._expect_continue = true
    else res._sent100 = true
  }
  res.socket = socket
  if (state === FIXED) fixAgain(res)
  if (!useChunkedEncodingByDefault) res.useChunkedEncodingByDefault = false
  return res
}

/** What Node's methods have to write, of responses that its constructor has not seen: nobody may write to it. */
const NO_OUTPUT = Object.freeze([])

/** Behind an answer of ours, Node's methods keep what comes too late: each response for itself. */
function withOutput(res) {
  if (res.outputData === NO_OUTPUT) res.outputData = []
  return res
}

function noop() {}

let loaded
/** Loaded late: it stands on this file. */
function streams() {
  return loaded ?? (loaded = require('./stream'))
}

/** The head that was fixed, by Node's writeHead. */
function fixAgain(res) {
  const { statusCode, statusMessage, sendDate } = res
  const { flags, status, message, headers } = res[kFixed]
  res.statusMessage = message
  // what was decided then, whatever has become of it
  res.sendDate = (flags & F.NO_DATE) === 0
  NodeProto.writeHead.call(res, status, headers)
  res.statusCode = statusCode
  res.statusMessage = statusMessage
  res.sendDate = sendDate
}

/** The response's socket, which now knows whose turn it is. */
function bind(res) {
  const req = res[kRequest]
  const socket = req[kSocket] ?? (req[kSocket] = socketOf(req))
  const before = socket._httpMessage
  if (before !== res) {
    // the response before this one is complete, it may only wait for its last callback
    if (before) NodeProto.detachSocket.call(before, socket)
    socket._httpMessage = res
  }
  res[kSocket] = socket
  return socket
}

for (const name of [
  '_send',
  '_writeRaw',
  '_storeHeader',
  '_flush',
  '_flushOutput',
  '_renderHeaders',
  'addTrailers',
  'appendHeader',
  'assignSocket',
  'destroy',
  'detachSocket',
  'pipe',
  'setHeaders',
  'setTimeout',
  'writeContinue',
  'writeEarlyHints',
  'writeInformation',
  'writeProcessing'
]) {
  const original = NodeProto[name]
  if (typeof original !== 'function') continue
  proto[name] = {
    [name](...args) {
      full(this)
      return original.apply(this, args)
    }
  }[name]
}

// Behind an answer that Node's constructor has not seen there is nothing to hold back.
for (const name of ['cork', 'uncork']) {
  proto[name] = {
    [name]() {
      full(this)
      if (this[kState] === FULL) NodeProto[name].call(this)
    }
  }[name]
}

proto.write = function write(chunk, encoding, callback) {
  const state = this[kState]
  if (state === LIGHT || state === FIXED || state === STREAM) {
    const result = streams().streamWrite(this, chunk, encoding, callback)
    if (result !== undefined) return result
  }
  full(this)
  return NodeProto.write.call(this, chunk, encoding, callback)
}

proto.flushHeaders = function flushHeaders() {
  const state = this[kState]
  if (state === STREAM) return
  if ((state === LIGHT || state === FIXED) && streams().flushHead(this)) return
  full(this)
  NodeProto.flushHeaders.call(this)
}

for (const name of ['socket', 'connection']) {
  Object.defineProperty(proto, name, {
    configurable: true,
    // a field in Node's messages, until Node 20
    enumerable: name === 'socket' && kNodeSocket === undefined,
    get() {
      const socket = this[kSocket]
      if (socket !== undefined) return socket
      // Node's own message, which knows its socket
      if (this[kState] === undefined) return this[kNodeSocket]
      if (this[kState] === STREAM) return full(this)[kSocket]
      // made as soon as somebody looks for it
      if (!hasList(this) || (this[kState] === SENT && isFinished(this))) return null
      if (bridge.isHeld(this)) return null
      const own = bind(this)
      if (isUntold(this)) tell(this)
      return own
    },
    set(value) {
      this[kSocket] = value
      // from Node 22 on its own methods read the socket behind a symbol
      if (kNodeSocket !== undefined) this[kNodeSocket] = value
    }
  })
}

// Some call Node's own methods on any response (`OutgoingMessage.prototype.setHeader.call(res, …)`):
// the first look at Node's headers ends the light state.
if (kOutHeaders !== undefined) {
  Object.defineProperty(proto, kOutHeaders, {
    configurable: true,
    get() {
      if (this[kState] === LIGHT) return full(this)[kOutHeaders]
      return hasList(this) ? nodeHeaders(listOf(this)) : undefined
    },
    set(value) {
      own(this, kOutHeaders, value)
    }
  })
}

// Node keeps what these are made of behind symbols that only its constructor sets.
for (const [name, light] of [
  ['closed', (res) => res._closed],
  ['errored', () => null],
  ['writableCorked', (res) => (res[kState] === STREAM ? streams().writableCorked(res) : 0)],
  [
    'writableFinished',
    (res) => {
      if (res[kState] === STREAM) return streams().writableFinished(res)
      return res.finished && (kWritableFinished === undefined || isFinished(res))
    }
  ],
  // the socket's: asked of the full one
  [
    'writableHighWaterMark',
    (res) =>
      res[kState] === STREAM
        ? HIGH_WATER_MARK
        : (full(res).socket?.writableHighWaterMark ?? HIGH_WATER_MARK)
  ],
  ['writableLength', (res) => (res[kState] === STREAM ? streams().writableLength(res) : 0)],
  ['writableNeedDrain', (res) => res[kState] === STREAM && streams().writableNeedDrain(res)]
]) {
  const descriptor = descriptorOf(name)
  if (descriptor === undefined) continue
  Object.defineProperty(proto, name, {
    configurable: true,
    enumerable: descriptor.enumerable,
    get() {
      return hasList(this) ? light(this) : descriptor.get.call(this)
    }
  })
}

/** The getter that a response inherits, if its Node has one. */
function descriptorOf(name) {
  for (let at = NodeProto; at !== null; at = Object.getPrototypeOf(at)) {
    const descriptor = Object.getOwnPropertyDescriptor(at, name)
    if (descriptor !== undefined) return descriptor.get === undefined ? undefined : descriptor
  }
}

module.exports = { full, noop, bind, NO_OUTPUT }
