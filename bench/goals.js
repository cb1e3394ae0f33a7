'use strict'
// What each scenario is meant to reach, as factors of CPU per request against another server of the same run.
// They are goals, not results: a run prints which it meets. Must not be lowered to fit a figure without saying why in
// docs/benchmarking.md.
//
//   js       JS thread, against Express: { node major: factor }; for other majors the highest one not above them counts
//   all      all threads, against ultimate-express
//   nginx    all threads, at most this many times nginx'
//   noJs     the JS thread must not be entered at all (below 0.5 µs per request)
//   like     JS thread no more than 10 % above this scenario's
//
// Every scenario, besides: all threads, no more than ultimate-express and than fastify.

module.exports = {
  'hello-json': { js: { 20: 25, 24: 8 }, all: 1.5 },
  'async-json': { js: { 20: 20, 24: 6 }, all: 1.3 },
  'params-query': { js: { 20: 20, 24: 7 }, all: 1.8 },
  'routes-1000': { like: 'hello-json', all: 1.8 },
  'middlewares-100': { js: { 20: 25, 24: 8 }, all: 6 },
  'nested-routers': { js: { 20: 20, 24: 7 }, all: 2 },
  'post-json-1k': { js: { 20: 15, 24: 6 }, all: 3 },
  'post-form': { js: { 20: 15, 24: 6 }, all: 3 },
  'static-4k': { noJs: true, all: 6, nginx: 2 },
  'static-250k': { noJs: true, nginx: 1.3 },
  'stream-1m': { js: { 20: 5, 24: 4 }, all: 1.5 },
  'upload-1m': { js: { 20: 2, 24: 1.3 } },
  'real-stack': { js: { 20: 7, 24: 3 }, all: 2 }
}
