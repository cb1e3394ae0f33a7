'use strict'

// What a program sees of a response that is answered at once: order and moment of its events, what the properties say at each,
// the methods that middleware replaces, callbacks of end(). Every case runs twice: as it is, and after a touch that makes
// rnode-server leave the whole response to Node's own methods. Both must be what node:http does.

const path = require('node:path')
const { createRequire } = require('node:module')
const onFinished = require('on-finished')
const { suite } = require('./harness')

const ecosystem = createRequire(path.join(__dirname, '..', 'ecosystem', 'package.json'))

/** A case and its twin. The handler gets `(req, res, ctx)`; `exchange` defaults to one GET. */
function both(name, handler, exchange = (client) => client.request({ path: '/' })) {
  return [false, true].map((isFull) => ({
    name: isFull ? `${name} (all by Node)` : name,
    serve: (ctx) => (req, res) => {
      if (isFull) ctx.touched = res.writableHighWaterMark
      handler(req, res, ctx)
    },
    exchange
  }))
}

const FIELDS = [
  'finished',
  'headersSent',
  'writable',
  'writableEnded',
  'writableFinished',
  'writableLength',
  'destroyed',
  'closed',
  '_closed',
  'errored',
  'statusCode',
  'statusMessage'
]

const fields = (res) => [
  ...FIELDS.map((name) => `${name}: ${res[name]}`),
  `socket: ${res.socket === null ? null : typeof res.socket}`,
  `_header: ${typeof res._header}`
]

/** Logs every event of a response with all its fields, and the ticks between them. */
function watch(res, log) {
  for (const event of ['prefinish', 'finish', 'close', 'end', 'error'])
    res.on(event, (...args) => log(event, args.length, fields(res)))
}

const head = (res) => res._header.split('\r\n').map((line) => line.replace(/^Date: .*/, 'Date'))

/** A way to answer, watched from its first to its last moment. */
const answered = (name, answer, exchange) => [
  ...both(
    `${name}: events and fields`,
    (req, res, { log }) => {
      watch(res, log)
      log('before', fields(res))
      answer(res, req)
      log('after', fields(res), res.getHeaders(), head(res))
      process.nextTick(() => log('a tick later', fields(res)))
      setImmediate(() => log('later', fields(res), res.getHeaders()))
    },
    exchange
  ),
  ...both(
    `${name}: nobody listens`,
    (req, res, { log }) => {
      answer(res, req)
      log('after', fields(res))
      setImmediate(() => log('later', fields(res), res.getHeaders(), head(res)))
    },
    exchange
  ),
  ...both(
    `${name}: listeners that come after the answer`,
    (req, res, { log }) => {
      answer(res, req)
      res.once('finish', () => log('finish', fields(res)))
      res.prependListener('close', () => log('close', fields(res)))
      process.nextTick(() => log('a tick later'))
      setImmediate(() => res.on('finish', () => log('never')))
    },
    exchange
  ),
  ...both(
    `${name}: writeHead is replaced`,
    (req, res, { log }) => {
      const { writeHead } = res
      res.writeHead = function (...args) {
        log('writeHead', args, fields(res), res.getHeaders())
        return writeHead.apply(this, args)
      }
      answer(res, req)
      log('after', fields(res), res.getHeaders(), head(res))
    },
    exchange
  ),
  ...both(
    `${name}: writeHead is replaced and sets headers`,
    (req, res) => {
      const { writeHead } = res
      res.writeHead = function (...args) {
        if (!this.headersSent) {
          this.setHeader('X-Late', 'set in writeHead')
          this.removeHeader('X-Powered-By')
        }
        return writeHead.apply(this, args)
      }
      answer(res, req)
    },
    exchange
  ),
  ...both(`${name}: two on a connection`, (req, res) => answer(res, req), twiceAs(exchange)),
  ...['in the same tick', 'a tick later', 'when it has finished'].flatMap((when) =>
    both(
      `${name}: emit is replaced behind the answer, ${when}`,
      (req, res, { log }) => {
        const wrap = () => {
          const { emit } = res
          const value = (event, ...args) => {
            log(event, res.writableFinished, res.destroyed)
            return emit.call(res, event, ...args)
          }
          Object.defineProperty(res, 'emit', { configurable: true, writable: true, value })
        }
        answer(res, req)
        if (when === 'in the same tick') wrap()
        else if (when === 'a tick later') process.nextTick(wrap)
        else process.nextTick(() => process.nextTick(wrap))
      },
      exchange
    )
  ),
  ...both(
    `${name}: emit is replaced`,
    (req, res, { log }) => {
      const { emit } = res
      res.emit = function (event, ...args) {
        log(event, args.length)
        return emit.call(this, event, ...args)
      }
      answer(res, req)
    },
    exchange
  )
]

