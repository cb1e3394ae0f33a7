// express.timeout: a deadline for the handlers of an app, a router or a route.
// The clock itself is in lib/deadline.js (Node's server) and native/message (the Rust server).
'use strict'

const { startDeadline } = require('../deadline')
const { kDeadline } = require('../router/symbols')
const { checkDeadline } = require('../settings')

module.exports = timeout

/**
 * Middleware that gives what comes after it `ms` to answer. The time starts when the request
 * reaches it; a nested one replaces the outer one, and 0 or false turns it off (for a long poll,
 * say).
 *
 *     app.set('handler timeout', 30000)              // the whole app
 *     api.use(express.timeout(5000))                 // a router
 *     app.get('/poll', express.timeout(0), longPoll) // a route
 *
 * When the time is over and no head was sent the client gets 503; `req.signal` fires with
 * RNODE_ERR_HANDLER_TIMEOUT. Error middleware is not called.
 *
 * @param {number|false} ms  whole milliseconds, 0 to 2147483647
 * @return {Function} `timeout(req, res, next)`
 * @throws {TypeError} RNODE_ERR_INVALID_DEADLINE
 */
function timeout(ms) {
  checkDeadline('express.timeout(ms): ms', ms)

  const middleware = {
    timeout(req, res, next) {
      startDeadline(req, res, ms)
      next()
    }
  }.timeout

  middleware[kDeadline] = ms || 0
  return middleware
}
