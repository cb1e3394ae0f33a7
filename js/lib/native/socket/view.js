'use strict'
// The class of a connection's socket view: its fields, and the properties and methods that need
// no more than them. Writing, ending and time-outs are next door.

const net = require('node:net')
const { EventEmitter } = require('node:events')
const F = require('../frames')
const { Flow } = require('../flow')
const { alike, eventNames } = require('../likeness')
const { kSlot, kGeneration, kWroteIn } = require('../symbols')
const { drain, pending, write, cork, uncork } = require('./writing')
const ending = require('./ending')
const { setSocketTimeout } = require('./timeout')
const { HIGH_WATER_MARK, kTimeout, kOwnTimeout, kTimer, kAsked, kProgress } = require('./state')
const { kFlow, kEnded, kHeld, kHeldBytes } = require('./state')
const { kFinished, kGone, kTakeBack, kFresh, kListenersBefore, kUnref } = require('./state')

/** The view of one connection, for the requests and responses on it; `ports` is remote | local << 16. */
function NativeSocket(server, slot, generation, remote, local, ports) {
  this[kSlot] = slot
  this[kGeneration] = generation
  this[kWroteIn] = -1
  this[kFlow] = new Flow(slot, F.RAW, drain, this)
  this[kTakeBack] = 0
  this[kFresh] = false
  this[kListenersBefore] = 0
  this[kEnded] = false
  this[kFinished] = false
  this[kGone] = false
  this[kUnref] = false
  this[kHeld] = []
  this[kHeldBytes] = 0
  this[kTimeout] = 0
  this[kOwnTimeout] = false
  this[kTimer] = null
  this[kAsked] = false
  this[kProgress] = undefined
  this._events = undefined
  this._eventsCount = 0
  this._maxListeners = undefined
  this._httpMessage = null
  this._writableState = {
    corked: 0,
    length: 0,
    needDrain: false,
    errored: null,
    closed: false,
    objectMode: false,
    getBuffer: none
  }
  this._readableState = {
    flowing: true,
    length: 0,
    ended: false,
    endEmitted: false,
    errored: null,
    closed: false,
    objectMode: false,
    dataEmitted: false,
    encoding: null,
    buffer: none()
  }
  this.server = server
  this._server = server
  this.parser = null
  this.remoteAddress = remote === '' ? undefined : remote
  this.remotePort = remote === '' ? undefined : ports & 0xffff
  this.remoteFamily = family(remote)
  this.localAddress = local === '' ? undefined : local
  this.localPort = local === '' ? undefined : ports >>> 16
  this.localFamily = family(local)
  this.destroyed = false
  this.closed = false
  this.errored = null
  this.readable = true
  this.writable = true
  this.connecting = false
  this.pending = false
  this.allowHalfOpen = true
  this.timeout = undefined
  this.bytesRead = 0
  this.bytesWritten = 0
}

/** Nothing lies in a view: it is on its way, or with the request. */
function none() {
  return []
}

function family(address) {
  return address === '' ? undefined : address.includes(':') ? 'IPv6' : 'IPv4'
}

const proto = (NativeSocket.prototype = Object.create(net.Socket.prototype, {
  constructor: { configurable: true, writable: true, value: net.Socket }
}))

// these are accessors or fields made by constructors further up the chain
for (const name of [
  'remoteAddress',
  'remotePort',
  'remoteFamily',
  'localAddress',
  'localPort',
  'localFamily',
  'destroyed',
  'closed',
  'errored',
  'readable',
  'writable',
  'connecting',
  'pending',
  'bytesRead',
  'bytesWritten'
]) {
  Object.defineProperty(proto, name, { configurable: true, writable: true, value: undefined })
}

Object.defineProperties(proto, {
  readyState: {
    configurable: true,
    get() {
      if (this.readable) return this.writable ? 'open' : 'readOnly'
      return this.writable ? 'writeOnly' : 'closed'
    }
  },
  writableLength: {
    configurable: true,
    get() {
      return pending(this)
    }
  },
  writableHighWaterMark: { configurable: true, get: () => HIGH_WATER_MARK },
  readableHighWaterMark: { configurable: true, get: () => HIGH_WATER_MARK },
  readableFlowing: {
    configurable: true,
    get() {
      return this._readableState.flowing
    }
  },
  writableNeedDrain: {
    configurable: true,
    get() {
      return this[kFlow].needDrain
    }
  },
  writableCorked: {
    configurable: true,
    get() {
      return this._writableState.corked
    }
  },
  writableEnded: {
    configurable: true,
    get() {
      return this[kEnded]
    }
  },
  writableFinished: {
    configurable: true,
    get() {
      return this[kFinished]
    }
  },
  bufferSize: {
    configurable: true,
    get() {
      return pending(this)
    }
  },
  _handle: {
    configurable: true,
    get() {
      return null
    },
    set() {}
  }
})

const emitter = EventEmitter.prototype
for (const name of [
  'on',
  'addListener',
  'once',
  'prependListener',
  'prependOnceListener',
  'removeListener',
  'off',
  'removeAllListeners'
]) {
  proto[name] = emitter[name]
}

for (const name of ['setNoDelay', 'setKeepAlive']) {
  proto[name] = function () {
    return this
  }
}
/** One that was unreferenced does not keep the process alive once its server has stopped to listen. */
proto.unref = function unref() {
  if (!this[kUnref] && !this.closed) ending.setUnref(this, true)
  return this
}
proto.ref = function ref() {
  if (this[kUnref]) ending.setUnref(this, false)
  return this
}
proto.read = function read() {
  return null
}
proto.unshift = function unshift() {}
// what the client sends is the requests': they are told to wait by the requests themselves
proto.pause = function pause() {
  this._readableState.flowing = false
  return this
}
proto.resume = function resume() {
  this._readableState.flowing = true
  return this
}
proto.isPaused = function isPaused() {
  return this._readableState.flowing === false
}
proto.address = function address() {
  return this.localAddress === undefined
    ? {}
    : { address: this.localAddress, family: this.localFamily, port: this.localPort }
}

proto.write = write
proto.cork = cork
proto.uncork = uncork
proto.end = ending.end
proto.destroy = ending.destroy
proto._destroy = ending.destroy
proto.destroySoon = ending.destroySoon
proto.resetAndDestroy = ending.resetAndDestroy
proto.setTimeout = setSocketTimeout

proto.eventNames = eventNames
alike(proto, net.Socket.prototype)
/** Node's server has this one on its sockets. */
proto.setEncoding = function setEncoding() {
  const err = new Error('Changing the socket encoding is not allowed per RFC7230 Section 3.')
  err.code = 'ERR_HTTP_SOCKET_ENCODING'
  throw err
}

module.exports = { NativeSocket }
