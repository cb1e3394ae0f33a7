'use strict'

// The fault matrix: clients that leave at every moment between connecting and having the whole answer, by FIN and by RST, while
// handlers of every kind are at work. The events must be Express' own, in its order, and nothing may be left: no
// socket, no file, no slot, no timer. Single handlers are looked at more closely in abort.test.js.

const { once } = require('node:events')
const fs = require('node:fs')
const http = require('node:http')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')
const { Readable, pipeline } = require('node:stream')
const { suite } = require('./harness')

/** Times that every fault happens: what is left each time adds up. */
const ROUNDS = 3
const LARGE = 8 << 20
const LEFT_LIMIT_MS = 5_000
const BODY = 100_000

const FILES = path.join(os.tmpdir(), `rnode-faults-${process.ppid}`)
const large = () => {
  fs.mkdirSync(FILES, { recursive: true })
  const file = path.join(FILES, 'large.bin')
  if (!fs.existsSync(file) || fs.statSync(file).size !== LARGE) {
    const temporary = `${file}.${process.pid}`
    fs.writeFileSync(temporary, Buffer.alloc(LARGE, 'f'))
    fs.renameSync(temporary, file)
  }
  fs.writeFileSync(path.join(FILES, 'small.txt'), 'a small file')
}

const ECOSYSTEM = path.join(__dirname, '..', 'ecosystem')
const multer = () => require(require.resolve('multer', { paths: [ECOSYSTEM] }))
const hasMulter = fs.existsSync(path.join(ECOSYSTEM, 'node_modules', 'multer'))

/** What a process has open, of what a fault can leave: null where the system does not tell. */
function held() {
  let links
  try {
    links = fs.readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return [fs.readlinkSync(`/proc/self/fd/${fd}`)]
      } catch {
        return []
      }
    })
  } catch {
    return null
  }
  return {
    sockets: links.filter((link) => link.startsWith('socket:')).length,
    files: links.filter((link) => link.startsWith(FILES)).length
  }
}

const connectionsOf = (server) =>
  new Promise((resolve) => server.getConnections((_, count) => resolve(count)))

