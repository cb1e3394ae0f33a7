'use strict'
// Loads the addon, once, and is the only door to it. No Express here.

const { loadAddon } = require('./load')

module.exports = loadAddon()
