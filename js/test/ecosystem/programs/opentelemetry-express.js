'use strict'

// OpenTelemetry's Express instrumentation alone: a span per layer, under a span that the application
// opens itself. It must not need an instrumented node:http.

const { ExpressInstrumentation } = require('@opentelemetry/instrumentation-express')
const { traced } = require('../lib/opentelemetry')

module.exports = traced({
  name: 'opentelemetry-express',
  packages: ['@opentelemetry/instrumentation-express'],
  instrumentations: () => [
    new ExpressInstrumentation({
      requestHook: (span, info) => span.setAttribute('hooked', info.layerType)
    })
  ],
  parent: true,
  check(answers) {
    if (answers.spans.express.length < 10)
      throw new Error('the instrumentation made no Express spans')
  }
})
