// node bench/idle-memory.mjs [--count=10000] [--servers=rnode,express,node-http,axum] [--node=…]
// What an idle keep-alive connection costs: resident memory with and without `count` connections that have each had one
// answer, divided by `count`. JavaScript garbage is collected before both readings.

import { fork } from 'node:child_process'
import path from 'node:path'
import { chooseGenerator, load } from './lib/load.mjs'
import { main, parseOptions } from './lib/options.mjs'
import { openFileLimit } from './lib/proc.mjs'
import { benchRoot, startAxum, startNode } from './lib/process.mjs'
import { formatMiB, provenance, write } from './lib/report.mjs'
import { loadProblem } from './lib/servers.mjs'
import { table } from './lib/table.mjs'
import { buildAxum, buildRnode, ensurePackages, findNode } from './lib/tools.mjs'
import scenarios from './scenarios/index.js'

const PER_CLIENT = 2500
const hello = scenarios.load('hello-json')

/** Opens connections in client processes. Returns { closed(), end() }. */
async function openConnections(port, count) {
  const clients = []
  let closed = 0
  try {
    for (let left = count; left > 0; left -= PER_CLIENT) {
      const args = [String(port), String(Math.min(PER_CLIENT, left))]
      const client = fork(path.join(benchRoot, 'lib', 'idle-client.mjs'), args)
      clients.push(client)
      // One after the other, so that the server never has more than one client's burst.
      await new Promise((resolve, reject) => {
        client.on('message', (message) => {
          if (message.open) resolve()
          if (message.closed) closed++
          if (message.error) reject(new Error(`client: ${message.error}`))
        })
        client.on('exit', () => reject(new Error('a client process ended')))
      })
    }
  } catch (error) {
    for (const client of clients) client.kill()
    throw error
  }
  return {
    closed: () => closed,
    end: () =>
      Promise.all(
        clients.map((client) => new Promise((resolve) => client.once('exit', resolve).kill()))
      )
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function measure(name, start, count, generator) {
  const handle = await start()
  const settled = async () => {
    await pause(500)
    return handle.node ? handle.command('gc') : handle.sample()
  }
  try {
    const limit = openFileLimit(handle.pid)
    if (limit !== null && limit < count + 100) {
      throw new Error(
        `${name} may open ${limit} files only: raise the limit (ulimit -n ${count + 1000}) or use --count`
      )
    }
    // Code and pools grow under the first load; that is not the connections' cost.
    await load(generator, {
      port: handle.port,
      scenario: hello,
      seconds: 2,
      connections: 64,
      threads: 1
    })
    const before = await settled()
    const connections = await openConnections(handle.port, count)
    const after = await settled()
    const closed = connections.closed()
    const counted = handle.node ? await handle.command('connections') : null
    await connections.end()
    await pause(500)
    const released = await settled()
    if (closed > 0) throw new Error(`${name} closed ${closed} idle connections: nothing to measure`)
    if (counted !== null && counted < count)
      throw new Error(`${name} counts ${counted} connections, not ${count}`)
    return {
      node: handle.node,
      before: before.rss,
      after: after.rss,
      released: released.rss,
      perConnection: (after.rss - before.rss) / count
    }
  } finally {
    await handle.stop()
  }
}

main(async () => {
  const { options } = parseOptions(
    ['servers', 'count', 'node', 'load', 'io-threads', 'out', 'no-build'],
    {
      servers: ['rnode', 'express', 'node-http', 'axum'],
      count: 10_000,
      'io-threads': 2
    }
  )
  ensurePackages()
  if (!options['no-build'] && options.servers.includes('rnode')) buildRnode()
  const node = await findNode(options.node)
  const generator = chooseGenerator(options.load)
  const result = { ...provenance(node), settings: { count: options.count }, servers: {} }
  let failed = 0
  for (const name of options.servers) {
    const problem =
      name === 'rnode' ? await loadProblem(node.binary, path.join(benchRoot, '..')) : null
    try {
      if (problem) throw new Error(problem)
      const start =
        name === 'axum'
          ? () =>
              startAxum({
                binary: buildAxum().server,
                scenario: hello.name,
                ioThreads: options['io-threads'],
                fixtures: ''
              })
          : () =>
              startNode({
                name,
                file: 'idle.js',
                scenario: name,
                node: node.binary,
                nodeArgs: ['--expose-gc']
              })
      result.servers[name] = await measure(name, start, options.count, generator)
    } catch (error) {
      console.error(`bench: ${name}: ${error.message.split('\n')[0]}`)
      failed++
    }
  }
  console.log(`\n${options.count} idle keep-alive connections, Node ${node.version.slice(1)}\n`)
  console.log(
    table(
      ['server', 'RSS MiB before', 'with them', 'after they left', 'KiB per connection'],
      Object.entries(result.servers).map(([name, figures]) => [
        name,
        formatMiB(figures.before),
        formatMiB(figures.after),
        formatMiB(figures.released),
        (figures.perConnection / 1024).toFixed(2)
      ])
    )
  )
  if (options.out) write(options.out, result)
  return failed > 0 ? 1 : 0
})
