// The load of soak.mjs: workers that each send a request, read its answer, and wait until the next is due. Ten per cent
// leave instead, at any moment from before the head to the middle of the answer, one half with FIN, the other with RST.
// A process of its own. Arguments: port, requests per second, connections, seed.
// Messages: `pause` ends what is under way, closes all connections and answers with the counts so far; `resume` goes on.

import net from 'node:net'

const [port, rate, connections, seed] = process.argv.slice(2).map(Number)
const ANSWER_MS = 20_000
/** Of the connections, how many are closed after an answer though they could be kept. */
const CLOSED_SHARE = 0.02

let state = seed >>> 0 || 1
/** A number from 0 to below 1, the same sequence for a seed (mulberry32). */
function random() {
  state = (state + 0x6d2b79f5) >>> 0
  let t = state
  t = Math.imul(t ^ (t >>> 15), t | 1)
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}
const pick = (list) => list[Math.floor(random() * list.length)]
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

const get = (path, lines = '') => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n`
const post = (path, type, body) =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
const chunked = (path, ...chunks) =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n` +
  chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')

const JSON_TYPE = 'application/json'
const small = JSON.stringify({ a: 1, b: 'two', c: [3] })
const large = JSON.stringify({ text: 'x'.repeat(40_000) })
const bytes = 'z'.repeat(20_000)

/** Requests that are answered, by how often they come; `status` is what the answer must have. */
const answered = [
  ...Array(6).fill([() => get('/hello'), 200]),
  ...Array(4).fill([() => get(`/items/${Math.floor(random() * 1e6)}/parts/a%20b?q=1&r=s`), 200]),
  ...Array(3).fill([() => get('/later'), 200]),
  ...Array(3).fill([() => post('/json', JSON_TYPE, small), 200]),
  [() => post('/json', JSON_TYPE, large), 200],
  [() => post('/json', JSON_TYPE, '{broken'), 400],
  ...Array(2).fill([
    () => post('/form', 'application/x-www-form-urlencoded', 'a=1&b=2&c=%20'),
    200
  ]),
  [() => post('/echo', 'application/octet-stream', bytes), 200],
  [() => `${chunked('/echo', bytes.slice(0, 9000), bytes.slice(9000))}0\r\n\r\n`, 200],
  [() => post('/unread', 'application/octet-stream', bytes), 202],
  ...Array(2).fill([() => get('/pieces'), 200]),
  [() => get('/events'), 200],
  ...Array(2).fill([() => get('/files/icon-4k.png'), 200]),
  [() => get('/files/photo-250k.jpg'), 200],
  [() => get('/files/icon-4k.png', 'Range: bytes=100-199\r\n'), 206],
  [() => get('/file'), 200],
  [() => get('/read'), 200],
  [() => get('/throws'), 422],
  [() => get('/rejects'), 500],
  [() => get(`/missing/${Math.floor(random() * 1e6)}`), 404],
  ...Array(3).fill([() => get('/stack', 'Cookie: theme=dark; id=42\r\n'), 200])
]

