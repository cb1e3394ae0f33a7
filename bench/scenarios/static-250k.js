'use strict'
// A file of 250 KiB through express.static.

module.exports = require('../lib/static-file').staticFile(
  'static-250k',
  'photo-250k.jpg',
  'image/jpeg'
)
