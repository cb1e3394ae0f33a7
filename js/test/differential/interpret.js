'use strict'
// Runs a generated program: makes the app that a plain JSON description tells of, with an Express of the caller's choice.
// What handlers see goes into a trace. It must not read anything of a message that its steps do not read: a look at
// `req.headers` or `res.socket` changes which path a message takes.

const path = require('node:path')
const { Writable, PassThrough } = require('node:stream')
const { middleware } = require('./middleware')
const { FIXTURES, show, value } = require('./realize')
const { recipe } = require('./recipes')

/** Requests seen, in the order of their first step, each with what was observed of it. */
class Trace {
  constructor() {
    this.requests = []
    this.known = new WeakMap()
    /** What belongs to no request: uncaught errors, calls of console.error. */
    this.stray = []
    this.count = 0
    /** Apps made so far: the next one's number. */
    this.apps = 0
  }

  log(req, ...entry) {
    let list = this.known.get(req)
    if (list === undefined) {
      list = []
      this.known.set(req, list)
      this.requests.push(list)
    }
    this.count++
    list.push(entry.join(' '))
  }

  note(...entry) {
    this.count++
    this.stray.push(entry.join(' '))
  }
}

const TARGETS = {
  req: (ctx) => ctx.req,
  res: (ctx) => ctx.res,
  app: (ctx) => ctx.req.app,
  socket: (ctx) => ctx.req.socket
}

/** One step of a handler. Returns true if `resume` will be called later, 'stop' to end the handler. */
function step(ctx, one, resume) {
  const [kind, ...rest] = one
  const { req, res } = ctx
  switch (kind) {
    case 'look': {
      const view = rest[0].map(
        (name) => `${name}=${show(name === 'route' ? req.route?.path : req[name], ctx)}`
      )
      ctx.log('look', view.join(' '))
      return false
    }
    case 'call': {
      const [target, method, args, quiet] = rest
      const on = TARGETS[target](ctx)
      const result = on[method](...args.map((a) => value(a, ctx)))
      if (!quiet) ctx.log(`${target}.${method}`, show(result, ctx))
      return false
    }
    case 'get': {
      const [target, name] = rest
      ctx.log(`${target}.${name}`, show(TARGETS[target](ctx)[name], ctx))
      return false
    }
    case 'set': {
      const [target, name, to] = rest
      TARGETS[target](ctx)[name] = value(to, ctx)
      return false
    }
    case 'local':
      res.locals[rest[0]] = value(rest[1], ctx)
      ctx.log('locals', show({ ...res.locals }, ctx))
      return false
    case 'app': {
      // which app handles the message, and what it says of its place
      const { app } = req
      ctx.log(
        'app',
        app.locals.id,
        show(app.mountpath),
        show(app.path()),
        res.app === app,
        req.baseUrl
      )
      ctx.log(
        'own',
        show(app.get('own')),
        Object.getPrototypeOf(req) === app.request,
        res.req === req
      )
      return false
    }
    case 'session': {
      const [name, to] = rest
      if (name === null) req.session = null
      else if (req.session) req.session[name] = to === 1 ? (req.session[name] ?? 0) + 1 : value(to)
      const { cookie, ...kept } = req.session ?? {}
      ctx.log('session', show(kept), show(cookie?.originalMaxAge))
      return false
    }
    case 'mine':
      ctx.log(
        'mine',
        show(req.mine),
        show(res.mine),
        typeof res.mine === 'function' && show(res.mine(), ctx)
      )
      return false
    case 'extend': {
      // a layer of somebody's own on top of the prototype
      const on = TARGETS[rest[0]](ctx)
      Object.setPrototypeOf(
        on,
        Object.create(Object.getPrototypeOf(on), { mine: { value: () => `of ${rest[0]}` } })
      )
      return false
    }
    case 'after':
      setImmediate(guarded, ctx, rest[0])
      return false
    case 'render':
      res.render('hello', value(rest[0], ctx), (err, text) =>
        ctx.log('rendered', show(err, ctx), show(text))
      )
      return false
    case 'listen': {
      const [target, events] = rest
      for (const event of events) {
        TARGETS[target](ctx).on(event, (...args) => {
          ctx.log(`${target}:${event}`, args.map((a) => show(a, ctx)).join(','))
        })
      }
      return false
    }
    case 'wrap': {
      const [target, method, before] = rest
      const on = TARGETS[target](ctx)
      const original = on[method]
      let busy = false
      on[method] = function (...args) {
        ctx.log(`wrapped ${method}`, args.map((a) => show(a, ctx)).join(','))
        if (before && !busy) {
          busy = true
          guarded(ctx, before)
          busy = false
        }
        return original.apply(this, args)
      }
      return false
    }
    case 'try':
      guarded(ctx, rest[0])
      return false
    case 'next':
      ctx.next(...rest.map((a) => value(a, ctx)))
      return false
    case 'throw':
      throw value(rest[0], ctx)
    case 'return':
      ctx.returned = value(rest[0], ctx)
      return 'stop'
    case 'wait':
      if (rest[0] === 'immediate') setImmediate(resume)
      else if (rest[0] === 'tick') process.nextTick(resume)
      else if (rest[0] === 'micro') queueMicrotask(resume)
      else setTimeout(resume, rest[0] === 'while' ? 35 : 2)
      return true
    case 'read':
      read(ctx, rest[0], resume)
      return true
    case 'pipe': {
      const source = new PassThrough()
      source.pipe(res)
      for (const chunk of rest[0]) source.write(value(chunk, ctx))
      source.end()
      return false
    }
    case 'stream': {
      // writes as a careful program does: waits for 'drain'
      const chunks = rest[0].map((c) => value(c, ctx))
      const go = () => {
        while (chunks.length !== 0) {
          if (!res.write(chunks.shift())) {
            res.once('drain', go)
            return
          }
        }
        resume()
      }
      go()
      return true
    }
    default:
      return recipe(ctx, one)
  }
}

