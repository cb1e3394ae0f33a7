'use strict'
// What reflects on our classes sees what it sees on Node's: how many arguments methods take, and which events have listeners.
// Wrappers of agents and promisify() go by the former. What is written over an accessor of ours becomes the plain field that it is there.
// Nothing here changes what a method does.

const { Stream } = require('node:stream')

/** Gives the public methods of `proto` the lengths of those of the same name on `nodes`. */
function alike(proto, nodes) {
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(proto))) {
    if (typeof value !== 'function' || name === 'constructor' || name.startsWith('_')) continue
    const original = nodes[name]
    if (typeof original !== 'function' || original.length === value.length) continue
    Object.defineProperty(value, 'length', { configurable: true, value: original.length })
  }
}

/** Puts a field on an object, as an assignment does where no accessor is in the way. */
function own(object, name, value) {
  Object.defineProperty(object, name, {
    configurable: true,
    enumerable: true,
    writable: true,
    value
  })
}

/** Of an object that may not have had a listener yet. */
function eventNames() {
  return this._events === undefined ? [] : Stream.prototype.eventNames.call(this)
}

module.exports = { alike, eventNames, own }
