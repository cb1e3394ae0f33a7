'use strict'
// What handlers do that none should: what they return, throw and reject with, and how they treat req, res and next. It must
// not say what comes of it: that is Express' to say.

const http = require('node:http')

const circular = () => {
  const value = {}
  value.self = value
  return value
}
const error = (more) => Object.assign(new Error('made'), more)
const thrower = (name) =>
  Object.defineProperty(new Error('made'), name, {
    get() {
      throw new Error(`the getter of ${name}`)
    }
  })

/** What is returned. */
const returned = {
  null: () => null,
  number: () => 5,
  bigint: () => 1n,
  text: () => 'text',
  symbol: () => Symbol('s'),
  circular,
  function: () => () => {},
  promise: () => Promise.resolve('value'),
  'thenable that throws': () => ({
    // biome-ignore lint/suspicious/noThenProperty: a thenable is meant
    get then() {
      throw new Error('the getter of then')
    }
  }),
  // biome-ignore lint/suspicious/noThenProperty: a thenable is meant
  'thenable that calls nobody': () => ({ then() {} }),
  // biome-ignore lint/suspicious/noThenProperty: a thenable is meant
  'thenable that rejects': () => ({ then: (_, reject) => reject(new Error('of a thenable')) }),
  proxy: () =>
    new Proxy(
      {},
      {
        get() {
          throw new Error('a proxy')
        }
      }
    )
}

/** What is thrown, given to next(), or what a promise is rejected with. */
const failures = {
  null: () => null,
  undefined: () => undefined,
  zero: () => 0,
  false: () => false,
  'empty text': () => '',
  text: () => 'text',
  route: () => 'route',
  router: () => 'router',
  number: () => 42,
  bigint: () => 42n,
  symbol: () => Symbol('thrown'),
  object: () => ({ status: 418, message: 'an object' }),
  'null prototype': () => Object.assign(Object.create(null), { status: 418 }),
  circular: () => error({ cause: circular() }),
  ...Object.fromEntries(
    [200, 99, 600, 404.5, -1, Number.NaN, 1e9, '404', 'abc', null, 204, 304, 413, {}].map(
      (status) => [`status ${typeof status} ${String(status)}`, () => error({ status })]
    )
  ),
  statusCode: () => error({ statusCode: 410 }),
  headers: () => error({ status: 401, headers: { 'X-A': 'b', 'WWW-Authenticate': 'Basic' } }),
  'headers CRLF': () => error({ status: 401, headers: { 'X-A': 'b\r\nX-C: d' } }),
  'headers of bad names': () => error({ status: 401, headers: { 'bad name': 'b' } }),
  'headers null': () => error({ status: 401, headers: null }),
  'headers text': () => error({ status: 401, headers: 'text' }),
  'headers length': () => error({ status: 401, headers: { 'Content-Length': 3 } }),
  'headers undefined value': () => error({ status: 401, headers: { 'X-A': undefined } }),
  'no stack': () => error({ stack: undefined }),
  'stack number': () => error({ stack: 5 }),
  'getter stack': () => thrower('stack'),
  'getter message': () => thrower('message'),
  'getter status': () => thrower('status'),
  'getter headers': () => Object.assign(thrower('headers'), { status: 401 }),
  'markup in message': () => error({ message: '<script>alert(1)</script>', expose: true }),
  frozen: () => Object.freeze(new Error('frozen')),
  function: () => () => 'thrown'
}

