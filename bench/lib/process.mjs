// Starts server processes and talks to them. One handle for all kinds:
//
//   { name, pid, port, node, sample(), reset(), command(name, args), stop() }
//
// `sample` resolves to { cpuNs, jsNs, rss, delay }, see servers/child.js; jsNs and delay are null for programs
// that run no JavaScript.

import { fork, spawn } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import * as proc from './proc.mjs'

const START_MS = 60_000
const COMMAND_MS = 60_000

export const benchRoot = path.join(path.dirname(fileURLToPath(import.meta.url)), '..')

const childEnv = (extra) => ({ ...process.env, NODE_ENV: 'production', ...extra })

/** Keeps the last bytes that a process wrote to stderr, for the message when it fails. */
function tail(stream) {
  let text = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk) => {
    text = (text + chunk).slice(-4000)
  })
  return () => text.trim()
}

function ended(child) {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    else child.once('exit', resolve)
  })
}

async function stopChild(child) {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
  await ended(child)
  clearTimeout(timer)
}

/**
 * Starts a server of `bench/servers/`.
 * @param {object} options
 * @param {string} options.name for tables
 * @param {string} options.file file name in bench/servers
 * @param {string} options.scenario
 * @param {string} options.node path of the Node binary
 * @param {string[]} [options.nodeArgs]
 * @param {Record<string, string>} [options.env]
 */
export function startNode({ name, file, scenario, node, nodeArgs = [], env = {} }) {
  const child = fork(path.join(benchRoot, 'servers', file), [scenario], {
    execPath: node,
    execArgv: nodeArgs,
    env: childEnv(env),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc']
  })
  const errors = tail(child.stderr)
  const waiting = new Map()
  let lastId = 0

  const failed = (why) => {
    for (const { reject } of waiting.values()) reject(new Error(`${name}: ${why}\n${errors()}`))
    waiting.clear()
  }
  child.on('exit', (code, signal) => failed(`the server ended (${signal ?? `code ${code}`})`))
  child.on('error', (error) => failed(error.message))

  const command = (what, args) =>
    new Promise((resolve, reject) => {
      const id = ++lastId
      const timer = setTimeout(() => {
        waiting.delete(id)
        reject(
          new Error(`${name}: no answer to ${what} within ${COMMAND_MS / 1000} s\n${errors()}`)
        )
      }, COMMAND_MS)
      const settle = (done) => (value) => {
        clearTimeout(timer)
        done(value)
      }
      waiting.set(id, { resolve: settle(resolve), reject: settle(reject) })
      child.send({ id, command: what, args }, (error) => {
        if (error && waiting.delete(id)) settle(reject)(error)
      })
    })

  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`${name}: did not listen within ${START_MS / 1000} s\n${errors()}`))
    }, START_MS)
    waiting.set(0, {
      reject(error) {
        clearTimeout(timer)
        reject(error)
      }
    })
    child.on('message', (message) => {
      if (message.id !== undefined) {
        const entry = waiting.get(message.id)
        if (!entry) return
        waiting.delete(message.id)
        if (message.error) entry.reject(new Error(`${name}: ${message.error}`))
        else entry.resolve(message.value)
        return
      }
      clearTimeout(timer)
      waiting.delete(0)
      if (message.error) {
        reject(new Error(`${name}: ${message.error}`))
        return
      }
      resolve({
        name,
        pid: child.pid,
        port: message.port,
        node: message.node,
        command,
        sample: () => command('sample'),
        reset: () => command('reset'),
        stop: () => stopChild(child)
      })
    })
  })
}

/** A handle for a program that is measured from outside. */
function outsideHandle(name, child, port, pids) {
  return {
    name,
    pid: child.pid,
    port,
    node: null,
    command: () => Promise.reject(new Error(`${name} takes no commands`)),
    async sample() {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`${name}: the server ended`)
      const all = pids()
      return { cpuNs: proc.cpuNs(all), jsNs: null, rss: proc.rss(all), delay: null }
    },
    reset: async () => {},
    stop: () => stopChild(child)
  }
}

/**
 * Starts the bare axum server.
 * @param {{ binary: string, scenario: string, ioThreads: number, fixtures: string }} options
 */
export function startAxum({ binary, scenario, ioThreads, fixtures }) {
  const child = spawn(binary, [scenario], {
    env: childEnv({ BENCH_IO_THREADS: String(ioThreads), BENCH_FIXTURES: fixtures }),
    stdio: ['pipe', 'pipe', 'pipe']
  })
  const errors = tail(child.stderr)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', () => reject(new Error(`axum: the server ended\n${errors()}`)))
    let line = ''
    child.stdout.setEncoding('utf8')
    child.stdout.on('data', (chunk) => {
      line += chunk
      if (!line.includes('\n')) return
      resolve(outsideHandle('axum', child, JSON.parse(line).port, () => [child.pid]))
    })
  })
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

const connects = (port) =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })

const nginxConfiguration = ({ directory, port, ioThreads, fixtures }) => `
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes ${ioThreads};
daemon off;
pid ${directory}/nginx.pid;
error_log stderr warn;
events { worker_connections 4096; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  open_file_cache max=1000 inactive=60s;
  types { image/png png; image/jpeg jpg; }
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  server { listen 127.0.0.1:${port}; root ${fixtures}; }
}
`

/**
 * Starts nginx over the fixtures. It cannot listen on port 0: a free port is looked up, and another one if it was taken meanwhile.
 * @param {{ binary: string, ioThreads: number, fixtures: string }} options
 */
export async function startNginx({ binary, ioThreads, fixtures }) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'rnode-bench-nginx-'))
  let message = ''
  for (let attempt = 0; attempt < 5; attempt++) {
    const port = await freePort()
    const file = path.join(directory, 'nginx.conf')
    fs.writeFileSync(file, nginxConfiguration({ directory, port, ioThreads, fixtures }))
    const child = spawn(binary, ['-c', file, '-p', directory], {
      stdio: ['ignore', 'ignore', 'pipe']
    })
    const errors = tail(child.stderr)
    child.on('error', () => {})
    const end = Date.now() + 10_000
    while (child.exitCode === null && Date.now() < end) {
      if ((await connects(port)) && child.exitCode === null) {
        const handle = outsideHandle('nginx', child, port, () => proc.family(child.pid))
        const stop = async () => {
          await stopChild(child)
          fs.rmSync(directory, { recursive: true, force: true })
        }
        return { ...handle, stop }
      }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await stopChild(child)
    message = errors()
  }
  fs.rmSync(directory, { recursive: true, force: true })
  throw new Error(`nginx: does not start\n${message}`)
}
