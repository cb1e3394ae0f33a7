'use strict'

// What the tests of pipelined requests share: programs that wait for several requests of a connection, clients that send
// several at once. It must not hold cases.

const GET = (path, lines = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${lines}\r\n`
const tick = () => new Promise((resolve) => setImmediate(resolve))
const ticks = async (count = 5) => {
  for (let i = 0; i < count; i++) await tick()
}

/** Notes what request and answer emit. */
function watch(log, req, res) {
  for (const name of ['aborted', 'end', 'error', 'close']) {
    req.on(name, (error) => log(`req ${req.url} ${name}`, error?.code ?? null))
  }
  for (const name of ['socket', 'prefinish', 'finish', 'drain', 'close', 'error']) {
    res.on(name, (value) => log(`res ${req.url} ${name}`, value?.code ?? null))
  }
}

/** Calls `act` once `count` requests are in handlers. */
const gather =
  (count, act, { watched = false } = {}) =>
  (ctx) => {
    const held = []
    return (req, res) => {
      if (watched) watch(ctx.log, req, res)
      held.push({ req, res })
      if (held.length !== count) return
      Promise.resolve(act(held, ctx)).catch((error) => ctx.log('failed', error.message))
    }
  }

/** Sends requests at once and reads as many answers. */
const together = (name, requests, serve, options = {}) => ({
  name,
  serve,
  async exchange({ open, until }) {
    const connection = await open()
    connection.write(requests.join(''))
    const out = []
    for (const request of requests) {
      const method = request.slice(0, request.indexOf(' '))
      out.push(await connection.readResponse(method).catch((error) => error.code))
    }
    if (options.observations) await until(options.observations)
    return out
  },
  ...(options.differs && { differs: options.differs })
})

module.exports = { GET, gather, tick, ticks, together }
