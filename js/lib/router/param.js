'use strict'
// Param callbacks (`router.param`): called once a request for a value, in the
// order of the path's parameters, possibly asynchronous.

const isPromise = require('is-promise')
const deprecate = require('depd')('router')
const { kMatchedRoute } = require('./symbols')
const { requestChannel, shouldTrace, traceParam } = require('./tracing')

/**
 * Calls one callback; a thrown error or rejection goes to `next`.
 * @param {(value: *, rejected?: boolean) => void} [onSettle] for tracing: how its promise ended
 */
function callParam(fn, req, res, next, value, name, onSettle) {
  const reject = (err) => {
    next(err)
    if (onSettle) onSettle(err, true)
  }
  try {
    const ret = fn(req, res, next, value, name)
    if (!isPromise(ret)) return
    if (!(ret instanceof Promise)) {
      deprecate('parameters that are Promise-like are deprecated, use a native Promise instead')
    }
    try {
      ret.then(onSettle || (() => {}), (err) => reject(err || new Error('Rejected promise')))
    } catch (err) {
      reject(err)
    }
  } catch (err) {
    next(err)
  }
}

/**
 * Runs the callbacks of all `keys` of a matched layer.
 * @param {Record<string, Function[]>} callbacks by parameter name
 * @param {string[]} keys
 * @param {object} called what was called in this dispatch, by name (kept across layers)
 * @param {(err?: *) => void} done
 */
function processParams(callbacks, layer, keys, called, req, res, done) {
  let keyIndex = 0
  let fnIndex = 0
  let key
  let value
  let fns
  let record

  const nextKey = (err) => {
    if (err) return done(err)
    if (keyIndex >= keys.length) return done()

    fnIndex = 0
    key = keys[keyIndex++]
    value = req.params[key]
    fns = callbacks[key]
    record = called[key]
    if (value === undefined || !fns) return nextKey()

    // called before with the same value, or it failed: the outcome stands
    if (record && (record.match === value || (record.error && record.error !== 'route'))) {
      req.params[key] = record.value
      return nextKey(record.error)
    }
    called[key] = record = { error: null, match: value, value }
    nextCallback()
  }

  const nextCallback = (err) => {
    const fn = fns[fnIndex++]
    record.value = req.params[key]
    if (err) {
      record.error = err
      return nextKey(err)
    }
    if (!fn) return nextKey()

    if (shouldTrace(requestChannel)) {
      const context = { req, res, layer, handler: fn, route: req[kMatchedRoute], param: key }
      traceParam(fn, context, callParam, nextCallback, value, key)
    } else {
      callParam(fn, req, res, nextCallback, value, key)
    }
  }

  nextKey()
}

module.exports = { processParams }
