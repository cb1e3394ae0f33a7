'use strict'

// Responses in pieces: what a writer is told and when, what the connection sees of it, and what happens when the
// response, its socket or its client is interfered with in mid-stream.

const fs = require('node:fs')
const path = require('node:path')
const { Readable, pipeline, finished } = require('node:stream')
const assert = require('node:assert/strict')
const { one, suite } = require('./harness')

const FILE = path.join(__dirname, '..', 'ecosystem', 'fixtures', 'public', 'large.txt')
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const K16 = Buffer.alloc(16 * 1024, 'k')
const WHOLE = Buffer.concat([...Array(512).fill(K16), Buffer.from('end')])

const state = (res) => [
  res.headersSent,
  res.writableLength,
  res.writableNeedDrain,
  res.writableCorked,
  res.writableEnded,
  res.writableFinished,
  res.writableHighWaterMark,
  res.writable,
  res.destroyed,
  res.closed,
  res.errored
]

const ticks = (log, names) => {
  const [name, ...rest] = names
  if (name === undefined) return
  process.nextTick(() => {
    log(name)
    ticks(log, rest)
  })
}

/** The client reads the head, then leaves when the handler has logged `count` times. */
const leaving = (name, count, handler, differs) => ({
  name,
  serve: (ctx) => (req, res) => {
    req.socket.on('close', () => setImmediate(() => ctx.log('over')))
    handler(req, res, ctx)
  },
  async exchange({ open, until }) {
    const connection = await open()
    connection.socket.pause()
    connection.write(GET)
    await until(count)
    connection.destroy()
    for (let n = count + 1; ; n++) if ((await until(n)).at(-1) === 'over') return n
  },
  differs
})

