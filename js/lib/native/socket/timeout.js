'use strict'
// Time-outs that a program sets on a socket view, and whom they tell. The server's own are Rust's.

const net = require('node:net')
const { kTimeout, kTimer } = require('./state')
const { clearTimeout, setTimeout } = require('../timers')

/** Node's socket.setTimeout, for the view. */
function setSocketTimeout(msecs, callback) {
  const isCallback = callback === undefined || typeof callback === 'function'
  // throws the errors of Node's own
  if (typeof msecs !== 'number' || !(msecs >= 0 && msecs < Infinity) || !isCallback) {
    return new net.Socket().setTimeout(msecs, callback)
  }
  clearTimeout(this[kTimer])
  this[kTimer] = null
  this.timeout = this[kTimeout] = Number(msecs) || 0
  if (typeof callback === 'function') {
    if (this[kTimeout] === 0) this.removeListener('timeout', callback)
    else this.once('timeout', callback)
  }
  if (this[kTimeout] > 0) {
    this[kTimer] = setTimeout(() => {
      // the server's own listener is the first
      timedOut(this)
      this.emit('timeout')
    }, this[kTimeout])
    this[kTimer].unref()
  }
  return this
}

/** What Node's server does with a timed-out socket: tells request, response, server, else closes it. */
function timedOut(socket) {
  const res = socket._httpMessage
  const handled = [
    res?.req && !res.req.complete && res.req.emit('timeout', socket),
    res?.emit('timeout', socket),
    socket.server?.emit('timeout', socket)
  ]
  if (!handled.some(Boolean)) socket.destroy()
}

/** Something has come or gone: the time-out starts anew. */
function touch(socket) {
  if (socket[kTimer] !== null) socket[kTimer].refresh()
}

module.exports = { setSocketTimeout, touch }
