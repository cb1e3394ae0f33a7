// node bench/soak.mjs [--minutes=20] [--rate=2000] [--servers=rnode] [--node=…]
// Mixed load for a long time, every tenth client leaving in mid-flight: memory must not grow, and nothing may be left
// behind. Once a minute the load pauses, all its connections close, and everything is read. Fails (exit code 1) if after
// the warm-up resident memory grows by more than the bound per minute, if anything else is not where it was, or if an
// answer was wrong.

import { fork } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { main, parseOptions } from './lib/options.mjs'
import { nativeMemory } from './lib/proc.mjs'
import { benchRoot, startNode } from './lib/process.mjs'
import { formatMiB, provenance, write } from './lib/report.mjs'
import { table } from './lib/table.mjs'
import { buildRnode, ensurePackages, findNode } from './lib/tools.mjs'

const MiB = 1024 * 1024

/** Bytes per minute that are not counted as a leak, of resident memory and of the JavaScript heap after collection. */
const LIMITS = { rss: MiB, heapUsed: MiB / 4 }

/** The share of the run that is warm-up: caches, pools and code reach their size. */
const WARM_UP_SHARE = 0.25

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

function startClient(port, rate, connections) {
  const args = [port, rate, connections, 1].map(String)
  const child = fork(path.join(benchRoot, 'lib', 'soak-client.mjs'), args)
  const exited = new Promise((_, reject) => {
    child.on('exit', (code) => reject(new Error(`the client process ended (code ${code})`)))
  })
  exited.catch(() => {})
  return {
    /** Ends what is under way; resolves to the client's counts. */
    pause() {
      const answer = new Promise((resolve) =>
        child.once('message', (message) => resolve(message.counts))
      )
      child.send('pause')
      return Promise.race([answer, exited])
    },
    resume: () => child.send('resume'),
    stop: () => child.disconnect()
  }
}

/** What the process holds when nobody is connected (waited for, at most 10 s). */
async function reading(server) {
  const end = Date.now() + 10_000
  for (;;) {
    const { rss, heapUsed, external } = await server.command('gc')
    const counters = await server.command('counters')
    const rests = counters.open === 0 && counters.connections === 0 && !counters.slots
    if (rests || Date.now() > end) {
      const list = (name) => {
        try {
          return fs.readdirSync(`/proc/${server.pid}/${name}`).length
        } catch {
          return null
        }
      }
      const native = nativeMemory(server.pid)
      return {
        rss,
        heapUsed,
        external,
        native,
        files: list('fd'),
        threads: list('task'),
        ...counters
      }
    }
  }
}

/** Growth per reading: the median of the slopes of all pairs (Theil and Sen), which single outliers do not move. */
export function slope(values) {
  const slopes = values
    .flatMap((from, i) => values.slice(i + 1).map((to, j) => (to - from) / (j + 1)))
    .sort((a, b) => a - b)
  const middle = slopes.length / 2
  if (slopes.length === 0) return 0
  return slopes.length % 2 === 1
    ? slopes[Math.floor(middle)]
    : (slopes[middle - 1] + slopes[middle]) / 2
}

/** What is not as it should be, as readable lines. */
function problems(readings, client) {
  const lines = []
  const first = readings[0]
  const last = readings.at(-1)
  for (const [field, limit] of Object.entries(LIMITS)) {
    const growth = slope(readings.map((one) => one[field]))
    if (growth > limit) {
      lines.push(
        `${field} grows by ${formatMiB(growth)} MiB a minute, more than ${formatMiB(limit)}`
      )
    }
  }
  for (const field of ['open', 'connections', 'slots', 'queuedBytes']) {
    if (last[field]) lines.push(`${last[field]} ${field} left`)
  }
  // A pool may start threads late or close idle ones; a leak goes up from minute to minute.
  for (const field of ['files', 'threads', 'resources']) {
    if (slope(readings.map((one) => one[field])) >= 0.5) {
      lines.push(`${field} grow: ${first[field]} to ${last[field]}`)
    }
  }
  if (client.wrong > 0) lines.push(`${client.wrong} wrong answers: ${client.examples.join('; ')}`)
  return lines
}

const head = [
  'minute',
  'requests',
  'RSS',
  'heap',
  'external',
  'native',
  'files',
  'threads',
  'resources'
]
const row = (one) => [
  String(one.minute),
  String(one.entered),
  ...[one.rss, one.heapUsed, one.external, one.native].map(formatMiB),
  ...[one.files, one.threads, one.resources].map((value) => String(value ?? '–'))
]

async function soak(name, { minutes, rate, connections }, node) {
  const server = await startNode({
    name,
    file: 'soak.js',
    scenario: name,
    node: node.binary,
    // V8 keeps what its young generation once had: a small one keeps RSS readable.
    nodeArgs: ['--expose-gc', '--max-semi-space-size=4']
  })
  const client = startClient(server.port, rate, connections)
  const readings = []
  let counts
  try {
    for (let minute = 1; minute <= minutes; minute++) {
      await pause(60_000)
      counts = await client.pause()
      readings.push({ minute, ...(await reading(server)) })
      console.error(
        `bench: ${name} ${head.map((title, i) => `${title} ${row(readings.at(-1))[i]}`).join(', ')}`
      )
      client.resume()
    }
  } finally {
    client.stop()
    await server.stop()
  }
  const settled = readings.slice(Math.floor(minutes * WARM_UP_SHARE))
  return {
    counts,
    readings,
    slopes: Object.fromEntries(
      ['rss', 'heapUsed', 'external', 'native'].map((field) => [
        field,
        slope(settled.map((one) => one[field] ?? 0))
      ])
    ),
    problems: problems(settled, counts)
  }
}

main(async () => {
  const { options } = parseOptions(
    ['servers', 'minutes', 'rate', 'connections', 'node', 'out', 'no-build'],
    { servers: ['rnode'], connections: 32 }
  )
  ensurePackages()
  if (!options['no-build'] && options.servers.includes('rnode')) buildRnode()
  const node = await findNode(options.node)
  const { minutes, rate, connections } = options
  const result = {
    ...provenance(node),
    settings: { minutes, rate, connections, limits: LIMITS },
    servers: {}
  }
  let failed = false
  for (const name of options.servers) {
    const one = await soak(name, options, node)
    result.servers[name] = one
    const { sent, answered, left } = one.counts
    console.log(
      `\n${name}: ${sent} requests in ${minutes} minutes, ${answered} answered, ${left} left by their clients, Node ${node.version.slice(1)}; MiB\n`
    )
    console.log(table(head, one.readings.map(row)))
    const slopes = Object.entries(one.slopes).map(
      ([field, value]) => `${field} ${(value / 1024).toFixed(0)}`
    )
    console.log(`\ngrowth after the warm-up, KiB a minute: ${slopes.join(', ')}`)
    console.log(one.problems.length === 0 ? 'nothing grows' : `FAILED: ${one.problems.join('; ')}`)
    if (one.problems.length > 0) failed = true
  }
  if (options.out) write(options.out, result)
  return failed ? 1 : 0
})
