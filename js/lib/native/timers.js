'use strict'
// The event loop's functions as Node's own server calls them. A test that fakes the clock replaces the global ones, in a runner
// those of its realm, and what serves must go on. Express' level calls the globals, as Express does.

const { clearTimeout, setImmediate, setInterval, setTimeout } = require('node:timers')
const vm = require('node:vm')

// Node's own process: that of a test runner's realm is a copy, faked perhaps before this is loaded
const { nextTick } = vm.runInThisContext('process')

module.exports = { clearTimeout, nextTick, setImmediate, setInterval, setTimeout }