/** Logs, at the end of a case, what is still there `before` did not hold. */
async function leftBehind(before, { log, server, slots }) {
  const end = Date.now() + LEFT_LIMIT_MS
  for (;;) {
    const now = held()
    const resources = process
      .getActiveResourcesInfo()
      .filter((name) => /^(TCPSocketWrap|FSReq|FileHandle|HTTPINCOMINGMESSAGE|Timeout)/.test(name))
    const connections = await connectionsOf(server)
    const found = {
      sockets: now && now.sockets - before.sockets,
      // A file that was served may be kept open for the next who asks: one, not one per fault.
      files: now && Math.max(0, now.files - 1),
      resources: resources.length,
      connections,
      slots: slots()
    }
    if (Object.values(found).every((n) => !n) || Date.now() > end) return log('left behind', found)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Slots in use of the native server; 0 on Express, which has no `express.timeout`. */
function slotsOf(express) {
  if (!express.timeout) return () => 0
  const native = require('../../lib/native')
  return () => native.stats().slotsInUse
}

function watch(req, res, log) {
  for (const event of ['aborted', 'error', 'close']) {
    req.on(event, (e) => log(`req ${event}`, e?.code ?? null, req.aborted, req.complete))
  }
  for (const event of ['error', 'finish', 'close']) {
    res.on(event, (e) => log(`res ${event}`, e?.code ?? null, res.writableFinished))
  }
}

/** An endless answer that begins with `begun`. */
function endless() {
  let count = 0
  return new Readable({
    read() {
      setImmediate(() => this.push(count++ === 0 ? 'begun' : Buffer.alloc(4096, 'e')))
    }
  })
}

const code = (error) => error?.code ?? error?.message ?? null

/**
 * The handlers. Each adds its route to `app`; `phase` is the moment at which clients leave, `ends` what is done last of all.
 * What is returned is done when all clients have left. A handler logs 'entered' when it has the request, 'reads' with the first bytes of a body, and waits for the client to leave where the phase asks for it.
 */
const handlers = {
  sync({ app, ctx: { log }, phase }) {
    app.all('/', (req, res) => {
      log('entered')
      if (phase === 'after') return res.json({ whole: true })
      if (phase === 'mid response') return res.send(`begun${'s'.repeat(LARGE)}`)
      res.on('close', () => {
        res.status(201).json({ late: true })
        log('answered late', res.headersSent, res.writableEnded)
      })
    })
  },
  async({ app, ctx: { log }, phase }) {
    app.all('/', async (req, res) => {
      await new Promise(setImmediate)
      log('entered')
      if (phase === 'after') return res.json({ whole: true })
      if (phase === 'mid response') return res.send(`begun${'s'.repeat(LARGE)}`)
      await once(res, 'close')
      res.json({ late: true })
      log('answered late', res.headersSent, res.writableEnded)
    })
  },
  'async that rejects'({ app, ctx: { log }, phase }) {
    app.all('/', async (req, res) => {
      log('entered')
      if (phase === 'after') throw new Error('whole')
      if (phase === 'mid response') res.write('begun')
      await once(res, 'close')
      throw new Error('late')
    })
  },
  'body parser'({ app, express, ctx: { log }, phase }) {
    app.use((req, res, next) => {
      log('entered')
      next()
    })
    app.use(express.raw({ type: () => true, limit: '1mb' }))
    app.all('/', (req, res) => {
      log('parsed', req.body?.length ?? null)
      if (phase === 'after') return res.json({ whole: true })
      if (phase === 'mid response') return res.send(`begun${'s'.repeat(LARGE)}`)
      res.on('close', () => res.json({ late: true }))
    })
  },
  'for await'({ app, ctx: { log }, phase }) {
    app.all('/', async (req, res) => {
      log('entered')
      let first = true
      try {
        for await (const _ of req) {
          if (first) log('reads')
          first = false
        }
        log('read')
      } catch (error) {
        log('loop threw', code(error))
        return
      }
      if (phase === 'after') return res.json({ whole: true })
      if (phase === 'mid response') res.write('begun')
      await once(res, 'close')
    })
  },
  pipeline({ app, ctx: { log }, told, phase }) {
    app.all('/', (req, res) => {
      log('entered')
      if (phase === 'after') {
        pipeline(Readable.from(['a ', 'whole']), res, (error) => told('pipeline', code(error)))
      } else if (phase === 'mid response') {
        pipeline(endless(), res, (error) => told('pipeline', code(error)))
      } else if (phase === 'before response') {
        res.on('close', () => {
          // newer versions of Node throw here
          try {
            pipeline(endless(), res, (error) => told('pipeline', code(error)))
          } catch (error) {
            told('no pipeline', code(error))
          }
        })
      } else {
        req.once('readable', () => req.readableLength > 0 && log('reads'))
        pipeline(req, res, (error) => told('pipeline', code(error)))
      }
    })
  },
  'event stream'({ app, ctx: { log }, phase }) {
    app.all('/', (req, res) => {
      log('entered')
      if (phase === 'after') {
        res.set('Content-Type', 'text/event-stream')
        res.write('data: one\n\n')
        return res.end('data: whole\n\n')
      }
      if (phase === 'mid response') {
        res.set('Content-Type', 'text/event-stream')
        res.write('data: begun\n\n')
      }
      const timer = setInterval(() => res.headersSent && res.write('data: more\n\n'), 5)
      res.on('close', () => {
        clearInterval(timer)
        log('late write', res.write('data: late\n\n'), res.writableEnded)
      })
    })
  },
  static({ app, express, ctx: { log } }) {
    large()
    app.use((req, res, next) => {
      log('entered')
      next()
    })
    app.use(express.static(FILES))
  },
  'static, unwatched': Object.assign(
    ({ app, express }) => {
      large()
      app.use(express.static(FILES))
    },
    { unwatched: true }
  ),
  sendFile({ app, ctx: { log }, told, phase }) {
    large()
    app.all('/:file', (req, res) => {
      log('entered')
      const send = () =>
        res.sendFile(req.params.file, { root: FILES }, (error) =>
          told('sent', code(error), res.headersSent)
        )
      if (phase === 'before response') res.on('close', send)
      else send()
    })
  },
  async proxy({ app, ctx: { log }, ends, phase }) {
    const upstream = http.createServer((req, res) => {
      if (phase === 'after') return res.end('whole')
      if (phase === 'mid response') return endless().pipe(res)
      req.once('data', () => log('reads'))
    })
    await new Promise((resolve) => upstream.listen(0, '127.0.0.1', resolve))
    ends.push(() => {
      upstream.closeAllConnections()
      return new Promise((resolve) => upstream.close(resolve))
    })
    app.all('/', (req, res) => {
      log('entered')
      const { port } = upstream.address()
      const headers = { ...req.headers, connection: 'close' }
      const out = http.request({ agent: false, headers, method: req.method, port })
      out.on('response', (answer) => {
        res.writeHead(answer.statusCode)
        pipeline(answer, res, () => {})
      })
      out.on('error', () => res.destroy())
      res.on('close', () => out.destroy())
      req.pipe(out)
    })
  },
  multer: Object.assign(
    ({ app, ctx: { log }, phase }) => {
      const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'rnode-faults-multer-'))
      app.use((req, res, next) => {
        log('entered')
        next()
      })
      const fileFilter = (req, file, use) => {
        log('reads')
        use(null, true)
      }
      app.all('/', multer()({ dest: directory, fileFilter }).any(), (req, res) => {
        log('uploaded', req.files?.length ?? null)
        for (const file of req.files ?? []) fs.rmSync(file.path)
        if (phase === 'after') return res.json({ whole: true })
        if (phase === 'mid response') return res.send(`begun${'s'.repeat(LARGE)}`)
        res.on('close', () => res.json({ late: true }))
      })
      return async () => {
        const end = Date.now() + LEFT_LIMIT_MS
        while (fs.readdirSync(directory).length > 0 && Date.now() < end) {
          await new Promise((resolve) => setTimeout(resolve, 10))
        }
        log('files left', fs.readdirSync(directory).length)
        fs.rmSync(directory, { recursive: true })
      }
    },
    { multipart: true }
  )
}

