'use strict'
// The inside of a measured server process: starts one server, reports its port, and answers the harness' commands
// over the IPC channel (never over HTTP, so that asking costs the server nothing while it is measured).
//
//   fork(servers/<name>.js, [scenario])          →  { port } or { error }
//   { id, command: 'sample' }                    →  Sample, see below
//   { id, command: 'reset' }                     →  forgets the event loop delays seen so far
//   { id, command: 'gc' }                        →  collects garbage (with --expose-gc), then answers a Sample
//   any other command                            →  what the server's own `commands` says
//
// The process ends when the channel closes.

const fs = require('node:fs')
const { monitorEventLoopDelay } = require('node:perf_hooks')

/** Interval of the event loop probe in milliseconds. A delay includes this interval; it is taken off. */
const PROBE_MS = 10

const delays = monitorEventLoopDelay({ resolution: PROBE_MS })

/**
 * CPU time of the thread that runs JavaScript, in nanoseconds since the process started; null where it cannot be known.
 * On Linux the main thread's id is the process id, and schedstat counts in nanoseconds.
 */
function jsThreadNs() {
  try {
    const text = fs.readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1')
    return Number(text.slice(0, text.indexOf(' ')))
  } catch {
    if (typeof process.threadCpuUsage !== 'function') return null
    const { user, system } = process.threadCpuUsage()
    return (user + system) * 1000
  }
}

const delayMs = (ns) => Math.max(0, ns / 1e6 - PROBE_MS)

/**
 * What the process has used so far.
 * @returns {{ cpuNs: number, jsNs: number | null, rss: number, heapUsed: number, external: number,
 *   delay: { p50: number, p99: number, max: number } }} CPU in ns, memory in bytes, delays in ms since the last reset
 */
function sample() {
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed, external } = process.memoryUsage()
  return {
    cpuNs: (user + system) * 1000,
    jsNs: jsThreadNs(),
    rss,
    heapUsed,
    external,
    delay: {
      p50: delayMs(delays.percentile(50)),
      p99: delayMs(delays.percentile(99)),
      max: delayMs(delays.max)
    }
  }
}

/** Collects garbage until finalizers have run too: each needs turns of the event loop between collections. */
async function collect() {
  if (typeof globalThis.gc !== 'function')
    throw new Error('the server was not started with --expose-gc')
  for (let i = 0; i < 6; i++) {
    globalThis.gc()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return sample()
}

const builtIn = {
  sample,
  reset() {
    delays.reset()
    delays.enable()
  },
  gc: collect
}

/**
 * Runs the process.
 * @param {(scenario: string) => Promise<number>} start starts the server on 127.0.0.1 and port 0, resolves to the port
 * @param {Record<string, (args: unknown) => unknown>} [commands] further commands, by name
 */
function run(start, commands = {}) {
  process.on('disconnect', () => process.exit(0))
  process.on('message', async ({ id, command, args }) => {
    try {
      const handler = commands[command] ?? builtIn[command]
      if (!handler) throw new Error(`unknown command ${command}`)
      process.send({ id, value: await handler(args) })
    } catch (error) {
      process.send({ id, error: error.stack })
    }
  })
  Promise.resolve(process.argv[2])
    .then(start)
    .then(
      (port) => process.send({ port, node: process.version }),
      (error) => process.send({ error: error.stack }, () => process.exit(1))
    )
}

/**
 * Makes a server listen on a free port of 127.0.0.1.
 * @param {{ listen: Function }} target an Express app or an http.Server
 * @returns {Promise<{ server: import('node:http').Server, port: number }>}
 */
function listen(target) {
  return new Promise((resolve, reject) => {
    const server = target.listen(0, '127.0.0.1', (error) => {
      if (error) reject(error)
      else resolve({ server, port: server.address().port })
    })
    server.on?.('error', reject)
  })
}

module.exports = { listen, run }
