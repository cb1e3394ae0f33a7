'use strict'
// Files that Rust answers with: asks for one, and tells the asker what became of it. Which file,
// which headers and which status is decided in crates/rnode-http/src/files; who asks, and what
// happens where Rust cannot answer, is decided in middleware/static.js and send-file.js.

const { AsyncResource } = require('node:async_hooks')
const { STATUS_CODES } = require('node:http')
const createError = require('http-errors')
const native = require('./index')
const F = require('./frames')
const bridge = require('./bridge')
const onFinished = require('on-finished')
const outgoing = require('./outgoing')
const { specialOf } = require('./outgoing/headers')
const { finishRequest } = require('./incoming')
const { isTimed } = require('./socket')
const { streamFile } = require('./stream-file')
const {
  kSlot,
  kFlags,
  kGeneration,
  kHead,
  kHeaders,
  kHeaderList,
  kSpecial,
  kFile,
  kRequest,
  kSocket
} = require('./symbols')
const { nextTick, setImmediate } = require('./timers')

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
const NAMES_WITH_CODINGS = [...NAMES, 'accept-encoding']
/** Finds in a head, whose parts are cut by line feeds, whether there is one of the first at all. */
const CONDITIONS = /\n(?:range|if-[a-z-]+)\n/i
const UNUSUAL_VALUE = /[^\t\x20-\x7e\x80-\xff]/
/** URLs that parseurl leaves to Node's parser, and those that are no latin1. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const UNUSUAL_URL = /^[^/]|[\t\n\f\r #\xa0]|[^\x00-\xff]/

/** Longest FILE frame; what is longer is answered in JavaScript. */
const MAX_PAYLOAD = 48 * 1024

/** What a head takes besides the lines that are reported. */
const HEAD_BYTES = 120

/** What send takes off a 304. */
const CONTENT_FIELDS = new Set(
  ['encoding', 'language', 'length', 'range', 'type'].map((name) => `content-${name}`)
)

/**
 * @typedef {object} Question
 * @property {number} options  number of `internFileOptions`
 * @property {string} path  latin1; for `res.sendFile` encoded by encodeURI
 * @property {string} originalUrl  latin1, '' for `res.sendFile`
 * @property {number} flags  FILE_SEND, FILE_REPORT, FILE_LOCATE
 * @property {boolean} codings  the answer depends on Accept-Encoding
 * @property {object} [headers]  set on the response if the file is found
 *
 * What became of it; called once, asynchronously:
 * @property {() => void} declined  Rust cannot answer: JavaScript does
 * @property {() => void} [passed]  not found, the next layer's turn
 * @property {(err: Error) => void} failed  the error that send makes
 * @property {() => void} [directory]  FILE_SEND: the path is a folder
 * @property {(path: string) => void} [found]  FILE_LOCATE: the file is there
 * @property {(hasBody: boolean) => void} [sent]  the answer is with the kernel
 * @property {() => void} [aborted]  the client has left, or the deadline has passed
 */

/** A question: from its asking until Rust has answered or given it back. */
class Pending extends AsyncResource {
  constructor(res, question) {
    super('RNODEFILE')
    this.res = res
    this.question = question
    /** The head has been sent, and is on the response. */
    this.begun = false
    /** Bytes that a head of JavaScript's and the file behind it take. */
    this.heldBytes = 0
  }

  /** The invocation has ended without an answer of ours. */
  abort() {
    const { aborted } = this.question
    // as send's: after those who listen to the response
    if (aborted !== undefined) setImmediate(run, this, aborted)
  }
}

/**
 * Names options for a question.
 * @param {string} json StaticOptions of crates/rnode-http/src/files/options.rs
 * @returns {number} 0 if Rust does not take them
 */
function internFileOptions(json) {
  return native.internFileOptions(json)
}

/**
 * Asks Rust for the file that `req.url` names, behind the ticks and promises of this turn: what
 * runs until then still sees, may change and may give a response that has not begun, as it could
 * while Node's file system looks for the file.
 * @param {http.IncomingMessage} req
 * @param {http.ServerResponse} res
 * @param {Question} question without path and originalUrl, which this sets
 * @returns {boolean} false if it must be answered in JavaScript
 */
function askForUrl(req, res, question) {
  const { url } = req
  const originalUrl = req.originalUrl || url
  if (typeof url !== 'string' || typeof originalUrl !== 'string') return false
  if (UNUSUAL_URL.test(url) || (originalUrl !== url && UNUSUAL_URL.test(originalUrl))) return false
  const query = url.indexOf('?')
  question.path = query === -1 ? url : url.slice(0, query)
  question.originalUrl = originalUrl
  return askForFile(res, question)
}

/**
 * Asks Rust for a file, behind the ticks and promises of this turn.
 * @param {http.ServerResponse} res
 * @param {Question} question
 * @returns {boolean} false if it must be answered in JavaScript
 */
function askForFile(res, question) {
  if (!outgoing.isPlain(res)) return false
  bridge.defer(post, new Pending(res, question))
  return true
}

