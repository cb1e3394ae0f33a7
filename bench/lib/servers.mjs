// The servers that can be compared: what each can express, whether it is available here, and how it is started.
// It must not measure anything, nor start one itself: process.mjs does.

import { execFile } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { promisify } from 'node:util'
import fixtures from './fixtures.js'
import { benchRoot, startAxum, startNginx, startNode } from './process.mjs'
import { buildAxum, findNode, which } from './tools.mjs'

const require = createRequire(import.meta.url)
const run = promisify(execFile)
const { binary: uwsBinary } = require('../servers/uws.js')

/**
 * @typedef {object} Context
 * @property {Awaited<ReturnType<typeof findNode>>} node the Node under test
 * @property {number} ioThreads workers of axum and nginx
 * @property {boolean} ioThreadsGiven whether the user asked for that number (then rnode gets it too)
 *
 * @typedef {object} Server
 * @property {string} name
 * @property {(scenario: object) => boolean} can whether it can express a scenario
 * @property {(context: Context) => Promise<string | null>} missing why it cannot run here, or null
 * @property {(scenario: object, context: Context, extra?: object) => Promise<object>} start see lib/process.mjs
 */

const sameProgram = (scenario) => typeof scenario.setup === 'function'
const always = async () => null

/** A server of bench/servers that runs on the Node under test. */
const onNode = (name, { can = sameProgram, missing = always, env = () => ({}) } = {}) => ({
  name,
  can,
  missing,
  start: (scenario, context, extra = {}) =>
    startNode({
      name,
      file: `${name}.js`,
      scenario: scenario.name,
      node: context.node.binary,
      ...extra,
      env: { ...env(context), ...extra.env }
    })
})

/**
 * Why rnode-server of a tree cannot be loaded (first line of the error), or null.
 * @param {string} node path of the Node binary
 * @param {string} root the tree
 */
export async function loadProblem(node, root) {
  try {
    await run(node, ['-e', 'require(process.argv[1])', path.join(root, 'js', 'index.js')])
    return null
  } catch (error) {
    const line = /^\w*Error\b.*$/m.exec(error.stderr ?? '')
    return line ? line[0] : error.message
  }
}

const rnode = onNode('rnode', {
  missing: ({ node }) => loadProblem(node.binary, path.join(benchRoot, '..')),
  env: (context) => (context.ioThreadsGiven ? { RNODE_IO_THREADS: String(context.ioThreads) } : {})
})

const ultimate = onNode('ultimate-express')

/** The Node for ultimate-express: the one under test, or the harness' own if its engine has no binary for that one. */
async function ultimateNode(context) {
  const own = await findNode(undefined)
  return [context.node, own].find((node) => fs.existsSync(uwsBinary(node))) ?? null
}

/** @type {Record<string, Server>} */
export const servers = {
  rnode,
  express: onNode('express'),
  'node-http': onNode('node-http', { can: (scenario) => typeof scenario.nodeHttp === 'function' }),
  fastify: onNode('fastify', { can: (scenario) => typeof scenario.fastify === 'function' }),
  'ultimate-express': {
    ...ultimate,
    async missing(context) {
      const node = await ultimateNode(context)
      return node
        ? null
        : `uws-pack has no binary for Node ${context.node.version} on this platform`
    },
    async start(scenario, context, extra) {
      return ultimate.start(scenario, { ...context, node: await ultimateNode(context) }, extra)
    }
  },
  nginx: {
    name: 'nginx',
    can: (scenario) => scenario.nginx === true,
    async missing() {
      return which('nginx') ? null : 'nginx is not installed'
    },
    start: (scenario, { ioThreads }) =>
      startNginx({ binary: which('nginx'), ioThreads, fixtures: fixtures.directory })
  },
  axum: {
    name: 'axum',
    can: (scenario) => scenario.axum === true,
    async missing() {
      try {
        buildAxum()
        return null
      } catch (error) {
        return error.message
      }
    },
    start: (scenario, { ioThreads }) =>
      startAxum({
        binary: buildAxum().server,
        scenario: scenario.name,
        ioThreads,
        fixtures: fixtures.directory
      })
  }
}

/**
 * The servers to run, with a line on stderr for each that is left out.
 * @param {string[] | undefined} names what the user asked for; nothing means all, and then a missing one is left out
 * @param {Context} context
 * @throws {Error} if a server that was asked for by name is unknown or cannot run
 */
export async function chooseServers(names, context) {
  const chosen = []
  for (const name of names ?? Object.keys(servers)) {
    const server = servers[name]
    if (!server)
      throw new Error(`there is no server ${name}; there are: ${Object.keys(servers).join(', ')}`)
    const reason = await server.missing(context)
    if (reason === null) chosen.push(server)
    else if (names) throw new Error(`${name}: ${reason}`)
    else console.error(`bench: without ${name}: ${reason}`)
  }
  return chosen
}
