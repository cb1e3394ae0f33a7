'use strict'

// OpenTelemetry's HTTP instrumentation with the Express one: a server span per request, named by its route, as parent of the
// spans of the layers, and the context that the client sent.

const { ExpressInstrumentation } = require('@opentelemetry/instrumentation-express')
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http')
const { traced } = require('../lib/opentelemetry')

module.exports = traced({
  name: 'opentelemetry-http',
  packages: ['@opentelemetry/instrumentation-http'],
  instrumentations: () => [
    new HttpInstrumentation({ disableOutgoingRequestInstrumentation: true }),
    new ExpressInstrumentation()
  ],
  check(answers) {
    if (answers.spans.express.length < 10)
      throw new Error('the instrumentation made no Express spans')
    if (answers.spans.server.length < 6) throw new Error('the instrumentation made no server spans')
  }
})