suite(__filename, [
  ...[
    ['string, full', 'a', 'b', true],
    ['16 KiB, full', K16, K16, true],
    ['text of 15,000 characters, full', '\u2603'.repeat(15_000), '\xe4', true],
    ['string', 'a', 'b'],
    ['16 KiB', K16, K16],
    ['1 MB', Buffer.alloc(1_000_000, 'x'), 'y'],
    ['text of 60,000 characters', '\u2603'.repeat(60_000), '\xe4'],
    ['text of 15,000 characters', '\u2603'.repeat(15_000), '\xe4']
  ].map(([what, first, second, withSocket]) =>
    one(`what a writer is told, ${what}`, (req, res, { log }) => {
      if (withSocket) log(res.socket.writable)
      for (const event of ['drain', 'prefinish', 'finish', 'close'])
        res.on(event, () => log(event, res.writableNeedDrain, res.writableFinished, res.destroyed))
      log(
        res.write(first, (...args) => log('callback', ...args)),
        ...state(res)
      )
      // the first 'drain' of a large one comes when the client has taken it
      setTimeout(() => {
        log(...state(res))
        res.write(second, 'utf8', () => log('second callback'))
        res.end()
        log(res.writableEnded, res.writableNeedDrain)
      }, 100)
    })
  ),
  one('ticks between writes, callbacks and events', (req, res, { log }) => {
    for (const event of ['drain', 'prefinish', 'finish', 'close']) res.on(event, () => log(event))
    log(res.write(Buffer.alloc(70_000)))
    res.write('x', () => {
      log('callback')
      ticks(log, ['e', 'f', 'g'])
      res.write('y', () => {
        log('callback of y')
        res.end('z')
        log('ended')
        ticks(log, ['h', 'i'])
      })
    })
    ticks(log, ['a', 'b', 'c', 'd'])
  }),
  one('properties after a write', (req, res, { log, attempt }) => {
    res.setHeader('X-A', ['1', '2'])
    res.write('x')
    log(res.statusCode, res.statusMessage, res.chunkedEncoding, res.finished, res.shouldKeepAlive)
    log(res.getHeader('x-a'), res.getHeaders(), res.getHeaderNames(), res.hasHeader('X-A'))
    for (const act of [
      () => res.setHeader('X-B', '1'),
      () => res.appendHeader('X-B', '1'),
      () => res.removeHeader('X-A'),
      () => res.writeHead(201),
      () => res.flushHeaders()
    ])
      log(attempt(act)?.code ?? null)
    res.end()
    log(res.getHeader('X-A'))
  }),
  ...[
    ['cork', (res) => res.cork()],
    ['socket', (res, log) => log(res.socket === res.req.socket, res.socket._httpMessage === res)],
    ['a timeout', (res) => res.setTimeout(60_000)],
    ['trailers', (res) => res.addTrailers({ 'X-T': '1' })],
    ['bytes for the socket', (res) => res.socket.write('6\r\nsocket\r\n')],
    ['bytes for the socket of the request', (res) => res.req.socket.write('3\r\nreq\r\n')],
    ['another write function', (res) => (res.write = Object.getPrototypeOf(res).write)],
    ['a callback of end', (res, log) => res.once('prefinish', () => log('prefinish'))],
    ['an unknown encoding', (res, log, attempt) => log(attempt(() => res.write('x', 'none')).code)],
    ['null', (res, log, attempt) => log(attempt(() => res.write(null)).code)]
  ].flatMap(([what, act]) =>
    [
      ['in the tick of a write', (f) => f()],
      ['a turn later', (f) => setImmediate(f)]
    ].map(([when, later]) =>
      one(`in mid-stream: ${what}, ${when}`, (req, res, { log, attempt }) => {
        for (const event of ['drain', 'finish', 'close', 'error'])
          res.on(event, () => log(event, res.writableFinished))
        res.write('first', () => log('callback of first'))
        later(() => {
          act(res, log, attempt)
          log(res.write(K16, () => log('callback of second')) === res.writableLength < 16384)
          setImmediate(() => {
            while (res.writableCorked) res.uncork()
            res.end('end', () => log('callback of end'))
          })
        })
      })
    )
  ),
  ...[
    ['exact', 10, ['01234', '56789']],
    ['exact, in end', 10, ['01234'], '56789'],
    ['as text', '10', ['01234'], Buffer.from('56789')],
    ['too small', 7, ['01234', '56789']],
    ['too small for end', 7, ['01234'], '56789'],
    ['too large', 12, ['01234', '56789']],
    ['no length at all', 'ten', ['01234', '56789']],
    ['0', 0, ['']]
  ].map(([what, length, pieces, last]) =>
    one(
      `Content-Length of a stream: ${what}`,
      (req, res, { log }) => {
        for (const event of ['finish', 'close']) res.on(event, () => log(event))
        res.setHeader('Content-Length', length)
        const next = () => {
          if (pieces.length === 0) return res.end(last)
          res.write(pieces.shift())
          setImmediate(next)
        }
        next()
      },
      { path: '/', headers: { Connection: 'close' } }
    )
  ),
  one('strictContentLength of a stream', (req, res, { log, attempt }) => {
    res.strictContentLength = true
    res.setHeader('Content-Length', 4)
    res.write('ab')
    log(attempt(() => res.write('cde')).code)
    res.destroy()
  }),
  one('flushHeaders, then nothing for a while', (req, res, { log }) => {
    res.setHeader('X-A', '1')
    res.flushHeaders()
    log(res.headersSent, res.writableLength, res._header !== null)
    setImmediate(() => res.end('x'))
  }),
  ...[
    ['the same tick', (f) => f()],
    ['the next tick', (f) => process.nextTick(f)],
    ['the next turn', (f) => setImmediate(f)]
  ].flatMap(([when, later]) =>
    [
      ['res', (res) => res.destroy()],
      ['req', (res) => res.req.destroy()],
      ['socket', (res) => res.socket.destroy()]
    ].map(([what, act]) => ({
      name: `destroying ${what} after writes, ${when}`,
      serve:
        ({ log }) =>
        (req, res) => {
          res.on('error', (e) => log('error', e.code))
          req.on('error', (e) => log('req error', e.code))
          res.on('finish', () => log('finish'))
          res.on('close', () => {
            log('close', res.destroyed, res.writableFinished, res.writableEnded)
            setImmediate(() => log('over'))
          })
          res.write('one', (e) => log('one', Boolean(e)))
          res.write('two', (e) => log('two', Boolean(e)))
          later(() => {
            act(res)
            log(res.write('three', (e) => log('three', e?.code ?? null)))
          })
        },
      async exchange({ raw, until }) {
        const answer = await raw(GET)
        for (let n = 1; ; n++) if ((await until(n)).at(-1) === 'over') return answer
      }
    }))
  ),
  {
    name: 'server-sent events arrive one by one',
    serve: () => {
      let current
      return (req, res) => {
        if (req.url === '/tell') {
          current.write('data: told\n\n')
          return res.end()
        }
        if (req.url === '/over') {
          current.end()
          return res.end()
        }
        current = res
        res.setHeader('Content-Type', 'text/event-stream')
        res.flushHeaders()
      }
    },
    async exchange({ open, request }) {
      const connection = await open()
      const seen = []
      let text = ''
      let wake = () => {}
      connection.socket.on('data', (data) => {
        text += data.toString('latin1')
        wake()
      })
      const has = async (part) => {
        while (!text.includes(part)) await new Promise((resolve) => (wake = resolve))
        seen.push(text.replace(/Date: .*GMT/, 'Date').split('\r\n'))
        text = ''
      }
      connection.write(GET)
      await has('\r\n\r\n')
      for (let i = 0; i < 5; i++) {
        await request({ path: '/tell' })
        await has('told\n\n\r\n')
      }
      await request({ path: '/over' })
      await has('0\r\n\r\n')
      return seen
    }
  },
  {
    name: 'a file with its length, piped',
    serve:
      ({ log }) =>
      (req, res) => {
        for (const event of ['pipe', 'unpipe', 'finish', 'close']) res.on(event, () => log(event))
        res.setHeader('Content-Length', fs.statSync(FILE).size)
        fs.createReadStream(FILE, { highWaterMark: 1000 }).pipe(res)
      },
    async exchange({ open, until }) {
      const connection = await open()
      connection.write(GET)
      const answer = await connection.readResponse()
      await until(4)
      return answer
    }
  },
  one('for await of a file', async (req, res, { log }) => {
    for await (const piece of fs.createReadStream(FILE)) {
      if (!res.write(piece)) await new Promise((resolve) => res.once('drain', resolve))
    }
    res.end()
    await new Promise((resolve) => finished(res, resolve))
    log('finished', res.writableFinished)
  }),
  one('50 MB in one write', (req, res, { log }) => {
    log(res.write(Buffer.alloc(50_000_000, 'b'), (e) => log('written', e ?? null)))
    res.on('drain', () => {
      log('drain', res.writableLength)
      res.end('end')
    })
    res.on('finish', () => log('finish', res.writableLength))
  }),
  {
    name: 'a writer that waits for drain is stopped by a client that does not read',
    serve: () => {
      let last
      let sent = 0
      return (req, res) => {
        if (req.url === '/ping') {
          // 100 MB are far beyond what kernel buffers hold
          return res.end(String([last.writableNeedDrain, sent > 0, sent < 100_000_000]))
        }
        last = res
        const go = () => {
          while (sent < 300_000_000) {
            sent += K16.length
            if (!res.write(K16)) return res.once('drain', go)
          }
          res.end()
        }
        go()
      }
    },
    async exchange({ open, request }) {
      const connection = await open()
      connection.socket.pause()
      connection.write(GET)
      const answers = []
      for (let i = 0; i < 50; i++) answers.push((await request({ path: '/ping' })).body?.toString())
      return answers.at(-1)
    }
  },
  ...[
    [
      'writeHead',
      (res) => res.writeHead(201, { 'Content-Type': 'text/plain', 'X-Many': ['a', 'b'] })
    ],
    ['writeHead with a reason', (res) => res.writeHead(200, 'Fine', { 'X-A': 'b' })],
    ['writeHead behind headers', (res) => res.setHeader('X-A', '1').writeHead(203, { 'X-B': 2 })],
    [
      'writeHead with a length',
      (res) => res.writeHead(200, { 'Content-Length': 3 * K16.length + 3 })
    ],
    ['writeHead with letters of latin1', (res) => res.writeHead(200, { 'X-L': 'caf\u00e9' })],
    [
      'writeHead with letters of latin1 and a length',
      (res) => res.writeHead(200, { 'X-L': 'caf\u00e9', 'Content-Length': 3 * K16.length + 3 })
    ],
    ['writeHead and flushHeaders', (res) => res.writeHead(200, { 'X-A': 'b' }).flushHeaders()]
  ].flatMap(([name, head]) => [
    one(`${name}, then writes`, async (req, res, { log }) => {
      head(res)
      log(res.headersSent, res.statusMessage, res.getHeaderNames(), res.writableLength)
      log(res.write('one'), res.writableLength, res.chunkedEncoding, res.statusCode)
      for (let i = 0; i < 3; i++) {
        if (!res.write(K16)) await new Promise((resolve) => res.once('drain', resolve))
      }
      log(res.writableNeedDrain, res.headersSent)
      res.on('finish', () => log('finish', res.writableLength))
      res.end()
    }),
    one(`${name}, then a pipe, and the socket in between`, (req, res, { log }) => {
      head(res)
      res.write('one')
      log(res.socket.writable, res.headersSent)
      Readable.from([K16, K16, K16]).pipe(res)
      res.on('finish', () => log('finish'))
    })
  ]),
  {
    name: 'more is streamed to many clients than the I/O threads can have at once',
    serve: () => (req, res) => {
      if (req.url === '/ping') return res.end('pong')
      let left = 512
      const go = () => {
        while (left-- > 0) if (!res.write(K16)) return res.once('drain', go)
        res.end('end')
      }
      go()
    },
    async exchange({ open, request }) {
      const stream = async () => {
        const connection = await open()
        const sizes = []
        // a client that takes fast gets larger windows
        for (let i = 0; i < 2; i++) {
          connection.write(GET)
          const { body } = await connection.readResponse()
          sizes.push(body.length, body.equals(WHOLE))
        }
        return sizes
      }
      const streams = Array.from({ length: 6 }, stream)
      const pings = []
      for (let i = 0; i < 20; i++) pings.push((await request({ path: '/ping' })).body?.toString())
      return [await Promise.all(streams), pings]
    }
  },
  {
    name: 'answers on one connection after each other, streamed and whole',
    serve: () => (req, res) => {
      const size = Number(req.url.slice(1))
      if (size === 0) return res.end('whole')
      for (let left = size; left > 0; left -= K16.length) res.write(K16.subarray(0, left))
      res.end()
    },
    async exchange({ open }) {
      const connection = await open()
      const sizes = [10, 0, 200_000, 1_000_000, 0, 300_000, 16_384, 0]
      const answers = []
      for (const size of sizes) {
        connection.write(`GET /${size} HTTP/1.1\r\nHost: a\r\n\r\n`)
        const answer = await connection.readResponse()
        answers.push([answer.status, answer.body.length, answer.framing])
      }
      return answers
    }
  },
  leaving('the client leaves a writer that waits', 1, (req, res, { log }) => {
    const chunk = Buffer.alloc(1_000_000, 'c')
    for (const event of ['finish', 'close']) res.on(event, () => log(event, res.writableFinished))
    for (let i = 0; i < 30; i++) res.write(chunk)
    log('written', res.writableNeedDrain)
  }),
  leaving('the client leaves, the handler goes on', 1, (req, res, { log }) => {
    res.on('error', (e) => log('error', e.code))
    res.on('close', () => {
      log('close', res.destroyed)
      log(
        'late write',
        res.write('late', (e) => log('late', e?.code ?? null))
      )
      setImmediate(() => {
        res.end('more')
      })
    })
    res.write('x', () => log('written'))
  }),
  leaving('the client leaves a pipeline', 1, (req, res, { log }) => {
    const endless = new Readable({
      read() {
        setImmediate(() => this.push(K16))
      }
    })
    res.on('close', () => log('close', res.writableFinished))
    endless.once('data', () => setImmediate(() => log('begun')))
    pipeline(endless, res, (e) => log('pipeline', e?.code ?? null, endless.destroyed))
  }),
  leaving('the client leaves an async generator', 1, (req, res, { log }) => {
    res.on('close', () => log('close'))
    pipeline(
      async function* () {
        yield 'first'
        log('begun')
        for (;;) {
          await new Promise((resolve) => setImmediate(resolve))
          yield 'more'
        }
      },
      res,
      (e) => log('pipeline', e?.code ?? null)
    )
  }),
  {
    name: 'a client that reads slowly gets all of it',
    serve:
      ({ log }) =>
      (req, res) => {
        let left = 200
        const go = () => {
          while (left-- > 0) if (!res.write(K16)) return res.once('drain', go)
          res.end('end')
        }
        res.on('finish', () => log('finish'))
        go()
      },
    async exchange({ open }) {
      const connection = await open()
      connection.socket.pause()
      connection.write(GET)
      for (let i = 0; i < 20; i++) {
        await new Promise((resolve) => setTimeout(resolve, 5))
        connection.socket.resume()
        await new Promise((resolve) => setImmediate(resolve))
        connection.socket.pause()
      }
      connection.socket.resume()
      const { body } = await connection.readResponse()
      assert.equal(body.length, 200 * K16.length + 3)
      return body.subarray(-10).toString()
    }
  }
])
