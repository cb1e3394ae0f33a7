'use strict'
// Tells Node's own functions from those that agents, hosts and tests put in their place, for what this package does
// without calling them. It replaces nothing itself.

const http = require('node:http')

const { toString: sourceOf } = Function.prototype

/**
 * @param {Function} found what stands in the place of a function of Node's
 * @param {string} mark what only the source of Node's has
 * @returns {Function | null} `found`, null if it is not Node's
 */
function nodesOwn(found, mark) {
  return typeof found === 'function' && sourceOf.call(found).includes(mark) ? found : null
}

/** Node's own, null if it was replaced before this file was loaded. */
const nodesCreateServer = nodesOwn(http.createServer, 'return new Server(')

/**
 * The server of `app.listen`: ours, or what somebody's own `http.createServer` makes, who wants to wrap the handler or to
 * hold the server.
 *
 * @param {Function} app
 * @returns {http.Server}
 */
function serverOf(app) {
  if (http.createServer !== nodesCreateServer) return http.createServer(app)
  return require('./index').createServer(app)
}

module.exports = { nodesOwn, serverOf }
