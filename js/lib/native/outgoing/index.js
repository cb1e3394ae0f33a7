'use strict'
// Native-backed responses: the layer between Express' response prototype and
// http.ServerResponse.prototype. Two states. *Light*: headers in a flat list (headers.js), nothing
// else made; a whole answer leaves as one frame that Rust finishes (whole.js). *Full*: as soon as
// anything else is asked, Node's own constructor and methods take over (full.js), so every
// observable step is Node's. ends.js has what follows the answer.

const { proto, LIGHT } = require('./proto')
const { linesOf } = require('./headers')
const { full, noop } = require('./full')
const { abort, connectionGone, drainMessage } = require('./ends')
const whole = require('./whole')
const S = require('../symbols')

const { kSlot, kGeneration, kState, kHeaderList, kSocket, kSpecial } = S

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
    this._events = undefined
    this._eventsCount = 0
    this._maxListeners = undefined
    this.outputData = NO_OUTPUT
    this.outputSize = 0
    this.writable = true
    this.destroyed = false
    this._last = false
    this.chunkedEncoding = false
    this.shouldKeepAlive = true
    this.maxRequestsOnConnectionReached = false
    this._defaultKeepAlive = true
    this.useChunkedEncodingByDefault = true
    this.sendDate = true
    this._removedConnection = false
    this._removedContLen = false
    this._removedTE = false
    this.strictContentLength = false
    this._contentLength = null
    this._hasBody = true
    this._trailer = ''
    this.finished = false
    this._headerSent = false
    this._closed = false
    this._header = null
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
  setEtagFunctions: whole.setEtagFunctions,
  abort,
  connectionGone,
  drainMessage,
  full
}
