'use strict'

// connect-timeout: the 503 of a handler that never answers, haltOnTimedout, respond: false, clearTimeout. The slow handlers
// go on when the 'timeout' event comes, so that no clock of the test decides anything.

const timeout = require('connect-timeout')

module.exports = {
  name: 'connect-timeout',
  packages: ['connect-timeout'],

  build(express, ctx) {
    const app = express()
    const haltOnTimedout = (req, res, next) => {
      if (!req.timedout) next()
    }
    app.get('/never', timeout('30ms'), (req) => {
      req.on('timeout', (ms) => ctx.log('never', ['timeout', ms, req.timedout]))
    })
    app.get(
      '/late',
      timeout(30),
      (req, res, next) => req.on('timeout', () => setImmediate(next)),
      haltOnTimedout,
      () => ctx.log('late', 'must not be reached')
    )
    app.get('/own', timeout(30, { respond: false }), (req, res) => {
      req.on('timeout', () => res.status(202).send(`own answer, timedout ${req.timedout}`))
    })
    app.get('/fast', timeout('60s'), haltOnTimedout, (req, res) => res.send(`fast ${req.timedout}`))
    app.get('/cleared', timeout('60s'), (req, res) => {
      req.clearTimeout()
      res.send('cleared')
    })
    app.use((err, req, res, next) =>
      res
        .status(err.status || 500)
        .json({ code: err.code, timeout: err.timeout, message: err.message })
    )
    return app
  },

  requests: [
    { path: '/never', expect: 503 },
    { path: '/late', expect: 503 },
    { path: '/own', expect: 202 },
    { path: '/fast' },
    { path: '/cleared' }
  ]
}
