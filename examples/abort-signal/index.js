'use strict'

// Deadlines and abandoned requests. `req.signal` is an AbortSignal that fires when the client
// leaves or the deadline passes; whatever takes a signal stops with it.
// Run: node examples/abort-signal
//   curl -i localhost:3000/sleep/5000             503 after two seconds
//   curl -i localhost:3000/report/5000            503 after half a second
//   curl -m 0.2 localhost:3000/sleep/1500; curl localhost:3000/stats

const { setTimeout: sleep } = require('node:timers/promises')
const express = require('../..')

const app = express()
const stats = { started: 0, finished: 0, stopped: 0 }

// For every route, unless one says otherwise.
app.set('handler timeout', 2000)

app.get('/stats', (req, res) => res.json(stats))

app.use((req, res, next) => {
  stats.started++
  next()
})

// Any API that takes a signal: timers, fetch, fs, database drivers.
app.get('/sleep/:ms', async (req, res) => {
  await sleep(Number(req.params.ms), null, { signal: req.signal })
  stats.finished++
  res.json({ slept: Number(req.params.ms) })
})

// A tighter deadline for one route.
app.get('/report/:ms', express.timeout(500), async (req, res) => {
  await sleep(Number(req.params.ms), null, { signal: req.signal })
  stats.finished++
  res.json({ rows: 3 })
})

// No deadline for a long poll: 0 turns it off.
app.get('/poll/:ms', express.timeout(0), async (req, res) => {
  await sleep(Number(req.params.ms), null, { signal: req.signal })
  stats.finished++
  res.json({ news: true })
})

// fetch() stops when our own client does: nobody works for an answer that nobody wants.
app.get('/proxy/:ms', async (req, res) => {
  const { localAddress, localPort } = req.socket
  const host = localAddress.includes(':') ? `[${localAddress}]` : localAddress
  const answer = await fetch(`http://${host}:${localPort}/poll/${req.params.ms}`, {
    signal: req.signal
  })
  res.json(await answer.json())
})

// A loop of its own asks the signal.
app.get('/work', async (req, res) => {
  let rounds = 0
  while (rounds < 1_000_000) {
    req.signal.throwIfAborted()
    await new Promise(setImmediate)
    rounds++
  }
  stats.finished++
  res.json({ rounds })
})

// The signal makes handlers reject with its reason. By then the answer has been sent or nobody
// waits for it: there is nothing to answer, only to count.
app.use((err, req, res, next) => {
  if (!req.signal.aborted) return next(err)
  stats.stopped++
})

module.exports = app

if (require.main === module) {
  const server = app.listen(3000, (error) => {
    if (error) throw error
    console.log(`http://localhost:${server.address().port}/sleep/5000`)
  })
}