const asked = (options) => (client) => client.request({ path: '/', ...options })

/** Two requests on one connection: nothing of the first may be left for the second. */
async function twice({ open, encodeRequest }) {
  const connection = await open()
  const out = []
  for (let i = 0; i < 2; i++) {
    connection.write(encodeRequest({ path: '/' }))
    out.push(await connection.readResponse())
  }
  return out
}

/** An exchange that can be repeated on its connection, or as it is. */
const twiceAs = (exchange) => exchange ?? twice

const WEAK_TAG = 'W/"5-qvTGHdzF6KLavt4PO0gs2a6pQ00"'

const statuses = Array.from({ length: 800 }, (_, i) => 200 + i).filter(
  (status) => status < 230 || (status >= 299 && status < 320) || (status > 395 && status < 520)
)

suite(__filename, [
  ...answered('send', (res) => res.send('hello')),
  ...answered('send, HEAD', (res) => res.send('hello'), asked({ method: 'HEAD' })),
  ...answered('send of a buffer', (res) => res.send(Buffer.from('hello'))),
  ...answered('json', (res) => res.status(201).json({ a: 1 })),
  ...answered(
    'send, Connection: close',
    (res) => res.send('bye'),
    asked({ headers: { Connection: 'close' } })
  ),
  ...answered(
    'send, 304',
    (res) => res.send('hello'),
    asked({ headers: { 'If-None-Match': WEAK_TAG } })
  ),
  ...answered(
    'send, another tag',
    (res) => res.send('hello'),
    asked({ headers: { 'If-None-Match': '"x"' } })
  ),
  ...answered('sendStatus 204', (res) => res.sendStatus(204)),
  ...answered('status 205', (res) => res.status(205).send('not this')),
  ...answered('redirect', (res) => res.redirect('/elsewhere')),
  ...answered('end', (res) => res.end()),
  ...answered('end of a string', (res) => res.end('text')),
  ...answered('end of a buffer', (res) => res.end(Buffer.from('bytes'))),
  ...answered('end of a string, HEAD', (res) => res.end('text'), asked({ method: 'HEAD' })),
  ...answered('end in another encoding', (res) => res.end('68656c6c6f', 'hex')),
  ...answered('end with Content-Length', (res) => res.set('Content-Length', '4').end('text')),
  ...answered(
    'end with Connection: close',
    (res) => res.set('Connection', 'close').end('text'),
    asked()
  ),
  ...answered('end with a date and a message', (res) => {
    res.statusMessage = 'Fine'
    res.set('Date', 'Thu, 01 Jan 1970 00:00:00 GMT').end('text')
  }),
  ...answered('end of a string behind a latin1 header', (res) =>
    res.set('X-A', 'gr\xfcn').end('text')
  ),
  ...answered('end without a date', (res) => {
    res.sendDate = false
    res.end('text')
  }),
  ...answered('writeHead and end', (res) => res.writeHead(202, { 'X-A': 'a' }).end('text')),
  ...answered('writeHead with a length and end', (res) =>
    res.writeHead(200, 'Good', { 'Content-Length': 4, 'X-List': ['a', 'b'] }).end('text')
  ),
  ...answered('writeHead 304', (res) => res.writeHead(304, { ETag: '"x"' }).end('no body')),
  ...answered('writeHead, HEAD', (res) => res.writeHead(200).end(), asked({ method: 'HEAD' })),
  ...answered('writeHead, then write', (res) => {
    res.writeHead(200, { 'X-A': 'a' })
    res.write('a')
    res.end('b')
  }),
  ...answered(
    'HTTP/1.0',
    (res) => res.end('text'),
    ({ raw }) => raw('GET / HTTP/1.0\r\n\r\n')
  ),

  ...both('end with callbacks', (req, res, { log }) => {
    res.on('finish', () => log('finish'))
    res.on('close', () => log('close'))
    res.end('text', (...args) => log('first', args.length, args[0] ?? null))
    res.end((...args) => log('second', args.length, args[0]?.code ?? null))
    process.nextTick(() => process.nextTick(() => res.end((err) => log('late', err?.code ?? null))))
  }),
  ...both('end with only a callback', (req, res, { log }) => {
    res.end(() => log('called', res.writableFinished))
  }),
  ...both('end twice', (req, res, { log }) => {
    res.on('error', (err) => log('error', err.code))
    res.end('one')
    log(res.end('two') === res)
    res.end()
  }),
  ...both('methods after writeHead', (req, res, { log, attempt }) => {
    res.set('X-Before', '1')
    log(attempt(() => res.writeHead(200, { 'X-Head': '2' })))
    log(res.headersSent, res._headerSent, res.getHeaders(), res.hasHeader('x-head'))
    log(attempt(() => res.setHeader('X', '1')))
    log(attempt(() => res.removeHeader('X-Before')))
    log(attempt(() => res.writeHead(201)))
    log(attempt(() => res.status(500)))
    res.end('text')
    log(attempt(() => res.send('again')))
    log(res.statusCode, res.statusMessage)
  }),
  ...both('headers of writeHead alone are not those of the response', (req, res, { log }) => {
    for (const name of res.getHeaderNames()) res.removeHeader(name)
    res.writeHead(200, { 'X-Head': '2' })
    log(res.getHeaders(), res.hasHeader('X-Head'), head(res))
    res.end('text')
  }),
  ...both('header methods around the answer', (req, res, { log }) => {
    res.removeHeader('X-Powered-By')
    res.set({ 'X-A': 'a', 'Content-Type': 'text/plain' })
    res.removeHeader('Content-Length')
    res.removeHeader('Transfer-Encoding')
    res.send('hello')
    log(
      res.getHeader('ETag'),
      res.getHeader('content-length'),
      res.get('X-A'),
      res.hasHeader('etag')
    )
    log(res.getHeaderNames(), res.getRawHeaderNames())
  }),
  ...both('a replaced writeHead that changes the status', (req, res, { log }) => {
    const { writeHead } = res
    res.writeHead = function () {
      log(this.getHeader('content-length'), this.getHeader('etag'))
      return writeHead.call(this, 204)
    }
    res.send('hello')
    log(res.statusCode, res.getHeaders())
  }),
  ...both('a replaced writeHead that throws', (req, res, { log }) => {
    const { writeHead } = res
    let first = true
    res.writeHead = function (...args) {
      if (first) {
        first = false
        throw new Error('not yet')
      }
      return writeHead.apply(this, args)
    }
    try {
      res.send('hello')
    } catch (err) {
      log(err.message, res.getHeaders(), res.headersSent, res.finished)
      res.status(500).send('caught')
    }
  }),
  ...both('a replaced writeHead that writes', (req, res) => {
    const { writeHead } = res
    res.writeHead = function (...args) {
      writeHead.apply(this, args)
      this.write('first, ')
      return this
    }
    res.removeHeader('Content-Length')
    res.writeHead(200)
    res.end('then the rest')
  }),
  ...both(
    'on-finished: a response, then one whose client has gone',
    (req, res, { log }) => {
      onFinished(res, (err, same) => log('finished', err ?? null, same === res, fields(res)))
      res.on('close', () => log('close', fields(res)))
      req.socket.on('close', () => log('socket close'))
      log(onFinished.isFinished(res), res.socket === req.socket)
      if (req.url === '/wait') return
      res.send('hello')
      log(onFinished.isFinished(res))
      onFinished(res, () => log('late'))
    },
    async ({ open, encodeRequest, until }) => {
      const connection = await open()
      connection.write(encodeRequest({ path: '/' }))
      const first = await connection.readResponse()
      await until(5)
      connection.write(encodeRequest({ path: '/wait' }))
      await until(6)
      connection.destroy()
      await until(9)
      return first
    }
  ),
  ...both('on-headers: a header set at the last moment', (req, res, { log }) => {
    const onHeaders = ecosystem('on-headers')
    onHeaders(res, function () {
      log(this.statusCode, this.getHeader('content-length'), this.getHeaderNames())
      this.setHeader('X-First', '1')
    })
    onHeaders(res, function () {
      this.statusCode = 418
    })
    res.json({ a: 1 })
  }),
  ...['writeHead', 'end', 'json'].map((way) => ({
    name: `morgan and response-time around ${way}`,
    serve: ({ express, log }) => {
      const app = express()
      const format =
        ':method :url HTTP/:http-version :status :res[content-length] :res[etag] :res[x-a] :remote-addr ":user-agent"'
      app.use(ecosystem('morgan')(format, { stream: { write: (line) => log(line) } }))
      app.use(ecosystem('response-time')((req, res, time) => log(typeof time)))
      app.get('/', (req, res) => {
        res.set('X-A', 'a')
        if (way === 'json') res.json({ a: 1 })
        else if (way === 'end') res.end('text')
        else res.writeHead(203, { 'X-B': 'b' }).end('text')
      })
      return app
    },
    exchange: async (client) => {
      const out = await twice(client)
      await client.until(4)
      return out
    }
  })),
  ...both(
    'socket events of a connection that ends with its response',
    (req, res, { log }) => {
      for (const event of ['end', 'finish', 'close']) req.socket.on(event, () => log(event))
      res.on('finish', () => log('res finish', req.socket.writable))
      res.set('Connection', 'close').send('bye')
    },
    async ({ open, encodeRequest, until }) => {
      const connection = await open()
      connection.write(encodeRequest({ path: '/' }))
      const answer = await connection.readResponse()
      await connection.readToEnd()
      connection.destroy()
      await until(3)
      return answer
    }
  ),
  ...both('bytes written to the socket before res.send', (req, res) => {
    req.socket.write('HTTP/1.1 102 Processing\r\n\r\n')
    res.send('real')
  }),
  {
    name: 'status lines',
    serve: () => (req, res) => {
      res.statusCode = Number(req.url.slice(1))
      res.end()
    },
    async exchange({ open, encodeRequest }) {
      const connection = await open()
      const out = []
      for (const status of statuses) {
        connection.write(encodeRequest({ path: `/${status}` }))
        const { message, headers } = await connection.readResponse()
        out.push([status, message, headers.length])
      }
      return out
    }
  },
  {
    name: 'many responses with some headers alike',
    serve: () => (req, res) => {
      const n = Number(req.url.slice(1))
      res.set({
        'X-Same': 'same',
        'X-Half': `${n % 7 < 3}`,
        'X-List': ['a', `${n}`],
        'X-Number': n
      })
      if (n % 5 === 0) res.removeHeader('X-Same')
      if (n % 11 === 0) res.set('x-same', 'in another case')
      if (n > 150) res.set('X-Half', 'since then')
      res.send(`answer ${n}`)
    },
    async exchange({ open, encodeRequest }) {
      const connection = await open()
      const out = []
      for (let n = 0; n < 400; n++) {
        connection.write(encodeRequest({ path: `/${n}` }))
        out.push(await connection.readResponse())
      }
      return out
    }
  },
  {
    name: 'the server closes while a response is made',
    serve: ({ express }) => {
      const app = express()
      const server = app.listen(0)
      app.get('/', (req, res) => {
        server.close()
        res.send('last')
      })
      return server
    },
    exchange: ({ open, encodeRequest }) =>
      open().then((connection) => {
        connection.write(encodeRequest({ path: '/', headers: { Connection: 'close' } }))
        return connection.readResponse()
      })
  },
  {
    name: 'the next connection comes in the turn in which an answer by Rust is told',
    serve:
      ({ log }) =>
      (req, res) => {
        if (req.url !== '/file') return res.end('other')
        const { socket } = req
        socket.on('close', () => log('socket close'))
        for (const name of ['aborted', 'end', 'close']) req.on(name, () => log(`req ${name}`))
        for (const name of ['finish', 'close']) res.on(name, () => log(`res ${name}`))
        const { writeHead } = res
        res.writeHead = function (...args) {
          // what comes meanwhile is found at once: the end of the file, of its connection, and the next one's request
          setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500))
          return writeHead.apply(this, args)
        }
        res.sendFile(path.join(__dirname, '..', 'ecosystem', 'fixtures', 'public', 'hello.txt'))
      },
    async exchange({ open, request, until }) {
      const connection = await open()
      connection.write('GET /file HTTP/1.1\r\nHost: a\r\n\r\n')
      const first = await connection.readResponse()
      connection.destroy()
      // its place is free by then, and the next takes it
      await new Promise((resolve) => setTimeout(resolve, 100))
      const next = await request({ path: '/' })
      await until(5)
      return [first, next]
    }
  }
])
