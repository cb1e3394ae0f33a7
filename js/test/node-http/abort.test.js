'use strict'

// Clients that leave and servers that give up: which events come on request, response and socket, in which order, for every
// moment and kind of handler; and what a handler may still do afterwards.

const assert = require('node:assert/strict')
const { Readable, pipeline } = require('node:stream')
const { suite } = require('./harness')

const LARGE = Buffer.alloc(400_000, 'z')

/** Logs every event of interest with the state at that moment. */
function watch(req, res, log) {
  for (const event of ['aborted', 'error', 'end', 'close']) {
    req.on(event, (e) =>
      log(
        `req ${event}`,
        e?.code ?? e?.message ?? null,
        req.aborted,
        req.destroyed,
        req.complete,
        req.readableEnded
      )
    )
  }
  for (const event of ['error', 'finish', 'close']) {
    res.on(event, (e) =>
      log(
        `res ${event}`,
        e?.code ?? e?.message ?? null,
        res.destroyed,
        res.writableEnded,
        res.writableFinished,
        res.headersSent,
        res.socket === null
      )
    )
  }
}

/** The log holds this when everything is over; waiting for it needs the socket, whose 'close' is last under Node. */
function end(req, log) {
  req.socket.on('close', () => setImmediate(() => log('over')))
}

/** Waits until 'over' was logged, without the number of observations before it being known. */
async function over({ until }) {
  for (let count = 1; ; count++) {
    const seen = await until(count)
    if (seen.at(-1) === 'over') return count
  }
}

