// node bench/replay.mjs [--scenarios=hello-json] [--rounds=21] [--count=40000] [--node=…] [tree …]
// What a request costs the JavaScript thread in JavaScript alone: one frame comes again and again, without sockets, wakes and
// kernel, so that two trees can be told apart that differ by a hundredth. Trees (default: this one) take turns; they must be built.
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
  'nested-routers'
]
const own = path.join(path.dirname(fileURLToPath(import.meta.url)), '..')

/** Starts a tree's server, has it answer as it must, and warms it up. */
async function begin(tree, scenario, node, count) {
  const env = { BENCH_RNODE_ROOT: tree }
  const server = await startNode({
    name: tree,
    file: 'replay.js',
    scenario: scenario.name,
    node: node.binary,
    env
  })
  try {
    await verify(server, scenario)
    await server.command('replay', { count: 3 * count })
    return server
  } catch (error) {
    await server.stop()
    throw error
  }
}

/** Nanoseconds of the JavaScript thread per request. */
async function once(server, count) {
  const before = await server.sample()
  const requests = await server.command('replay', { count })
  const after = await server.sample()
  return (after.jsNs - before.jsNs) / requests
}

main(async () => {
  const { options, rest } = parseOptions(
    ['scenarios', 'rounds', 'count', 'node'],
    { scenarios: NAMES, rounds: 21, count: 40_000 },
    'node bench/replay.mjs [options] [tree …]   JavaScript per request, without sockets'
  )
  ensurePackages()
  const node = await findNode(options.node)
  const trees = rest.length === 0 ? [own] : rest.map((tree) => path.resolve(tree))
  const rows = []
  for (const name of options.scenarios) {
    const scenario = scenarios.load(name)
    const servers = []
    try {
      for (const tree of trees) servers.push(await begin(tree, scenario, node, options.count))
      const taken = servers.map(() => [])
      for (let round = 0; round < options.rounds; round++) {
        for (let i = 0; i < servers.length; i++) {
          const at = (i + round) % servers.length
          taken[at].push(await once(servers[at], options.count))
        }
      }
      for (const [i, tree] of trees.entries()) {
        const figures = [median(taken[i]), Math.min(...taken[i])]
        rows.push([name, ...figures.map((ns) => ns.toFixed(0)), tree])
      }
    } finally {
      for (const server of servers) await server.stop()
    }
  }
  console.log(`\nJavaScript thread, ns a request, Node ${node.version.slice(1)}\n`)
  console.log(table(['scenario', 'median', 'least', 'tree'], rows))
})
