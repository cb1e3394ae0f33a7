// node bench/latency.mjs [--servers=rnode,node-http,axum] [--rounds=5] [--duration=3] [--pauses=5,50,500] [--node=…]
// Latency where it means something: one connection with one request at a time (what the hand-over between threads
// costs), and then many connections at half of the maximum load of the first server named. Hello-json, alternating.
// With --pauses, instead: one connection with a request every so many milliseconds.

import { chooseGenerator, load } from './lib/load.mjs'
import { median } from './lib/measure.mjs'
import { defaultIoThreads, main, parseOptions } from './lib/options.mjs'
import { paced } from './lib/paced.mjs'
import { provenance, write } from './lib/report.mjs'
import { chooseServers } from './lib/servers.mjs'
import { table } from './lib/table.mjs'
import { buildRnode, ensurePackages, findNode } from './lib/tools.mjs'
import { verify } from './lib/verify.mjs'
import scenarios from './scenarios/index.js'

const names = [
  'servers',
  'rounds',
  'duration',
  'connections',
  'load',
  'node',
  'io-threads',
  'out',
  'pauses',
  'no-build'
]
const scenario = scenarios.load('hello-json')
const us = (value) => Math.round(value).toLocaleString('en-US')

/** Runs `measure` on every handle in every round, another one first each time. Returns the rounds by name. */
async function alternate(handles, rounds, measure) {
  const results = Object.fromEntries(handles.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < handles.length; i++) {
      const handle = handles[(i + round) % handles.length]
      results[handle.name].push(await measure(handle))
    }
  }
  return results
}

const medians = (rounds, fields) =>
  Object.fromEntries(fields.map((field) => [field, median(rounds.map((round) => round[field]))]))

/** One connection with a request every `pause` ms: what waking up costs. At least ten requests a round. */
async function withPauses(handles, { pauses, rounds, duration }) {
  const results = {}
  const rows = handles.map(({ name }) => [name])
  for (const pause of pauses) {
    const measured = await alternate(handles, rounds, ({ port }) =>
      paced({
        port,
        path: scenario.path,
        rate: 1000 / pause,
        connections: 1,
        seconds: Math.max(duration, pause / 100),
        warmup: 1
      })
    )
    results[pause] = measured
    for (const row of rows) row.push(us(medians(measured[row[0]], ['p50']).p50))
  }
  console.log('\nOne connection, a request every so many milliseconds: p50, µs\n')
  console.log(table(['server', ...pauses.map((pause) => `${pause} ms`)], rows))
  return results
}

main(async () => {
  const { options } = parseOptions(names, { servers: ['rnode', 'node-http', 'axum'] })
  ensurePackages()
  if (!options['no-build'] && options.servers.includes('rnode')) buildRnode()
  const node = await findNode(options.node)
  const ioThreadsGiven = options['io-threads'] !== undefined
  const context = { node, ioThreadsGiven, ioThreads: options['io-threads'] ?? defaultIoThreads }
  const servers = await chooseServers(options.servers, context)
  const generator = chooseGenerator(options.load)
  const seconds = options.duration
  const closedLoop = (handle, connections, duration = seconds) =>
    load(generator, { port: handle.port, scenario, seconds: duration, connections, threads: 1 })

  const handles = []
  try {
    for (const server of servers) handles.push(await server.start(scenario, context))
    for (const handle of handles) {
      await verify(handle, scenario)
      await closedLoop(handle, options.connections, 2)
    }

    if (options.pauses) {
      const paused = await withPauses(handles, options)
      if (options.out) write(options.out, { ...provenance(node), settings: options, paused })
      return
    }

    const single = await alternate(handles, options.rounds, (handle) => closedLoop(handle, 1))
    console.log(
      `\nOne connection, one request at a time (${generator}), µs, Node ${node.version.slice(1)}\n`
    )
    const singleRows = Object.entries(single).map(([name, rounds]) => {
      const { p50, p95, p99, rps } = medians(rounds, ['p50', 'p95', 'p99', 'rps'])
      return [name, us(p50 * 1000), us(p95 * 1000), us(p99 * 1000), us(rps)]
    })
    console.log(table(['server', 'p50', 'p95', 'p99', 'req/s'], singleRows))

    const full = await alternate(handles, options.rounds, (handle) =>
      closedLoop(handle, options.connections)
    )
    const maximum = Object.fromEntries(
      Object.entries(full).map(([name, r]) => [name, medians(r, ['rps']).rps])
    )
    const rate = Math.floor(maximum[handles[0].name] / 2)
    const able = handles.filter(({ name }) => maximum[name] > rate * 1.1)
    const half = await alternate(able, options.rounds, (handle) =>
      paced({
        port: handle.port,
        path: scenario.path,
        rate,
        connections: options.connections,
        seconds,
        warmup: 1
      })
    )
    console.log(
      `\n${us(rate)} requests per second (half of what ${handles[0].name} can do), ${options.connections} connections, µs\n`
    )
    const fields = ['p50', 'p95', 'p99', 'p999', 'max']
    const halfRows = handles.map(({ name }) => {
      if (!half[name]) return [name, us(maximum[name]), ...fields.map(() => '–'), '–']
      const missed = half[name].reduce((sum, round) => sum + round.missed + round.badStatus, 0)
      const values = medians(half[name], fields)
      return [name, us(maximum[name]), ...fields.map((field) => us(values[field])), String(missed)]
    })
    console.log(
      table(['server', 'maximum req/s', 'p50', 'p95', 'p99', 'p99.9', 'max', 'missed'], halfRows)
    )
    if (options.out) {
      const settings = { ...options, generator, ioThreads: context.ioThreads }
      write(options.out, { ...provenance(node), settings, single, full, rate, half })
    }
  } finally {
    await Promise.all(handles.map((handle) => handle.stop()))
  }
})