/** The question goes out, or the answer is made in JavaScript after all. */
function post(pending) {
  const { res, question } = pending
  // the end of another answer, which has come meanwhile, is what the asker hears of
  if (question.aborted !== undefined && res.writableFinished) return pending.abort()
  const lines = isBodiless(res) ? null : linesWith(res, question.headers)
  const headers = lines === null ? null : conditionsOf(res[kRequest], question.codings)
  if (headers !== null) {
    const { path, originalUrl } = question
    if (lines.length + path.length + originalUrl.length + headers.length <= MAX_PAYLOAD) {
      let { flags } = question
      if (res[kRequest].method === 'HEAD') flags |= F.FILE_HEAD
      if (outgoing.isHooked(res)) flags |= F.FILE_HOLD
      // listeners may look at the head, and at what was written to the socket
      else if (res._events !== undefined || res[kSocket] !== undefined) flags |= F.FILE_REPORT
      outgoing.sealForFile(res, pending)
      // what is left of a body then is read for those who listen to its end
      if ((res[kRequest][kFlags] & F.BODY_COMPLETE) === 0) outgoing.holdBody(res[kRequest])
      bridge.sendFile(
        flags,
        res[kSlot],
        res[kGeneration],
        question.options,
        res.statusCode,
        lines,
        path,
        originalUrl,
        headers
      )
      return
    }
  }
  run(pending, question.declined)
}

/**
 * The header lines of the response, and of those that it gets if the file is found; null if the answer
 * is not for Rust to give.
 */
function linesWith(res, headers) {
  if (!outgoing.isPlain(res) || hasEmpty(res[kHeaderList])) return null
  if (headers === undefined) return outgoing.linesOf(res)
  const list = res[kHeaderList]
  const special = res[kSpecial]
  res[kHeaderList] = list.slice()
  try {
    setAll(res, headers)
    if (!outgoing.isPlain(res) || hasEmpty(res[kHeaderList])) return null
    return outgoing.linesOf(res)
  } catch {
    // send throws it when the file is found
    return null
  } finally {
    res[kHeaderList] = list
    res[kSpecial] = special
  }
}

/** A program has made GET of HEAD, and writes the head itself: what Rust keeps behind it would not be sent. */
function isBodiless(res) {
  return !res._hasBody && res[kRequest].method !== 'HEAD' && outgoing.isHooked(res)
}

/**
 * Whether a header is there for send and not for Rust, or the other way round: one without a value counts as not there, a list of no
 * values as there, though it makes no line.
 */
function hasEmpty(list) {
  for (let i = 2; i < list.length; i += 3) if (!list[i] || list[i].length === 0) return true
  return false
}

function setAll(res, headers) {
  if (headers) for (const name of Object.keys(headers)) res.setHeader(name, headers[name])
}

/** `name\nvalue\n…` of the headers that matter; null if one has a value that cannot cross. */
function conditionsOf(req, codings) {
  // untouched headers are those of the head
  if (!codings && req[kHeaders] === undefined && !Object.hasOwn(req, 'rawHeaders')) {
    if (!CONDITIONS.test(req[kHead])) return ''
  }
  const { headers } = req
  let text = ''
  for (const name of codings ? NAMES_WITH_CODINGS : NAMES) {
    const value = headers[name]
    if (value === undefined) continue
    if (typeof value !== 'string' || UNUSUAL_VALUE.test(value)) return null
    text += `${name}\n${value}\n`
  }
  return text
}

/** Runs `fn` as if the asker called it; an error it throws is an uncaught one, as from any callback. */
function run(pending, fn, ...args) {
  try {
    pending.runInAsyncScope(fn, undefined, ...args)
  } catch (err) {
    nextTick(rethrow, err)
  }
}

function rethrow(err) {
  throw err
}

bridge.onFrame(F.FILE_RESULT, (words, at, inbox) => {
  const res = bridge.lookup(words[at + 2], words[at + 3])
  const pending = res?.[kFile]
  if (pending === undefined) return
  const { question } = pending
  const result = words[at + 4]
  const start = (at + 6) * 4
  const end = start + words[at + 5]
  if (result === F.FILE_SENT) {
    complete(res, pending, end === start ? null : inbox.latin1Slice(start, end))
    return
  }
  if (result === F.FILE_BEGUN) {
    pending.begun = true
    applyReport(res, question.headers, inbox.latin1Slice(start, end))
    return
  }
  outgoing.reopen(res)
  if (result === F.FILE_HELD) {
    const text = inbox.latin1Slice(start, end)
    const cut = text.indexOf('\r\n\n')
    const place = inbox.utf8Slice(start + cut + 3, end)
    run(pending, sendHeld, res, pending, text.slice(0, cut + 2), place)
  } else if (result === F.FILE_FALLTHROUGH) run(pending, question.passed)
  else if (result === F.FILE_DIRECTORY) run(pending, question.directory)
  else if (result === F.FILE_FOUND) run(pending, question.found, inbox.utf8Slice(start, end))
  else if (result === F.FILE_FAILED) {
    run(pending, fail, res, question, JSON.parse(inbox.utf8Slice(start, end)))
  } else run(pending, question.declined)
})

