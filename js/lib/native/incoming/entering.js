'use strict'
// How far Node's parser would have come with the request that is being begun. Whoever reads this must not change it, but for body.js and
// who begins requests.

/**
 * The request whose handler is being called: Node's parser sees its body and its end only afterwards. `isBetween`: it comes to the end,
 * and to the request behind it, when the ticks have run.
 */
const entering = { req: null, isRunning: false, isBetween: false }

module.exports = { entering }
