'use strict'

// Request bodies in every mode of a Readable: events, async iteration, pipes, pause and resume, destroy, trailers; inline,
// streamed and chunked, read at once, late, partly or never.

const crypto = require('node:crypto')
const fs = require('node:fs')
const { PassThrough, Transform, pipeline, finished, Readable } = require('node:stream')
const { pipeline: pipelinePromise } = require('node:stream/promises')
const assert = require('node:assert/strict')
const { suite } = require('./harness')

const SMALL = 'small body'
const LARGE = Buffer.alloc(3_000_000, 'abcdefghijklmnopqrstuvwxyz0123456789')
const digest = (buffer) => crypto.createHash('sha1').update(buffer).digest('hex')

/** Sends a body in pieces, each when the server has logged that it wants more, or as a whole. */
const post = (body, options = {}) => ({ method: 'POST', path: '/', body, ...options })
const chunked = (parts, trailers = '') => ({
  method: 'POST',
  path: '/',
  headers: { 'Transfer-Encoding': 'chunked', ...(trailers ? { Trailer: 'X-Sum, X-Again' } : {}) },
  body: Buffer.concat([
    ...parts.flatMap((p) => [
      Buffer.from(`${Buffer.byteLength(p).toString(16)}\r\n`),
      Buffer.from(p),
      Buffer.from('\r\n')
    ]),
    Buffer.from(`0\r\n${trailers}\r\n`)
  ])
})

/** The same server for each way of sending. */
const ways = (name, serve, { large = true, chunkedDiffers } = {}) => [
  { name: `${name}: small`, serve, exchange: ({ request }) => request(post(SMALL)) },
  {
    name: `${name}: none`,
    serve,
    exchange: ({ request }) => request({ method: 'POST', path: '/' })
  },
  {
    name: `${name}: Content-Length: 0`,
    serve,
    exchange: ({ request }) =>
      request({ method: 'POST', path: '/', headers: { 'Content-Length': '0' } })
  },
  {
    name: `${name}: chunked`,
    serve,
    differs: chunkedDiffers,
    exchange: ({ request }) => request(chunked(['one', 'two', 'three']))
  },
  { name: `${name}: chunked, empty`, serve, exchange: ({ request }) => request(chunked([])) },
  ...(large
    ? [
        { name: `${name}: 3 MB`, serve, exchange: ({ request }) => request(post(LARGE)) },
        {
          name: `${name}: 3 MB chunked`,
          serve,
          exchange: ({ request }) =>
            request(
              chunked(
                Array.from({ length: 30 }, (_, i) => LARGE.subarray(i * 100_000, (i + 1) * 100_000))
              )
            )
        }
      ]
    : [])
]