const open = (path) =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${JSON_TYPE}\r\nContent-Length: 50000\r\n\r\n`

/** What clients have sent when they leave; `answering`: they leave when the first bytes of the answer have come. */
const left = [
  { send: () => '' },
  { send: () => 'GET /hello HT' },
  { send: () => get('/hello').slice(0, -2) },
  { send: () => open('/json') },
  { send: () => open('/json') + large.slice(0, 20_000) },
  { send: () => open('/echo') + bytes.slice(0, 3000), answering: true },
  { send: () => open('/unread') + bytes.slice(0, 3000) },
  { send: () => chunked('/echo', bytes).slice(0, -500) },
  { send: () => get('/wait') },
  { send: () => get('/later') },
  { send: () => get('/hello') },
  { send: () => get('/events'), answering: true },
  { send: () => get('/pieces'), answering: true },
  { send: () => get('/files/photo-250k.jpg'), answering: true },
  { send: () => get('/read'), answering: true },
  { send: () => get('/hello') + get('/hello') }
]

const counts = { sent: 0, answered: 0, left: 0, wrong: 0, examples: [] }

function wrong(what) {
  counts.wrong++
  if (counts.examples.length < 10) counts.examples.push(what)
}

/** A connection with one request at a time. */
class Connection {
  constructor() {
    this.socket = net.connect(port, '127.0.0.1')
    this.socket.setNoDelay(true)
    this.closed = false
    this.settle = null
    this.socket.on('data', (chunk) => this.settle?.(chunk))
    this.socket.on('error', () => {})
    this.gone = new Promise((resolve) => {
      this.socket.on('close', () => {
        this.closed = true
        this.settle?.(null)
        resolve()
      })
    })
  }

  /** Resolves to the status of the answer once it is whole; 0 if the connection ended before. */
  ask(request) {
    return new Promise((resolve) => {
      let head = ''
      let need = -1
      let status = 0
      let last = ''
      const timer = setTimeout(() => done(-1), ANSWER_MS)
      const done = (value) => {
        clearTimeout(timer)
        this.settle = null
        resolve(value)
      }
      this.settle = (chunk) => {
        if (chunk === null) return done(0)
        let body = chunk
        if (status === 0) {
          head += chunk.toString('latin1')
          const end = head.indexOf('\r\n\r\n')
          if (end < 0) return
          status = Number(head.slice(9, 12))
          body = Buffer.from(head.slice(end + 4), 'latin1')
          const length = /^content-length: *(\d+)/im.exec(head.slice(0, end))
          need = length ? Number(length[1]) : -1
        }
        if (need >= 0) {
          need -= body.length
          if (need === 0) done(status)
          else if (need < 0) done(-2)
          return
        }
        // Chunked; no body of the app holds these bytes.
        last = (last + body.toString('latin1')).slice(-7)
        if (last.endsWith('\r\n0\r\n\r\n')) done(status)
      }
      this.socket.write(request, 'latin1')
    })
  }

  /** Sends, waits for the first bytes of an answer or a moment, and leaves. */
  async leave({ send, answering = false }) {
    const text = send()
    if (text !== '') this.socket.write(text, 'latin1')
    const some = new Promise((resolve) => {
      this.settle = resolve
    })
    await (answering ? Promise.race([some, pause(ANSWER_MS)]) : pause(Math.floor(random() * 4)))
    this.settle = null
    if (random() < 0.5) this.socket.resetAndDestroy()
    else this.socket.destroy()
    await this.gone
  }

  async end() {
    this.socket.end()
    await this.gone
  }
}

let paused = false
let resume = null
let resumed = Promise.resolve()

/** One client after another, until the process ends. */
async function worker() {
  const interval = (connections / rate) * 1000
  let due = performance.now() + random() * interval
  let connection = null
  for (;;) {
    if (paused) {
      await connection?.end()
      connection = null
      idle()
      await resumed
      due = performance.now() + random() * interval
    }
    const wait = due - performance.now()
    if (wait > 1) await pause(Math.min(wait, 1000))
    // What could not be sent in time is not made up for: a stalled server must not be buried.
    due = Math.max(due + interval, performance.now())
    if (connection === null || connection.closed) connection = new Connection()
    counts.sent++
    if (random() < 0.1) {
      await connection.leave(pick(left))
      connection = null
      counts.left++
      continue
    }
    const [make, expected] = pick(answered)
    const request = make()
    const status = await connection.ask(request)
    if (status === expected) counts.answered++
    else wrong(`${status} for ${request.slice(0, request.indexOf('\r\n'))}`)
    if (status <= 0 || random() < CLOSED_SHARE) {
      await connection.end()
      connection = null
    }
  }
}

let busy = connections
let onIdle = null
function idle() {
  if (--busy === 0) onIdle()
}

process.on('message', async (message) => {
  if (message === 'pause') {
    const still = new Promise((resolve) => {
      onIdle = resolve
    })
    resumed = new Promise((resolve) => {
      resume = resolve
    })
    paused = true
    await still
    process.send({ counts })
  } else if (message === 'resume') {
    busy = connections
    paused = false
    resume()
  }
})
process.on('disconnect', () => process.exit(0))
for (let i = 0; i < connections; i++) worker()
