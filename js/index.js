// Entry of the package for `require('rnode-server')`: what Express exports, plus `timeout`.
// It must hold no code of its own; see lib/express.js, and ../lib/express.js for why it comes by there.
'use strict'

module.exports = require('../lib/express')
