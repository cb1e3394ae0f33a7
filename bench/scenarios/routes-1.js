'use strict'
// One static route: the pair of routes-1000.

module.exports = require('../lib/many-routes').manyRoutes(1)
