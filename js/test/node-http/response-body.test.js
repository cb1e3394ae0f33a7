'use strict'

// The body of a response: write and end in all their forms, events and callbacks and their order, back-pressure, cork,
// pipes, trailers, lengths that do not fit, errors after the end.

const fs = require('node:fs')
const path = require('node:path')
const { Readable, PassThrough, pipeline, finished, Writable } = require('node:stream')
const { pipeline: pipelinePromise } = require('node:stream/promises')
const zlib = require('node:zlib')
const { one, suite } = require('./harness')

const FILE = path.join(__dirname, '..', 'ecosystem', 'fixtures', 'public', 'large.txt')

const events = (res, log) => {
  for (const event of ['pipe', 'unpipe', 'drain', 'prefinish', 'finish', 'close', 'error', 'end'])
    res.on(event, (arg) => log(event, event === 'error' ? (arg.code ?? arg.message) : null))
}

suite(__filename, [
  {
    name: "no 'drain' while the client does not read",
    serve:
      ({ log }) =>
      (req, res) => {
        res.on('drain', () => log('drain', res.writableLength))
        // more than the kernel takes at both ends
        const piece = Buffer.alloc(1 << 20, 'x')
        let full
        for (let i = 0; i < 32; i++) full = res.write(piece)
        // time for answers about the first pieces to come
        setTimeout(() => log('waits', full, res.writableLength > 1 << 20), 300)
      },
    async exchange(client) {
      const connection = await client.open()
      connection.socket.pause()
      connection.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      const seen = await client.until(1)
      connection.destroy()
      return seen
    }
  },
  ...[
    ['end()', (res) => res.end()],
    ['end(string)', (res) => res.end('text')],
    ['end(empty string)', (res) => res.end('')],
    ['end(Buffer)', (res) => res.end(Buffer.from([0, 1, 2, 255]))],
    ['end(Uint8Array)', (res) => res.end(new Uint8Array([5, 6, 7]))],
    ['end(string, encoding)', (res) => res.end('AAEC/w==', 'base64')],
    ['end(latin1)', (res) => res.end('gr\xfcn', 'latin1')],
    ['end(utf8)', (res) => res.end('gr\xfcn \u2603 \u{1F600}')],
    ['end(utf16le)', (res) => res.end('ab', 'utf16le')],
    ['end(hex)', (res) => res.end('00ff', 'hex')],
    [
      'write(string) end()',
      (res) => {
        res.write('a')
        res.end()
      }
    ],
    [
      'write, write, end(string)',
      (res) => {
        res.write('a')
        res.write(Buffer.from('b'))
        res.end('c')
      }
    ],
    [
      'write(string, encoding)',
      (res) => {
        res.write('YQ==', 'base64')
        res.write('\xe4', 'latin1')
        res.end('62', 'hex')
      }
    ],
    [
      'write of an empty string first',
      (res) => {
        res.write('')
        res.end('x')
      }
    ],
    [
      'write of an empty string between',
      (res) => {
        res.write('a')
        res.write('')
        res.write(Buffer.alloc(0))
        res.end('b')
      }
    ],
    ['1 MB in one end', (res) => res.end(Buffer.alloc(1_000_000, 'x'))],
    ['1 MB string in one end', (res) => res.end('ä'.repeat(500_000))],
    [
      '100 writes of 10 bytes',
      (res) => {
        for (let i = 0; i < 100; i++) res.write('0123456789')
        res.end()
      }
    ],
    [
      'writes over several turns',
      (res) => {
        let n = 0
        const step = () => {
          if (n++ === 20) return res.end('done')
          res.write(`${n};`)
          setImmediate(step)
        }
        step()
      }
    ]
  ].flatMap(([name, act]) => [
    one(name, (req, res) => act(res)),
    one(`${name}, HEAD`, (req, res) => act(res), { method: 'HEAD', path: '/' }),
    one(`${name}, HTTP/1.0`, (req, res) => act(res), {
      path: '/',
      version: '1.0',
      headers: { Connection: 'close' }
    })
  ]),
  ...['write', 'end'].flatMap((method) =>
    [
      ['null', null],
      ['undefined', undefined],
      ['a number', 5],
      ['an object', { a: 1 }],
      ['an array', [1]],
      ['true', true],
      ['a symbol', Symbol('s')]
    ].map(([what, value]) =>
      one(`${method} of ${what}`, (req, res, { log, attempt }) => {
        res.on('error', (e) => log('error', e.code))
        log(attempt(() => res[method](value)))
        if (!res.writableEnded) res.end('after')
      })
    )
  ),
  one('write with an unknown encoding', (req, res, { log, attempt }) => {
    res.on('error', (e) => log('error', e.code))
    log(attempt(() => res.write('x', 'no-such-encoding')))
    log(res.headersSent, res.writableEnded)
    res.destroy()
  }),
  one('events and callbacks of write and end, in order', (req, res, { log }) => {
    events(res, log)
    log(res.write('a', () => log('write callback 1')))
    log(res.write('b', 'utf8', () => log('write callback 2')))
    process.nextTick(() => log('next tick'))
    Promise.resolve().then(() => log('promise'))
    res.end('c', () => log('end callback'))
    log('after end', res.writableEnded, res.writableFinished)
  }),
  one('callbacks of end()', (req, res, { log }) => {
    events(res, log)
    log(typeof res.end(() => log('callback')))
  }),
  one('callbacks of end(data, encoding)', (req, res, { log }) => {
    events(res, log)
    res.end('78', 'hex', () => log('callback'))
  }),
  one(
    'events of a HEAD answer',
    (req, res, { log }) => {
      events(res, log)
      res.write('dropped', () => log('write callback'))
      res.end('x', () => log('end callback'))
    },
    { method: 'HEAD', path: '/' }
  ),
  one('write after end', (req, res, { log, attempt }) => {
    events(res, log)
    res.end('x')
    log(attempt(() => res.write('late', (e) => log('callback', e?.code ?? null))))
  }),
  one('end after end', (req, res, { log, attempt }) => {
    events(res, log)
    res.end('x')
    log(attempt(() => res.end()))
    log(attempt(() => res.end((e) => log('callback 1', e?.code ?? null))))
    log(attempt(() => res.end('more', (e) => log('callback 2', e?.code ?? null))))
  }),
  one('end after finish', (req, res, { log, attempt }) => {
    res.on('error', (e) => log('error', e.code))
    res.on('finish', () => {
      log('finish')
      log(attempt(() => res.end((e) => log('callback', e?.code ?? null))))
      log(attempt(() => res.write('late')))
    })
    res.end('x')
  }),
  one('write after destroy', (req, res, { log, attempt }) => {
    events(res, log)
    res.destroy()
    log(attempt(() => res.write('late', (e) => log('callback', e?.code ?? null))))
    log(attempt(() => res.end('late')))
    log(res.destroyed, res.writable, res.headersSent)
  }),
  one('destroy(error)', (req, res, { log }) => {
    events(res, log)
    req.on('close', () => log('req close'))
    req.on('aborted', () => log('req aborted'))
    req.on('error', (e) => log('req error', e.code ?? e.message))
    log(
      res.destroy(new Error('own')) === res,
      res.destroyed,
      res.errored?.message ?? null,
      res.destroy() === res
    )
  }),
  one('destroy after some bytes', (req, res, { log }) => {
    events(res, log)
    res.writeHead(200, { 'Content-Length': 100 })
    res.write('some', () => res.destroy())
  }),
  one('cork and uncork', (req, res, { log }) => {
    res.cork()
    res.write('a')
    res.write('b')
    log(res.writableCorked, res.headersSent)
    res.cork()
    res.write('c')
    res.uncork()
    log(res.writableCorked)
    process.nextTick(() => {
      res.uncork()
      log(res.writableCorked)
      res.end('d')
    })
  }),
  one('cork, then end', (req, res) => {
    res.cork()
    res.write('a')
    res.end('b')
  }),
  one('back-pressure: false, drain', (req, res, { log }) => {
    const chunk = Buffer.alloc(100_000, 'x')
    let sent = 0
    let drains = 0
    const go = () => {
      while (sent < 50) {
        sent++
        if (!res.write(chunk)) {
          drains++
          return res.once('drain', go)
        }
      }
      res.end()
      log('drained at least once', drains > 0)
    }
    go()
    log('high-water mark', res.writableHighWaterMark, 'first write refused', drains === 1)
  }),
  {
    name: 'back-pressure: a client that does not read stops the writer',
    serve: ({ log }) => {
      let last
      return (req, res) => {
        if (req.url === '/ping') return res.end(String(last.writableNeedDrain))
        last = res
        const chunk = Buffer.alloc(1_000_000, 'y')
        let sent = 0
        const go = () => {
          while (sent < 30) {
            sent++
            if (!res.write(chunk)) return res.once('drain', go)
          }
          res.end()
        }
        res.on('finish', () => log('finish', sent))
        go()
      }
    },
    async exchange({ open, request, encodeRequest, until }) {
      const connection = await open()
      connection.socket.pause()
      connection.write(encodeRequest({ path: '/' }))
      const answers = []
      for (let i = 0; i < 50; i++)
        answers.push(
          (await request({ path: '/ping' }).catch(() => ({ body: '' }))).body?.toString()
        )
      connection.socket.resume()
      const answer = await connection.readResponse()
      await until(1)
      return [answers.at(-1), answer.body.length, answer.framing]
    }
  },
  one('pipe a file', (req, res, { log }) => {
    events(res, log)
    fs.createReadStream(FILE).pipe(res)
  }),
  one('pipeline a file through gzip', (req, res, { log }) => {
    res.setHeader('Content-Encoding', 'gzip')
    pipeline(fs.createReadStream(FILE), zlib.createGzip(), res, (error) =>
      log('done', error?.code ?? null)
    )
  }),
  one('promise pipeline from an async generator', async (req, res, { log }) => {
    await pipelinePromise(async function* () {
      for (let i = 0; i < 10; i++) {
        yield `line ${i}\n`
        if (i % 3 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
    }, res)
    log('done', res.writableEnded, res.writableFinished)
  }),
  one('pipeline whose source fails', (req, res, { log }) => {
    const source = Readable.from(
      (async function* () {
        yield 'part'
        throw new Error('source failed')
      })()
    )
    res.on('close', () => log('close', res.writableFinished))
    pipeline(source, res, (error) => log('done', error?.message ?? null, res.destroyed))
  }),
  one('pipe with end: false', (req, res, { log }) => {
    events(res, log)
    const source = Readable.from(['a', 'b'])
    source.on('end', () => res.end('c'))
    source.pipe(res, { end: false })
  }),
  one('Readable.from(...).pipe', (req, res) =>
    Readable.from([Buffer.from('x'), Buffer.from('y')]).pipe(res)
  ),
  one('stream.finished on a response', (req, res, { log }) => {
    finished(res, (error) => log('finished', error?.code ?? null))
    res.end('x')
  }),
  one('Writable.toWeb', async (req, res, { log }) => {
    const writer = Writable.toWeb(res).getWriter()
    await writer.write('one,')
    await writer.write(Buffer.from('two'))
    await writer.close()
    log('closed', res.writableEnded)
  }),
  one('PassThrough in between', (req, res) => {
    const through = new PassThrough()
    through.pipe(res)
    through.write('a')
    setImmediate(() => through.end('b'))
  }),
  one('trailers', (req, res, { log, attempt }) => {
    res.setHeader('Trailer', 'X-Sum, X-More')
    res.write('body')
    log(attempt(() => res.addTrailers({ 'X-Sum': 'abc', 'x-more': '1' })))
    log(attempt(() => res.addTrailers([['X-Pair', '2']])))
    res.end(' end')
  }),
  one('trailers that replace each other', (req, res) => {
    res.write('x')
    res.addTrailers({ A: '1' })
    res.addTrailers({ B: '2' })
    res.end()
  }),
  one('trailers without chunked encoding', (req, res) => {
    res.addTrailers({ 'X-T': '1' })
    res.end('x')
  }),
  one(
    'trailers over HTTP/1.0',
    (req, res) => {
      res.write('x')
      res.addTrailers({ 'X-T': '1' })
      res.end('y')
    },
    { path: '/', version: '1.0', headers: { Connection: 'close' } }
  ),
  one('bad trailers', (req, res, { log, attempt }) => {
    res.write('x')
    log(attempt(() => res.addTrailers({ 'Bad Name': '1' })))
    log(attempt(() => res.addTrailers({ 'X-T': 'a\nb' })))
    res.end()
  }),
  one(
    'Content-Length too large for the body',
    (req, res) => {
      res.setHeader('Content-Length', 10)
      res.end('short')
    },
    { path: '/', headers: { Connection: 'close' } }
  ),
  one(
    'Content-Length too small for the body',
    (req, res) => {
      res.setHeader('Content-Length', 2)
      res.end('longer')
    },
    { path: '/', headers: { Connection: 'close' } }
  ),
  ...[
    ['end with more', 2, (res) => res.end('longer')],
    ['end with less', 10, (res) => res.end('short')],
    ['write with more', 2, (res) => res.write('longer')],
    ['exact', 5, (res) => res.end('exact')],
    [
      'writes, exact',
      4,
      (res) => {
        res.write('ab')
        res.end('cd')
      }
    ],
    [
      'writes with less',
      9,
      (res) => {
        res.write('ab')
        res.end('cd')
      }
    ]
  ].map(([name, length, act]) =>
    one(
      `strictContentLength: ${name}`,
      (req, res, { log, attempt }) => {
        res.strictContentLength = true
        res.setHeader('Content-Length', length)
        log(attempt(() => act(res)))
        if (!res.writableEnded) res.destroy()
      },
      { path: '/', headers: { Connection: 'close' } }
    )
  ),
  one('setTimeout on a response', (req, res, { log }) => {
    log(
      res.setTimeout(20, (socket) => {
        log('timeout', socket === res.socket)
        res.end('after the timeout')
      }) === res
    )
    res.on('timeout', () => log('event'))
  }),
  one('setTimeout on a request', (req, res, { log }) => {
    req.setTimeout(20, () => {
      log('timeout')
      res.end('after the timeout')
    })
    req.on('timeout', () => log('event'))
  }),
  one('setTimeout without a callback destroys the socket', (req, res, { log }) => {
    res.setTimeout(20)
    res.on('close', () => log('close', res.writableFinished))
  }),
  one('res.send after res.write', (req, res, { log, attempt }) => {
    res.write('x')
    log(attempt(() => res.send('y')).code)
    res.end()
  }),
  one('res.json twice', (req, res, { log, attempt }) => {
    res.json({ a: 1 })
    log(attempt(() => res.json({ b: 1 })).code)
  }),
  one('emitting and once', (req, res, { log }) => {
    res.once('own', (v) => log('own', v))
    log(
      res.emit('own', 1),
      res.emit('own', 2),
      res.listenerCount('finish') >= 0,
      res.eventNames().includes('own')
    )
    res.end()
  }),
  one('write callback errors on a vanished client', (req, res, { log }) => {
    res.on('close', () => {
      res.write('late', (e) => log('callback', e?.code ?? null))
      res.end('late')
      log('close', res.destroyed, res.writableEnded, res.writableFinished)
    })
    req.socket.destroy()
  }),
  {
    name: 'handlers of one packet run before the ticks of any, however long they take',
    serve:
      ({ log }) =>
      (req, res) => {
        log('request', req.url)
        process.nextTick(log, 'tick', req.url)
        setImmediate(log, 'immediate', req.url)
        const end = performance.now() + 3
        while (performance.now() < end);
        res.end(req.url)
      },
    async exchange({ open }) {
      const connection = await open()
      const numbers = Array.from({ length: 12 }, (_, n) => n)
      connection.write(numbers.map((n) => `GET /${n} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''))
      const bodies = []
      for (const _ of numbers) bodies.push((await connection.readResponse()).body)
      return bodies
    }
  },
  {
    name: 'events of three pipelined requests that are answered at once',
    serve:
      ({ log }) =>
      (req, res) => {
        log('request', req.url)
        res.on('finish', () => log('finish', req.url))
        res.on('close', () => log('close', req.url))
        res.end(req.url)
      },
    async exchange({ open }) {
      const connection = await open()
      connection.write(
        'GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n'
      )
      return [
        await connection.readResponse(),
        await connection.readResponse(),
        await connection.readResponse()
      ]
    }
  }
])
