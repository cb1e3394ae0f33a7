'use strict'

// What a handler sees of a request's head: url, method, version, headers in every form, odd spellings.

const { suite } = require('./harness')

/** Answers with what the handler sees. */
const show = () => (req, res) => {
  res.setHeader('Content-Type', 'application/json')
  res.end(
    JSON.stringify({
      method: req.method,
      url: req.url,
      version: [req.httpVersion, req.httpVersionMajor, req.httpVersionMinor],
      headers: req.headers,
      rawHeaders: req.rawHeaders,
      distinct: req.headersDistinct,
      trailers: [req.trailers, req.rawTrailers, req.trailersDistinct],
      aborted: req.aborted,
      statusCode: req.statusCode,
      statusMessage: req.statusMessage,
      upgrade: req.upgrade
    })
  )
}

const head = (
  name,
  lines,
  { method = 'GET', path = '/', version = '1.1', host = 'Host: app.test\r\n' } = {}
) => ({
  name,
  serve: show,
  async exchange({ open }) {
    const connection = await open()
    connection.write(
      `${method} ${path} HTTP/${version}\r\n${host}${lines.map((l) => `${l}\r\n`).join('')}\r\n`
    )
    return connection.readResponse(method).catch((error) => error.code)
  }
})

suite(__filename, [
  head('plain', []),
  head('names keep their case in rawHeaders', ['X-MiXeD: 1', 'lower: 2', 'UPPER: 3']),
  head('white space around values is trimmed', [
    'X-A:   spaces   ',
    'X-B:\ttab\t',
    'X-C:',
    'X-D: in  the  middle'
  ]),
  head('duplicates: joined with a comma', [
    'X-List: a',
    'x-list: b',
    'X-LIST: c',
    'Accept: text/html',
    'Accept: */*'
  ]),
  head('duplicates: cookies are joined with a semicolon', ['Cookie: a=1', 'Cookie: b=2; c=3']),
  head('duplicates: set-cookie is an array', ['Set-Cookie: a=1', 'Set-Cookie: b=2']),
  head('duplicates: the first of those that cannot be joined', [
    ...[
      'Age',
      'Authorization',
      'Content-Type',
      'ETag',
      'Expires',
      'From',
      'If-Modified-Since',
      'If-Unmodified-Since',
      'Last-Modified',
      'Location',
      'Max-Forwards',
      'Proxy-Authorization',
      'Referer',
      'Retry-After',
      'Server',
      'User-Agent'
    ].flatMap((n) => [`${n}: first`, `${n}: second`])
  ]),
  head('duplicates of Host', ['Host: second.test']),
  head('names that are properties of every object', [
    '__proto__: x',
    'constructor: y',
    'toString: z',
    'hasOwnProperty: h',
    '__proto__: again'
  ]),
  head('latin1 bytes in values', ['X-Latin: gr\xfc\xdfe', 'X-High: \xff\x80']),
  head('UTF-8 bytes in values arrive as latin1', [
    `X-Utf: ${Buffer.from('ünï✓').toString('latin1')}`
  ]),
  head('token characters in names', ["!#$%&'*+-.^_`|~09azAZ: ok"]),
  head(
    '300 headers',
    Array.from({ length: 300 }, (_, i) => `X-Number-${i}: ${i}`)
  ),
  head(
    '1100 short headers',
    Array.from({ length: 1100 }, (_, i) => `a${i}: ${i}`)
  ),
  head('an empty value among others', ['X-Empty:', 'X-Empty: not', 'X-Empty:']),
  head('quoted commas and semicolons stay', ['X-Quoted: "a, b"; c="d;e"']),
  ...[
    'GET',
    'POST',
    'PUT',
    'PATCH',
    'DELETE',
    'OPTIONS',
    'TRACE',
    'PROPFIND',
    'M-SEARCH',
    'PURGE',
    'LINK',
    'QUERY',
    'SEARCH',
    'UNSUBSCRIBE',
    'REPORT',
    'MKCALENDAR',
    'SOURCE'
  ].map((method) => head(`method ${method}`, [], { method })),
  head('method HEAD', [], { method: 'HEAD' }),
  head('unknown method', [], { method: 'BREW' }),
  head('lower-case method', [], { method: 'get' }),
  head('query and fragment', [], { path: '/a?b=c&d[]=%C3%A4&e=+#frag' }),
  head('percent escapes stay as they are', [], { path: '/%61%2f%zz%' }),
  head('double slashes and dots', [], { path: '//a/./b/../c//' }),
  head('absolute form', [], { path: 'http://other.test/path?x=1' }),
  head('asterisk form', [], { method: 'OPTIONS', path: '*' }),
  head('bytes above ASCII in the url', [], { path: '/\xe4\xf6' }),
  head('characters that a browser would escape', [], { path: '/"<>`{}|\\^[]' }),
  head('only a question mark', [], { path: '/?' }),
  head('url without a slash', [], { path: 'nothing' }),
  head('url of 8000 bytes', [], { path: `/${'u'.repeat(8000)}` }),
  head('HTTP/1.0 without Host', [], { version: '1.0', host: '' }),
  head('HTTP/1.1 without Host', [], { host: '' }),
  head('empty Host', [], { host: 'Host:\r\n' }),
  head('Connection names', [
    'Connection: X-Private, keep-alive',
    'X-Private: 1',
    'Keep-Alive: 300'
  ]),
  head('authorization, ranges, forwarded', [
    'Authorization: Basic eDp5',
    'Range: bytes=0-1',
    'X-Forwarded-For: 1.2.3.4, 5.6.7.8',
    'Forwarded: for=1.2.3.4'
  ]),
  {
    name: 'complete: in the handler, after a turn, at the end',
    serve:
      ({ log }) =>
      (req, res) => {
        log(req.complete)
        process.nextTick(() => log('tick', req.complete))
        setImmediate(() => {
          log('turn', req.complete)
          res.end()
        })
      },
    exchange: async ({ request }) => [
      await request({ path: '/' }),
      await request({ method: 'POST', path: '/', body: 'x' })
    ]
  },
  {
    name: 'changes to headers stay with the request',
    serve:
      ({ log }) =>
      (req, res) => {
        req.headers['x-added'] = 'yes'
        delete req.headers['x-remove']
        log(
          req.headers,
          Object.keys(req.headers),
          'x-remove' in req.headers,
          Object.is(req.headers, req.headers)
        )
        req.headers = { replaced: 'all' }
        log(req.headers, req.rawHeaders.length)
        req.url = '/rewritten'
        req.method = 'PATCH'
        log(req.url, req.method)
        res.end()
      },
    exchange: ({ request }) => request({ path: '/x', headers: { 'X-Remove': '1', 'X-Stay': '2' } })
  },
  {
    name: 'the headers object: prototype, keys, order',
    serve:
      ({ log }) =>
      (req, res) => {
        log(
          Object.getPrototypeOf(req.headers) === Object.prototype,
          Object.getPrototypeOf(req.headers) === null,
          Object.keys(req.headers)
        )
        log(
          Object.getPrototypeOf(req.headersDistinct) === null,
          Object.getPrototypeOf(req.trailersDistinct) === null
        )
        log(
          Array.isArray(req.rawHeaders),
          { ...req.headers },
          JSON.stringify(req.headers),
          Object.entries(req.headersDistinct)
        )
        const seen = []
        for (const name in req.headers) seen.push(name)
        log(seen)
        res.end()
      },
    exchange: ({ request }) =>
      request({
        path: '/',
        headers: [
          ['B', '1'],
          ['a', '2'],
          ['b', '3'],
          ['10', 'ten'],
          ['2', 'two']
        ]
      })
  },
  {
    name: 'setTimeout, setEncoding, inherited methods and their returns',
    serve:
      ({ log, attempt }) =>
      (req, res) => {
        log(
          attempt(() => req.setTimeout(1000) === req),
          attempt(() => req.setEncoding('utf8') === req),
          attempt(() => req.pause() === req),
          attempt(() => req.resume() === req)
        )
        log(
          attempt(() => req.isPaused()),
          attempt(() => req.readableEnded),
          attempt(() => req.readable),
          attempt(() => req.destroyed),
          attempt(() => req.readableFlowing),
          attempt(() => req.readableHighWaterMark),
          attempt(() => req.readableEncoding),
          attempt(() => req.readableObjectMode)
        )
        log(
          typeof req.on,
          typeof req.emit,
          req.listenerCount('data'),
          req.connection === req.socket,
          req.client === req.socket,
          req.res === res,
          res.req === req
        )
        res.end()
      },
    exchange: ({ request }) => request({ path: '/' })
  },
  {
    name: 'instanceof and prototypes',
    serve: ({ express, log }) => {
      const http = require('node:http')
      const stream = require('node:stream')
      const app = express()
      app.get('/', (req, res) => {
        log(
          req instanceof http.IncomingMessage,
          req instanceof stream.Readable,
          res instanceof http.ServerResponse,
          res instanceof http.OutgoingMessage,
          res instanceof stream.Writable,
          req instanceof require('node:events')
        )
        log(
          Object.getPrototypeOf(req) === app.request,
          Object.getPrototypeOf(res) === app.response,
          Object.prototype.toString.call(req),
          req.constructor.name,
          res.constructor.name
        )
        res.json('ok')
      })
      return app
    },
    exchange: ({ request }) => request({ path: '/' })
  }
])
