'use strict'
// One start, measured from inside: require, a small app, listen. Prints one line of JSON and ends.
// Usage: startup.js <express | rnode>. Times in ms, memory in bytes.

const before = performance.now()
const path = require('node:path')

const root = process.env.BENCH_RNODE_ROOT ?? path.join(__dirname, '..', '..')
const express =
  process.argv[2] === 'rnode' ? require(path.join(root, 'js', 'index.js')) : require('express')
const required = performance.now()

const app = express()
app.use(express.json())
app.get('/', (req, res) => {
  res.json({ hello: 'world' })
})
app.listen(0, '127.0.0.1', () => {
  const listening = performance.now()
  const { user, system } = process.cpuUsage()
  const times = {
    require: required - before,
    listen: listening - required,
    both: listening - before
  }
  // performance.now() counts from the start of the process.
  const result = {
    ...times,
    sinceStart: listening,
    cpu: (user + system) / 1000,
    rss: process.memoryUsage.rss()
  }
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0))
})
