'use strict'

// What a program sees that goes through the fields of a message without knowing their names: loggers and debuggers by
// util.inspect, copies by `for … in`. The names are those of Node's messages under Express.

const { inspect } = require('node:util')
const { suite } = require('./harness')

/** Fields of Node's server alone, and those that have their value from a prototype in Node. */
const OWN = ['_maxRequestsPerSocket', 'statusCode', 'statusMessage']

const REQUEST =
  'POST /a/5?q=1 HTTP/1.1\r\nHost: h\r\nX-A: b\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}'

/** Not the same on every Node, and one that Express' router leaves behind. */
const ADDED = ['signal', '_parsedUrl']

/** The names that stand at the first level of an inspected object, sorted. */
function names(text, without = []) {
  const found = [...text.matchAll(/^ {2}(\[Symbol\([\w.]+\)\]|\w+):/gm)].map(([, name]) => name)
  return found.filter((name) => !without.includes(name) && !name.includes('router.tracing')).sort()
}

function enumerable(object) {
  const found = []
  for (const name in object) if (!ADDED.includes(name)) found.push(name)
  return found.sort()
}

const looks = {
  'before anything else': () => {},
  'after headers and sockets': (req, res) => [req.headers, res.socket],
  'of a request with listeners': (req) => req.on('close', () => {}),
  'of a response with headers': (_req, res) =>
    res.set({ 'X-B': 'c', 'Set-Cookie': ['a=b', 'c=d'] }),
  'of a response that has begun': (_req, res) => res.write('begun')
}

suite(__filename, [
  ...Object.entries(looks).map(([name, look]) => ({
    name: `inspected ${name}`,
    serve({ express, log }) {
      const app = express()
      app.post('/a/:id', (req, res) => {
        look(req, res)
        log(names(inspect(req, { depth: 0 })))
        log(names(inspect(res, { depth: 0 }), [...OWN, '[Symbol(kUniqueHeaders)]']))
        log(
          inspect({ req, res }, { depth: null }).includes('[Circular'),
          inspect(req).includes("'X-A'")
        )
        log(inspect(res).includes("'X-B'"), inspect(req).startsWith('IncomingMessage {'))
        // a look changes nothing
        req.on('data', (chunk) => log(String(chunk)))
        req.on('end', () => res.end('over'))
      })
      return app
    },
    exchange: async ({ raw, until }) => [await raw(REQUEST), await until(5)]
  })),
  {
    name: 'enumerated by for … in',
    serve({ express, log }) {
      const app = express()
      app.post('/a/:id', (req, res) => {
        log(enumerable(req))
        log(enumerable(res))
        const copy = {}
        for (const name in req) copy[name] = req[name]
        log(
          copy.rawHeaders,
          copy.httpVersion,
          copy.method,
          copy.res === res,
          copy.socket === req.socket
        )
        log(copy.complete, copy.aborted)
        res.json(copy.params)
      })
      return app
    },
    exchange: async ({ raw, until }) => [await raw(REQUEST), await until(4)]
  }
])
