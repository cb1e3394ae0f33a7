'use strict'
// Messages that keep working without their prototype. An app of real Express that is called with
// native-backed messages (`app.use((req, res) => legacy(req, res))`) gives them prototypes that know
// node:http alone. Nothing here is on the way of a request that stays with this package's apps.

const { kRoot } = require('./symbols')

/**
 * Gives a message what it has from its native prototype as properties of its own, which come before
 * those of any prototype. Does nothing to a foreign message.
 */
function pin(message) {
  const root = message?.[kRoot]
  if (root === undefined) return
  for (const key of Reflect.ownKeys(root)) {
    if (Object.hasOwn(message, key)) continue
    const descriptor = Object.getOwnPropertyDescriptor(root, key)
    Object.defineProperty(message, key, { ...descriptor, enumerable: false })
  }
}

module.exports = { pin }
