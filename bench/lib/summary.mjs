// One table for all scenarios of a run on one Node, and which goals (goals.js) the run meets. Must not measure or judge
// anything else: a missed goal is printed, it does not fail the run.

import goals from '../goals.js'
import { format, table } from './table.mjs'

const columns = ['rnode', 'express', 'ultimate-express', 'fastify', 'node-http', 'nginx', 'axum']
const without = new Set(['nginx', 'axum'])

/**
 * JS thread / all threads, µs of CPU per request; nginx and axum have no JS thread.
 * @param {{ node: string, scenarios: object[] }} run
 */
export function summaryTable({ node, scenarios }) {
  const major = node.slice(1).split('.')[0]
  const shown = columns.filter((name) => scenarios.some(({ servers }) => servers[name]))
  const heads = shown.map((name) => {
    const other = scenarios
      .map(({ servers }) => servers[name]?.node)
      .find((at) => at && at !== node)
    return other ? `${name} (Node ${other.slice(1).split('.')[0]})` : name
  })
  return table(
    [`Node ${major}`, ...heads],
    scenarios.map(({ name, servers }) => [
      name,
      ...shown.map((server) => {
        const summary = servers[server]?.summary
        if (!summary) return '–'
        const all = format(summary.cpuAll)
        return without.has(server) ? all : `${format(summary.cpuJs)} / ${all}`
      })
    ])
  )
}

/** The goal for a Node: that of the highest major not above it. */
function forNode(factors, major) {
  const known = Object.keys(factors)
    .map(Number)
    .filter((one) => one <= major)
  return factors[Math.max(...known)] ?? Object.values(factors)[0]
}

const atLeast = (reached, wanted, of) => ({
  reached: `${format(reached)}x`,
  wanted: wanted === 1 ? `no more than ${of}` : `at least ${wanted}x less than ${of}`,
  met: reached >= wanted
})

/** What axum needs for the scenario, or at least for the smallest answer, if it was measured. */
function withoutJavaScript(servers, scenarios) {
  const own = servers.axum?.summary
  if (own) return format(own.cpuAll)
  const hello = scenarios.find(({ name }) => name === 'hello-json')?.servers.axum?.summary
  return hello && `${format(hello.cpuAll)} for hello-json`
}

/** The goals of a scenario that can be judged with the servers of the run. */
function judge({ name, servers }, scenarios, major) {
  const own = servers.rnode?.summary
  const goal = goals[name]
  if (!own || !goal) return []
  const of = (server) => servers[server]?.summary
  const results = []
  if (goal.js && of('express')) {
    const reached = of('express').cpuJs / own.cpuJs
    results.push({ of: 'JS thread', ...atLeast(reached, forNode(goal.js, major), 'Express') })
  }
  if (goal.noJs) {
    const [reached, met] = [`${format(own.cpuJs)} µs`, own.cpuJs < 0.5]
    results.push({ of: 'JS thread', reached, wanted: 'not entered', met })
  }
  const like = scenarios.find((one) => one.name === goal.like)?.servers.rnode?.summary
  if (like) {
    const reached = own.cpuJs / like.cpuJs
    const wanted = `as ${goal.like}, within 10 %`
    results.push({ of: 'JS thread', reached: `${format(reached)}x`, wanted, met: reached <= 1.1 })
  }
  if (goal.all && of('ultimate-express')) {
    const peer = of('ultimate-express').cpuAll
    const limit = withoutJavaScript(servers, scenarios)
    results.push({
      of: 'all threads',
      ...atLeast(peer / own.cpuAll, goal.all, 'ultimate-express'),
      note: limit && `${format(peer / goal.all)} µs, where axum needs ${limit} without JavaScript`
    })
  }
  if (goal.nginx && of('nginx')) {
    const reached = own.cpuAll / of('nginx').cpuAll
    const wanted = `at most ${goal.nginx}x nginx`
    results.push({
      of: 'all threads',
      reached: `${format(reached)}x`,
      wanted,
      met: reached <= goal.nginx
    })
  }
  for (const peer of ['ultimate-express', 'fastify']) {
    if (!of(peer)) continue
    const reached = of(peer).cpuAll / own.cpuAll
    results.push({ of: 'all threads', ...atLeast(reached, 1, peer) })
  }
  return results
}

/**
 * The goals that can be judged with the servers of a run.
 * @param {{ node: string, scenarios: object[] }} run
 * @returns {{ scenario: string, of: string, reached: string, wanted: string, met: boolean,
 *   note?: string }[]} `note` says what the goal comes to
 */
export function goalsOf({ node, scenarios }) {
  const major = Number.parseInt(node.slice(1), 10)
  return scenarios.flatMap((scenario) =>
    judge(scenario, scenarios, major).map((goal) => ({ scenario: scenario.name, ...goal }))
  )
}

/** `goalsOf` as a table. */
export function goalTable(run) {
  return table(
    ['scenario', 'CPU', 'reached', 'goal', 'met'],
    goalsOf(run).map(({ scenario, of, reached, wanted, met }) => [
      scenario,
      of,
      reached,
      wanted,
      met ? 'yes' : 'no'
    ])
  )
}
