'use strict'
// The last of 1,000 static routes; compare with routes-1 of the same run.

module.exports = require('../lib/many-routes').manyRoutes(1000)