const FORM = 'multipart/form-data; boundary=limit'
const PART =
  '--limit\r\nContent-Disposition: form-data; name="doc"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\n'

/** Requests by phase: `send`, and what is waited for before the client leaves. */
function request(phase, { multipart = false }, target) {
  const type = multipart ? FORM : 'application/octet-stream'
  const head = (length) =>
    `POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n`
  const start = multipart ? PART : ''
  const whole = `${start}whole${multipart ? '\r\n--limit--\r\n' : ''}`
  switch (phase) {
    case 'after head':
      return head(BODY)
    case 'mid body':
      return head(BODY) + start + 'b'.repeat(5000)
    default:
      return target.endsWith('.bin') || target.endsWith('.txt')
        ? `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`
        : head(whole.length) + whole
  }
}

/** What the log shows when a handler is at the moment of the phase. */
function mark(kind, phase) {
  if (phase === 'mid body' && ['for await', 'pipeline', 'proxy', 'multer'].includes(kind))
    return 'reads'
  if (phase === 'before response') {
    const marks = {
      'body parser': 'parsed',
      'for await': 'read',
      multer: 'uploaded',
      proxy: 'reads'
    }
    return marks[kind] ?? 'entered'
  }
  return 'entered'
}

const SENDS_FILES = ['static', 'static, unwatched', 'sendFile']

const phases = ['after head', 'mid body', 'before response', 'mid response', 'after']

/** Combinations that say nothing: files are not sent in answer to a body, and nothing waits before a file. */
const isOfUse = (kind, phase) =>
  !kind.startsWith('static') || phase === 'mid response' || phase === 'after'
    ? kind !== 'sendFile' || !['after head', 'mid body'].includes(phase)
    : false

function fault(kind, phase, reset) {
  const setup = handlers[kind]
  const target = !SENDS_FILES.includes(kind) ? '/' : phase === 'after' ? '/small.txt' : '/large.bin'
  return {
    name: `${kind}: ${phase}${reset ? ' (RST)' : ''}`,
    skip: kind === 'multer' && !hasMulter ? 'multer is not installed' : undefined,
    async serve(ctx) {
      const { express, log } = ctx
      const app = express()
      app.set('error pages', 'express')
      if (!setup.unwatched) {
        app.use((req, res, next) => {
          watch(req, res, log)
          req.socket.on('close', () => setImmediate(() => log('over')))
          next()
        })
      }
      const outcomes = []
      const ends = []
      // What is called when a file or pipeline has failed comes some ticks earlier or later: its order is compared by itself.
      const told = (...values) => outcomes.push(values)
      const last = await setup({ app, express, ctx, told, ends, phase })
      app.use((error, req, res, next) => {
        const tell = kind === 'multer' ? told : log
        tell('error handler', code(error), error.status ?? null, res.headersSent)
        if (res.headersSent) return next(error)
        res.status(error.status ?? 500).send('failed whole')
      })
      const server = app.listen(0)
      if (!server.listening) await once(server, 'listening')
      // What a process opens with its first connection is none of a fault's.
      const { port } = server.address()
      const first = net.connect(port, '127.0.0.1').on('error', () => {})
      first.end('no request\r\n\r\n')
      await once(first.resume(), 'close')
      while ((await connectionsOf(server)) > 0) await new Promise(setImmediate)
      const before = held()
      ctx.log('begins')
      ctx.later(async () => {
        await last?.()
        await leftBehind(before, { log, server, slots: slotsOf(express) })
        log('outcomes', outcomes)
        for (const end of ends) await end()
      })
      return server
    },
    async exchange(client) {
      const seen = async (name, count) => {
        for (let n = 1; ; n++) {
          const log = await client.until(n)
          if (log.filter((entry) => [entry].flat()[0] === name).length === count) return
        }
      }
      for (let round = 1; round <= ROUNDS; round++) {
        const connection = await client.open()
        connection.write(request(phase, setup, target))
        if (phase === 'mid response') {
          await connection.readUntil(SENDS_FILES.includes(kind) ? 'ffff' : 'begun')
          connection.socket.pause()
        } else if (phase === 'after') {
          const head = (await connection.readUntil('\r\n\r\n')).toString()
          const length = /content-length: (\d+)/i.exec(head)
          if (length) await connection.readExactly(Number(length[1]))
          else await connection.readUntil('\r\n0\r\n\r\n')
        } else {
          await seen(mark(kind, phase), round)
        }
        connection.destroy(reset)
        if (!setup.unwatched) await seen('over', round)
      }
    }
  }
}

const cases = Object.keys(handlers).flatMap((kind) =>
  phases
    .filter((phase) => isOfUse(kind, phase))
    .flatMap((phase) => [fault(kind, phase, false), fault(kind, phase, true)])
)

suite(__filename, cases)
