'use strict'

// Long answers and long requests in constant memory: newline-delimited JSON out and in,
// server-sent events, a proxy of sorts that transforms while it reads.
// Run: node examples/streaming
//   curl -N localhost:3000/numbers?count=1000000 | tail -n 1
//   seq 1000000 | curl -T - localhost:3000/sum

const { once } = require('node:events')
const readline = require('node:readline')
const { Readable, Transform } = require('node:stream')
const { pipeline } = require('node:stream/promises')
const { setInterval: every } = require('node:timers/promises')
const express = require('../..')

const app = express()

// pipeline() does all: backpressure, and it ends the generator when the client leaves.
app.get('/numbers', async (req, res) => {
  const count = Math.min(Number(req.query.count ?? 10), 10_000_000)
  res.type('application/x-ndjson')
  function* lines() {
    for (let n = 1; n <= count; n++) yield `{"n":${n}}\n`
  }
  await pipeline(Readable.from(lines()), res)
})

// The same by hand: write() says false when enough is queued, 'drain' when there is room again.
app.get('/blocks', async (req, res) => {
  const count = Math.min(Number(req.query.count ?? 16), 100_000)
  const block = Buffer.alloc(16 * 1024, 'x')
  res.type('text/plain')
  for (let n = 0; n < count; n++) {
    if (req.signal.aborted) return
    if (!res.write(block)) await once(res, 'drain', { signal: req.signal })
  }
  res.end()
})

// The request is read line by line, as it comes.
app.put('/sum', async (req, res) => {
  let sum = 0
  let lines = 0
  for await (const line of readline.createInterface({ input: req })) {
    const value = Number(line)
    if (Number.isNaN(value))
      return res.status(400).json({ error: `line ${lines + 1} is no number` })
    sum += value
    lines++
  }
  res.json({ lines, sum })
})

// In and out at the same time.
app.post('/upper', async (req, res) => {
  res.type('text/plain')
  const upper = new Transform({
    decodeStrings: true,
    transform(chunk, encoding, done) {
      done(null, chunk.toString('latin1').toUpperCase())
    }
  })
  await pipeline(req, upper, res)
})

// Server-sent events until the client leaves: the interval ends with req.signal.
app.get('/ticks', async (req, res) => {
  const ms = Math.max(Number(req.query.ms ?? 1000), 10)
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
  res.flushHeaders()
  let n = 0
  try {
    for await (const _ of every(ms, null, { signal: req.signal })) {
      res.write(`id: ${++n}\ndata: ${JSON.stringify({ n })}\n\n`)
    }
  } catch (error) {
    if (error.name !== 'AbortError') throw error
    app.locals.ticksEnded = (app.locals.ticksEnded ?? 0) + 1
  }
})

module.exports = app

if (require.main === module) {
  const server = app.listen(3000, (error) => {
    if (error) throw error
    console.log(`http://localhost:${server.address().port}/numbers`)
  })
}
