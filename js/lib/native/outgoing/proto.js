'use strict'
// The object that native-backed responses inherit from, between Express' response prototype and
// http.ServerResponse.prototype; the states of a response; and Node's own state behind symbols.
// What the states mean is for the files next to it. Foreign messages (Node's server), which have
// no kSlot, never leave Node's methods.

const { ServerResponse } = require('node:http')
const { kState } = require('../symbols')

const NodeProto = ServerResponse.prototype
const proto = Object.create(NodeProto)

/** States of a native response. */
const LIGHT = 1
const FULL = 2
/** Answered in the light state; headers are still read from the list. */
const SENT = 3
/** The invocation is over: answered in full, aborted, or ended by its deadline. */
const DONE = 4

/** True while the headers are in the flat list. */
function hasList(res) {
  const state = res[kState]
  return state === LIGHT || state === SENT
}

// Found on a response made for the purpose.
const sample = new ServerResponse({ method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1 })
const symbolOf = (name) =>
  Object.getOwnPropertySymbols(sample).find((symbol) => symbol.description === name)
const kOutHeaders = symbolOf('kOutHeaders')
const kNodeNeedDrain = symbolOf('kNeedDrain')
const kUniqueHeaders = symbolOf('kUniqueHeaders')
const kNodeSocket = symbolOf('kSocket')

module.exports = {
  NodeProto,
  proto,
  LIGHT,
  FULL,
  SENT,
  DONE,
  hasList,
  sample,
  kOutHeaders,
  kNodeNeedDrain,
  kUniqueHeaders,
  kNodeSocket
}
