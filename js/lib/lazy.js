'use strict'
// Modules that are loaded when they are first needed: an app that never parses a nested query or sends a
// file through npm's send does not pay for them when it starts. Must not hide a missing package: what
// `load` throws reaches whoever needed it.

/**
 * @template T
 * @param {() => T} load  a function with a literal `require`, so that bundlers see it
 * @return {() => T}
 */
function lazy(load) {
  let loaded
  return () => {
    if (loaded === undefined) loaded = load()
    return loaded
  }
}

module.exports = { lazy }
