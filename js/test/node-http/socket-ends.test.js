'use strict'

// How connections end, seen from their sockets: clients that leave by FIN or RST at every moment, with and without a listener to
// 'clientError'. Events of request and response are abort.test.js's and faults.test.js's.

const { suite } = require('./harness')

const LARGE = Buffer.alloc(8 << 20, 'z')
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const HALF = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf'

// The system tells of a reset connection to whoever asks first: who reads or who writes.
const errorOf = (e) => [e.name, e.code, e.errno, e.message.replace(/^write E/, 'read E')]

/** Logs every event of a socket with the state at that moment. */
function watch(socket, log) {
  const state = () => [
    socket.destroyed,
    socket.readable,
    socket.writable,
    socket.readyState,
    socket.errored?.code ?? null
  ]
  for (const event of ['end', 'finish', 'timeout', 'drain']) {
    socket.on(event, () => log(event, ...state()))
  }
  socket.on('error', (e) => log('error', ...errorOf(e), ...state()))
  socket.on('close', (hadError) => {
    log('close', hadError, socket.closed, ...state())
    setImmediate(() => setImmediate(() => log('over')))
  })
}

async function over({ until }) {
  for (let count = 1; ; count++) {
    const seen = await until(count)
    if (seen.at(-1) === 'over') return count
  }
}

/**
 * What the client sends, what it waits for, and what the handler does. Where bytes are left unread the system makes RST of FIN, or not:
 * such a client always resets.
 */
const moments = {
  'before the first byte': { text: '' },
  'in the middle of a head': { text: 'GET / HTTP/1.1\r\nHos' },
  'with its handler': { text: GET, act: () => {} },
  'in the middle of a body that nobody reads': { text: HALF, act: () => {} },
  'in the middle of a body that is read': { text: HALF, act: (req) => req.resume() },
  'in the middle of a streamed answer': {
    text: GET,
    first: 'begun',
    act: (_req, res) => res.write('begun')
  },
  'in the middle of an answer that is not read': {
    text: GET,
    first: 'zzzz',
    hows: [true],
    act: (_req, res) => res.end(LARGE)
  },
  'in the middle of a streamed answer that is not read': {
    text: GET,
    first: 'zzzz',
    hows: [true],
    act: (_req, res) => {
      for (let i = 0; i < 8; i++) res.write(LARGE.subarray(0, 1 << 20))
    }
  },
  'between two requests': { text: GET, first: 'done', act: (_req, res) => res.end('done') },
  'between two requests, res.send': {
    text: GET,
    first: 'done',
    act: (_req, res) => res.send('done')
  },
  'behind an answer to a body that was not read': {
    text: HALF,
    first: 'done',
    act: (_req, res) => res.end('done')
  }
}

const cases = []
for (const [moment, { text, first, act, hows = [false, true] }] of Object.entries(moments)) {
  for (const reset of hows) {
    for (const announced of act ? [true, false] : [true]) {
      for (const heard of ['no listener', 'listener', 'listener that destroys']) {
        cases.push({
          name: `${reset ? 'RST' : 'FIN'} ${moment}, ${announced ? "'connection'" : 'req.socket'}, clientError: ${heard}`,
          async serve({ express, log }) {
            const app = express()
            app.use((req, res) => {
              if (!announced) watch(req.socket, log)
              log('handler')
              act(req, res)
            })
            const server = app.listen(0)
            if (announced) {
              server.on('connection', (socket) => {
                watch(socket, log)
                log('connection')
              })
            }
            if (heard !== 'no listener') {
              server.on('clientError', (e, socket) => {
                log(
                  'clientError',
                  ...errorOf(e),
                  e.rawPacket?.length ?? null,
                  e.bytesParsed ?? null
                )
                log('its socket', socket.destroyed, socket.writable, socket.readable)
                if (heard === 'listener that destroys') socket.destroy(e)
                else if (socket.writable) socket.end('HTTP/1.1 400 Own\r\n\r\n')
              })
            }
            return server
          },
          async exchange(client) {
            const connection = await client.open()
            if (announced) await client.until(1)
            if (text !== '') connection.write(text)
            if (first) {
              await connection.readUntil(first)
              connection.socket.pause()
            } else if (act) await client.until(announced ? 2 : 1)
            else if (text !== '') await new Promise((resolve) => setTimeout(resolve, 50))
            connection.destroy(reset)
            return over(client)
          }
        })
      }
    }
  }
}

for (const reset of [false, true]) {
  cases.push({
    name: `${reset ? 'RST' : 'FIN'} behind more requests than are taken at once`,
    serve:
      ({ log }) =>
      (req) => {
        if (req.url !== '/0') return
        watch(req.socket, log)
        req.on('aborted', () => log('aborted'))
        log('handler')
      },
    async exchange(client) {
      const connection = await client.open()
      const padding = 'p'.repeat(200)
      const request = (i) => `GET /${i} HTTP/1.1\r\nHost: a\r\nPadding: ${padding}\r\n\r\n`
      connection.write(Array.from({ length: 400 }, (_, i) => request(i)).join(''))
      await client.until(1)
      connection.destroy(reset)
      return over(client)
    }
  })
}

suite(__filename, cases)
