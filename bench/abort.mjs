// node bench/abort.mjs [--count=100000] [--servers=rnode] [--node=…]
// Requests whose client disconnects while they are in flight must leave nothing behind: responses, connections,
// listeners, requests, memory are where they were. Fails (exit code 1) if they are not.
// A batch of clients sends its requests; when the app has seen all of them the clients leave, one half with FIN, the
// other with RST; the next batch starts when every response has emitted 'close'. Nothing depends on timing.

import net from 'node:net'
import { main, parseOptions } from './lib/options.mjs'
import { startNode } from './lib/process.mjs'
import { formatMiB, provenance, write } from './lib/report.mjs'
import { table } from './lib/table.mjs'
import { buildRnode, ensurePackages, findNode } from './lib/tools.mjs'

const BATCH = 240

/** Requests before the first reading, at least. */
const WARM_UP = 10_000

/** Growth that is not counted as a leak: allocators keep some of what they once needed. */
const LIMITS = { rss: 12 * 1024 * 1024, rssShare: 0.1, heapUsed: 1024 * 1024, watched: 5 }

const get = (path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`
const partOfBody = (path, type, part) =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\nContent-Length: 100000\r\n\r\n${part}`

/** What the clients of a batch do before they leave. `first` is answered before `send` goes over the same connection. */
const kinds = [
  { send: get('/wait') },
  { first: get('/hello'), send: get('/wait') },
  { send: get('/late') },
  { send: get('/stream') },
  { send: partOfBody('/upload', 'application/octet-stream', 'x'.repeat(5000)) },
  { send: partOfBody('/json', 'application/json', '{"a":"') }
]

/** A client whose request is on its way. */
function client(port, { first, send }) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.on('error', reject)
    socket.on('connect', () => {
      socket.write(first ?? send)
      if (!first) resolve(socket)
    })
    let answered = !first
    socket.on('data', () => {
      if (answered) return
      answered = true
      socket.write(send)
      resolve(socket)
    })
    socket.on('close', () =>
      reject(new Error('the server closed a connection with a request in flight'))
    )
  })
}

function leave(socket, reset) {
  return new Promise((resolve) => {
    socket.removeAllListeners('close')
    socket.removeAllListeners('error')
    socket.on('error', () => {})
    socket.on('close', resolve)
    if (reset) socket.resetAndDestroy()
    else socket.destroy()
  })
}

/** Sends `count` requests and leaves each. */
async function abort(server, count) {
  const { entered } = await server.command('counters')
  for (let done = 0; done < count; done += BATCH) {
    const size = Math.min(BATCH, count - done)
    const sockets = await Promise.all(
      Array.from({ length: size }, (_, i) => client(server.port, kinds[i % kinds.length]))
    )
    await server.command('entered', entered + done + size)
    await Promise.all(
      sockets.map((socket, i) => leave(socket, i % (2 * kinds.length) < kinds.length))
    )
    await server.command('closed')
    if (process.stderr.isTTY) process.stderr.write(`\r  ${done + size}/${count} `)
  }
  if (process.stderr.isTTY) process.stderr.write('\r')
}

/** Everything that must come back, read when it has come to rest (within 10 s). */
async function readings(server) {
  const end = Date.now() + 10_000
  for (;;) {
    const { rss, heapUsed } = await server.command('gc')
    const counters = await server.command('counters')
    if ((counters.connections === 0 && counters.watched <= LIMITS.watched) || Date.now() > end) {
      return { ...counters, rss, heapUsed }
    }
  }
}

/** What is not where it was, as readable lines. */
function leftBehind(before, after) {
  const lines = []
  if (after.open > 0) lines.push(`${after.open} responses without 'close'`)
  if (after.connections > 0) lines.push(`${after.connections} connections`)
  if (after.listeners !== before.listeners)
    lines.push(`${after.listeners - before.listeners} listeners`)
  if (after.resources > before.resources)
    lines.push(`${after.resources - before.resources} active resources`)
  if (after.watched > LIMITS.watched) lines.push(`${after.watched} of the watched requests`)
  if (after.heapUsed - before.heapUsed > LIMITS.heapUsed) {
    lines.push(`${formatMiB(after.heapUsed - before.heapUsed)} MiB of JavaScript heap`)
  }
  if (after.rss - before.rss > Math.max(LIMITS.rss, before.rss * LIMITS.rssShare)) {
    lines.push(`${formatMiB(after.rss - before.rss)} MiB of resident memory`)
  }
  return lines
}

main(async () => {
  const { options } = parseOptions(['servers', 'count', 'node', 'out', 'no-build'], {
    servers: ['rnode'],
    count: 100_000
  })
  ensurePackages()
  if (!options['no-build'] && options.servers.includes('rnode')) buildRnode()
  const node = await findNode(options.node)
  const result = {
    ...provenance(node),
    settings: { count: options.count, limits: LIMITS },
    servers: {}
  }
  let failed = false
  for (const name of options.servers) {
    const server = await startNode({
      name,
      file: 'abort.js',
      scenario: name,
      node: node.binary,
      // V8 keeps what its young generation once had: a small one keeps RSS readable.
      nodeArgs: ['--expose-gc', '--max-semi-space-size=4']
    })
    try {
      // Pools, code and the heap reach their size first: Node 24 needs some thousand requests for it.
      await abort(server, Math.max(WARM_UP, Math.ceil(options.count / 10)))
      const before = await readings(server)
      await abort(server, options.count)
      const after = await readings(server)
      const lines = leftBehind(before, after)
      result.servers[name] = { before, after, leftBehind: lines }
      console.log(
        `\n${name}: ${options.count} requests left by their clients, Node ${node.version.slice(1)}\n`
      )
      const show = (field, value) =>
        field === 'rss' || field === 'heapUsed' ? `${formatMiB(value)} MiB` : String(value)
      const rows = Object.keys(before).map((field) => [
        field,
        show(field, before[field]),
        show(field, after[field])
      ])
      console.log(table(['', 'before', 'after'], rows))
      console.log(
        lines.length === 0 ? '\nnothing left behind' : `\nleft behind: ${lines.join(', ')}`
      )
      if (lines.length > 0) failed = true
    } finally {
      await server.stop()
    }
  }
  if (options.out) write(options.out, result)
  return failed ? 1 : 0
})
