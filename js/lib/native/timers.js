'use strict'
// The event loop's functions as Node's own server calls them. A test that fakes the clock replaces the global ones, in a runner
// those of its realm, and what serves must go on. Express' level calls the globals, as Express does.

const { clearTimeout, setImmediate, setInterval, setTimeout } = require('node:timers')
const vm = require('node:vm')

// Node's own realm: the globals of a test runner's are copies, faked perhaps before this is loaded
const { nextTick, _tickCallback: runTicks } = vm.runInThisContext('process')
const queueMicrotask = vm.runInThisContext('queueMicrotask')

module.exports = {
  clearTimeout,
  nextTick,
  queueMicrotask,
  runTicks,
  setImmediate,
  setInterval,
  setTimeout
}
