// createApplication and everything an `express` import offers, as Express 5 plus `timeout`. It only
// puts the parts together: behaviour belongs to application, request, response, router and
// middleware.
'use strict'

const { EventEmitter } = require('node:events')
const mixin = require('merge-descriptors')
const application = require('./application')
const request = require('./request')
const response = require('./response')
const Router = require('./router')
const { json, raw, text, urlencoded } = require('./middleware/body')
const serveStatic = require('./middleware/static')
const timeout = require('./middleware/timeout')

exports = module.exports = createApplication

/**
 * Create an application: a function `(req, res, next)` that is also an EventEmitter and has all
 * methods of `express.application`.
 *
 *     const app = express()
 *     app.get('/', (req, res) => res.send('hello'))
 *     app.listen(3000)                      // on the Rust server
 *     http.createServer(app).listen(3001)   // the same app on Node's
 *
 * @return {Function}
 */
function createApplication() {
  const app = function (req, res, next) {
    app.handle(req, res, next)
  }

  mixin(app, EventEmitter.prototype, false)
  mixin(app, application, false)

  // The prototypes of this app's requests and responses; apps extend them (`app.request.isAdmin =
  // …`).
  const ownApp = { app: { configurable: true, enumerable: true, writable: true, value: app } }
  app.request = Object.create(request, ownApp)
  app.response = Object.create(response, ownApp)

  app.init()
  return app
}

// prototypes
exports.application = application
exports.request = request
exports.response = response

// constructors
exports.Route = Router.Route
exports.Router = Router

// middleware
exports.json = json
exports.raw = raw
exports.static = serveStatic
exports.text = text
exports.timeout = timeout
exports.urlencoded = urlencoded
