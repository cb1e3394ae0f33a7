'use strict'
// The object that native-backed requests inherit from, between Express' request prototype and
// http.IncomingMessage.prototype, and the ways to put accessors on it that make a part when it is
// first touched. Which parts there are is for the files next to it.

const { IncomingMessage } = require('node:http')
const { inspect } = require('node:util')
const { own } = require('../likeness')
const { kRoot, kSlot } = require('../symbols')

const NodeProto = IncomingMessage.prototype
const proto = Object.create(NodeProto)
Object.defineProperty(proto, kRoot, { value: proto })

Object.defineProperty(proto, inspect.custom, {
  configurable: true,
  value() {
    return require('../inspect').viewOf(this)
  }
})

/**
 * An accessor of the prototype of native requests.
 * @param {boolean} [isField] a field in Node's messages, and so seen by `for … in`
 */
function define(name, get, set, isField = false) {
  Object.defineProperty(proto, name, { configurable: true, enumerable: isField, get, set })
}

/** A field of Node's messages: a write turns it into an own one. */
function lazy(name, get) {
  const set = function (value) {
    own(this, name, value)
  }
  define(name, get, set, true)
}

/** Getter on Node's prototype for messages that are not ours. */
function nodeGetter(name) {
  return Object.getOwnPropertyDescriptor(NodeProto, name)?.get ?? (() => undefined)
}

/** The same in place of one of Node's, which stays there for Node's own messages; what is assigned is kept under `key`. */
function override(name, get, key) {
  const nodeSet = Object.getOwnPropertyDescriptor(NodeProto, name)?.set
  define(name, get, function (value) {
    if (this[kSlot] === undefined && nodeSet) nodeSet.call(this, value)
    else this[key] = value
  })
}

module.exports = { NodeProto, proto, define, lazy, own, nodeGetter, override }
