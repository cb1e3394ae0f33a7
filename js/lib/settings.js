// The settings that Express does not have, and which values they take.
// Express' own settings are not checked here: they keep Express' behaviour for any value.
'use strict'

const { inspect } = require('node:util')
const { createError } = require('./errors')

/** Longest deadline in ms: what a timer of Node can hold. */
const MAX_MS = 0x7fffffff

const ERROR_PAGES = ['page', 'express', 'negotiate']

const isDeadline = (val) => val === false || (Number.isInteger(val) && val >= 0 && val <= MAX_MS)

const ownSettings = new Map([
  [
    'error pages',
    {
      accepts: (val) => val === undefined || ERROR_PAGES.includes(val),
      expected: '"page", "express" or "negotiate"'
    }
  ],
  [
    'handler timeout',
    {
      accepts: (val) => val === undefined || isDeadline(val),
      expected: `a whole number of milliseconds from 0 to ${MAX_MS} (0 or false: no deadline)`
    }
  ]
])

/**
 * @param {string} name  one of `ownSettings`
 * @param {*} val
 * @throws {TypeError} RNODE_ERR_INVALID_SETTING
 */
function checkSetting(name, val) {
  const { accepts, expected } = ownSettings.get(name)
  if (!accepts(val)) throw createError('RNODE_ERR_INVALID_SETTING', name, expected, inspect(val))
}

/**
 * @param {string} what  name of the argument, for the message
 * @param {*} ms
 * @throws {TypeError} RNODE_ERR_INVALID_DEADLINE
 */
function checkDeadline(what, ms) {
  if (!isDeadline(ms)) throw createError('RNODE_ERR_INVALID_DEADLINE', what, inspect(ms))
}

/**
 * The settings of an application: `settingsOf(app)['etag fn']` is what `app.get('etag fn')` gives, without
 * its calls. They are read several times per request, so name them where they are read: a function that is
 * given the name would have the engine look for it each time.
 *
 * @param {Function|object} app  an application, or what stands in for one (it may have only `get`)
 * @return {object}
 */
function settingsOf(app) {
  return app.settings ?? new Proxy(app, viaGet)
}

const viaGet = { get: (app, name) => app.get(name) }

/** "trust proxy fn" for "trust proxy" as it is unless it is set. */
const trustNobody = () => false

module.exports = { checkDeadline, checkSetting, ownSettings, settingsOf, trustNobody }