/** `act(req, res, ctx)` in a handler; the client sends `text`, waits for `first` if given, sends `then`, and leaves. */
function leave(name, { text, first, then = '', act, reset = false }) {
  return {
    name: `${name}${reset ? ' (RST)' : ''}`,
    serve: (ctx) => (req, res) => {
      watch(req, res, ctx.log)
      end(req, ctx.log)
      act(req, res, ctx)
    },
    async exchange(client) {
      const connection = await client.open()
      connection.write(text)
      if (first) await connection.readUntil(first)
      else await client.until(1)
      if (then !== '') connection.write(then)
      connection.destroy(reset)
      return over(client)
    }
  }
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const HALF = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf'
const HALF_CHUNK = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'

const both = (name, options) => [leave(name, options), leave(name, { ...options, reset: true })]

suite(__filename, [
  ...[['aborted', 'error', 'close'], ['aborted', 'close'], ['close']].map((events) => ({
    name: `what a request says of itself while it hears that its client has left: ${events}`,
    serve:
      ({ log }) =>
      (req) => {
        for (const event of events) {
          req.on(event, (err) =>
            log(event, err?.code ?? null, req.errored?.code ?? null, req.closed, req.destroyed)
          )
        }
        log('enter')
      },
    async exchange({ open, until }) {
      const connection = await open()
      connection.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await until(1)
      connection.destroy()
      await until(1 + events.length)
    }
  })),
  ...['destroy', 'socket', 'pipeline'].map((how) => ({
    name: `who destroys the answer hears of its end behind the immediates of the turn: ${how}`,
    serve:
      ({ log }) =>
      (req, res, next) => {
        res.on('close', () => log('res close', res.writableEnded))
        req.on('close', () => log('req close'))
        if (how === 'destroy') res.destroy()
        else if (how === 'socket') req.socket.destroy()
        else {
          const failing = new Readable({ read: () => failing.destroy(new Error('source')) })
          pipeline(failing, res, (err) => {
            log('piped', err.message)
            next(err)
          })
        }
        setImmediate(() => log('immediate'))
      },
    async exchange({ raw, until }) {
      const answer = await raw('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await until(3)
      return answer
    }
  })),
  ...both('before any answer, handler waits', {
    text: GET,
    act: (req, res, { log }) => log('handler')
  }),
  ...both('before any answer, handler reads', {
    text: GET,
    act: (req, res, { log }) => {
      req.resume()
      log('handler')
    }
  }),
  ...both('body half sent, nobody reads', {
    text: HALF,
    act: (req, res, { log }) => log('handler')
  }),
  ...Object.entries({
    short: 'Content-Length: 5\r\n\r\n/hello',
    'of many bytes': `Content-Length: 15000\r\n\r\n/${'b'.repeat(15_000)}`,
    chunked: 'Transfer-Encoding: chunked\r\n\r\n/5\r\nhello\r\n0\r\n\r\n',
    'chunked, with trailers':
      'Transfer-Encoding: chunked\r\n\r\n/5\r\nhello\r\n0\r\nX-Trailer: t\r\n\r\n'
  }).flatMap(([body, message]) => {
    const [lines, then] = message.split('/')
    const text = `POST / HTTP/1.1\r\nHost: a\r\n${lines}`
    return [
      leave(`body (${body}) sent behind its head, nobody reads`, {
        text,
        then,
        act: (req, res, { log }) => log('handler')
      }),
      leave(`body (${body}) sent behind its head, an answer is being streamed`, {
        text,
        first: 'begun',
        then,
        act: (req, res) => res.write('begun')
      })
    ]
  }),
  ...both('body half sent, data listener', {
    text: HALF,
    act: (req, res, { log }) => req.on('data', (d) => log('data', d.toString()))
  }),
  ...both('chunked body half sent, data listener', {
    text: HALF_CHUNK,
    act: (req, res, { log }) => req.on('data', (d) => log('data', d.toString()))
  }),
  ...both('body half sent, for await', {
    text: HALF,
    act: async (req, res, { log }) => {
      try {
        for await (const chunk of req) log('chunk', chunk.toString())
        log('loop ended')
      } catch (error) {
        log('loop threw', error.code)
      }
    }
  }),
  ...both('body half sent, pipe to the response', {
    text: HALF,
    first: 'half',
    act: (req, res) => req.pipe(res)
  }),
  ...both('in the middle of an answer', {
    text: GET,
    first: 'begun',
    act: (req, res) => res.write('begun')
  }),
  ...both('after flushHeaders', {
    text: GET,
    first: '\r\n\r\n',
    act: (req, res) => res.flushHeaders()
  }),
  ...both('in the middle of an answer with a length', {
    text: GET,
    first: 'begun',
    act: (req, res) => {
      res.writeHead(200, { 'Content-Length': 100 })
      res.write('begun')
    }
  }),
  ...both('after the answer', {
    text: GET,
    first: 'all of it',
    act: (req, res) => res.end('all of it')
  }),
  ...both('in an event stream that is written to afterwards', {
    text: GET,
    first: 'one',
    act: (req, res, { log }) => {
      res.writeHead(200, { 'Content-Type': 'text/event-stream' })
      res.write('data: one\n\n')
      res.on('close', () => {
        log('late write', res.write('data: late\n\n'))
        res.end()
      })
    }
  }),
  ...both('answer by json after the client left', {
    text: GET,
    act: (req, res, { log }) => {
      log('handler')
      res.on('close', () => {
        res.status(201).json({ late: true })
        log('answered', res.headersSent, res.writableEnded, res.statusCode)
      })
    }
  }),
  {
    name: 'RST is an error of the socket',
    serve:
      ({ log }) =>
      (req, res) => {
        const { socket } = req
        socket.on('error', (e) => log('socket error', { ...e }, e.message, socket.destroyed))
        socket.on('close', (hadError) => log('socket close', hadError, socket.errored?.code))
        watch(req, res, log)
        end(req, log)
        log('handler')
      },
    async exchange(client) {
      const connection = await client.open()
      connection.write(HALF)
      await client.until(1)
      connection.destroy(true)
      return over(client)
    }
  },
  {
    name: 'half-closed client gets its answer: at once',
    serve:
      ({ log }) =>
      (req, res) => {
        watch(req, res, log)
        req.resume()
        res.end('answered')
      },
    exchange: ({ raw }) => raw(GET, { end: true, allowHalfOpen: true })
  },
  {
    name: 'half-closed client and a late answer',
    serve:
      ({ log }) =>
      (req, res) => {
        watch(req, res, log)
        log('handler')
        req.on('close', () => setImmediate(() => res.end('late')))
      },
    async exchange({ open, until }) {
      const connection = await open({ allowHalfOpen: true })
      connection.write(GET)
      await until(1)
      connection.end()
      const { bytes, error } = await connection.readToEnd()
      return [bytes.toString(), error]
    }
  },
  {
    name: 'half-closed in the middle of a body',
    serve:
      ({ log }) =>
      (req, res) => {
        watch(req, res, log)
        req.on('data', () => {})
      },
    exchange: ({ raw }) => raw(HALF, { end: true, allowHalfOpen: true })
  },
  ...[
    ['res.destroy() in the handler', (req, res) => res.destroy()],
    ['res.destroy(error) in the handler', (req, res) => res.destroy(new Error('own'))],
    ['req.destroy() in the handler', (req) => req.destroy()],
    ['req.destroy(error) in the handler', (req) => req.destroy(new Error('own'))],
    ['req.socket.destroy() in the handler', (req) => req.socket.destroy()],
    [
      'req.socket.destroy(error) in the handler',
      (req) => {
        req.socket.on('error', () => {})
        req.socket.destroy(new Error('own'))
      }
    ],
    ['req.socket.end() in the handler', (req) => req.socket.end()],
    [
      'res.socket.end(text) in the handler',
      (req, res) => res.socket.end('HTTP/1.1 200 By Hand\r\nContent-Length: 2\r\n\r\nok')
    ],
    ['socket.resetAndDestroy() in the handler', (req) => req.socket.resetAndDestroy()],
    ['socket.destroySoon() in the handler', (req) => req.socket.destroySoon()],
    [
      'res.end() then req.destroy()',
      (req, res) => {
        res.end('x')
        req.destroy()
      }
    ],
    [
      'res.write then res.destroy()',
      (req, res) => {
        res.write('x')
        res.destroy()
      }
    ],
    [
      'res.write then res.destroy() in a later turn',
      (req, res) => {
        res.write('x')
        setImmediate(() => setImmediate(() => res.destroy()))
      }
    ],
    [
      'throws after writing',
      (req, res) => {
        res.write('x')
        throw new Error('thrown')
      }
    ]
  ].flatMap(([name, act]) =>
    [
      ['GET', GET],
      ['POST, body half sent', HALF]
    ].map(([what, text]) => ({
      name: `${name}: ${what}`,
      serve: (ctx) => (req, res) => {
        watch(req, res, ctx.log)
        end(req, ctx.log)
        act(req, res)
      },
      async exchange(client) {
        const connection = await client.open()
        connection.write(text)
        const { bytes } = await connection.readToEnd()
        await over(client)
        return bytes.toString('latin1').replace(/Date: .*/, 'Date: <date>')
      },
      // Node ends the request after its handler has destroyed it, if there was no body; ours is destroyed by then
      differs:
        name === 'res.end() then req.destroy()' && text === GET
          ? (ours, nodes) => {
              const names = (log) => log.map((entry) => [entry].flat()[0])
              assert.equal(ours.seen, nodes.seen)
              assert.deepEqual(
                names(ours.log),
                names(nodes.log).filter((event) => event !== 'req end')
              )
            }
          : undefined
    }))
  ),
  ...[
    ['a chunk that is none', HALF_CHUNK, 'W'],
    ['FIN before the end of a length', HALF, ''],
    ['FIN before the last chunk', HALF_CHUNK, '']
  ].flatMap(([name, text, more]) =>
    Object.entries({
      'nobody reads': () => {},
      'the handler reads': (req) => req.resume(),
      'the head is sent': (_req, res) => res.write('begun')
    }).map(([how, act]) => ({
      name: `a broken body is an error of the socket: ${name}, ${how}`,
      serve:
        ({ log }) =>
        (req, res) => {
          const { socket } = req
          watch(req, res, log)
          socket.on('error', (e) =>
            log('socket error', e.code, e.message, socket.writable, socket.readable)
          )
          socket.on('close', (hadError) => log('socket close', hadError, socket.errored?.code))
          end(req, log)
          act(req, res)
          log('handled')
        },
      async exchange(client) {
        const connection = await client.open({ allowHalfOpen: true })
        connection.write(text)
        await client.until(1)
        if (how === 'the head is sent') await connection.readUntil('begun')
        connection.write(more)
        connection.end()
        const { bytes } = await connection.readToEnd()
        await over(client)
        return bytes.toString('latin1').replace(/Date: .*/, 'Date: <date>')
      }
    }))
  ),
  {
    name: 'a close listener of an earlier request comes before the response, one of this request after it',
    serve: ({ log }) => {
      let count = 0
      return (req, res) => {
        const number = ++count
        req.socket.on('close', () => log('socket close', number))
        if (number === 1) return res.json({})
        res.on('close', () => log('res close', number))
        end(req, log)
        log('waits')
      }
    },
    async exchange(client) {
      const connection = await client.open()
      connection.write(GET)
      await connection.readUntil('{}')
      connection.write(GET)
      await client.until(1)
      connection.destroy()
      return over(client)
    }
  },
  {
    name: 'pipelined requests when the client leaves',
    serve:
      ({ log }) =>
      (req, res) => {
        if (req.url === '/1') end(req, log)
        log('request', req.url)
        res.on('close', () => log('close', req.url, res.writableFinished))
        if (req.url === '/2') log('waiting')
      },
    async exchange(client) {
      const connection = await client.open()
      connection.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n')
      await client.until(1)
      connection.destroy()
      return over(client)
    }
  },
  {
    name: 'a large answer that is not read, then the client leaves',
    serve:
      ({ log }) =>
      (req, res) => {
        end(req, log)
        res.on('finish', () => log('finish'))
        res.on('close', () => log('close', res.writableFinished))
        for (let i = 0; i < 50; i++) res.write(LARGE)
        res.end()
        log('written')
      },
    async exchange(client) {
      const connection = await client.open()
      connection.socket.pause()
      connection.write(GET)
      await client.until(1)
      connection.destroy()
      return over(client)
    }
  },
  {
    name: 'listeners added after the client left',
    serve:
      ({ log }) =>
      (req, res) => {
        req.socket.on('close', () =>
          setImmediate(() => {
            log(
              'states',
              req.destroyed,
              res.destroyed,
              req.aborted,
              res.closed,
              req.closed,
              res.writableEnded
            )
            let late = 'no close'
            res.on('close', () => {
              late = 'close again'
            })
            setImmediate(() => log(late))
            setImmediate(() => setImmediate(() => log('over')))
          })
        )
        log('handler')
      },
    async exchange(client) {
      const connection = await client.open()
      connection.write(GET)
      await client.until(1)
      connection.destroy()
      return over(client)
    }
  }
])
