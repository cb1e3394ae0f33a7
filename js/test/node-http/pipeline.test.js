'use strict'

// Pipelined requests: several of one connection are in handlers at once, their answers go out in the order of the requests.
// What a program sees of an answer whose turn has not come. What ends the line early is in pipeline-ends.test.js.

const assert = require('node:assert/strict')
const { Readable } = require('node:stream')
const { suite } = require('./harness')
const { GET, gather, ticks, together } = require('./pipeline-cases')

const state = (res) => [
  res.socket === null,
  res.headersSent,
  res.writableEnded,
  res.writableFinished,
  res.writableLength,
  res.writableNeedDrain,
  res.destroyed
]

const backwards = (name, answer) =>
  together(
    `answered last to first: ${name}`,
    [GET('/1'), GET('/2'), GET('/3')],
    gather(3, async (held) => {
      for (const { req, res } of held.reverse()) {
        answer(res, req)
        await ticks(2)
      }
    })
  )

const answers = {
  'end()': (res, req) => res.end(req.url),
  'end() with a callback': (res, req) => res.end(req.url, () => {}),
  'writeHead and end()': (res, req) => res.writeHead(201, { 'X-A': req.url }).end(req.url),
  'json()': (res, req) => res.status(202).json({ url: req.url }),
  'send()': (res, req) => res.set('X-A', 'b').send(`<p>${req.url}`),
  'send() of bytes': (res, req) => res.send(Buffer.from(req.url)),
  'sendStatus(204)': (res) => res.sendStatus(204),
  'redirect()': (res) => res.redirect('/x'),
  'write() and end()': (res, req) => {
    res.write(req.url)
    res.write('second')
    setImmediate(() => res.end('third'))
  },
  'write() with a length': (res, req) => {
    res.setHeader('Content-Length', 4)
    res.write(req.url)
    setImmediate(() => res.end(req.url))
  },
  'flushHeaders() first': (res, req) => {
    res.flushHeaders()
    setImmediate(() => res.end(req.url))
  },
  'cork()': (res, req) => {
    res.cork()
    res.write(req.url)
    res.write('x')
    res.uncork()
    res.end()
  },
  'a stream': (res, req) => Readable.from(['a', req.url, 'c']).pipe(res),
  'a large body': (res, req) => res.end(req.url.repeat(200_000)),
  'a large stream': (res, req) =>
    Readable.from(Array.from({ length: 40 }, () => req.url.repeat(10_000))).pipe(res),
  'sendFile()': (res) => res.sendFile(__filename),
  'an error': (res, req) => req.next(Object.assign(new Error('no'), { status: 418 })),
  trailers: (res) => {
    res.setHeader('Trailer', 'X-T')
    res.write('a')
    res.addTrailers({ 'X-T': 'b' })
    res.end()
  },
  'writeProcessing first': (res, req) => {
    res.writeProcessing()
    res.end(req.url)
  }
}

/** A body in two packets, with a request behind it, which the first one's handler waits for. */
const behindBody = (name, lines, first, rest, act = (held) => held[0].res.end('one')) => ({
  name: `a request behind a body that nobody reads: ${name}`,
  serve(ctx) {
    const handler = gather(2, async (held) => {
      ctx.log('both', held[0].req.complete)
      await act(held)
      await ticks(3)
      held[1].res.end('two')
    })(ctx)
    return (req, res) => {
      ctx.log('enter', req.url)
      handler(req, res)
    }
  },
  async exchange({ open, until }) {
    const connection = await open()
    connection.write(`POST /1 HTTP/1.1\r\nHost: a\r\n${lines}\r\n${first}`)
    await until(1)
    connection.write(rest + GET('/2'))
    const out = []
    for (const method of ['POST', 'GET']) out.push(await connection.readResponse(method))
    return out
  }
})

const reads = async ([{ req, res }]) => {
  let text = ''
  for await (const chunk of req) text += chunk
  res.end(`${text.length}`)
}

