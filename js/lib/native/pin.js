'use strict'
// Messages that keep working without their prototype. An app of real Express that is called with
// native-backed messages (`app.use((req, res) => legacy(req, res))`) gives them prototypes that know
// node:http alone, and a handler may do the same. Nothing here is on the way of a request that stays
// with this package's apps.

const { kRequest, kRoot, kSlot } = require('./symbols')
const incoming = require('./incoming/proto').proto
const outgoing = require('./outgoing/proto').proto

/**
 * Gives a message what it has from its native prototype as properties of its own, which come before
 * those of any prototype. Does nothing to a foreign message.
 */
function pin(message) {
  const root = message?.[kRoot]
  if (root !== undefined) pinTo(message, root)
}

/** The same for a message whose prototype somebody has replaced without a word, by one of Node's. */
function regain(message) {
  if (message[kRoot] !== undefined || message[kSlot] === undefined || !('emit' in message)) return
  pinTo(message, message[kRequest] === undefined ? incoming : outgoing)
}

function pinTo(message, root) {
  for (const key of Reflect.ownKeys(root)) {
    if (Object.hasOwn(message, key)) continue
    const descriptor = Object.getOwnPropertyDescriptor(root, key)
    // fields of Node's messages are accessors here, and stay visible
    const isField = descriptor.get !== undefined && descriptor.enumerable
    Object.defineProperty(message, key, { ...descriptor, enumerable: isField })
  }
}

module.exports = { pin, regain }