suite(__filename, [
  ...ways("'data' and 'end'", ({ log }) => (req, res) => {
    const parts = []
    log(req.complete, req.readableEnded, req.readableFlowing)
    req.on('data', (d) => parts.push(d))
    req.on('end', () => {
      log('end', req.complete, req.readableEnded)
      const body = Buffer.concat(parts)
      res.end(`${body.length} ${digest(body)}`)
    })
    req.on('close', () => log('close', req.destroyed))
  }),
  ...ways('for await', () => async (req, res) => {
    let size = 0
    const hash = crypto.createHash('sha1')
    for await (const chunk of req) {
      size += chunk.length
      hash.update(chunk)
    }
    res.end(`${size} ${hash.digest('hex')} ${req.complete} ${req.destroyed}`)
  }),
  ...ways('pipe to the response', () => (req, res) => req.pipe(res)),
  ...ways('pipeline through a transform', () => (req, res) => {
    const upper = new Transform({
      transform: (chunk, encoding, done) => done(null, chunk.toString('latin1').toUpperCase())
    })
    pipeline(req, upper, res, (error) => {
      if (error) res.destroy(error)
    })
  }),
  ...ways('pipeline to a promise', ({ log }) => async (req, res) => {
    const sink = new PassThrough({ highWaterMark: 100 })
    let size = 0
    sink.on('data', (d) => {
      size += d.length
    })
    await pipelinePromise(req, sink)
    log('done')
    res.end(String(size))
  }),
  ...ways("'readable' and read(n)", () => (req, res) => {
    let size = 0
    req.on('readable', () => {
      for (let c = req.read(7) ?? req.read(); c !== null; c = req.read(7) ?? req.read()) {
        size += c.length
      }
    })
    req.on('end', () => res.end(String(size)))
  }),
  ...ways('read late, after a turn', () => (req, res) => {
    setImmediate(() =>
      setImmediate(() => {
        let size = 0
        req.on('data', (d) => {
          size += d.length
        })
        req.on('end', () => res.end(String(size)))
      })
    )
  }),
  ...ways(
    'pause, then resume',
    ({ log }) =>
      (req, res) => {
        let size = 0
        let paused = 0
        req.on('data', (d) => {
          size += d.length
          if (paused < 5) {
            paused++
            req.pause()
            setImmediate(() => req.resume())
          }
        })
        req.on('pause', () => log('pause'))
        req.on('end', () => res.end(`${size} ${req.isPaused()}`))
      },
    {
      large: false,
      // a body that is there with its head is one chunk
      chunkedDiffers(ours, nodes) {
        assert.deepEqual([...new Set(nodes.log)], ours.log)
        assert.equal(String(nodes.seen.body).split(' ')[0], String(ours.seen.body).split(' ')[0])
      }
    }
  ),
  ...ways(
    'never read',
    ({ log }) =>
      (req, res) => {
        req.on('end', () => log('end'))
        req.on('close', () => log('close', req.readableEnded))
        res.end('not read')
      },
    { large: false }
  ),
  ...ways('resume() only', ({ log }) => (req, res) => {
    req.resume()
    req.on('end', () => {
      log(req.complete)
      res.end('drained')
    })
  }),
  ...ways('setEncoding', () => (req, res) => {
    req.setEncoding('utf8')
    let text = ''
    req.on('data', (d) => {
      text += typeof d === 'string' ? d : '(not a string)'
    })
    req.on('end', () => res.end(`${text.length} ${req.readableEncoding} ${digest(text)}`))
  }),
  ...ways('stream.finished', ({ log }) => (req, res) => {
    finished(req, (error) => log('request', error?.code ?? 'fine'))
    finished(res, (error) => log('response', error?.code ?? 'fine'))
    req.resume()
    req.on('end', () => res.end('ok'))
  }),
  ...ways('iterator helpers of streams', () => async (req, res) => {
    const sizes = await req.map((c) => c.length).reduce((a, b) => a + b, 0)
    res.end(String(sizes))
  }),
  ...ways('Readable.toWeb', () => async (req, res) => {
    let size = 0
    for await (const chunk of Readable.toWeb(req)) size += chunk.byteLength
    res.end(String(size))
  }),
  {
    name: 'multi-byte characters across chunks with setEncoding',
    serve: () => (req, res) => {
      req.setEncoding('utf8')
      let text = ''
      req.on('data', (d) => {
        text += d
      })
      req.on('end', () => res.end(text))
    },
    async exchange({ open }) {
      const connection = await open()
      const bytes = Buffer.from('äöü✓😀')
      connection.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
      for (const byte of bytes)
        connection
          .write('1\r\n')
          .write(Buffer.from([byte]))
          .write('\r\n')
      connection.write('0\r\n\r\n')
      return connection.readResponse('POST')
    }
  },
  {
    name: 'trailers',
    serve:
      ({ log }) =>
      (req, res) => {
        log(req.trailers, req.rawTrailers)
        req.resume()
        req.on('end', () => {
          log(req.trailers, req.rawTrailers, req.trailersDistinct)
          res.end(JSON.stringify(req.headers))
        })
      },
    exchange: ({ request }) =>
      request(
        chunked(
          ['body'],
          'X-Sum: 123\r\nx-again: a\r\nX-Again:  b \r\nSet-Cookie: t=1\r\nContent-Length: 7\r\n'
        )
      )
  },
  {
    name: 'a chunk at a time: data arrives before the body is complete',
    serve:
      ({ log }) =>
      (req, res) => {
        res.writeHead(200, { 'Content-Type': 'text/plain' })
        req.on('data', (d) => {
          log('data', d.toString(), req.complete)
          res.write(`got ${d};`)
        })
        req.on('end', () => res.end('end'))
      },
    async exchange({ open, until }) {
      const connection = await open()
      connection.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\none')
      await until(1)
      connection.write('two')
      await until(2)
      connection.write('xyz')
      return connection.readResponse('POST')
    }
  },
  {
    name: 'the handler runs before any body byte arrived',
    serve:
      ({ log }) =>
      (req, res) => {
        log('handler')
        req.on('data', (d) => log(d.toString()))
        req.on('end', () => res.end('done'))
      },
    async exchange({ open, until }) {
      const connection = await open()
      connection.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n')
      await until(1)
      connection.write('late')
      return connection.readResponse('POST')
    }
  },
  {
    name: 'answers while the body is still to come, then reads on',
    serve:
      ({ log }) =>
      (req, res) => {
        res.end('early')
        log('answered')
        req.on('data', (d) => log('data', d.length))
        req.on('end', () => log('end'))
      },
    async exchange({ open, until, encodeRequest }) {
      const connection = await open()
      connection.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n')
      const first = await connection.readResponse('POST')
      await until(1)
      connection.write('late')
      await until(3)
      connection.write(encodeRequest({ method: 'POST', path: '/', body: 'x' }))
      return [first, await connection.readResponse('POST')]
    }
  },
  {
    name: 'answers early without reading: the rest of the body is skipped for the next request',
    serve: () => (req, res) => res.end(`answer to ${req.url}`),
    async exchange({ open }) {
      const connection = await open()
      connection.write(
        `POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n${'x'.repeat(50_000)}GET /two HTTP/1.1\r\nHost: a\r\n\r\n`
      )
      return [await connection.readResponse('POST'), await connection.readResponse()]
    }
  },
  {
    name: 'destroy() while the body arrives',
    serve:
      ({ log }) =>
      (req, res) => {
        for (const [name, emitter] of [
          ['req', req],
          ['res', res]
        ])
          for (const event of ['aborted', 'error', 'close', 'end', 'finish'])
            emitter.on(event, (e) => log(`${name} ${event}`, e?.code ?? e?.message ?? null))
        req.once('data', () => {
          req.destroy()
          log('destroyed', req.destroyed, res.destroyed, req.socket?.destroyed)
        })
      },
    async exchange({ open, until }) {
      const connection = await open()
      connection.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf')
      const end = await connection.readToEnd()
      await until(3)
      return [end.bytes.toString(), end.error !== null]
    }
  },
  {
    name: 'destroy(error) before reading',
    serve:
      ({ log }) =>
      (req, res) => {
        for (const [name, emitter] of [
          ['req', req],
          ['res', res]
        ])
          for (const event of ['aborted', 'error', 'close', 'end', 'finish'])
            emitter.on(event, (e) => log(`${name} ${event}`, e?.message ?? null))
        req.destroy(new Error('own error'))
        log('destroyed', req.destroyed, req.errored?.message ?? null, req.aborted)
      },
    async exchange({ open, until }) {
      const connection = await open()
      connection.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      const end = await connection.readToEnd()
      await until(3)
      return end.bytes.toString()
    }
  },
  {
    name: 'leaving a for-await loop destroys the request',
    serve:
      ({ log }) =>
      async (req, res) => {
        res.on('close', () => log('res close', res.writableFinished))
        req.on('close', () => log('req close'))
        for await (const chunk of req) {
          log('chunk', chunk.length > 0)
          break
        }
        log(req.destroyed, res.destroyed)
        res.end('after')
      },
    async exchange({ open, until }) {
      const connection = await open()
      connection.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf')
      const answer = await connection.readResponse('POST')
      await until(3)
      return answer
    }
  },
  {
    name: 'unpipe and unshift',
    serve: () => (req, res) => {
      const sink = new PassThrough()
      req.pipe(sink)
      sink.once('data', (first) => {
        req.unpipe(sink)
        req.unshift(first)
        let text = ''
        req.on('data', (d) => {
          text += d
        })
        req.on('end', () => res.end(text))
        req.resume()
      })
    },
    exchange: ({ request }) => request(post(SMALL))
  },
  {
    name: 'two consumers see the same data',
    serve: () => (req, res) => {
      const seen = ['', '']
      req.on('data', (d) => {
        seen[0] += d
      })
      req.on('data', (d) => {
        seen[1] += d
      })
      req.on('end', () => res.end(JSON.stringify(seen)))
    },
    exchange: ({ request }) => request(post(SMALL))
  },
  {
    name: 'back-pressure: a paused request stops the client',
    serve: ({ log }) => {
      let paused
      return (req, res) => {
        if (req.url === '/ping') return res.end()
        if (req.url === '/go') {
          res.end()
          return paused.resume()
        }
        let size = 0
        paused = req
        req.pause()
        req.on('data', (d) => {
          size += d.length
        })
        req.on('end', () => res.end(String(size)))
        log('paused')
      }
    },
    async exchange({ open, until, request }) {
      const connection = await open()
      connection.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${LARGE.length * 20}\r\n\r\n`)
      await until(1)
      for (let i = 0; i < 20; i++) connection.socket.write(LARGE)
      // Answered requests on other connections show that the server had turns in which it could have read this one.
      for (let i = 0; i < 50; i++) await request({ path: '/ping' })
      const held = connection.socket.writableLength > 10_000_000
      await request({ path: '/go' })
      return [held, await connection.readResponse('POST')]
    }
  },
  {
    name: 'to a file and back',
    serve: ({ later }) => {
      const file = require('node:path').join(
        fs.mkdtempSync(require('node:path').join(require('node:os').tmpdir(), 'node-http-')),
        'upload'
      )
      later(() => fs.rmSync(require('node:path').dirname(file), { recursive: true }))
      return (req, res) => {
        req.pipe(fs.createWriteStream(file)).on('finish', () => fs.createReadStream(file).pipe(res))
      }
    },
    async exchange({ request }) {
      const answer = await request(post(LARGE))
      return { ...answer, body: `${answer.body.length} ${digest(answer.body)}` }
    }
  },
  {
    name: 'listeners added in a promise callback',
    serve: () => (req, res) => {
      Promise.resolve()
        .then(() => {})
        .then(() => {
          let text = ''
          req.on('data', (d) => {
            text += d
          })
          req.on('end', () => res.end(text))
        })
    },
    exchange: ({ request }) => request(post(SMALL))
  },
  {
    name: 'large bodies at the same time, read by slow readers',
    serve: () => async (req, res) => {
      const hash = crypto.createHash('sha1')
      let bytes = 0
      for await (const chunk of req) {
        hash.update(chunk)
        if ((bytes += chunk.length) % 3 === 0) await new Promise(setImmediate)
      }
      res.json([bytes, hash.digest('hex')])
    },
    async exchange({ request }) {
      const one = async (n) => {
        const body = Buffer.alloc(1_500_000 + 40_000 * n)
        for (let i = 0; i < body.length; i += 4) body.writeInt32LE(i * (n + 1), i)
        return (await request({ method: 'POST', path: '/', body })).body?.toString()
      }
      return Promise.all(Array.from({ length: 6 }, (_, n) => one(n)))
    }
  },
  {
    name: 'GET with a body',
    serve: () => (req, res) => req.pipe(res),
    exchange: ({ request }) => request({ method: 'GET', path: '/', body: 'in a GET' })
  },
  {
    name: 'read() before and after the end',
    serve:
      ({ log }) =>
      (req, res) => {
        log(req.read() === null)
        req.on('readable', () => {
          const chunk = req.read()
          log(chunk === null ? null : chunk.toString())
        })
        req.on('end', () => {
          log(req.read() === null, req.readableLength, req.readableDidRead)
          res.end()
        })
      },
    exchange: ({ request }) => request(post(SMALL))
  }
])
