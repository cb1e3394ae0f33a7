'use strict'
// What the plain JSON of generated programs stands for: values, functions that applications pass as options, and values as
// text for the trace. It must not touch a message but by what a program says.

const path = require('node:path')

const FIXTURES = path.join(__dirname, '..', 'ecosystem', 'fixtures')

/** A value of a description: JSON, and what JSON has no words for as `{ $kind: … }`. */
function value(v, ctx) {
  if (v === null || typeof v !== 'object') return v
  if (Array.isArray(v)) return v.map((one) => value(one, ctx))
  if ('$undefined' in v) return undefined
  if ('$buffer' in v) return Buffer.from(v.$buffer, 'latin1')
  if ('$bytes' in v) return Uint8Array.from(v.$bytes)
  if ('$big' in v) return BigInt(v.$big)
  if ('$nan' in v) return NaN
  if ('$symbol' in v) return Symbol.for(v.$symbol)
  if ('$regexp' in v) return new RegExp(v.$regexp, v.flags ?? '')
  if ('$date' in v) return new Date(v.$date)
  if ('$repeat' in v) return v.$repeat.repeat(v.times)
  if ('$map' in v) return new Map(value(v.$map, ctx))
  if ('$fixture' in v) return path.join(FIXTURES, v.$fixture)
  if ('$circular' in v) {
    const o = {}
    o.self = o
    return o
  }
  if ('$error' in v) {
    const { message, name, ...own } = v.$error
    return Object.assign(new (name === 'TypeError' ? TypeError : Error)(message), value(own, ctx))
  }
  if ('$callback' in v) {
    return (...args) => ctx?.log(`callback ${v.$callback}`, args.map((a) => show(a, ctx)).join(','))
  }
  if ('$function' in v)
    return (x) => (v.$function === 'undefined' ? undefined : `${v.$function}${typeof x}`)
  if ('$trust' in v) return TRUST[v.$trust]
  if ('$named' in v) return NAMED[v.$named](ctx)
  if ('$same' in v) return ctx.error
  if ('$forward' in v) return forward(ctx, v.$forward)
  if ('$rendered' in v) return rendered(ctx)
  if ('$steps' in v) return () => ctx.nested(v.$steps)
  const out = {}
  for (const [key, one] of Object.entries(v)) out[key] = value(one, ctx)
  return out
}

/** Functions for "trust proxy". */
const TRUST = {
  all: () => true,
  first: (_address, hop) => hop < 1,
  local: (address) => address === '127.0.0.1'
}

/** Functions that applications give as options. */
const NAMED = {
  isPost: () => (req) => req.method === 'POST',
  refuse: () => (_req, _res, bytes) => {
    if (bytes.length > 3) throw new Error('refused')
  },
  replacer: () => (key, v) => (key === 'id' ? undefined : v),
  reviver: () => (_key, v) => (typeof v === 'number' ? v + 1 : v),
  setHeaders: () => (res, file, stat) => {
    res.setHeader('X-Static', `${path.basename(file)} ${stat.size}`)
  },
  upper: () => (text) => encodeURIComponent(text).toUpperCase(),
  verify:
    ({ trace }) =>
    (req, _res, bytes, encoding) =>
      trace.log(req, 'verify', bytes.length, encoding)
}

/** A callback that hands an error on unless the answer has begun. */
function forward(ctx, label) {
  return (err, ...more) => {
    ctx.log(`callback ${label}`, show(err, ctx), more.map((one) => show(one, ctx)).join(','))
    if (err && !ctx.res.headersSent) ctx.next(err)
    else if (more.length !== 0) ctx.res.send(more[0])
  }
}

/** A callback of res.render() that sends what it is given. */
function rendered(ctx) {
  return (err, text) => (err ? ctx.next(err) : ctx.res.type('txt').send(text))
}

/** A value as short text; the same for the same value on both sides. */
function show(v, ctx) {
  if (v === undefined) return 'undefined'
  if (typeof v === 'bigint' || typeof v === 'symbol') return String(v)
  if (typeof v === 'function') return 'function'
  if (typeof v === 'string')
    return v.length > 200 ? `"${v.slice(0, 40)}…"${v.length}` : JSON.stringify(v)
  if (v === null || typeof v !== 'object') return String(v)
  if (ctx !== undefined && v === ctx.res) return '<res>'
  if (ctx !== undefined && v === ctx.req) return '<req>'
  if (v instanceof Error) return `${v.name}[${v.code ?? ''}](${v.message})`
  if (Buffer.isBuffer(v) || v instanceof Uint8Array)
    return `bytes:${Buffer.from(v).toString('latin1').slice(0, 80)}`
  if (v instanceof RegExp) return String(v)
  if (typeof v.pipe === 'function' || typeof v.on === 'function')
    return `<${v.constructor?.name ?? 'emitter'}>`
  try {
    const text = JSON.stringify(v) ?? typeof v
    const tag = Object.getPrototypeOf(v) === null ? 'null:' : ''
    return tag + (text.length > 300 ? `${text.slice(0, 300)}…${text.length}` : text)
  } catch (err) {
    return `unprintable ${err.name}`
  }
}

module.exports = { FIXTURES, show, value }
