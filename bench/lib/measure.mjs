// Measures servers against each other in one scenario: verifies, warms up, alternates, takes medians.
// It must not print, nor judge what it finds: report.mjs and summary.mjs do.

import { load } from './load.mjs'
import { headerDifferences, verify } from './verify.mjs'

/** Median of numbers; null if there is none. */
export function median(values) {
  const sorted = values
    .filter((value) => value !== null && value !== undefined)
    .sort((a, b) => a - b)
  if (sorted.length === 0) return null
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** One measured load on one server. CPU in µs per request, memory in bytes, times in ms. */
async function measureRound(handle, scenario, settings) {
  await handle.reset()
  const before = await handle.sample()
  const result = await load(settings.generator, {
    port: handle.port,
    scenario,
    seconds: settings.duration,
    connections: settings.connections,
    threads: settings.loadThreads
  })
  const after = await handle.sample()
  if (result.requests === 0)
    throw new Error(`${handle.name}: no request of ${scenario.name} was answered`)
  const perRequest = (field) =>
    after[field] === null || before[field] === null
      ? null
      : (after[field] - before[field]) / 1000 / result.requests
  return {
    requests: result.requests,
    seconds: result.seconds,
    rps: result.rps,
    p50: result.p50,
    p95: result.p95,
    p99: result.p99,
    max: result.max,
    errors: result.errors,
    cpuAll: perRequest('cpuNs'),
    cpuJs: perRequest('jsNs'),
    rss: after.rss,
    loopDelayP99: after.delay?.p99 ?? null,
    loopDelayMax: after.delay?.max ?? null
  }
}

const fields = [
  'rps',
  'p50',
  'p95',
  'p99',
  'max',
  'cpuAll',
  'cpuJs',
  'rss',
  'loopDelayP99',
  'loopDelayMax'
]

/** Medians over rounds; errors are added up, and the longest event loop delay is the longest of all. */
export function summarize(rounds) {
  const summary = Object.fromEntries(
    fields.map((field) => [field, median(rounds.map((round) => round[field]))])
  )
  const delays = rounds.map((round) => round.loopDelayMax).filter((delay) => delay !== null)
  return {
    ...summary,
    requests: rounds.reduce((sum, round) => sum + round.requests, 0),
    errors: rounds.reduce((sum, round) => sum + round.errors, 0),
    loopDelayWorst: delays.length > 0 ? Math.max(...delays) : null
  }
}

const oneLine = (text) => text.replace(/\s+/g, ' ').slice(0, 400)

/** Starts a server for a scenario, verifies it and warms it up. */
async function prepare(server, scenario, settings) {
  const handle = await server.start(scenario, settings.context)
  try {
    const headers = await verify(handle, scenario)
    if (settings.warmup > 0) {
      await load(settings.generator, {
        port: handle.port,
        scenario,
        seconds: settings.warmup,
        connections: settings.connections,
        threads: settings.loadThreads
      })
    }
    return { handle, headers }
  } catch (error) {
    await handle.stop()
    throw error
  }
}

/**
 * Measures one scenario. A server that does not start or does not answer as it must is left out of it and named in
 * `failures`; the others are measured.
 * @param {object} scenario
 * @param {import('./servers.mjs').Server[]} servers those that can express it
 * @param {object} settings { context, generator, rounds, duration, warmup, connections, loadThreads, fresh,
 *   onRound?(server name, round number, round) }
 * @returns {Promise<{ name: string, failures: Record<string, string>, headerDifferences: string[],
 *   servers: Record<string, { node: string | null, rounds: object[], summary: object }> }>}
 */
export async function measureScenario(scenario, servers, settings) {
  const runs = servers.map((server) => ({
    server,
    handle: null,
    headers: null,
    node: null,
    rounds: [],
    error: null
  }))
  // Does one step for one server; an error ends that server's part.
  const step = async (run, action) => {
    if (run.error) return
    try {
      await action()
    } catch (error) {
      run.error = error
      await run.handle?.stop()
      run.handle = null
    }
  }
  const begin = async (run) => {
    Object.assign(run, await prepare(run.server, scenario, settings))
    run.node = run.handle.node
  }
  try {
    if (!settings.fresh) for (const run of runs) await step(run, () => begin(run))
    for (let round = 0; round < settings.rounds; round++) {
      for (let i = 0; i < runs.length; i++) {
        // Another one begins each round: no server always runs on the machine its predecessor left behind.
        const run = runs[(i + round) % runs.length]
        await step(run, async () => {
          if (settings.fresh) await begin(run)
          const measured = await measureRound(run.handle, scenario, settings)
          run.rounds.push(measured)
          settings.onRound?.(run.server.name, round, measured)
          if (settings.fresh) await run.handle.stop()
        })
      }
    }
  } finally {
    await Promise.all(runs.map((run) => run.handle?.stop()))
  }
  const done = runs.filter((run) => !run.error)
  const headersOf = (name) => done.find((run) => run.server.name === name)?.headers
  const [express, rnode] = [headersOf('express'), headersOf('rnode')]
  return {
    name: scenario.name,
    failures: Object.fromEntries(
      runs.filter((run) => run.error).map((run) => [run.server.name, oneLine(run.error.message)])
    ),
    headerDifferences: express && rnode ? headerDifferences(express, rnode) : [],
    servers: Object.fromEntries(
      done.map(({ server, node, rounds }) => [
        server.name,
        { node, rounds, summary: summarize(rounds) }
      ])
    )
  }
}
