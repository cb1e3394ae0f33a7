'use strict'
// A small file through express.static.

module.exports = require('../lib/static-file').staticFile('static-4k', 'icon-4k.png', 'image/png')
