// Tables for the terminal and for Markdown, and the result file.
// It must not compute figures: what it prints was measured elsewhere.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { benchRoot } from './process.mjs'
import { goalTable, summaryTable } from './summary.mjs'
import { format, table } from './table.mjs'

const formatRate = (value) => Math.round(value).toLocaleString('en-US')
const formatRatio = (base, value) => (base && value ? `${format(base / value)}x` : '–')
export const formatMiB = (bytes) =>
  bytes === null || bytes === undefined ? '–' : (bytes / 1024 / 1024).toFixed(1)

const head = [
  'server',
  'req/s',
  'p50 ms',
  'p95 ms',
  'p99 ms',
  'CPU µs/req: all threads',
  'JS thread',
  'RSS MiB',
  'loop delay ms',
  'errors',
  'vs express: all',
  'JS thread',
  'vs ultimate: all'
]

/** The table of one scenario. @param {object} result of measureScenario, with `node`, the Node under test */
export function scenarioTable(result) {
  const express = result.servers.express?.summary
  const ultimate = result.servers['ultimate-express']?.summary
  const rows = Object.entries(result.servers).map(([name, { node, summary }]) => [
    node && node !== result.node ? `${name} (Node ${node.slice(1).split('.')[0]})` : name,
    formatRate(summary.rps),
    format(summary.p50),
    format(summary.p95),
    format(summary.p99),
    format(summary.cpuAll),
    format(summary.cpuJs),
    formatMiB(summary.rss),
    format(summary.loopDelayWorst),
    String(summary.errors),
    formatRatio(express?.cpuAll, summary.cpuAll),
    formatRatio(express?.cpuJs, summary.cpuJs),
    formatRatio(ultimate?.cpuAll, summary.cpuAll)
  ])
  const notes = [
    ...Object.entries(result.failures).map(
      ([name, message]) => `- no result for ${name}: ${message}`
    ),
    ...result.headerDifferences.map((line) => `- rnode's headers differ from express': ${line}`)
  ]
  return [table(head, rows), ...(notes.length > 0 ? ['', ...notes] : [])].join('\n')
}

function git(...args) {
  try {
    return execFileSync('git', args, {
      cwd: benchRoot,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore']
    }).trim()
  } catch {
    return null
  }
}

/**
 * What a result must name: commit, machine, versions, command line.
 * @param {...{ version: string }} nodes the Nodes under test
 */
export function provenance(...nodes) {
  const cpus = os.cpus()
  return {
    date: new Date().toISOString(),
    commit: git('rev-parse', 'HEAD'),
    // Changes to tracked files; results that are not committed yet do not count.
    dirty: Boolean(git('status', '--porcelain', '--untracked-files=no')),
    command: ['node', path.relative(process.cwd(), process.argv[1]), ...process.argv.slice(2)].join(
      ' '
    ),
    node: nodes.map(({ version }) => version).join(', '),
    machine: {
      cpu: cpus[0]?.model.trim() ?? 'unknown',
      cores: cpus.length,
      memory: os.totalmem(),
      os: `${os.type()} ${os.release()} ${os.arch()}`,
      loadAverageAtStart: os.loadavg()[0]
    },
    packages: packageVersions()
  }
}

/** Versions of the compared packages as installed. */
function packageVersions() {
  const versions = {}
  for (const name of ['express', 'fastify', 'ultimate-express', 'uWebSockets.js', 'autocannon']) {
    const file = path.join(benchRoot, 'node_modules', name, 'package.json')
    if (fs.existsSync(file)) versions[name] = JSON.parse(fs.readFileSync(file, 'utf8')).version
  }
  return versions
}

const describe = ({ commit, dirty, node, machine, date }) =>
  `${date.slice(0, 10)}, commit ${commit?.slice(0, 10) ?? '(none)'}${dirty ? ' with changes' : ''}, ` +
  `Node ${node.replaceAll('v', '')}, ${machine.cpu}, ${machine.cores} cores, ${machine.os}`

/** The Markdown page of a result: the summary of each Node, then every scenario's table. */
export function markdown(result) {
  const { settings } = result
  const parts = [
    `# Benchmark, ${describe(result)}`,
    '',
    `\`${result.command}\``,
    '',
    `Medians of ${settings.rounds} rounds of ${settings.duration} s, ${settings.connections} connections, ` +
      `${settings.generator} with ${settings.loadThreads} thread(s); axum and nginx with ${settings.ioThreads} worker(s). ` +
      `1-minute load of the machine at the start: ${result.machine.loadAverageAtStart.toFixed(2)}. ` +
      'How to read it: bench/README.md.'
  ]
  for (const run of result.runs) {
    parts.push('', `## Node ${run.node.slice(1)}`, '', summaryTable(run), '', goalTable(run))
    for (const scenario of run.scenarios)
      parts.push('', `### ${scenario.name}`, '', scenarioTable({ ...scenario, node: run.node }))
  }
  return `${parts.join('\n')}\n`
}

/** Where a result goes if the user names no file. */
export function defaultFile(result, suffix = '') {
  const commit = result.commit ? result.commit.slice(0, 7) : 'nocommit'
  const majors = result.node.split(', ').map((version) => version.slice(1).split('.')[0])
  const name = `${result.date.slice(0, 10)}-${commit}-node${majors.join('-')}${suffix}`
  return path.join(benchRoot, 'results', `${name}.json`)
}

/**
 * Writes a result file and, if there is one, the Markdown page next to it.
 * @param {string} file path that ends in .json
 * @param {object} result
 * @param {string} [page]
 */
export function write(file, result, page) {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, `${JSON.stringify(result, null, 1)}\n`)
  if (page) fs.writeFileSync(file.replace(/(\.json)?$/, '.md'), page)
  console.error(`bench: wrote ${path.relative(process.cwd(), file)}`)
}
