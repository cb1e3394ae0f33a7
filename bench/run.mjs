// npm run bench: every scenario on every server, alternating, verified, medians of rounds; prints tables and writes a
// result file. It measures; it does not judge (compare.mjs does).

import { createRequire } from 'node:module'
import fixtures from './lib/fixtures.js'
import { chooseGenerator } from './lib/load.mjs'
import { measureScenario } from './lib/measure.mjs'
import { defaultIoThreads, main, parseOptions } from './lib/options.mjs'
import { defaultFile, markdown, provenance, scenarioTable, write } from './lib/report.mjs'
import { chooseServers } from './lib/servers.mjs'
import { goalTable, summaryTable } from './lib/summary.mjs'
import { format } from './lib/table.mjs'
import { buildRnode, ensurePackages, findNode } from './lib/tools.mjs'

const names = [
  'scenarios',
  'servers',
  'rounds',
  'duration',
  'warmup',
  'connections',
  'load-threads',
  'load',
  'node'
]
const usage =
  'npm run bench -- [options]   measures rnode-server and others in the scenarios of bench/scenarios'

main(async () => {
  const { options, rest } = parseOptions(
    [...names, 'io-threads', 'fresh', 'out', 'no-write', 'no-build'],
    {},
    usage
  )
  if (rest.length > 0) throw new Error(`unknown argument ${rest[0]}; --help lists the options`)
  ensurePackages()
  fixtures.ensure()
  const scenarios = createRequire(import.meta.url)('./scenarios')
  const chosen = (options.scenarios ?? scenarios.names).map(scenarios.load)

  const nodes = []
  for (const wanted of options.node?.split(',') ?? [undefined]) nodes.push(await findNode(wanted))
  if (!options['no-build'] && (options.servers ?? ['rnode']).includes('rnode')) buildRnode()
  const ioThreadsGiven = options['io-threads'] !== undefined
  const ioThreads = options['io-threads'] ?? defaultIoThreads
  const settings = {
    rounds: options.rounds,
    duration: options.duration,
    warmup: options.warmup,
    connections: options.connections,
    loadThreads: options['load-threads'],
    generator: chooseGenerator(options.load),
    fresh: options.fresh,
    ioThreads,
    ioThreadsOfRnode: ioThreadsGiven ? ioThreads : 'default'
  }
  const result = { ...provenance(...nodes), settings, runs: [] }
  const file = options.out ?? defaultFile(result)

  let errors = 0
  let failed = 0
  for (const node of nodes) {
    const context = { node, ioThreads, ioThreadsGiven }
    const servers = await chooseServers(options.servers, context)
    const run = { node: node.version, scenarios: [] }
    result.runs.push(run)
    for (const scenario of chosen) {
      const able = servers.filter((server) => server.can(scenario))
      if (able.length === 0) continue
      console.log(
        `\n## ${scenario.name}   (Node ${node.version.slice(1)}, ${settings.generator})\n`
      )
      const measured = await measureScenario(scenario, able, {
        ...settings,
        context,
        onRound(name, round, { rps, cpuAll, cpuJs }) {
          const figures = `${Math.round(rps)} req/s, ${format(cpuAll)} µs/req, JS thread ${format(cpuJs)} µs`
          console.error(`  round ${round + 1}/${settings.rounds}  ${name}: ${figures}`)
        }
      })
      run.scenarios.push(measured)
      console.log(scenarioTable({ ...measured, node: node.version }))
      for (const { summary } of Object.values(measured.servers)) errors += summary.errors
      failed += Object.keys(measured.failures).length
      // After every scenario: a run that is interrupted keeps what it has.
      if (!options['no-write']) write(file, result, markdown(result))
    }
    console.log(`\n${summaryTable(run)}\n\n${goalTable(run)}`)
  }
  if (errors > 0) console.error(`bench: ${errors} requests failed, see the column "errors"`)
  if (failed > 0)
    console.error(
      `bench: ${failed} result(s) missing: a server did not start or gave a wrong answer`
    )
  return errors > 0 || failed > 0 ? 1 : 0
})
