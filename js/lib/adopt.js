// Gives a message the prototype of the app that handles it. It must not take from a message what its
// server gave it: with two copies of this package in a process, the one's app gets messages that
// only the other's accessors can read.
'use strict'

const { IncomingMessage, ServerResponse } = require('node:http')
const { willMove } = require('./native/message')
const { kRoot, kServer } = require('./native/symbols')

/** Where the prototypes of an app end that was mounted in one of Express' own. */
const nodes = [IncomingMessage.prototype, ServerResponse.prototype]

/**
 * @param {object} message  request or response, of any server
 * @param {object} proto  `app.request` or `app.response`
 */
function adopt(message, proto) {
  // Changing a prototype throws away what the engine learnt about an object (costly on Node 20),
  // reading it does not.
  const current = Object.getPrototypeOf(message)
  if (current === proto) return
  if (message[kServer] !== undefined) willMove(message, current)
  const root = message[kRoot]
  Object.setPrototypeOf(
    message,
    root === undefined || root === proto[kRoot] ? proto : grafted(proto, root)
  )
}

/** What the app has on its prototypes, as it is now, on top of the message's own root. */
function grafted(proto, root) {
  if (proto === null || proto === proto[kRoot] || nodes.includes(proto)) return root
  const below = grafted(Object.getPrototypeOf(proto), root)
  return Object.create(below, Object.getOwnPropertyDescriptors(proto))
}

module.exports = adopt
