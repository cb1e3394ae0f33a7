// npm run bench:compare -- <git ref>: measures rnode-server of the working tree (candidate) against that of a git ref
// (baseline), alternating, in fresh processes, and fails if a request costs 5 % more CPU or its p95 is 10 % longer.
// The scenarios are the working tree's for both. What fails is measured again with twice the rounds before it counts.

import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import fixtures from './lib/fixtures.js'
import { chooseGenerator } from './lib/load.mjs'
import { measureScenario, median } from './lib/measure.mjs'
import { main, parseOptions } from './lib/options.mjs'
import { benchRoot, startNode } from './lib/process.mjs'
import { provenance, write } from './lib/report.mjs'
import { loadProblem } from './lib/servers.mjs'
import { format, table } from './lib/table.mjs'
import { cache, ensurePackages, findNode, runVisible } from './lib/tools.mjs'

/** What makes the comparison fail: the candidate's value over the baseline's, see `ratio`. */
const LIMITS = { cpuAll: 1.05, cpuJs: 1.05, p95: 1.1 }

/** Differences below these (µs, µs, ms) are within what clocks and schedulers resolve; they never fail. */
const RESOLUTION = { cpuAll: 0.3, cpuJs: 0.2, p95: 0.05 }

/** Share of the rounds in which the candidate must be slower at all: on a machine with other work medians alone stray. */
const MOST_ROUNDS = 0.75

const root = path.join(benchRoot, '..')
const names = [
  'scenarios',
  'rounds',
  'duration',
  'warmup',
  'connections',
  'load-threads',
  'load',
  'node',
  'out'
]
const usage =
  'npm run bench:compare -- <git ref> [options]   fails if the working tree is slower than the ref'

