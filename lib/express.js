// Express' lib/express.js, at the path within the package where Express has it. Agents such as dd-trace patch the exports of
// a package's file by this name when it is loaded, so the entry comes through here and the files beside it are loaded too.
// It must hold no code; see ../js/lib/express.js.
'use strict'

require('./application')
require('./request')
require('./response')
require('./utils')
require('./view')

module.exports = require('../js/lib/express')
