// The prototype of requests, at the path within the package where Express has it: agents patch a package's file by this name.
// It must hold no code; see ../js/lib/request.js.
'use strict'

module.exports = require('../js/lib/request')