function git(...args) {
  const { status, stdout, stderr } = spawnSync('git', args, { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr.trim()}`)
  return stdout.trim()
}

/** Installs and builds a tree with its own scripts. Cargo's output goes to `target` so that a later build is incremental. */
function build(tree, target) {
  const env = target ? { ...process.env, CARGO_TARGET_DIR: target } : process.env
  if (!fs.existsSync(path.join(tree, 'node_modules'))) {
    const install = fs.existsSync(path.join(tree, 'package-lock.json')) ? 'ci' : 'install'
    runVisible('npm', [install, '--no-audit', '--no-fund'], { cwd: tree, env })
  }
  runVisible('npm', ['run', 'build'], { cwd: tree, env })
}

/** Runs `action` with the ref checked out in a temporary worktree, and removes it whatever happens. */
async function withWorktree(commit, action) {
  const folder = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'rnode-bench-compare-')), 'tree')
  const remove = () => {
    try {
      git('worktree', 'remove', '--force', folder)
    } catch {
      git('worktree', 'prune')
    }
    fs.rmSync(path.dirname(folder), { recursive: true, force: true })
  }
  const interrupted = () => {
    remove()
    process.exit(130)
  }
  process.on('SIGINT', interrupted)
  try {
    git('worktree', 'add', '--detach', folder, commit)
    return await action(folder)
  } finally {
    process.off('SIGINT', interrupted)
    remove()
  }
}

/** A server of lib/servers.mjs' shape: rnode-server from a given tree. */
const treeServer = (name, tree) => ({
  name,
  start: (scenario, { node }) =>
    startNode({
      name,
      file: 'rnode.js',
      scenario: scenario.name,
      node: node.binary,
      env: { BENCH_RNODE_ROOT: tree }
    })
})

/**
 * The candidate's value over the baseline's: the median over rounds of the two values of the same round, which were
 * measured right after each other, so that a machine that slows down in the course of a run favours neither.
 */
function ratio(both, field) {
  const ratios = ratiosOf(both, field)
  return ratios.every(Number.isFinite) ? median(ratios) : null
}

const ratiosOf = ({ baseline, candidate }, field) =>
  candidate.rounds.map((round, i) => round[field] / baseline.rounds[i][field])

const isMostlySlower = (both, field) => {
  const ratios = ratiosOf(both, field)
  return ratios.filter((value) => value > 1).length >= ratios.length * MOST_ROUNDS
}

/** The measures of a scenario in which the candidate is over the limit. */
function regressions(both) {
  return Object.keys(LIMITS).filter((field) => {
    const changed = ratio(both, field)
    if (changed === null) return false
    return (
      changed > LIMITS[field] &&
      (changed - 1) * both.baseline.summary[field] > RESOLUTION[field] &&
      isMostlySlower(both, field)
    )
  })
}

/** Says so where other work takes the machine: then not even medians of alternating rounds can be believed. */
function warnOfLoad() {
  const [load] = os.loadavg()
  const cores = os.availableParallelism()
  if (load > cores / 2) {
    const found = `load average ${load.toFixed(1)} on ${cores} cores`
    console.error(`bench: ${found}: other work is under way, and the verdict is worth little`)
  }
}

const percent = (changed) => `${changed >= 1 ? '+' : ''}${((changed - 1) * 100).toFixed(1)} %`

function resultTable(results) {
  const cell = (both, field) => {
    const changed = ratio(both, field)
    if (changed === null) return '–'
    return `${format(both.baseline.summary[field])} → ${format(both.candidate.summary[field])} (${percent(changed)})`
  }
  return table(
    ['scenario', 'CPU µs/req: all threads', 'JS thread', 'p95 ms', 'req/s', 'verdict'],
    results.map(({ name, servers, over }) => [
      name,
      cell(servers, 'cpuAll'),
      cell(servers, 'cpuJs'),
      cell(servers, 'p95'),
      percent(ratio(servers, 'rps')),
      over.length === 0 ? 'ok' : `slower: ${over.join(', ')}`
    ])
  )
}

main(async () => {
  const { options, rest } = parseOptions(
    [...names, 'no-build'],
    { rounds: 7, duration: 2, warmup: 1 },
    usage
  )
  if (rest.length !== 1) throw new Error(`name one git ref: ${usage}`)
  const commit = git('rev-parse', '--verify', `${rest[0]}^{commit}`)
  ensurePackages()
  fixtures.ensure()
  const scenarios = createRequire(import.meta.url)('./scenarios')
  const chosen = (options.scenarios ?? scenarios.names).map(scenarios.load)
  const node = await findNode(options.node)
  const settings = {
    rounds: options.rounds,
    duration: options.duration,
    warmup: options.warmup,
    connections: options.connections,
    loadThreads: options['load-threads'],
    generator: chooseGenerator(options.load),
    fresh: true
  }
  if (!options['no-build']) build(root)

  return withWorktree(commit, async (tree) => {
    build(tree, path.join(cache, 'compare-target'))
    for (const folder of [tree, root]) {
      const problem = await loadProblem(node.binary, folder)
      if (problem) throw new Error(`${folder} cannot be loaded: ${problem}`)
    }
    const servers = [treeServer('baseline', tree), treeServer('candidate', root)]
    const measure = async (scenario, rounds) => {
      console.error(`bench: ${scenario.name}, ${rounds} rounds`)
      const result = await measureScenario(scenario, servers, {
        ...settings,
        rounds,
        context: { node }
      })
      const [failure] = Object.entries(result.failures)
      if (failure) throw new Error(`${scenario.name}, ${failure.join(': ')}`)
      return { ...result, over: regressions(result.servers) }
    }
    const results = []
    warnOfLoad()
    for (const scenario of chosen) {
      let result = await measure(scenario, settings.rounds)
      if (result.over.length > 0) {
        console.error(
          `bench: ${scenario.name} looks slower (${result.over.join(', ')}); measuring again`
        )
        result = await measure(scenario, settings.rounds * 2)
      }
      results.push(result)
    }
    console.log(
      `\nbaseline ${commit.slice(0, 10)} → candidate, Node ${node.version.slice(1)}, ${settings.generator}\n`
    )
    console.log(resultTable(results))
    const result = {
      ...provenance(node),
      baseline: commit,
      settings,
      limits: LIMITS,
      scenarios: results
    }
    if (options.out) write(options.out, result)
    const failed = results.filter(({ over }) => over.length > 0)
    const errors = results
      .flatMap(({ servers: both }) => Object.values(both))
      .reduce((n, s) => n + s.summary.errors, 0)
    if (errors > 0) console.error(`bench: ${errors} requests failed`)
    return failed.length > 0 || errors > 0 ? 1 : 0
  })
})
