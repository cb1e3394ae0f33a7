// node bench/replay.mjs [--scenarios=hello-json] [--rounds=9] [--count=20000] [--node=…] [tree …]
// What a request costs the JavaScript thread in JavaScript alone: one frame comes again and again, without sockets, wakes and
// kernel, so that two trees can be told apart that differ by a few hundredths. Trees (default: this one) take turns, in a new process
// each time, since two processes of one tree differ more than two parts of a process; they must be built.
// It must not be read as a server's speed: what a thread pays for being woken, and for cold caches, is not in it.

import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { median } from './lib/measure.mjs'
import { main, parseOptions } from './lib/options.mjs'
import { startNode } from './lib/process.mjs'
import { table } from './lib/table.mjs'
import { ensurePackages, findNode } from './lib/tools.mjs'
import { verify } from './lib/verify.mjs'
import scenarios from './scenarios/index.js'

const NAMES = [
  'hello-json',
  'async-json',
  'params-query',
  'routes-1000',
  'middlewares-100',
  'nested-routers',
  'not-found',
  'real-stack'
]
const own = path.join(path.dirname(fileURLToPath(import.meta.url)), '..')

/** How often a process is measured. */
const PARTS = 8

/**
 * What a request costs in a new process of a tree, which has answered as it must and is warm.
 * @returns {Promise<number>} nanoseconds of the JavaScript thread, the least of several times: other programs can only add to it
 */
async function measure(tree, scenario, node, count) {
  const server = await startNode({
    name: tree,
    file: 'replay.js',
    scenario: scenario.name,
    node: node.binary,
    env: { BENCH_RNODE_ROOT: tree }
  })
  try {
    await verify(server, scenario)
    await server.command('replay', { count: 4 * count })
    let least = Infinity
    for (let part = 0; part < PARTS; part++) {
      const before = await server.sample()
      const requests = await server.command('replay', { count })
      const after = await server.sample()
      least = Math.min(least, (after.jsNs - before.jsNs) / requests)
    }
    return least
  } finally {
    await server.stop()
  }
}

main(async () => {
  const { options, rest } = parseOptions(
    ['scenarios', 'rounds', 'count', 'node'],
    { scenarios: NAMES, rounds: 9, count: 20_000 },
    'node bench/replay.mjs [options] [tree …]   JavaScript per request, without sockets'
  )
  ensurePackages()
  const node = await findNode(options.node)
  const trees = rest.length === 0 ? [own] : rest.map((tree) => path.resolve(tree))
  const rows = []
  for (const name of options.scenarios) {
    const scenario = scenarios.load(name)
    const taken = trees.map(() => [])
    for (let round = 0; round < options.rounds; round++) {
      for (let i = 0; i < trees.length; i++) {
        const at = (i + round) % trees.length
        taken[at].push(await measure(trees[at], scenario, node, options.count))
      }
    }
    for (const [i, tree] of trees.entries()) {
      const figures = [median(taken[i]), Math.min(...taken[i])]
      rows.push([name, ...figures.map((ns) => ns.toFixed(0)), tree])
    }
  }
  console.log(`\nJavaScript thread, ns a request, Node ${node.version.slice(1)}\n`)
  console.log(table(['scenario', 'median', 'least', 'tree'], rows))
})
