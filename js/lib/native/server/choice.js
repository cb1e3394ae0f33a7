'use strict'
// Which server an app listens with: ours, unless somebody has put a function of his own in the place of http.createServer.

const http = require('node:http')
const { nodesOwn } = require('../nodes-own')

/** Node's own, null if it was replaced before this file was loaded. */
const createServer = nodesOwn(http.createServer, 'return new Server(')

/**
 * The server of `app.listen`: ours, or what somebody's own `http.createServer` makes, who wants to wrap the handler or to
 * hold the server.
 *
 * @param {Function} app
 * @returns {http.Server}
 */
function serverOf(app) {
  if (http.createServer !== createServer) return http.createServer(app)
  return require('./index').createServer(app)
}

module.exports = { serverOf }
