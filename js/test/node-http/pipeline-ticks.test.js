'use strict'

// Pipelined requests of one packet: what handlers have begun (ticks, promises) before the next handler is called. Node's
// parser runs it behind each part of a body, and only there.

const { suite } = require('./harness')
const { GET } = require('./pipeline-cases')

const POST = (path, body, lines = '') =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n${lines}\r\n${body}`
const CLOSE = 'Connection: close\r\n'

/** Handlers that tell when they, and what they begin, are called; with a body they read it. */
const telling =
  ({ log }) =>
  (req, res) => {
    const { url } = req
    const tell = (what, ...more) => log(`${what} ${url}`, ...more)
    tell('enter')
    process.nextTick(() => {
      tell('tick', req.complete)
      process.nextTick(() => tell('its tick'))
    })
    Promise.resolve().then(() => {
      tell('promise', req.complete)
      process.nextTick(() => tell('its tick'))
    })
    if (url.includes('read')) {
      req.on('data', (chunk) => tell('data', `${chunk}`))
      req.on('end', () => tell('end'))
    }
    setImmediate(() => {
      tell('immediate')
      res.end(url)
    })
  }

const cases = {
  'no bodies': [GET('/1'), GET('/2'), GET('/3', CLOSE)],
  'a body that nobody reads': [GET('/1'), POST('/2', 'abc'), GET('/3', CLOSE)],
  'bodies that are read': [
    POST('/read1', 'abc'),
    POST('/read2', 'def'),
    GET('/read3'),
    POST('/read4', 'g', CLOSE)
  ],
  'an empty body that is read': [POST('/read1', ''), GET('/read2'), POST('/3', 'a', CLOSE)]
}

suite(__filename, [
  ...Object.entries(cases).map(([name, requests]) => ({
    name,
    serve: telling,
    exchange: ({ raw }) => raw(requests.join(''))
  })),
  {
    name: 'the rest of a body, with requests behind it',
    serve:
      ({ log }) =>
      (req, res) => {
        const tell = (what) => log(`${what} ${req.url}`)
        tell('enter')
        req.on('data', () => {
          tell('data')
          process.nextTick(tell, 'tick')
          Promise.resolve('promise').then(tell)
        })
        req.on('end', () => {
          tell('end')
          res.end(req.url)
        })
      },
    async exchange({ open, until }) {
      const connection = await open()
      const first = POST('/1', 'abcdef')
      connection.write(first.slice(0, -3))
      await until(4)
      connection.write(first.slice(-3) + GET('/2') + POST('/3', 'q') + GET('/4', CLOSE))
      return (await connection.readToEnd()).bytes.toString()
    }
  },
  {
    name: 'the final handler waits for the end of a body that no tick brings',
    serve: () => (req, res, next) => {
      if (req.url === '/1') process.nextTick(() => res.end('answered'))
      else if (req.url === '/2') next()
      else req.socket.destroy()
    },
    exchange: ({ raw }) => raw(GET('/1') + POST('/2', 'abc') + GET('/3'))
  },
  {
    name: 'an answer by a tick, a connection destroyed by the handler behind it',
    serve: () => (req, res) => {
      if (req.url === '/1') {
        process.nextTick(() => res.end('answered'))
      } else if (req.url === '/3') {
        res.end('never sent')
        req.socket.destroy()
      } else res.end('neither')
    },
    exchange: ({ raw }) => raw(GET('/1') + POST('/2', 'abc') + GET('/3'))
  }
])
