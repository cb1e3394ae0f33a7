// Deadlines and abort signals of requests. Requests of the Rust server are handed to
// native/message; the rest of this file does the same for messages of Node's own server
// (`http.createServer(app)`).
'use strict'

const onFinished = require('on-finished')
const statuses = require('statuses')
const { createError } = require('./errors')
const { kExpired, sendPage } = require('./final-handler')
const nativeMessage = require('./native/message')
const { kSlot } = require('./native/symbols')

const kClock = Symbol('rnode.clock')
const kController = Symbol('rnode.controller')

/**
 * Give the handlers of a request `ms` from now to answer; a later call replaces an earlier one, 0
 * or false ends it.
 *
 * When the time is over and no head was sent, the client gets the 503 page, `req.signal` fires with
 * RNODE_ERR_HANDLER_TIMEOUT, and what the handlers do to the response afterwards has no effect.
 * Time in which the client is still sending does not count; once the head is sent there is no
 * deadline.
 *
 * @param {http.IncomingMessage} req
 * @param {http.ServerResponse} res
 * @param {number|false} ms
 */
function startDeadline(req, res, ms) {
  if (req[kSlot] !== undefined) {
    nativeMessage.setDeadline(req, res, ms || 0)
    return
  }

  let clock = req[kClock]

  if (clock !== undefined) {
    clearTimeout(clock.timer)
  } else {
    if (!ms) return
    clock = req[kClock] = { bytesRead: 0, ms: 0, timer: undefined }
    onFinished(res, () => clearTimeout(clock.timer))
  }

  clock.ms = ms || 0
  if (ms && !res.headersSent) arm(req, res, clock)
}

function arm(req, res, clock) {
  clock.bytesRead = bytesRead(req)
  clock.timer = setTimeout(expire, clock.ms, req, res, clock)
}

const bytesRead = (req) => req.socket?.bytesRead ?? 0

function expire(req, res, clock) {
  if (res.headersSent || res.writableEnded) return

  // A slow upload is no stuck handler.
  if (!req.complete && bytesRead(req) > clock.bytesRead) {
    arm(req, res, clock)
    return
  }

  const err = createError('RNODE_ERR_HANDLER_TIMEOUT', clock.ms)

  // Whatever was set belongs to an answer that does not come (Cache-Control, Set-Cookie, …).
  for (const name of res.getHeaderNames()) res.removeHeader(name)

  // The rest of a body that nobody waits for would have to be read before the next request.
  if (!req.complete) res.setHeader('Connection', 'close')

  sendPage(req.app, req, res, err.status, undefined, statuses.message[err.status])
  seal(res, err)
  abort(req, err)
}

/**
 * Make later changes of a response harmless. Own properties, so that middleware which kept the
 * original methods (compression, express-session) can still finish what it began.
 */
function seal(res, err) {
  const refuse = (callback) => {
    if (typeof callback === 'function') process.nextTick(callback, err)
  }

  const sealed = {
    appendHeader: () => res,
    flushHeaders: () => {},
    removeHeader: () => {},
    setHeader: () => res,
    setHeaders: () => res,
    writeContinue: () => {},
    writeEarlyHints: () => {},
    writeProcessing: () => {},
    end: (...args) => {
      refuse(args.find((arg) => typeof arg === 'function'))
      return res
    },
    write: (...args) => {
      refuse(args.find((arg) => typeof arg === 'function'))
      return true
    }
  }

  const { writeHead } = res
  sealed.writeHead = (...args) => (res.headersSent ? res : writeHead.apply(res, args))

  for (const name of Object.keys(sealed)) {
    Object.defineProperty(res, name, { configurable: true, value: sealed[name], writable: true })
  }

  res[kExpired] = true
}

/**
 * The AbortSignal of a request of Node's server, made when first asked for. It fires when the
 * client leaves before the response is finished (RNODE_ERR_CLIENT_CLOSED) or the deadline passes
 * (RNODE_ERR_HANDLER_TIMEOUT).
 *
 * @param {http.IncomingMessage} req  one that has been in `app.handle`, so that `req.res` is set
 * @return {AbortSignal}
 */
function signalOf(req) {
  let controller = req[kController]

  if (controller === undefined) {
    controller = req[kController] = new AbortController()

    const { res } = req
    if (res !== undefined) {
      const onClose = () => {
        if (!res.writableFinished) abort(req, createError('RNODE_ERR_CLIENT_CLOSED'))
      }

      // An expired response was sent whole although its handler is still at work.
      if (res[kExpired] === true)
        controller.abort(createError('RNODE_ERR_HANDLER_TIMEOUT', req[kClock].ms))
      else if (res.closed || res.destroyed) onClose()
      else res.once('close', onClose)
    }
  }

  return controller.signal
}

function abort(req, reason) {
  const controller = req[kController]
  if (controller !== undefined && !controller.signal.aborted) controller.abort(reason)
}

/**
 * Seal a native response that Rust has ended with 503: what the handler still does has no effect.
 *
 * @param {http.IncomingMessage} req  native-backed
 * @param {http.ServerResponse} res
 */
function sealExpired(req, res) {
  seal(res, createError('RNODE_ERR_HANDLER_TIMEOUT', nativeMessage.deadlineOf(req)))
}

module.exports = { sealExpired, signalOf, startDeadline }
