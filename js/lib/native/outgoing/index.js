'use strict'
// Native-backed responses: the layer between Express' response prototype and
// http.ServerResponse.prototype. *Light*: headers in a flat list (headers.js), a head that Node has
// no part in (head.js), a whole answer as one frame that Rust finishes (whole.js), and the events
// that follow it (moments.js). *Full*: as soon as anything else is asked, Node's own constructor
// and methods take over (full.js), so every observable step is Node's. ends.js has the other ends.

const { KEEP_ALIVE } = require('../frames')
const { proto, LIGHT } = require('./proto')
const { linesOf } = require('./headers')
const { setEtagFunctions } = require('./head')
const { full, noop } = require('./full')
const { abort, connectionGone, drainMessage } = require('./ends')
const { emitClose } = require('./moments')
const whole = require('./whole')
const S = require('../symbols')

const { kSlot, kGeneration, kFlags, kState, kHeaderList, kSocket, kSpecial } = S

const NO_OUTPUT = []

/**
 * A class whose instances have `prototype` as their prototype at once. The fields
 * are those of Node's OutgoingMessage, so that its methods work on a light
 * response as well; all are set here, in one order.
 */
function responseClass(prototype) {
  function NativeResponse(req, slot, generation) {
    this[kSlot] = slot
    this[kGeneration] = generation
    this[kState] = LIGHT
    this[kSpecial] = 0
    this[kHeaderList] = []
    this[kSocket] = undefined
    this[S.kSentLength] = 0
    this[S.kFile] = undefined
    this[S.kBody] = undefined
    this[S.kEncoding] = undefined
    this[S.kEtagFn] = undefined
    this[S.kFixed] = undefined
    this[S.kHeaderText] = null
    this[S.kEpoch] = 0
    this[S.kTold] = 0
    this[S.kEndCallbacks] = undefined
    this[S.kDestroyed] = false
    this[S.kClosed] = false
    this._events = undefined
    this._eventsCount = 0
    this._maxListeners = undefined
    this.outputData = NO_OUTPUT
    this.outputSize = 0
    this.writable = true
    this._last = false
    this.chunkedEncoding = false
    this.shouldKeepAlive = (req[kFlags] & KEEP_ALIVE) !== 0
    this.maxRequestsOnConnectionReached = false
    this._defaultKeepAlive = true
    this.useChunkedEncodingByDefault = true
    this.sendDate = true
    this._removedConnection = false
    this._removedContLen = false
    this._removedTE = false
    this.strictContentLength = false
    this._contentLength = null
    this._hasBody = req.method !== 'HEAD'
    this._trailer = ''
    this.finished = false
    this._headerSent = false
    this._keepAliveTimeout = 0
    this._onPendingData = noop
    this.req = req
    this._sent100 = false
    this._expect_continue = false
    this._maxRequestsPerSocket = 0
    this.statusCode = 200
    this.statusMessage = undefined
    this.locals = undefined
  }
  NativeResponse.prototype = prototype
  return NativeResponse
}

module.exports = {
  proto,
  responseClass,
  sendWhole: whole.sendWhole,
  isOriginal: whole.isOriginal,
  isPlain: whole.isPlain,
  linesOf,
  sealForFile: whole.sealForFile,
  reopen: whole.reopen,
  fileSent: whole.fileSent,
  setEtagFunctions,
  abort,
  connectionGone,
  emitClose,
  drainMessage,
  full
}
