'use strict'
// Tells a function of Node's from what agents, hosts and tests put in its place: for all that this package does without calling it.
// It replaces nothing itself.

const { toString: sourceOf } = Function.prototype

/**
 * @param {Function} found what stands in the place of a function of Node's
 * @param {string} mark what only the source of Node's has
 * @returns {Function | null} `found`, null if it is somebody else's already
 */
function nodesOwn(found, mark) {
  return typeof found === 'function' && sourceOf.call(found).includes(mark) ? found : null
}

module.exports = { nodesOwn }
