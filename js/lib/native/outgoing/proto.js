'use strict'
// The object that native-backed responses inherit from, between Express' response prototype and
// http.ServerResponse.prototype; the states of a response; and Node's own state behind symbols.
// What the states mean is for the files next to it. Foreign messages (Node's server), which have
// no kSlot, never leave Node's methods.

const { ServerResponse } = require('node:http')
const { inspect } = require('node:util')
const { kRoot } = require('../symbols')

const NodeProto = ServerResponse.prototype
const proto = Object.create(NodeProto)
Object.defineProperty(proto, kRoot, { value: proto })
Object.defineProperty(proto, inspect.custom, {
  configurable: true,
  value() {
    return require('../inspect').viewOf(this)
  }
})

/** States of a native response: nothing decided yet, headers in the flat list. */
const LIGHT = 1
const FULL = 2
/** Answered without Node's methods; headers are still read from the list. */
const SENT = 3
/** The invocation is over: answered in full, aborted, or ended by its deadline. */
const DONE = 4
/** writeHead was called on a light response: the head is fixed, nothing has been sent. */
const FIXED = 5
/** Head sent, body under way in frames that Rust frames; headers are still read from the list. */
const STREAM = 6

// Found on responses made for the purpose.
const make = () => new ServerResponse({ method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1 })
const sample = make()
const symbolOf = (name) =>
  Object.getOwnPropertySymbols(sample).find((symbol) => symbol.description === name)
const kOutHeaders = symbolOf('kOutHeaders')
const kNodeNeedDrain = symbolOf('kNeedDrain')
const kUniqueHeaders = symbolOf('kUniqueHeaders')
const kNodeSocket = symbolOf('kSocket')
/** On newer versions: finished means that 'finish' has come. */
const kWritableFinished = symbolOf('kWritableFinished')
/** True if a response counts as corked while its socket is (until Node 20). */
const corked = make()
corked.socket = { writableCorked: 1 }
const COUNTS_SOCKET_CORKS = corked.writableCorked === 1
/** On newer versions: a response without a socket closes when it is destroyed, and Node's server destroys those that wait for one. */
const waiting = make()
waiting.destroy()
const DESTROYS_WAITING = waiting.listenerCount('socket') === 0

module.exports = {
  NodeProto,
  proto,
  LIGHT,
  FULL,
  SENT,
  DONE,
  FIXED,
  STREAM,
  sample,
  kOutHeaders,
  kNodeNeedDrain,
  kUniqueHeaders,
  kNodeSocket,
  kWritableFinished,
  COUNTS_SOCKET_CORKS,
  DESTROYS_WAITING
}
