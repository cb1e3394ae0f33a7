// The prototype of responses, at the path within the package where Express has it: agents patch a package's file by this name.
// It must hold no code; see ../js/lib/response.js.
'use strict'

module.exports = require('../js/lib/response')
