// Entry of the package for `require('rnode-server')`: what Express exports, plus `timeout`.
// It must hold no code of its own; see lib/express.js.
'use strict'

module.exports = require('./lib/express')
