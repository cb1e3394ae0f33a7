'use strict'

// Programs for environments.test.js, one process each: `node probe.js <name>`. Also the worker that some of them start.
// Each drives the addon directly and prints what it saw; what is right, the test says.

const { execFile } = require('node:child_process')
const http = require('node:http')
const net = require('node:net')
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads')
const F = require('../../lib/native/frames')

const print = (...words) => process.stdout.write(`${words.join(' ')}\n`)

// Not at the top: some programs must not have it loaded in the main thread.
let addon
const inbox = new Uint8Array(1 << 16)
const words = new Uint32Array(inbox.buffer)

function load() {
  addon ??= require('../../lib/native/rnode.node')
  return addon
}

/** Takes everything and answers every request with 'ok'; how many requests there were. */
function serve() {
  let requests = 0
  let more
  do {
    addon.take(inbox, 64)
    more = words[1] === 1
    let at = 4
    for (let left = words[3]; left > 0; left--) {
      if ((words[at + 1] & 255) === F.REQUEST) {
        requests++
        // what an answer that is written right here leaves in the queue, nobody else is woken for
        if (answer(words[at + 2], words[at + 3])) more = true
      }
      at += words[at] / 4
    }
  } while (more)
  return requests
}

function answer(slot, generation) {
  const bytes = Buffer.from(new ArrayBuffer(36))
  const head = [36, F.RESPOND | (F.LENGTH << 8), slot, generation, 200, 0, 0, 2]
  new Uint32Array(bytes.buffer).set(head)
  bytes.write('ok', 32)
  return addon.post(slot >>> 24, bytes, bytes.length)
}

/** Keeps eight connections busy until they fail. */
function load8(port) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 })
  const again = () => {
    const req = http.get({ host: '127.0.0.1', port, agent }, (res) => res.on('end', again).resume())
    req.on('error', () => {})
  }
  for (let i = 0; i < 8; i++) again()
}

function get(port) {
  return new Promise((resolve) => {
    http
      .get({ host: '127.0.0.1', port, agent: false }, async (res) => {
        resolve(String(Buffer.concat(await res.toArray())))
      })
      .on('error', (error) => resolve(error.code))
  })
}

function connects(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.on('connect', () => resolve('connected'))
    socket.on('error', (error) => resolve(error.code))
  })
}

