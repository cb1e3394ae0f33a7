'use strict'

// Responses with a write() and an end() of somebody else's in front of their own, as compression and sessions put them there: what
// these hand on, whole or in pieces, at once or later, comes out as under Node.

const { suite, one } = require('./harness')

const TEXT = 'an answer of some length, with ü in it. '.repeat(40)

/** What stands in front of the response's own methods: each gets them bound, and the response. */
const WRAPPERS = {
  'they only pass on': (write, end) => ({ write, end }),
  'end() writes all but the last byte, and ends a turn later': (write, end, res) => ({
    write,
    end(chunk, encoding) {
      if (!chunk || res.finished) return end(chunk, encoding)
      if (!res.headersSent) res._implicitHeader()
      const bytes = Buffer.from(chunk, encoding)
      const result = write(bytes.subarray(0, -1))
      setImmediate(() => end(bytes.subarray(-1)))
      return result
    }
  }),
  'end() writes, and ends in the same tick': (write, end) => ({
    write,
    end(chunk, encoding, callback) {
      if (chunk) write(chunk, encoding)
      return end(callback)
    }
  }),
  'write() fixes the head first': (write, end, res) => ({
    write(chunk, encoding, callback) {
      if (!res.headersSent) res.writeHead(res.statusCode)
      return write(chunk, encoding, callback)
    },
    end
  }),
  'the own ones are put back by the first call': (write, end, res) => ({
    write(...args) {
      delete res.write
      delete res.end
      return res.write(...args)
    },
    end(...args) {
      delete res.write
      delete res.end
      return res.end(...args)
    }
  })
}

function wrap(res, make) {
  const { write, end } = res
  Object.assign(res, make(write.bind(res), end.bind(res), res))
}

/** What handlers do with such a response. */
const HANDLERS = {
  json: (req, res) => res.json({ text: TEXT }),
  'send of a buffer': (req, res) => res.send(Buffer.from(TEXT)),
  'write and end': (req, res, { log }) => {
    res.setHeader('Content-Length', Buffer.byteLength(TEXT))
    log(res.write(TEXT.slice(0, 50)), res.writableLength > 0, res.headersSent)
    setImmediate(() => res.end(TEXT.slice(50), 'utf8', () => log('callback')))
  },
  'more than the window': async (req, res, { log }) => {
    for (let i = 0; i < 12; i++) {
      if (!res.write('x'.repeat(16384))) await new Promise((resolve) => res.once('drain', resolve))
    }
    log(res.writableNeedDrain)
    res.end('end')
  },
  'a length that is too small': (req, res) => {
    res.set({ 'Content-Length': '10', Connection: 'close' })
    res.write(TEXT)
    res.end(TEXT)
  },
  'no body': (req, res) => res.status(204).end(),
  'a write behind the end': (req, res, { log }) => {
    res.on('error', (err) => log(err.code))
    res.end(TEXT)
    res.write('late', (err) => log(err?.code))
  },
  'destroyed in mid-stream': (req, res) => {
    res.write(TEXT)
    setImmediate(() => res.destroy())
  },
  'cork behind the first bytes': (req, res) => {
    res.write('first')
    res.cork()
    res.write(TEXT)
    setImmediate(() => {
      res.uncork()
      res.end('last')
    })
  }
}

const REQUESTS = { GET: { path: '/' }, HEAD: { path: '/', method: 'HEAD' } }

suite(
  __filename,
  Object.entries(WRAPPERS).flatMap(([how, make]) =>
    Object.entries(HANDLERS).flatMap(([what, handle]) =>
      Object.entries(REQUESTS).map(([method, request]) => ({
        ...one(`${how}: ${what}, ${method}`, undefined, request),
        serve: (ctx) => {
          const app = ctx.express()
          app.use((req, res, next) => {
            for (const event of ['finish', 'close', 'prefinish'])
              res.on(event, () => ctx.log(event, res.writableFinished, res.writableEnded))
            wrap(res, make)
            next()
          })
          app.use((req, res) => handle(req, res, ctx))
          return app
        }
      }))
    )
  )
)
