// Whether native layers at the front of an app's stack may answer without JavaScript: only if no JavaScript could tell.
// What belongs to the server (its listeners, its channels) is native/server/front.js' to judge.
'use strict'

const debug = require('debug')
const { lazy } = require('./lazy')
const Router = require('./router')
const { requestChannel, shouldTrace } = require('./router/tracing')

module.exports = frontLines

// It loads what only a server of ours needs.
const outgoing = lazy(() => require('./native/outgoing'))

const { handle: routerHandle } = Router.prototype
const observed = ['express:application', 'router', 'router:layer', 'send']

/**
 * The header lines that the app (`this`) puts on every response before its first layer runs.
 *
 * @return {string|null} `Name: value\r\n` each, or null if requests must come to JavaScript: a method on the way
 *   to the first layer has been replaced, the routing is traced, or a parent's settings count
 * @private
 */
function frontLines() {
  if (this.handle !== require('./application').handle) return null
  if (this.parent !== undefined) return null
  if (this.router.handle !== routerHandle || shouldTrace(requestChannel)) return null
  if (!outgoing().isOriginal(this.response) || observed.some((name) => debug.enabled(name)))
    return null
  return this.enabled('x-powered-by') ? 'X-Powered-By: Express\r\n' : ''
}
