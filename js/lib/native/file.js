'use strict'
// Files that Rust answers with: asks for one, and goes on with the request where
// Rust cannot answer. Which file, which headers and which status is decided in
// crates/rnode-http/src/files; who may be asked at all is decided in middleware/static.js.

const { AsyncResource } = require('node:async_hooks')
const createError = require('http-errors')
const native = require('./index')
const F = require('./frames')
const bridge = require('./bridge')
const outgoing = require('./outgoing')
const { finishRequest } = require('./incoming')
const { kSlot, kGeneration, kHead, kHeaders, kFile } = require('./symbols')

/** Request headers that an answer with a file depends on. */
const NAMES = [
  'range',
  'if-range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'cache-control'
]
/** Finds in a head, whose parts are cut by line feeds, whether there is one at all. */
const CONDITIONS = /\n(?:range|if-[a-z-]+)\n/i
const UNUSUAL_VALUE = /[^\t\x20-\x7e\x80-\xff]/
/** URLs that parseurl leaves to Node's parser, and those that are no latin1. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const UNUSUAL_URL = /^[^/]|[\t\n\f\r #\xa0]|[^\x00-\xff]/

/** Longest FILE frame; what is longer is answered in JavaScript. */
const MAX_PAYLOAD = 48 * 1024

/** A request for a file: from the middleware's call until Rust has answered or given it back. */
class Pending extends AsyncResource {
  constructor(res, options, path, originalUrl, next, instead) {
    super('RNODEFILE', PENDING_RESOURCE)
    this.res = res
    this.options = options
    this.path = path
    this.originalUrl = originalUrl
    this.next = next
    this.instead = instead
  }
}

const PENDING_RESOURCE = { requireManualDestroy: true }

/**
 * Names options for `askForFile`.
 * @param {string} json StaticOptions of crates/rnode-http/src/files/options.rs
 * @returns {number} 0 if Rust does not take them
 */
function internFileOptions(json) {
  return native.internFileOptions(json)
}

/**
 * Asks Rust for the file that `req.url` names, at the end of this turn: what runs
 * until then still sees, and may change, a response that has not begun.
 * @param {http.IncomingMessage} req
 * @param {http.ServerResponse} res
 * @param {number} options of `internFileOptions`
 * @param {Function} next called as serve-static would
 * @param {function(req, res, next)} instead answers where Rust cannot
 * @returns {boolean} false if it must be answered in JavaScript
 */
function askForFile(req, res, options, next, instead) {
  if (!outgoing.isPlain(res)) return false
  const { url } = req
  const originalUrl = req.originalUrl || url
  if (typeof url !== 'string' || typeof originalUrl !== 'string') return false
  if (UNUSUAL_URL.test(url) || (originalUrl !== url && UNUSUAL_URL.test(originalUrl))) return false
  const query = url.indexOf('?')
  const path = query === -1 ? url : url.slice(0, query)
  bridge.defer(post, new Pending(res, options, path, originalUrl, next, instead))
  return true
}

/** End of the turn: the question goes out, or the answer is made here after all. */
function post(pending) {
  const { res } = pending
  const { req } = res
  if (outgoing.isPlain(res)) {
    const lines = outgoing.linesOf(res)
    const headers = lines === null ? null : conditionsOf(req)
    if (headers !== null) {
      const { path, originalUrl } = pending
      const size = lines.length + path.length + originalUrl.length + headers.length
      if (size <= MAX_PAYLOAD) {
        const flags = req.method === 'HEAD' ? F.FILE_HEAD : 0
        outgoing.sealForFile(res, pending)
        bridge.sendFile(
          flags,
          res[kSlot],
          res[kGeneration],
          pending.options,
          res.statusCode,
          lines,
          path,
          originalUrl,
          headers
        )
        return
      }
    }
  }
  run(pending, pending.instead, req, res, pending.next)
}

/** `name\nvalue\n…` of the headers that matter; null if one has a value that cannot cross. */
function conditionsOf(req) {
  // untouched headers are those of the head
  if (req[kHeaders] === undefined && !Object.hasOwn(req, 'rawHeaders')) {
    if (!CONDITIONS.test(req[kHead])) return ''
  }
  const { headers } = req
  let text = ''
  for (const name of NAMES) {
    const value = headers[name]
    if (value === undefined) continue
    if (typeof value !== 'string' || UNUSUAL_VALUE.test(value)) return null
    text += `${name}\n${value}\n`
  }
  return text
}

/** Runs `fn` as if the middleware called it; an error it throws is an uncaught one, as from any callback. */
function run(pending, fn, ...args) {
  try {
    pending.runInAsyncScope(fn, undefined, ...args)
  } catch (err) {
    process.nextTick(rethrow, err)
  }
}

function rethrow(err) {
  throw err
}

bridge.onFrame(F.FILE_RESULT, (words, at, inbox) => {
  const res = bridge.lookup(words[at + 2], words[at + 3])
  const pending = res?.[kFile]
  if (pending === undefined) return
  const { req } = res
  const result = words[at + 4]
  if (result === F.FILE_SENT) {
    res[kFile] = undefined
    bridge.detach(res)
    if (res._events !== undefined) run(pending, process.nextTick, outgoing.fileSent, res)
    finishRequest(req)
    return
  }
  outgoing.reopen(res)
  if (result === F.FILE_FALLTHROUGH) run(pending, pending.next)
  else if (result === F.FILE_FAILED) {
    const start = (at + 6) * 4
    const failure = JSON.parse(inbox.latin1Slice(start, start + words[at + 5]))
    run(pending, fail, res, pending.next, failure)
  } else run(pending, pending.instead, req, res, pending.next)
})

/** Calls next with the error that send makes. */
function fail(res, next, { status, headers, errorHeaders, cause }) {
  for (const [name, value] of headers) res.setHeader(name, value)
  if (cause !== null) {
    const { message, errno, code, syscall, path } = cause
    const err = Object.assign(new Error(message), { errno, code, syscall, path })
    return next(createError(status, err, { expose: false }))
  }
  if (errorHeaders.length === 0) return next(createError(status))
  next(createError(status, { headers: Object.fromEntries(errorHeaders) }))
}

module.exports = { internFileOptions, askForFile }
