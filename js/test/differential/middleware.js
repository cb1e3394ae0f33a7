'use strict'
// The npm middleware that generated programs put together, by name: made from plain options. Where a package takes
// something random or looks at the clock, it is given what is the same in every run. It must not judge.

const { createRequire } = require('node:module')
const path = require('node:path')

const ECOSYSTEM = path.join(__dirname, '..', 'ecosystem')
const load = createRequire(path.join(ECOSYSTEM, 'package.json'))
const PUBLIC = path.join(ECOSYSTEM, 'fixtures', 'public')

/** Secret of signed cookies and sessions; stacks.js signs with it what clients send. */
const SECRET = 'keyboard cat'

/** @type {Record<string, (options: object, trace: object, value: Function) => Function>} */
const MIDDLEWARE = {
  'body-parser': ({ kind, ...options }) => load('body-parser')[kind](options),
  compression: (options) => load('compression')(options),
  'cookie-parser': ({ secret }) => load('cookie-parser')(secret),
  'cookie-session': (options) => load('cookie-session')({ keys: ['k1', 'k2'], ...options }),
  cors: (options) => load('cors')(options),
  'express-session': (options) => {
    let ids = 0
    return load('express-session')({ secret: SECRET, genid: () => `id${++ids}`, ...options })
  },
  helmet: (options) => load('helmet').default(options),
  'method-override': ({ getter, methods }) =>
    load('method-override')(
      getter === 'body' ? (req) => req.body?._method : getter,
      methods && { methods }
    ),
  morgan: ({ format, immediate }, trace) =>
    load('morgan')(format, {
      immediate,
      stream: { write: (line) => trace.note('morgan', line.trim()) }
    }),
  'on-headers': ({ name }) => {
    const onHeaders = load('on-headers')
    return (_req, res, next) => {
      onHeaders(res, function () {
        this.setHeader(name, String(this.statusCode))
      })
      next()
    }
  },
  'on-finished': (_options, trace) => {
    const onFinished = load('on-finished')
    return (req, res, next) => {
      onFinished(res, (err) => trace.log(req, 'on-finished', String(err?.code ?? err)))
      next()
    }
  },
  'response-time': (options) => load('response-time')({ digits: 0, ...options }),
  'serve-index': (options) => load('serve-index')(PUBLIC, options),
  'serve-static': ({ setHeaders, ...options }) =>
    load('serve-static')(PUBLIC, {
      ...options,
      ...(setHeaders && {
        setHeaders(res, file, stat) {
          res.setHeader('X-File', `${path.basename(file)} ${stat.size}`)
        }
      })
    }),
  vhost: ({ host }, trace) =>
    load('vhost')(host, (req, _res, next) => {
      trace.log(req, 'vhost', req.vhost.hostname, req.vhost.length)
      next()
    })
}

/**
 * @param {{ name: string, options: object }} layer
 * @param {object} trace  where what a middleware tells goes
 */
function middleware({ name, options }, trace) {
  return MIDDLEWARE[name](options, trace)
}

module.exports = { load, middleware, SECRET }