const programs = {
  /** Nothing keeps the event loop open. */
  require: load,

  unreferenced() {
    load().start(() => {}, 1)
    print(typeof addon.listen({ host: '127.0.0.1' }).port)
  },

  referenced() {
    load().start(() => {}, 1)
    addon.listen({ host: '127.0.0.1' })
    addon.ref()
    addon.ref()
    // Fires although nothing else keeps the loop open.
    setTimeout(() => {
      print('alive')
      addon.unref()
    }, 50).unref()
  },

  threads() {
    try {
      print(load().start(() => {}, 0))
    } catch (error) {
      print(error.message)
    }
  },

  exit() {
    load().start(() => {
      count += serve()
      if (count > 100) process.exit(5)
    }, 0)
    let count = 0
    const { port } = addon.listen({ host: '127.0.0.1' })
    addon.ref()
    execFile(process.execPath, [__filename, 'client', port])
  },

  /** The event loop runs empty while requests arrive. */
  drained() {
    load().start(() => {
      count += serve()
      if (count > 100) addon.unref()
    }, 0)
    let count = 0
    const { port } = addon.listen({ host: '127.0.0.1' })
    addon.ref()
    const client = execFile(process.execPath, [__filename, 'client', port])
    client.unref()
    for (const stream of client.stdio) stream.unref?.()
  },

  client() {
    load8(process.argv[3])
  },

  panic() {
    try {
      load().panicForTest()
    } catch (error) {
      print(error.code)
    }
    print(addon.weakEtag('').length)
  },

  /** Something throws before the app's handler is called; the app goes on. */
  refused() {
    const app = require('../..')()
    app.get('/', (req, res) => res.send('ok'))
    const { request } = app
    let hostile = false
    Object.defineProperty(app, 'request', {
      get() {
        if (!hostile) return request
        hostile = false
        throw new Error('hostile')
      }
    })
    process.on('uncaughtException', (error) => print(error.message))
    const server = app.listen(0, '127.0.0.1', async () => {
      const { port } = server.address()
      const ask = async () => {
        const res = await fetch(`http://127.0.0.1:${port}/`)
        await res.arrayBuffer()
        return `${res.status} ${res.headers.get('connection')}`
      }
      print(await ask())
      hostile = true
      // one of the two comes first
      print((await Promise.all([ask(), ask()])).sort().join(', '))
      print(await ask())
      server.close(() => print('closed'))
    })
  },

  uncaught() {
    const thrown = new Error('from drain')
    let turns = 0
    process.on('unhandledRejection', () => print('rejection'))
    process.on('uncaughtException', (error, origin) => print(error === thrown, origin))
    load().start(() => {
      if (++turns === 1) {
        process.nextTick(() => print('tick'))
        Promise.resolve().then(() => print('microtask'))
        throw thrown
      }
      serve()
    }, 1)
    const { port } = addon.listen({ host: '127.0.0.1' })
    addon.ref()
    // The frames that the first turn did not take come with the second.
    get(port).then((body) => {
      print(body)
      addon.unref()
    })
  },

  fatal() {
    load().start(() => {
      throw new Error('from drain')
    }, 1)
    const { port } = addon.listen({ host: '127.0.0.1' })
    addon.ref()
    get(port)
  },

  order() {
    load().start(() => {
      serve()
      setImmediate(() => print('immediate'))
      Promise.resolve().then(() => print('microtask'))
      process.nextTick(() => print('tick'))
      print('drain')
      addon.unref()
    }, 1)
    const { port } = addon.listen({ host: '127.0.0.1' })
    addon.ref()
    execFile(process.execPath, [__filename, 'once', port]).unref()
  },

  once() {
    get(process.argv[3])
  },

  /** Two environments at once, and a third one after they have gone. */
  async shared() {
    load().start(serve, 2)
    const mine = addon.listen({ host: '127.0.0.1' })
    addon.ref()
    const [a, b] = [await worker('quiet'), await worker('quiet')]
    print(new Set([mine.id, a.id, b.id]).size, new Set([2, a.threads, b.threads]).size)
    print(await get(mine.port), await get(a.port), await get(b.port))
    print(await a.end(), await connects(a.port), await get(mine.port), await get(b.port))
    print(await b.end(), await connects(b.port), await get(mine.port))
    const c = await worker('quiet')
    print(await get(c.port), await c.end(), addon.stats().servers)
    addon.unref()
  },

  /** The addon is loaded by workers alone, so Node unloads it with each of them. */
  async workers() {
    const seen = new Set()
    for (let round = 0; round < 4; round++) {
      for (const mode of ['quiet', 'spin', 'exit', 'throw', 'finish']) {
        const { port, end, exit } = await worker(mode)
        if (mode === 'quiet') await get(port)
        else load8(port)
        const code = mode === 'quiet' || mode === 'spin' ? await end() : await exit
        seen.add(`${mode} ${code} ${await connects(port)}`)
      }
    }
    for (const line of seen) print(line)
  }
}

/** A worker that listens: `{ id, port, threads, exit, end() }`, the last two with its exit code. */
async function worker(mode) {
  const it = new Worker(__filename, { workerData: mode })
  const exit = new Promise((resolve) => it.on('exit', resolve))
  it.on('error', (error) => {
    if (error.message !== 'from a worker') print(error.stack)
  })
  const messages = []
  let wake
  it.on('message', (message) => {
    messages.push(message)
    wake?.()
  })
  const next = async () => {
    while (messages.length === 0) {
      await new Promise((resolve) => {
        wake = resolve
      })
    }
    return messages.shift()
  }
  const { id, port, threads } = await next()
  const end = async () => {
    // A worker that spins says so before.
    if (mode === 'spin') await next()
    await it.terminate()
    return exit
  }
  return { id, port, threads, exit, end }
}

function work() {
  let count = 0
  const threads = load().start(() => {
    count += serve()
    if (count === 0) return
    if (workerData === 'spin') {
      parentPort.postMessage('spinning')
      for (;;);
    }
    if (count <= 20) return
    if (workerData === 'exit') process.exit(3)
    if (workerData === 'throw') throw new Error('from a worker')
    if (workerData === 'finish') {
      addon.unref()
      parentPort.unref()
    }
  }, 0)
  addon.ref()
  parentPort.postMessage({ ...addon.listen({ host: '127.0.0.1' }), threads })
}

if (isMainThread) programs[process.argv[2]]()
else work()
