'use strict'

// The head of a response: header methods and their errors, case and order of names, flushHeaders; what the properties say at
// each moment. writeHead is in response-write-head.test.js, the lines that Node adds in response-framing.test.js.

const { one, suite } = require('./harness')

const LONG = 'v'.repeat(20_000)

/** A case that logs what a list of attempts gives, then ends the response unless one of them did. */
const attempts = (name, list, before) =>
  one(name, (req, res, { log, attempt }) => {
    before?.(res)
    for (const fn of list)
      log(
        fn.toString(),
        attempt(() => fn(res, req))
      )
    if (!res.writableEnded) res.end('end')
  })

suite(__filename, [
  one('nothing set', (req, res) => res.end()),
  one('nothing set, a body', (req, res) => res.end('body')),
  one('nothing set, HEAD', (req, res) => res.end('body'), { method: 'HEAD', path: '/' }),
  one('case and order of names as written', (req, res) => {
    res.setHeader('x-LOWER-upper', '1')
    res.setHeader('Content-TYPE', 'text/plain')
    res.setHeader('ETAG', '"x"')
    res.setHeader('X-Last', 'z')
    res.setHeader('X-lower-UPPER', 'again')
    res.setHeader('a', 'b')
    res.end('ok')
  }),
  one('values: numbers, arrays, empty, latin1', (req, res) => {
    res.setHeader('X-Number', 42)
    res.setHeader('X-Array', ['a', 'b', 3])
    res.setHeader('Set-Cookie', ['a=1', 'b=2'])
    res.setHeader('X-Empty', '')
    res.setHeader('X-Latin', 'gr\xfc\xdfe')
    res.setHeader('X-Spaces', '  padded  ')
    res.setHeader('X-Tab', 'a\tb')
    res.setHeader('X-Empty-Array', [])
    res.setHeader('X-True', true)
    res.end()
  }),
  ...['Date', 'Connection', 'Content-Length', 'Transfer-Encoding'].flatMap((name) => [
    one(`${name} without a value`, (req, res) => {
      res.setHeader(name, [])
      res.end('body')
    }),
    one(`${name} without a value, in writeHead`, (req, res) => {
      res.writeHead(200, { [name]: [] })
      res.write('a')
      res.end('b')
    })
  ]),
  one('20 kB value', (req, res) => {
    res.setHeader('X-Long', LONG)
    res.end()
  }),
  one('500 headers', (req, res) => {
    for (let i = 0; i < 500; i++) res.setHeader(`X-${i}`, i)
    res.end()
  }),
  attempts('header methods and what they return', [
    (res) => res.setHeader('X-A', '1'),
    (res) => res.setHeader('x-b', ['1', '2']),
    (res) => res.getHeader('x-a'),
    (res) => JSON.stringify(res.getHeader('X-B')),
    (res) => res.getHeader('none'),
    (res) => res.hasHeader('X-a'),
    (res) => res.hasHeader('none'),
    (res) => JSON.stringify(res.getHeaderNames()),
    (res) => JSON.stringify(res.getRawHeaderNames()),
    (res) => JSON.stringify(res.getHeaders()),
    (res) => Object.getPrototypeOf(res.getHeaders()) === null,
    (res) => res.appendHeader('X-A', '2'),
    (res) => res.appendHeader('X-New', ['n', 'm']),
    (res) => JSON.stringify(res.getHeaders()),
    (res) => res.removeHeader('X-B'),
    (res) => res.removeHeader('never there'),
    (res) => JSON.stringify(res.getHeaders()),
    (res) =>
      res.setHeaders(
        new Map([
          ['X-Map', 'm'],
          ['x-a', 'replaced']
        ])
      ),
    (res) => res.setHeaders(new Headers({ 'X-Headers': 'h' })),
    (res) => JSON.stringify(res.getHeaders()),
    (res) => res.setTimeout(1000),
    (res) => res.cork(),
    (res) => res.uncork(),
    (res) => res.flushHeaders(),
    (res) => res.headersSent,
    (res) => JSON.stringify(res.getHeaders())
  ]),
  attempts('errors of header names and values', [
    (res) => res.setHeader('Bad Name', '1'),
    (res) => res.setHeader('', '1'),
    (res) => res.setHeader('X:Y', '1'),
    (res) => res.setHeader('Ünï', '1'),
    (res) => res.setHeader(undefined, '1'),
    (res) => res.setHeader(7, '1'),
    (res) => res.setHeader('X', undefined),
    (res) => res.setHeader('X', 'a\r\nb'),
    (res) => res.setHeader('X', 'a\nb'),
    (res) => res.setHeader('X', 'nul\u0000'),
    (res) => res.setHeader('X', 'snow \u2603'),
    (res) => res.setHeader('X', ['fine', 'bad\n']),
    (res) => res.setHeader('X', [undefined]),
    (res) => res.setHeader('X'),
    (res) => res.setHeader('X', null),
    (res) => res.setHeader('X', {}),
    (res) => res.setHeader('X', Symbol('s')),
    (res) => res.getHeader(),
    (res) => res.getHeader(5),
    (res) => res.hasHeader(null),
    (res) => res.removeHeader({}),
    (res) => res.appendHeader('Bad Name', '1'),
    (res) => res.appendHeader('X', 'a\r\nb'),
    (res) => res.appendHeader('X'),
    (res) => res.setHeaders({ plain: 'object' }),
    (res) => res.setHeaders([['a', 'b']]),
    (res) => JSON.stringify(res.getHeaders())
  ]),
  attempts(
    'after the head was sent',
    [
      (res) => res.setHeader('X', '1'),
      (res) => res.appendHeader('X', '1'),
      (res) => res.removeHeader('X-Before'),
      (res) => res.setHeaders(new Map([['a', 'b']])),
      (res) => res.writeHead(200),
      (res) => res.flushHeaders(),
      (res) => res.getHeader('x-before'),
      (res) => res.hasHeader('x-before'),
      (res) => JSON.stringify(res.getHeaderNames()),
      (res) => res.headersSent,
      (res) => {
        res.statusCode = 500
      },
      (res) => res.writeContinue(),
      (res) => res.writeEarlyHints({ link: '</a>; rel=preload' })
    ],
    (res) => {
      res.setHeader('X-Before', 'b')
      res.write('written')
    }
  ),
  attempts(
    'after the end',
    [
      (res) => res.setHeader('X', '1'),
      (res) => res.removeHeader('X'),
      (res) => res.writeHead(200),
      (res) => res.end(),
      (res) => res.headersSent,
      (res) => res.writableEnded,
      (res) => res.finished,
      (res) => res.writable,
      (res) => res.addTrailers({ 'X-T': '1' }),
      (res) => res.flushHeaders()
    ],
    (res) => {
      res.on('error', () => {})
      res.end('ended')
    }
  ),
  attempts('status codes', [
    (res) => res.writeHead(99),
    (res) => res.writeHead(1000),
    (res) => res.writeHead('200x'),
    (res) => res.writeHead(undefined),
    (res) => res.writeHead(null),
    (res) => res.writeHead(-1),
    (res) => res.writeHead(NaN),
    (res) => res.writeHead({}),
    (res) => {
      res.statusCode = 42
      res.end()
    },
    (res) => {
      res.statusCode = 'abc'
      res.flushHeaders()
    },
    (res) => {
      res.statusCode = 200
    },
    (res) => res.writeHead(200, 'bad\nreason'),
    (res) => res.writeHead(200, { Bad: 'a\nb' }),
    (res) => res.writeHead(200, { 'Bad Name': 'x' }),
    (res) => res.writeHead(200, ['odd']),
    (res) => res.writeHead(200, { Undefined: undefined }),
    (res) => res.headersSent
  ]),
  one('status code and message by property', (req, res) => {
    res.statusCode = 418
    res.statusMessage = 'Short and stout'
    res.end()
  }),
  one('flushHeaders, then a body', (req, res, { log }) => {
    res.setHeader('X-A', '1')
    res.flushHeaders()
    log(res.headersSent)
    setImmediate(() => res.end('later'))
  }),
  one('flushHeaders, then nothing', (req, res) => {
    res.flushHeaders()
    setImmediate(() => res.end())
  }),
  one('properties of a new response', (req, res, { log }) => {
    const names = [
      'statusCode',
      'statusMessage',
      'headersSent',
      'sendDate',
      'finished',
      'writable',
      'writableEnded',
      'writableFinished',
      'writableLength',
      'writableHighWaterMark',
      'writableCorked',
      'writableObjectMode',
      'writableNeedDrain',
      'destroyed',
      'closed',
      'errored',
      'strictContentLength',
      'chunkedEncoding',
      'shouldKeepAlive',
      'useChunkedEncodingByDefault',
      '_header',
      '_headerSent',
      '_hasBody',
      '_contentLength',
      '_removedTE',
      '_removedContLen',
      '_removedConnection',
      '_last',
      '_keepAliveTimeout',
      'maxRequestsOnConnectionReached',
      'outputSize'
    ]
    log(names.map((name) => [name, typeof res[name], res[name] ?? null]))
    log(res.socket === req.socket, res.connection === res.socket, res.req === req)
    res.end('x')
    log(names.map((name) => [name, name === '_header' ? typeof res[name] : (res[name] ?? null)]))
    res.on('finish', () => log('finish', res.writableFinished, res.writableLength, res.destroyed))
    res.on('close', () =>
      log('close', res.destroyed, res.closed, res.socket === null, res.writable, res.writableEnded)
    )
  }),
  one('_implicitHeader, _header and a replaced writeHead', (req, res, { log }) => {
    const writeHead = res.writeHead
    res.writeHead = function (...args) {
      log('writeHead', args)
      this.setHeader('X-Late', 'set in writeHead')
      return writeHead.apply(this, args)
    }
    log(res._header === null || res._header === undefined)
    res._implicitHeader()
    log(res._header.split('\r\n').map((l) => l.replace(/^Date: .*/, 'Date')))
    res.end('x')
  }),
  one('replaced end, write and setHeader see the calls of Express', (req, res, { log }) => {
    for (const name of ['setHeader', 'write', 'end']) {
      const original = res[name]
      res[name] = function (...args) {
        log(
          name,
          args.map((a) => (typeof a === 'function' ? 'function' : a))
        )
        return original.apply(this, args)
      }
    }
    res.status(201).json({ a: 1 })
  }),
  one('assigning res.headers and own properties', (req, res, { log }) => {
    res.locals.x = 1
    res.own = { a: 1 }
    log(Object.keys(res.locals), res.own)
    res.end()
  }),
  {
    name: 'a response per request: headers do not leak over keep-alive',
    serve: () => (req, res) => {
      if (req.url === '/1') res.setHeader('X-One', '1')
      res.end(JSON.stringify(res.getHeaders()))
    },
    async exchange({ open, encodeRequest }) {
      const connection = await open()
      const out = []
      for (const path of ['/1', '/2', '/1']) {
        connection.write(encodeRequest({ path }))
        out.push(await connection.readResponse())
      }
      return out
    }
  },
  ...['send', 'end', 'write', 'append'].map((how) => ({
    name: `an answer to HEAD has no body, whatever req.method has become: ${how}`,
    serve: () => (req, res) => {
      req.method = 'DELETE'
      if (how === 'send') return res.send('sent')
      if (how === 'end') return res.end('ended')
      if (how === 'append') return res.appendHeader('X-More', '1').end('ended')
      res.write('one')
      setImmediate(() => res.end('two'))
    },
    // read to the end: bytes behind the head would be taken for the next answer
    exchange: (client) =>
      client.raw('HEAD / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n')
  })),
  one('toISOString-like objects as values', (req, res, { log, attempt }) => {
    log(attempt(() => res.setHeader('X-Date', new Date(0))))
    log(attempt(() => res.setHeader('X-Object', { toString: () => 'from toString' })))
    log(attempt(() => res.setHeader('X-BigInt', 10n)))
    log(res.getHeaderNames(), typeof res.getHeader('X-Date'))
    res.end()
  })
])
