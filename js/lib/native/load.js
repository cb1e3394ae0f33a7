'use strict'
// Finds the compiled addon and says in one sentence what to do where it is missing. It must not
// share an instance of the addon with another copy of these files.

const path = require('node:path')
const { createError } = require('../errors')

const file = path.join(__dirname, 'rnode.node')

/** On the exports of an instance that has its owner; known in every realm, since copies live in several. */
const kOwned = Symbol.for('rnode.addonOwned')

/**
 * An instance calls one drain function, so each copy of this package in a process needs its own:
 * test runners evaluate the files again for every test file, and tools empty `require.cache`, while
 * the addon behind them stays loaded.
 *
 * @returns {object} the exports of an instance of the addon that is the caller's alone
 * @throws RNODE_ERR_ADDON_MISSING, RNODE_ERR_ADDON_LOAD
 */
function loadAddon() {
  try {
    let addon = require(file)
    if (addon[kOwned]) {
      const again = { exports: {} }
      process.dlopen(again, file)
      addon = again.exports
    }
    addon[kOwned] = true
    return addon
  } catch (cause) {
    if (cause.code === 'MODULE_NOT_FOUND') throw createError('RNODE_ERR_ADDON_MISSING', file)
    throw createError('RNODE_ERR_ADDON_LOAD', file, cause.message)
  }
}

module.exports = { loadAddon }
