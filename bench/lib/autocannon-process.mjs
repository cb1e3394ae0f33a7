// Runs autocannon once, in a process of its own so that the harness' work is not in the way, and prints the result
// as JSON (shape: lib/load.mjs). Argument: JSON of { url, method, headers, body, isRefused, seconds, connections }.

import { createHistogram } from 'node:perf_hooks'
import autocannon from 'autocannon'

const { url, method = 'GET', headers, body, isRefused, ...settings } = JSON.parse(process.argv[2])
const { seconds, connections } = settings

// autocannon's own histogram counts in milliseconds: too coarse here.
const latency = createHistogram()
let bad = 0
const start = performance.now()
const instance = autocannon({
  url,
  method,
  headers,
  body,
  connections,
  duration: seconds,
  timeout: 10
})
instance.on('response', (client, status, bytes, ms) => {
  latency.record(Math.max(1, Math.round(ms * 1000)))
  if (status < 200 || status >= 400 !== (isRefused === true)) bad++
})
const result = await instance
const took = (performance.now() - start) / 1000
const ms = (percentile) => latency.percentile(percentile) / 1000
console.log(
  JSON.stringify({
    requests: latency.count,
    seconds: took,
    rps: latency.count / took,
    p50: ms(50),
    p95: ms(95),
    p99: ms(99),
    max: latency.max / 1000,
    errors: bad + result.errors
  })
)
