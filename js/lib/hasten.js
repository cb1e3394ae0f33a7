'use strict'
// Makes reading an object fast that the engine keeps as a hash table: one without a prototype, or with many properties that
// were added one by one. What the object is, to whoever looks, does not change.

/**
 * Has V8 keep the properties at fixed places, as it does for any object that others inherit from; properties may still come and go.
 * @template {object} T
 * @param {T} object
 * @returns {T} the same
 */
function hasten(object) {
  // it happens when a property is looked for through an heir, at a place that has seen some heirs before
  learn(Object.create(object))
  return object
}

const learn = (heir) => heir.nothing
for (let i = 0; i < 20; i++) hasten(Object.create(null))

module.exports = { hasten }
