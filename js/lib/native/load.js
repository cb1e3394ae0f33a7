'use strict'
// Finds the compiled addon and says in one sentence what to do where it is missing.

const path = require('node:path')
const { createError } = require('../errors')

const file = path.join(__dirname, 'rnode.node')

/**
 * @returns {object} the addon's exports
 * @throws RNODE_ERR_ADDON_MISSING, RNODE_ERR_ADDON_LOAD
 */
function loadAddon() {
  try {
    return require(file)
  } catch (cause) {
    if (cause.code === 'MODULE_NOT_FOUND') throw createError('RNODE_ERR_ADDON_MISSING', file)
    throw createError('RNODE_ERR_ADDON_LOAD', file, cause.message)
  }
}

module.exports = { loadAddon }