/** What a handler does to req, res and next. Each is called in a handler; what it throws is the handler's. */
const acts = {
  'send twice': ({ res }) => res.send('a') && res.send('b'),
  'json twice': ({ res }) => res.json(1) && res.json(2),
  'end twice': ({ res }) => res.end('a') && res.end('b'),
  'end then send': ({ res }) => res.end('a') && res.send('b'),
  'send then next': ({ res, next }) => {
    res.send('a')
    next()
  },
  'send then next(err)': ({ res, next }) => {
    res.send('a')
    next(new Error('after send'))
  },
  'send then throw': ({ res }) => {
    res.send('a')
    throw new Error('after send')
  },
  'write then throw': ({ res }) => {
    res.write('a')
    throw new Error('after write')
  },
  'write then next(err)': ({ res, next }) => {
    res.write('a')
    next(new Error('after write'))
  },
  'next twice': ({ next }) => {
    next()
    next()
  },
  'next then send': ({ res, next }) => {
    next()
    res.send('b')
  },
  'next then throw': ({ next }) => {
    next()
    throw new Error('after next')
  },
  'next(err) twice': ({ next }) => {
    next(new Error('1'))
    next(new Error('2'))
  },
  'next later': ({ res, next }) => {
    res.send('a')
    setImmediate(next)
  },
  'next(err) later': ({ res, next }) => {
    res.send('a')
    setImmediate(next, new Error('late'))
  },
  'write after end': ({ res }) => {
    res.end('a')
    return res.write('b', (err) => err && res.req.note('write', err))
  },
  'setHeader after end': ({ res }) => {
    res.end('a')
    res.setHeader('X', 'y')
  },
  'removeHeader after end': ({ res }) => {
    res.end('a')
    res.removeHeader('X')
  },
  'writeHead after end': ({ res }) => {
    res.end('a')
    res.writeHead(200)
  },
  'writeHead twice': ({ res }) => res.writeHead(200) && res.writeHead(201),
  'writeHead then setHeader': ({ res }) => res.writeHead(200) && res.setHeader('X', 'y'),
  'writeHead then send': ({ res }) => res.writeHead(200) && res.send('x'),
  'flushHeaders after end': ({ res }) => {
    res.end('a')
    res.flushHeaders()
  },
  ...Object.fromEntries(
    [null, undefined, 5, 1n, true, {}, [], () => {}, Symbol('s')].flatMap((value) => {
      const name = `${Array.isArray(value) ? 'array' : typeof value} ${value === null}`
      return [
        [`write ${name}`, ({ res }) => res.write(value) && res.end()],
        [`end ${name}`, ({ res }) => res.end(value)],
        [`send ${name}`, ({ res }) => res.send(value)],
        [`json ${name}`, ({ res }) => res.json(value)],
        [`status ${name}`, ({ res }) => res.status(value).send('x')],
        [`sendStatus ${name}`, ({ res }) => res.sendStatus(value)],
        [
          `statusCode ${name}`,
          ({ res }) => {
            res.statusCode = value
            res.send('x')
          }
        ],
        [`set ${name}`, ({ res }) => res.set('X-Value', value).send('x')],
        [`set name ${name}`, ({ res }) => res.set(value, 'x').send('x')],
        [`redirect ${name}`, ({ res }) => res.redirect(value)],
        [`type ${name}`, ({ res }) => res.type(value).send('x')],
        [`cookie ${name}`, ({ res }) => res.cookie('n', value).send('x')],
        [`sendFile ${name}`, ({ res }) => res.sendFile(value)],
        [
          `req.url ${name}`,
          ({ req, next }) => {
            req.url = value
            next()
          }
        ],
        [
          `req.method ${name}`,
          ({ req, next }) => {
            req.method = value
            next()
          }
        ],
        [
          `res.end ${name}`,
          ({ res }) => {
            res.end = value
            res.send('x')
          }
        ],
        [
          `req.headers ${name}`,
          ({ req, res }) => {
            req.headers = value
            res.send('x')
          }
        ],
        [
          `res.locals ${name}`,
          ({ res, next }) => {
            res.locals = value
            next()
          }
        ]
      ]
    })
  ),
  ...Object.fromEntries(
    [99, 100, 101, 199, 204, 304, 600, 999, 1000, 200.5, '200', 'abc', -1].flatMap((status) => [
      [`status(${status})`, ({ res }) => res.status(status).send('body')],
      [`writeHead(${status})`, ({ res }) => res.writeHead(status).end('body')]
    ])
  ),
  'json circular': ({ res }) => res.json(circular()),
  'json toJSON throws': ({ res }) =>
    res.json({
      toJSON() {
        throw new Error('toJSON')
      }
    }),
  'header CRLF': ({ res }) => res.set('X', 'a\r\nY: z').send('x'),
  'header CRLF in a list': ({ res }) => res.set('X', ['a', 'b\r\nY: z']).send('x'),
  'header past ASCII': ({ res }) => res.set('X', '\u2603').send('x'),
  'header name CRLF': ({ res }) => res.set('X\r\nY', 'z').send('x'),
  'header name empty': ({ res }) => res.set('', 'z').send('x'),
  'huge header': ({ res }) => res.set('X', 'y'.repeat(40_000)).send('x'),
  'many headers': ({ res }) => {
    for (let i = 0; i < 3000; i++) res.set(`X-${i}`, 'y')
    res.send('x')
  },
  'reason CRLF': ({ res }) => res.writeHead(200, 'a\r\nX: y').end('x'),
  'length too long': ({ res }) => res.set('Content-Length', '10').end('short'),
  'length too short': ({ res }) => res.set('Content-Length', '2').end('longer'),
  'length no number': ({ res }) => res.set('Content-Length', 'abc').end('x'),
  'length and chunked': ({ res }) =>
    res.set('Content-Length', '1').set('Transfer-Encoding', 'chunked').end('x'),
  'render nothing': ({ res }) => res.render('nothing'),
  'sendFile relative': ({ res }) => res.sendFile('relative.txt'),
  'prototype of res null': ({ res, next }) => {
    Object.setPrototypeOf(res, null)
    next()
  },
  "prototype of res Node's": ({ res, next }) => {
    Object.setPrototypeOf(res, http.ServerResponse.prototype)
    next()
  },
  "prototype of req Node's": ({ req, next }) => {
    Object.setPrototypeOf(req, http.IncomingMessage.prototype)
    next()
  },
  'prototype of res, then end': ({ res }) => {
    Object.setPrototypeOf(res, http.ServerResponse.prototype)
    res.end('x')
  },
  'freeze locals': ({ res, next }) => {
    Object.freeze(res.locals)
    next()
  },
  'res.send undefined': ({ res }) => {
    res.send = undefined
    res.json({})
  },
  'res.app null': ({ res }) => {
    res.app = null
    res.send('x')
  },
  'res.req null': ({ res }) => {
    res.req = null
    res.send('x')
  },
  'req.app null': ({ req, next }) => {
    req.app = null
    next()
  },
  'req.next null': ({ req, next }) => {
    req.next = null
    next()
  },
  'req.res null': ({ req, res }) => {
    req.res = null
    res.send('x')
  },
  'headersSent throws': ({ res }) => {
    Object.defineProperty(res, 'headersSent', {
      get() {
        throw new Error('headersSent')
      }
    })
    res.send('x')
  },
  'setHeader throws': ({ res }) => {
    res.setHeader = () => {
      throw new Error('setHeader')
    }
    res.send('x')
  },
  'writeHead throws': ({ res }) => {
    res.writeHead = () => {
      throw new Error('writeHead')
    }
    res.send('x')
  },
  'emit error on req': ({ req }) => req.emit('error', new Error('emitted')),
  'emit error on res': ({ res }) => res.emit('error', new Error('emitted')),
  'emit close on res': ({ res }) => {
    res.emit('close')
    res.send('x')
  },
  'res.destroy(err)': ({ res }) => {
    res.on('error', () => {})
    res.destroy(new Error('destroyed'))
  },
  'req.destroy(err)': ({ req }) => {
    req.on('error', () => {})
    req.destroy(new Error('destroyed'))
  },
  'destroy then send': ({ res }) => {
    res.destroy()
    res.send('x')
  },
  'socket.destroy then send': ({ req, res }) => {
    req.socket.destroy()
    res.send('x')
  },
  'throw in a tick': () =>
    process.nextTick(() => {
      throw new Error('in a tick')
    }),
  'throw in an immediate': () =>
    setImmediate(() => {
      throw new Error('in an immediate')
    }),
  'throw in a listener of finish': ({ res }) => {
    res.on('finish', () => {
      throw new Error('in finish')
    })
    res.send('x')
  },
  'throw in a listener of close': ({ res }) => {
    res.on('close', () => {
      throw new Error('in close')
    })
    res.send('x')
  },
  'throw in the callback of end': ({ res }) =>
    res.end('x', () => {
      throw new Error('in the callback')
    }),
  'reject unseen': ({ res }) => {
    Promise.reject(new Error('unseen'))
    res.send('x')
  },
  'redirect CRLF': ({ res }) => res.redirect('/a\r\nX: y'),
  'cookie circular': ({ res }) => res.cookie('n', circular()).send('x'),
  'cookie maxAge': ({ res }) => res.cookie('n', 'v', { maxAge: Number.NaN }).send('x'),
  'cookie signed without secret': ({ res }) => res.cookie('n', 'v', { signed: true }).send('x'),
  'format nothing': ({ res }) => res.format({}),
  'vary nothing': ({ res }) => res.vary().send('x'),
  'req.get nothing': ({ req }) => req.get(),
  'req.is circular': ({ req, res }) => res.json(req.is(circular())),
  'append after sent': ({ res }) => res.send('x') && res.append('X', 'y')
}

/** Every misuse by name: what a handler does with `{ req, res, next }`, and what it returns. */
const misuses = {
  ...Object.fromEntries(Object.entries(returned).map(([name, make]) => [`return ${name}`, make])),
  ...Object.fromEntries(
    Object.entries(failures).flatMap(([name, make]) => [
      [
        `throw ${name}`,
        () => {
          throw make()
        }
      ],
      [`next ${name}`, ({ next }) => next(make())],
      [`reject ${name}`, () => Promise.reject(make())]
    ])
  ),
  ...acts
}

module.exports = { error, misuses }
