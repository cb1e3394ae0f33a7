// node bench/startup.mjs [--runs=15] [--servers=rnode,express] [--node=…]
// How long `require` and `listen` take: fresh processes, alternating, medians.

import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { median } from './lib/measure.mjs'
import { main, parseOptions } from './lib/options.mjs'
import { benchRoot } from './lib/process.mjs'
import { formatMiB, provenance, write } from './lib/report.mjs'
import { format, table } from './lib/table.mjs'
import { buildRnode, ensurePackages, findNode } from './lib/tools.mjs'

const run = promisify(execFile)
const program = path.join(benchRoot, 'servers', 'startup.js')

async function start(node, name) {
  const env = { ...process.env, NODE_ENV: 'production' }
  const { stdout } = await run(node.binary, [program, name], { env, timeout: 60_000 })
  return JSON.parse(stdout)
}

main(async () => {
  const { options } = parseOptions(['servers', 'runs', 'node', 'out', 'no-build'], {
    servers: ['rnode', 'express']
  })
  ensurePackages()
  if (!options['no-build'] && options.servers.includes('rnode')) buildRnode()
  const node = await findNode(options.node)
  const runs = Object.fromEntries(options.servers.map((name) => [name, []]))
  // Once without counting: then the files are in the system's cache for everybody.
  for (const name of options.servers) await start(node, name)
  for (let i = 0; i < options.runs; i++) {
    for (const name of i % 2 === 0 ? options.servers : options.servers.toReversed()) {
      runs[name].push(await start(node, name))
    }
  }
  const rows = Object.entries(runs).map(([name, measured]) => {
    const of = (field) => median(measured.map((one) => one[field]))
    const times = ['require', 'listen', 'both', 'sinceStart', 'cpu'].map((field) =>
      format(of(field))
    )
    return [name, ...times, formatMiB(of('rss'))]
  })
  console.log(`\nStart, medians of ${options.runs} processes, Node ${node.version.slice(1)}\n`)
  const head = [
    'server',
    'require ms',
    'listen ms',
    'both ms',
    'process start to listening ms',
    'CPU ms',
    'RSS MiB'
  ]
  console.log(table(head, rows))
  if (options.out)
    write(options.out, { ...provenance(node), settings: { runs: options.runs }, runs })
})
