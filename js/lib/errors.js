// The table of the errors this package makes itself: code, class, status, message.
// Errors that Express users know (http-errors' shape, Express' texts) do not belong here.
// docs/errors.md explains every code; a test keeps the page and this table equal.
'use strict'

const { format } = require('node:util')

/**
 * @typedef {object} ErrorEntry
 * @property {ErrorConstructor} type   class of the error
 * @property {number} [status]         HTTP status, for errors that can end a request
 * @property {string} message          template for `util.format`
 * @property {string} [name]           `err.name` where others test for it (`AbortError`,
 *   `TimeoutError`)
 */

/** @type {Record<string, ErrorEntry>} */
const table = {
  __proto__: null,
  RNODE_ERR_ADDON_LOAD: {
    type: Error,
    message: 'The native addon of rnode-server at %s cannot be loaded: %s'
  },
  RNODE_ERR_ADDON_MISSING: {
    type: Error,
    message:
      'The native addon of rnode-server is not built: there is no %s. Build it with `npm rebuild` (in a clone: `npm run build`); a bundler must leave the package out.'
  },
  RNODE_ERR_CLIENT_CLOSED: {
    type: Error,
    name: 'AbortError',
    message: 'The client closed the connection before the response was finished'
  },
  RNODE_ERR_HANDLER_TIMEOUT: {
    type: Error,
    name: 'TimeoutError',
    status: 503,
    message: 'The handler did not answer within %d ms'
  },
  RNODE_ERR_INVALID_DEADLINE: {
    type: TypeError,
    message:
      '%s must be a whole number of milliseconds from 0 to 2147483647 (0 or false: no deadline), got %s'
  },
  RNODE_ERR_INVALID_PRECOMPRESSED: {
    type: TypeError,
    message: 'precompressed must be true, false or a list of "br", "zstd" and "gzip", got %s'
  },
  RNODE_ERR_INVALID_SETTING: {
    type: TypeError,
    message: 'setting "%s" must be %s, got %s'
  },
  // thrown by the addon, in these words
  RNODE_ERR_PANIC: {
    type: Error,
    message: "panic in rnode-server's addon (%s): %s"
  }
}

/**
 * Create the error with the given code.
 *
 *     throw createError('RNODE_ERR_INVALID_SETTING', 'error pages', '"page"', 'true')
 *
 * The error has `code`; entries with a status also set `status`, `statusCode` and `expose`, as
 * http-errors does.
 *
 * @param {string} code  a key of the table
 * @param {...*} args    values for the message template
 * @return {Error & { code: string, status?: number }}
 * @throws {TypeError} if the table has no such code
 */
function createError(code, ...args) {
  const entry = table[code]
  if (entry === undefined) throw new TypeError(`unknown error code ${code}`)

  const Type = entry.type
  const err = new Type(format(entry.message, ...args))
  if (Error.captureStackTrace) Error.captureStackTrace(err, createError)
  err.code = code

  if (entry.name !== undefined) {
    Object.defineProperty(err, 'name', { configurable: true, value: entry.name, writable: true })
  }

  if (entry.status !== undefined) {
    err.status = err.statusCode = entry.status
    err.expose = entry.status < 500
  }

  return err
}

module.exports = { createError, table }