/** Runs steps that do not wait; what they throw goes to the trace. */
function guarded(ctx, steps) {
  for (const one of steps) {
    try {
      step(ctx, one, () => {})
    } catch (err) {
      ctx.log(`threw in ${one[0]} ${one[2] ?? ''}`, show(err, ctx))
    }
  }
}

/** Reads the body in one of the ways there are, then goes on. */
function read(ctx, mode, resume) {
  const { req } = ctx
  const parts = []
  const done = (how) => {
    const body = Buffer.concat(parts.map((p) => (typeof p === 'string' ? Buffer.from(p) : p)))
    ctx.log(`body ${mode} ${how}`, `${body.length}:${body.toString('latin1').slice(0, 60)}`)
    resume()
  }
  if (mode === 'data' || mode === 'text') {
    if (mode === 'text') req.setEncoding('utf8')
    req.on('data', (chunk) => parts.push(chunk))
    req.on('end', () => done('end'))
    req.on('error', (err) => ctx.log('body error', show(err, ctx)))
  } else if (mode === 'readable') {
    req.on('readable', () => {
      for (let chunk = req.read(); chunk !== null; chunk = req.read()) parts.push(chunk)
    })
    req.on('end', () => done('end'))
    req.on('error', (err) => ctx.log('body error', show(err, ctx)))
  } else if (mode === 'iterate') {
    ;(async () => {
      for await (const chunk of req) parts.push(chunk)
    })().then(
      () => done('end'),
      (err) => ctx.log('body error', show(err, ctx))
    )
  } else if (mode === 'pipe') {
    const sink = new Writable({
      write(chunk, encoding, callback) {
        parts.push(chunk)
        setImmediate(callback)
      }
    })
    sink.on('finish', () => done('finish'))
    req.pipe(sink)
  } else if (mode === 'pause') {
    req.on('data', (chunk) => {
      parts.push(chunk)
      req.pause()
      setImmediate(() => req.resume())
    })
    req.on('end', () => done('end'))
    req.on('error', (err) => ctx.log('body error', show(err, ctx)))
  } else {
    req.resume()
    req.on('end', () => done('end'))
    req.on('error', (err) => ctx.log('body error', show(err, ctx)))
  }
}

class Context {
  constructor(trace, id, req, res, next) {
    this.trace = trace
    this.id = id
    this.req = req
    this.res = res
    this.next = next
    this.returned = undefined
  }

  log(...entry) {
    this.trace.log(this.req, `${this.id}:`, ...entry)
  }

  nested(steps) {
    this.log('nested')
    for (const one of steps) step(this, one, () => {})
  }
}

function runFrom(ctx, steps, from, settled, failed) {
  for (let i = from; i < steps.length; i++) {
    const resume = () => {
      if (!failed) return runFrom(ctx, steps, i + 1)
      try {
        runFrom(ctx, steps, i + 1, settled, failed)
      } catch (err) {
        failed(err)
      }
    }
    const outcome = step(ctx, steps[i], resume)
    if (outcome === true) return
    if (outcome === 'stop') break
  }
  settled?.(ctx.returned)
}

