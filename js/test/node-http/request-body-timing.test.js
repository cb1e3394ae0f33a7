'use strict'

// Request bodies and time: handlers that run, answer, pause or leave before the body is there, and bodies that come at the
// same time.

const crypto = require('node:crypto')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { LARGE, digest, post } = require('./body-requests')
const { suite } = require('./harness')

/** What has begun of an answer when somebody comes to listen to the request. */
const BEGUN = {
  'a written head': (res) => res.writeHead(200, { 'X-A': 'b' }),
  'a flushed head': (res) => res.flushHeaders(),
  'a chunk': (res) => res.write('begun')
}

/** How req.emit is wrapped. */
const WRAPS = {
  assigned: (req, value) => {
    req.emit = value
  },
  defined: (req, value) => {
    Object.defineProperty(req, 'emit', { configurable: true, writable: true, value })
  }
}

/** A handler that answers, and whose request's emit is wrapped before or behind it; who hears of what without a single listener. */
const wrapped = Object.entries(WRAPS).flatMap(([how, put]) =>
  [true, false].flatMap((isFirst) =>
    Object.entries({
      'an answer': (res) => res.send('sent'),
      'a late answer': (res) => setTimeout(() => res.json({ late: true }), 2),
      'an answer in pieces': (res) => {
        res.write('a')
        setImmediate(() => res.end('b'))
      },
      'a file': (res) => res.sendFile(__filename),
      'no answer': (res) => setTimeout(() => res.socket.destroy(), 2)
    }).flatMap(([answer, run]) =>
      ['GET', 'POST'].map((method) => ({
        name: `req.emit is ${how} ${isFirst ? 'before' : 'behind'} ${answer} to ${method}`,
        serve:
          ({ log, whenGone }) =>
          (req, res) => {
            const wrap = () => {
              const { emit } = req
              put(req, function (event, ...args) {
                // Node emits it for the end of a body that nobody reads
                if (event !== 'readable') log(event, args.length)
                return emit.call(this, event, ...args)
              })
            }
            if (isFirst) wrap()
            run(res)
            if (!isFirst) wrap()
            whenGone(() => log('over'))
          },
        async exchange({ open, until }) {
          const connection = await open()
          const body = method === 'POST' ? 'Content-Length: 4\r\n\r\nbody' : '\r\n'
          connection.write(`${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${body}`)
          const { bytes } = await connection.readToEnd()
          for (let count = 1, seen = []; seen.at(-1) !== 'over'; count++) seen = await until(count)
          return bytes.toString('latin1').split('\r\n')[0]
        }
      }))
    )
  )
)

suite(__filename, [
  ...wrapped,
  ...[
    ['its rest is still to come', true, 'GET'],
    ['all of it is there', false, 'POST'],
    ['its rest is still to come, HEAD', true, 'HEAD']
  ].map(([name, isLate, method]) => ({
    name: `a file answers a body that nobody reads, with listeners to its end: ${name}`,
    serve:
      ({ log }) =>
      (req, res) => {
        if (req.url === '/') {
          for (const event of ['end', 'close', 'aborted']) req.on(event, () => log(event))
          res.on('close', () => log('res close'))
        }
        res.sendFile(__filename)
      },
    async exchange({ open, until }) {
      const connection = await open()
      const body = 'b'.repeat(isLate ? 40_000 : 90_000)
      const head = `${method} / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`
      connection.write(head + (isLate ? body.slice(100) : body))
      await until(isLate ? 1 : 3)
      const first = (await connection.readResponse(method)).status
      if (isLate) connection.write(body.slice(0, 100))
      await until(3)
      connection.write('HEAD /2 HTTP/1.1\r\nHost: a\r\n\r\n')
      return [first, (await connection.readResponse('HEAD')).status]
    }
  })),
  ...Object.keys(BEGUN).flatMap((begun) =>
    ['small', LARGE].map((body) => ({
      name: `${begun}, a listener to the end, and only then is a body read (${body.length})`,
      serve:
        ({ log }) =>
        (req, res) => {
          BEGUN[begun](res)
          req.on('end', () => log('end'))
          setImmediate(() => {
            let size = 0
            req.on('data', (chunk) => {
              size += chunk.length
            })
            req.on('end', () => res.end(`${size} bytes`))
          })
        },
      exchange: (client) => client.request({ method: 'POST', path: '/', body })
    }))
  ),
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
      const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'node-http-')), 'upload')
      later(() => fs.rmSync(path.dirname(file), { recursive: true }))
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
  }
])
