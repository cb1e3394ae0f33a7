'use strict'

// Request bodies in every mode of a Readable (events, async iteration, pipes, pause and resume), each for bodies that are
// small, large, empty, counted and chunked. What depends on when bytes come is in request-body-timing.test.js.

const assert = require('node:assert/strict')
const crypto = require('node:crypto')
const { PassThrough, Transform, pipeline, finished, Readable } = require('node:stream')
const { pipeline: pipelinePromise } = require('node:stream/promises')
const { LARGE, SMALL, chunked, digest, post } = require('./body-requests')
const { suite } = require('./harness')

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
