'use strict'
// diagnostics_channel tracing of layers and param callbacks: the tracing channel
// `express.router.request` of router 2.3 (start, end, asyncStart, asyncEnd, error;
// context: req, res, layer, handler, route, and param or errorHandler). With no
// subscriber a request pays a few property reads and allocates nothing.

const dc = require('node:diagnostics_channel')
const isPromise = require('is-promise')

const requestChannel = dc.tracingChannel?.('express.router.request')

/** Shared with other copies of the router in the process, so an error is published once. */
const kPublished = Symbol.for('router.tracing.publishedErrors')

/** True if anybody listens (hasSubscribers of the whole channel is missing on older Node). */
function shouldTrace(channel) {
  return (
    channel !== undefined &&
    (channel.start.hasSubscribers ||
      channel.end.hasSubscribers ||
      channel.asyncStart.hasSubscribers ||
      channel.asyncEnd.hasSubscribers ||
      channel.error.hasSubscribers)
  )
}

const isSignal = (err) => err === 'route' || err === 'router'

/**
 * Remembers an error of this request, traced or not, so that only its origin reports it.
 * @returns {boolean} true the first time
 */
function recordError(req, err) {
  if (!err || isSignal(err)) return false
  const known = req[kPublished]
  if (known === undefined) {
    req[kPublished] = new Set([err])
    return true
  }
  if (known.has(err)) return false
  known.add(err)
  return true
}

/** One traced call of a handler, from `start` to its last event. */
class Trace {
  constructor(context, next) {
    this.context = context
    this.settled = false
    // what an error handler was given did not begin in it
    if (context.errorHandler) recordError(context.req, context.incomingError)
    this.next = (err) => {
      const { req, errorHandler, incomingError } = context
      // handled or replaced: should the same object come again, it is a new failure
      if (errorHandler && err !== incomingError) req[kPublished]?.delete(incomingError)
      if (err && recordError(req, err)) {
        context.error = err
        requestChannel.error.publish(context)
      }
      next(err)
    }
  }

  /** `end`: an error known before a promise was returned is hidden, the call is not done. */
  end(pending) {
    const { context } = this
    if (!pending || !('error' in context)) {
      requestChannel.end.publish(context)
      return
    }
    const { error } = context
    delete context.error
    requestChannel.end.publish(context)
    context.error = error
  }

  /** What was thrown or rejected; routing signals are no errors. */
  threw(err, sync) {
    const { context } = this
    if (isSignal(err)) {
      if (sync) context.result = undefined
    } else if (!('error' in context)) {
      context.error = err
    }
  }

  /** asyncStart and asyncEnd, once, in the stores bound to asyncStart. */
  asyncEnd() {
    const { context } = this
    requestChannel.asyncStart.runStores(context, () => requestChannel.asyncEnd.publish(context))
  }

  settle(value, rejected) {
    if (this.settled) return
    this.settled = true
    if (rejected) this.threw(value, false)
    else this.context.result = value
    this.asyncEnd()
  }
}

/**
 * Calls a layer's handler with its trace.
 * @param {(next: Function) => *} call
 * @param {Function} next the walk's own
 * @param {object} context
 */
function traceLayer(call, next, context) {
  const trace = new Trace(context, next)
  requestChannel.start.runStores(context, () => {
    let ret
    try {
      ret = call(trace.next)
    } catch (err) {
      trace.next(err)
      trace.threw(err, true)
      trace.end(false)
      return
    }
    if (!isPromise(ret)) {
      context.result = ret
      trace.end(false)
      return
    }
    trace.end(true)
    const reject = (err) => {
      trace.next(err)
      trace.settle(err, true)
    }
    try {
      ret.then(
        (value) => trace.settle(value, false),
        (err) => reject(err || new Error('Rejected promise'))
      )
    } catch (err) {
      reject(err)
    }
  })
}

/**
 * Calls a param callback with its trace.
 * @param {Function} fn
 * @param {object} context
 * @param {Function} callParam from param.js
 * @param {Function} next
 */
function traceParam(fn, context, callParam, next, value, name) {
  const trace = new Trace(context, next)
  let pending = false
  let ended = false
  let early = null

  const invoke = (req, res, tracedNext, paramValue, paramName) => {
    let ret
    try {
      ret = fn(req, res, tracedNext, paramValue, paramName)
    } catch (err) {
      trace.threw(err, true)
      throw err
    }
    pending = isPromise(ret)
    if (!pending) context.result = ret
    return ret
  }
  // a thenable may settle inside then(): its async events still come after `end`
  const onSettle = (result, rejected) => {
    if (ended) trace.settle(result, rejected)
    else if (early === null) early = () => trace.settle(result, rejected)
  }

  requestChannel.start.runStores(context, () => {
    try {
      callParam(invoke, context.req, context.res, trace.next, value, name, onSettle)
    } finally {
      trace.end(pending)
      ended = true
      if (early !== null) early()
    }
  })
}

module.exports = { requestChannel, shouldTrace, recordError, traceLayer, traceParam }