/** A handler of the described arity; `async` ones return a promise of their end. */
function handler(trace, { id, arity, async: isAsync, steps }) {
  const enter = (req, res, next, more, err) => {
    const ctx = new Context(trace, id, req, res, next)
    ctx.error = err
    ctx.log('enter', more)
    if (!isAsync) {
      runFrom(ctx, steps, 0)
      return ctx.returned
    }
    return new Promise((resolve, reject) => runFrom(ctx, steps, 0, resolve, reject))
  }
  if (arity === 'param')
    return (req, res, next, v, name) => enter(req, res, next, `${name}=${show(v)}`)
  if (arity === 4) return (err, req, res, next) => enter(req, res, next, show(err), err)
  if (arity === 2) return (req, res) => enter(req, res, (...args) => req.next(...args), '')
  return (req, res, next) => enter(req, res, next, '')
}

const BODY = {
  json: (express, options) => express.json(options),
  raw: (express, options) => express.raw(options),
  text: (express, options) => express.text(options),
  urlencoded: (express, options) => express.urlencoded(options)
}

/** Middleware that calls `first` in its first call, and `next` in all later ones. */
function once(first) {
  let called = false
  return (_req, _res, next) => {
    if (called) return next()
    called = true
    first(next)
  }
}

/** A method or getter of the program's own on the prototype of the app's requests or responses. */
function extend(app, { on, name }) {
  const proto = app[on]
  if (proto === undefined) return
  if (name === 'hostname') {
    Object.defineProperty(proto, name, { configurable: true, get: () => 'own.test' })
  } else if (name === 'mine') {
    proto.mine = () => `of ${on}`
  } else {
    const original = proto[name]
    proto[name] = function (...args) {
      this.set('X-Own', name)
      return original.apply(this, args)
    }
  }
}

function fill(express, trace, target, node) {
  for (const layer of node.layers) {
    const where = layer.path === undefined ? [] : [value(layer.path)]
    const make = (h) => {
      if (Array.isArray(h)) return h.map(make)
      return h.body ? BODY[h.body](express, value(h.options, { trace })) : handler(trace, h)
    }
    const made = (layer.handlers ?? []).map(make)
    switch (layer.type) {
      case 'use':
        target.use(...where, ...made)
        break
      case 'middleware':
        target.use(...where, middleware(layer, trace))
        break
      case 'extension':
        extend(target, layer)
        break
      case 'live':
        // the first request through it adds a route behind all that are there
        target.use(
          once((next) => {
            target.get(...where, ...made)
            next()
          })
        )
        break
      case 'static':
        target.use(
          ...where,
          express.static(
            path.join(FIXTURES, layer.folder ?? 'public'),
            value(layer.options, { trace })
          )
        )
        break
      case 'mount':
        target.use(...where, ...made, build(express, trace, layer.node))
        break
      case 'param':
        target.param(layer.name, made[0])
        break
      case 'route': {
        const route = target.route(...where)
        layer.verbs.forEach((verb, i) => {
          route[verb](made[i])
        })
        break
      }
      default:
        target[layer.type](...where, ...made)
    }
  }
  return target
}

/**
 * @param {Function} express
 * @param {Trace} trace
 * @param {object} node `{ kind: 'app'|'router', options, settings, layers }`, see generate.js
 */
function build(express, trace, node) {
  if (node.kind === 'router') return fill(express, trace, express.Router(node.options), node)
  const app = express()
  app.set('error pages', 'express')
  app.locals.id = trace.apps++
  app.on('mount', (parent) => {
    app.locals.mounts = `${app.locals.mounts ?? ''} ${parent.locals.id}:${show(app.mountpath)}`
  })
  app.engine('txt', (file, options, callback) => {
    callback(
      null,
      `${path.basename(file)} ${JSON.stringify(options.shown)} ${options.settings['view engine']}`
    )
  })
  app.engine('css', (_file, _options, callback) => callback(new Error('of the engine')))
  app.engine('json', (file, _options, callback) =>
    setImmediate(callback, null, path.basename(file))
  )
  app.set('views', path.join(FIXTURES, 'public'))
  app.set('view engine', 'txt')
  for (const [name, v] of node.settings) app.set(name, value(v))
  return fill(express, trace, app, node)
}

module.exports = { Trace, build, value }
