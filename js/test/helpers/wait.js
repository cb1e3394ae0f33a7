// Waiting for what no event tells. A limit makes a hang a failure; it must not be a time in which
// something "should" have happened.
'use strict'

const LIMIT_MS = 10_000

/**
 * Wait until a condition holds.
 *
 * @param {() => boolean|Promise<boolean>} condition  asked once in each turn of the event loop
 * @throws {Error} after ten seconds
 */
async function eventually(condition) {
  const end = Date.now() + LIMIT_MS
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`never came true: ${condition}`)
    await new Promise(setImmediate)
  }
}

/**
 * Close a server, at last by force.
 *
 * @param {import('node:http').Server} server
 * @return {Promise<true|string>}  true, or what to show where connections were left after five seconds
 */
function closeServer(server) {
  const limit = LIMIT_MS / 2
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.closeAllConnections()
      resolve(`server.close() did not finish in ${limit} ms`)
    }, limit)
    server.close(() => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}

module.exports = { closeServer, eventually }