suite(__filename, [
  behindBody('short', 'Content-Length: 6\r\n', 'abc', 'def'),
  behindBody('short, and read in the end', 'Content-Length: 6\r\n', 'abc', 'def', reads),
  behindBody('longer', 'Content-Length: 12000\r\n', 'a'.repeat(9000), 'b'.repeat(3000)),
  behindBody('chunked', 'Transfer-Encoding: chunked\r\n', '3\r\nabc\r\n', '3\r\ndef\r\n0\r\n\r\n'),
  behindBody('chunked, read', 'Transfer-Encoding: chunked\r\n', '3\r\nabc\r\n', '0\r\n\r\n', reads),
  ...Object.entries(answers).map(([name, answer]) => backwards(name, answer)),
  together(
    'answered in order, each later',
    [GET('/1'), GET('/2'), GET('/3')],
    gather(3, async (held) => {
      for (const { req, res } of held) {
        res.json({ url: req.url })
        await ticks(2)
      }
    })
  ),
  together(
    'all of one turn',
    [GET('/1'), GET('/2'), GET('/3')],
    gather(3, (held) => {
      for (const { req, res } of held.reverse()) res.end(req.url)
    })
  ),
  together(
    'HEAD, 204, 304, POST, answered last to first',
    [
      'HEAD /1 HTTP/1.1\r\nHost: a\r\n\r\n',
      GET('/2'),
      GET('/3'),
      'POST /4 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc',
      GET('/5')
    ],
    gather(5, async (held) => {
      const [first, second, third, fourth, fifth] = held
      fifth.res.send('five')
      await ticks()
      fourth.req.on('data', (data) => fourth.res.write(data))
      fourth.req.on('end', () => fourth.res.end('four'))
      await ticks()
      third.res.status(304).end()
      second.res.status(204).end()
      await ticks()
      first.res.send('one')
    })
  ),
  together(
    'conditional requests',
    [GET('/1'), GET('/2', 'If-None-Match: W/"3-pt7KF8ztUtTMUQPTqMk9FVdpjfM"\r\n'), GET('/3')],
    gather(3, async (held) => {
      for (const { res } of held.reverse()) {
        res.send('two')
        await ticks(1)
      }
    })
  ),
  together(
    'what an answer says before its turn, at its turn, and after',
    [GET('/1'), GET('/2')],
    gather(2, async ([first, second], { log }) => {
      log(first.req.socket === second.req.socket)
      log(first.res.socket === first.req.socket, second.res.socket)
      log(first.req.socket._httpMessage === first.res)
      log(state(second.res))
      log(second.res.write('abc'))
      log(state(second.res))
      log(second.res.write('x'.repeat(100_000)))
      log(state(second.res).slice(0, 4), second.res.writableNeedDrain)
      second.res.on('socket', (socket) => {
        log('socket', socket === second.req.socket, second.res.socket === socket)
      })
      second.res.on('drain', () => {
        log('drain')
        second.res.end()
      })
      await ticks()
      first.res.end('one')
      log(second.res.socket)
      await new Promise((resolve) => second.res.on('finish', resolve))
      log(second.req.socket._httpMessage, second.res.writableFinished)
      await ticks()
      log(state(first.res).slice(1), state(second.res).slice(1))
    }),
    { observations: 13 }
  ),
  together(
    'events of answers: last to first',
    [GET('/1'), GET('/2'), GET('/3')],
    gather(
      3,
      async (held, { log }) => {
        for (const { req, res } of held.reverse()) {
          log(`ends ${req.url}`)
          res.end(req.url)
          await ticks(2)
        }
      },
      { watched: true }
    ),
    { observations: 20 }
  ),
  together(
    'events of answers: first to last',
    [GET('/1'), GET('/2')],
    gather(
      2,
      async (held, { log }) => {
        for (const { req, res } of held) {
          log(`ends ${req.url}`)
          res.end(req.url)
          await ticks(4)
        }
      },
      { watched: true }
    ),
    { observations: 13 }
  ),
  together(
    'callbacks of write() and end()',
    [GET('/1'), GET('/2')],
    gather(2, async ([first, second], { log }) => {
      second.res.write('a', () => log('written a'))
      second.res.end('b', () => log('ended'))
      await ticks()
      log('first')
      first.res.end('one')
    }),
    { observations: 3 }
  ),
  together(
    'a timeout set before the turn',
    [GET('/1'), GET('/2')],
    gather(2, async ([first, second], { log }) => {
      second.res.setTimeout(30, () => {
        log('timeout')
        second.res.end('two')
      })
      await ticks()
      log('first')
      first.res.end('one')
    }),
    { observations: 2 }
  ),
  together(
    'the body of the second comes while the first is in its handler',
    [
      GET('/1'),
      `POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n${'x'.repeat(200_000)}`
    ],
    gather(2, async ([first, second], { log }) => {
      let size = 0
      for await (const data of second.req) size += data.length
      log(size)
      second.res.end(String(size))
      first.res.end('one')
    })
  ),
  {
    name: 'answers of three kinds wait for one slow client',
    serve: gather(3, async ([first, second, third], { log }) => {
      const large = 'x'.repeat(8_000_000)
      // a response that is corked is Node's own, one that is not leaves in pieces
      first.res.cork()
      first.res.write(large)
      first.res.end()
      second.res.write(large)
      second.res.end()
      await ticks()
      third.res.cork()
      log(third.res.write(large))
      third.res.uncork()
      third.res.on('drain', () => third.res.end('over'))
      log('written')
    }),
    async exchange({ open, until }) {
      const connection = await open()
      connection.socket.pause()
      connection.write(GET('/1') + GET('/2') + GET('/3'))
      await until(2)
      connection.socket.resume()
      const sizes = []
      for (let i = 0; i < 3; i++) sizes.push((await connection.readResponse()).body.length)
      return sizes
    }
  },
  {
    name: '40 requests in handlers that wait for the last of those that may come',
    serve: (ctx) => {
      const held = []
      let timer
      return (req, res) => {
        held.push(res)
        clearTimeout(timer)
        timer = setTimeout(() => {
          ctx.log(held.length)
          for (const one of held.splice(0).reverse()) one.end('x')
        }, 50)
      }
    },
    async exchange({ open }) {
      const connection = await open()
      connection.write(GET('/').repeat(40))
      const out = []
      for (let i = 0; i < 40; i++) out.push((await connection.readResponse()).status)
      return out
    },
    // Node has no limit
    differs(ours, nodes) {
      assert.deepEqual(ours.seen, nodes.seen)
      assert.deepEqual(nodes.log, [40])
      assert.deepEqual(ours.log, [16, 16, 8])
    }
  },
  {
    name: 'a continue is written behind the answers before it',
    serve: () => (req, res) => {
      if (req.url === '/1') setTimeout(() => res.end('one'), 20)
      else req.resume().on('end', () => res.end('two'))
    },
    async exchange({ open }) {
      const connection = await open()
      connection.write(
        `${GET('/1')}POST /2 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n`
      )
      const first = await connection.readResponse()
      const seen = String(await connection.readUntil('100 Continue\r\n\r\n'))
      connection.write('abc')
      return [first, seen, await connection.readUntil('two')].map((one) =>
        Buffer.isBuffer(one) ? one.toString().replace(/Date: .*/, '') : one
      )
    }
  }
])