/**
 * Rust has decided about a file, and keeps it: the head is put on the response and written as send would have it written,
 * through what has replaced writeHead. What then stands in the head is sent, with the file behind it.
 * @param {string} report status and lines
 * @param {string} place offset, length and path of the bytes, a line feed between them
 */
function sendHeld(res, pending, report, place) {
  const { headers, sent, aborted } = pending.question
  const [offset, size] = place.split('\n', 2)
  const length = Number(size)
  if (!putHead(res, headers, report).hasBody || length === 0) {
    if (sent !== undefined) {
      // send learns of the end of an answer without a body from the response
      onFinished(res, (err) => setImmediate(run, pending, err ? aborted : sent))
    }
    res.end()
    return
  }
  const { write } = res
  res._implicitHeader()
  if (outgoing.respondHeld(res, pending, length)) {
    pending.begun = true
    pending.heldBytes = report.length + length
  } else {
    const start = Number(offset)
    const path = place.slice(offset.length + size.length + 2)
    streamFile(res, write, { path, start, end: start + length - 1 }, pending.question)
  }
}

/** Rust has answered. */
function complete(res, pending, report) {
  const { question } = pending
  res[kFile] = undefined
  bridge.detach(res)
  const hasBody = report === null || applyReport(res, question.headers, report)
  const socket = res[kRequest][kSocket]
  if (socket !== undefined) socket.bytesWritten += pending.heldBytes
  const { sent } = question
  // as where a stream is piped: the response is ended before the asker hears of it
  if (res._events !== undefined) run(pending, () => outgoing.emitOf(res).call(res, 'prefinish'))
  if (sent !== undefined && hasBody) run(pending, sent)
  run(pending, outgoing.fileSent, res)
  if (res._events !== undefined || isTimed(socket)) bridge.settle()
  finishRequest(res[kRequest])
  // send learns of the end of an answer without a body from the response
  if (sent !== undefined && !hasBody) setImmediate(run, pending, sent)
}

/**
 * Puts the head that Rust has written on the response, for those who look at it afterwards.
 * @param {string} report status and lines, `\r\n` after each
 * @returns {boolean} whether a body followed the head
 */
function applyReport(res, headers, report) {
  const { hasBody, length } = putHead(res, headers, report)
  res.statusMessage = STATUS_CODES[res.statusCode] || 'unknown'
  // made of what is noted here when somebody looks
  res._header = null
  const socket = res[kRequest][kSocket]
  // the head is Rust's: about this much
  if (socket !== undefined) socket.bytesWritten += HEAD_BYTES + report.length + length
  return hasBody
}

/**
 * Sets status and headers that Rust has decided, and those that the asker has for a file that is found.
 * @returns {{ hasBody: boolean, length: number }} length of the body in bytes
 */
function putHead(res, headers, report) {
  const [status, ...lines] = report.split('\r\n')
  const added = []
  for (const line of lines) {
    const colon = line.indexOf(': ')
    if (colon === -1) continue
    const name = line.slice(0, colon)
    const value = line.slice(colon + 2)
    const lower = name.toLowerCase()
    added.push([lower, name, lower === 'content-length' ? Number(value) : value])
  }
  // send sets the asker's headers first
  const asked = []
  for (const name of Object.keys(headers ?? {})) {
    if (!added.some(([lower]) => lower === name.toLowerCase())) {
      asked.push([name.toLowerCase(), name, headers[name]])
    }
  }
  added.unshift(...asked)
  res.statusCode = Number(status)
  const list = res[kHeaderList].slice()
  for (const field of added) {
    let i = 0
    while (i < list.length && list[i] !== field[0]) i += 3
    list.splice(i, 3, ...field)
  }
  if (res.statusCode === 304) withoutContent(list)
  res[kHeaderList] = list
  res[kSpecial] = specialOf(list)
  const hasBody = res.statusCode !== 304 && res[kRequest].method !== 'HEAD'
  const length = hasBody ? (added.find(([lower]) => lower === 'content-length')?.[2] ?? 0) : 0
  return { hasBody, length }
}

function withoutContent(list) {
  for (let i = list.length - 3; i >= 0; i -= 3) {
    if (CONTENT_FIELDS.has(list[i])) list.splice(i, 3)
  }
}

/** Makes the error that send makes, with the headers that it has set until then. */
function fail(res, { headers: onFound, failed }, { status, headers, errorHeaders, cause }) {
  // there are some once the file is found
  if (headers.length !== 0) setAll(res, onFound)
  for (const [name, value] of headers) res.setHeader(name, value)
  if (cause !== null) {
    const { message, errno, code, syscall, path } = cause
    const err = Object.assign(new Error(message), { errno, code, syscall, path })
    return failed(createError(status, err, { expose: false }))
  }
  if (errorHeaders.length === 0) return failed(createError(status))
  failed(createError(status, { headers: Object.fromEntries(errorHeaders) }))
}

module.exports = { internFileOptions, askForUrl, askForFile }
