// What happens when no handler answered: 404, or the error page for an error that nobody handled.
// Status, headers and text are finalhandler's; the body is the "error pages" setting's.
// In production it tells nothing but the status text.
'use strict'

const debug = require('debug')('finalhandler')
const encodeUrl = require('encodeurl')
const escapeHtml = require('escape-html')
const onFinished = require('on-finished')
const parseUrl = require('parseurl')
const statuses = require('statuses')
const vary = require('vary')
const native = require('./native')
const { drain } = require('./native/incoming')
const { regain } = require('./native/pin')

/** Property of a response that its deadline ended; set by lib/deadline.js. */
const kExpired = Symbol('rnode.expired')

module.exports = finalHandler
module.exports.kExpired = kExpired
module.exports.sendPage = sendPage

/**
 * The last `next` of a request: `final()` answers 404, `final(err)` answers with the error.
 *
 * The status is `err.status` or `err.statusCode` if it is 4xx or 5xx, else `res.statusCode` if that
 * is, else 500. If the head was sent already the connection is closed, so that the client does not
 * take half an answer for a whole. Errors are logged with console.error unless "env" is "test".
 *
 * @param {Function} app
 * @param {http.IncomingMessage} req
 * @param {http.ServerResponse} res
 * @return {function(*)}
 */
function finalHandler(app, req, res) {
  return function final(err) {
    regain(req)
    regain(res)

    if (!err) {
      if (res.headersSent) return debug('cannot 404 after headers sent')

      respond(app, req, res, 404, undefined, `Cannot ${req.method} ${encodeUrl(resourceName(req))}`)
      return
    }

    let status = statusOfError(err)
    let headers

    if (status === undefined) status = statusOfResponse(res)
    else if (err.headers && typeof err.headers === 'object') headers = { ...err.headers }

    const env = app.get('env') || process.env.NODE_ENV || 'development'
    const message = messageOf(err, status, env)

    // A handler that is stopped by its signal after the deadline has nothing to report.
    if (res[kExpired] === true && (err.name === 'AbortError' || err.name === 'TimeoutError')) return

    setImmediate(logError, app, err)

    if (!res.headersSent) {
      respond(app, req, res, status, headers, message)
    } else if (res[kExpired] !== true) {
      debug('cannot %d after headers sent', status)
      if (req.socket) req.socket.destroy()
    }
  }
}

function logError(app, err) {
  if (app.get('env') !== 'test') console.error(err)
}

const isErrorStatus = (status) => typeof status === 'number' && status >= 400 && status < 600

function statusOfError(err) {
  if (isErrorStatus(err.status)) return err.status
  if (isErrorStatus(err.statusCode)) return err.statusCode
  return undefined
}

function statusOfResponse(res) {
  const status = res.statusCode
  return typeof status === 'number' && status >= 400 && status <= 599 ? status : 500
}

function messageOf(err, status, env) {
  let message

  if (env !== 'production') {
    message = err.stack
    if (!message && typeof err.toString === 'function') message = err.toString()
  }

  return message || statuses.message[status]
}

function resourceName(req) {
  try {
    return parseUrl.original(req).pathname
  } catch {
    return 'resource'
  }
}

/**
 * Answer with a page once the request has been read to its end (a client that is still sending
 * may not read an answer).
 */
function respond(app, req, res, status, headers, message) {
  debug('default %s', status)

  // what on-finished and resume() come to where nobody has looked at the request
  const isDraining = drain(req, (isDrained) => {
    if (!isDrained) respond(app, req, res, status, headers, message)
    else if (!res.headersSent) sendPage(app, req, res, status, headers, message)
  })
  if (isDraining) return

  if (onFinished.isFinished(req)) {
    sendPage(app, req, res, status, headers, message)
    return
  }

  req.unpipe()
  onFinished(req, () => {
    if (!res.headersSent) sendPage(app, req, res, status, headers, message)
  })
  req.resume()
}

/**
 * Write the whole response: status, headers, page.
 *
 * @param {Function} app
 * @param {http.IncomingMessage} req
 * @param {http.ServerResponse} res
 * @param {number} status
 * @param {object|undefined} headers  of the error
 * @param {string} message  text of the page; escaped here
 */
function sendPage(app, req, res, status, headers, message) {
  const page = pageOf(app.get('error pages'), req, status, message)

  res.statusCode = status
  if (req.httpVersionMajor < 2) res.statusMessage = statuses.message[status]

  // They described the content that is not sent now.
  res.removeHeader('Content-Encoding')
  res.removeHeader('Content-Language')
  res.removeHeader('Content-Range')

  if (headers !== undefined) {
    for (const name of Object.keys(headers)) res.setHeader(name, headers[name])
  }

  if (page.negotiated) vary(res, 'Accept')
  res.setHeader('Content-Security-Policy', page.csp)
  res.setHeader('X-Content-Type-Options', 'nosniff')
  res.setHeader('Content-Type', page.contentType)
  res.setHeader('Content-Length', page.length)

  if (req.method === 'HEAD') res.end()
  else res.end(page.body, 'utf8')
}

/** Pages that were made last, by what they say: the same few statuses, and paths that are asked for in vain again and again. */
const pages = new Map()
const MOST_PAGES = 64
/** UTF-16 code units. Longer texts (stacks, paths that somebody made long) are not kept. */
const LONGEST_KEPT = 256

/**
 * @param {'page'|'express'|'negotiate'|undefined} mode  the "error pages" setting
 * @param {unknown} message  what the page says: whatever an error had in `stack`
 * @return {{ body: string, length: number, contentType: string, csp: string, negotiated: boolean }} `length` in bytes
 */
function pageOf(mode, req, status, message) {
  // A status without a standard text has no message in production; Express' page says so in its own way.
  const text = message === undefined && mode !== 'express' ? `${status}` : `${message}`
  const negotiated = mode === 'negotiate'
  if (negotiated || text.length > LONGEST_KEPT) {
    return renderPage(mode, status, text, negotiated ? req.headers.accept : undefined)
  }

  const key = `${mode} ${status} ${text}`
  const known = pages.get(key)
  if (known !== undefined) return known
  const page = renderPage(mode, status, text)
  if (pages.size === MOST_PAGES) pages.delete(pages.keys().next().value)
  pages.set(key, page)
  return page
}

function renderPage(mode, status, text, accept) {
  const page =
    mode === 'express'
      ? {
          body: expressPage(text),
          contentType: 'text/html; charset=utf-8',
          csp: "default-src 'none'"
        }
      : native.renderErrorPage(mode === undefined ? 'page' : mode, status, text, accept)
  return { ...page, length: Buffer.byteLength(page.body, 'utf8'), negotiated: mode === 'negotiate' }
}

/** The document that Express sends, byte for byte. */
function expressPage(message) {
  const text = escapeHtml(message).replaceAll('\n', '<br>').replaceAll('  ', ' &nbsp;')

  return [
    '<!DOCTYPE html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<title>Error</title>',
    '</head>',
    '<body>',
    `<pre>${text}</pre>`,
    '</body>',
    '</html>',
    ''
  ].join('\n')
}
