'use strict'
// Native-backed responses: the layer between Express' response prototype and
// http.ServerResponse.prototype. *Light*: headers in a flat list (headers.js), a head that Node has
// no part in (head.js), a whole answer as one frame that Rust finishes (whole.js), and the events
// that follow it (moments.js). *Full*: as soon as anything else is asked, Node's own constructor
// and methods take over (full.js), so every observable step is Node's. ends.js has the other ends.

const { KEEP_ALIVE } = require('../frames')
const { FUTURE } = require('../ticks')
const { NodeProto, proto, LIGHT } = require('./proto')
const { alike, eventNames } = require('../likeness')
const { linesOf, setFirstType } = require('./headers')
const { setEtagFunctions } = require('./head')
const { full, noop, NO_OUTPUT } = require('./full')
const { abort, loseAll, connectionGone, drainMessage, holdBody } = require('./ends')
const { emitClose, emitOf } = require('./moments')
const whole = require('./whole')
const S = require('../symbols')

const { kSlot, kGeneration, kFlags, kState, kHeaderList, kSocket, kSpecial } = S
const { kBody, kEncoding, kEpoch, kEtagFn, kFile, kFixed, kHeaderText, kSentLength, kTold } = S
const { kRequest } = S

// What Node's OutgoingMessage sets on every message, and most responses never change: a write makes
// a field of it.
for (const [name, value] of Object.entries({
  outputData: NO_OUTPUT,
  outputSize: 0,
  writable: true,
  _last: false,
  chunkedEncoding: false,
  maxRequestsOnConnectionReached: false,
  _defaultKeepAlive: true,
  useChunkedEncodingByDefault: true,
  sendDate: true,
  _removedConnection: false,
  _removedContLen: false,
  _removedTE: false,
  strictContentLength: false,
  _trailer: '',
  _keepAliveTimeout: 0,
  _onPendingData: noop,
  _sent100: false,
  _expect_continue: false,
  _maxRequestsPerSocket: 0
})) {
  proto[name] = value
}
for (const [key, value] of [
  [S.kEndCallbacks, undefined],
  [S.kStreamOut, undefined],
  [S.kNext, undefined],
  [S.kFollower, undefined],
  [S.kDestroyed, false],
  [S.kClosed, false]
]) {
  proto[key] = value
}

/**
 * A class whose instances have `prototype` as their prototype at once. The fields are those of
 * Node's OutgoingMessage that an answer changes, and our own; all are set here, in one order.
 */
function responseClass(prototype) {
  function NativeResponse(req, slot, generation) {
    this[kSlot] = slot
    this[kGeneration] = generation
    this[kState] = LIGHT
    this[kSpecial] = 0
    this[kHeaderList] = []
    this[kSocket] = undefined
    this[kSentLength] = 0
    this[kFile] = undefined
    this[kBody] = undefined
    this[kEncoding] = undefined
    this[kEtagFn] = undefined
    this[kFixed] = undefined
    this[kHeaderText] = null
    this[kEpoch] = FUTURE
    this[kTold] = 0
    this._events = undefined
    this._eventsCount = 0
    this._maxListeners = undefined
    this.shouldKeepAlive = (req[kFlags] & KEEP_ALIVE) !== 0
    this._contentLength = null
    this._hasBody = req.method !== 'HEAD'
    this.finished = false
    this._headerSent = false
    this[kRequest] = req
    this.req = req
    this.statusCode = 200
    this.statusMessage = undefined
    this.locals = undefined
  }
  NativeResponse.prototype = prototype
  return NativeResponse
}

proto.eventNames = eventNames
alike(proto, NodeProto)

module.exports = {
  proto,
  responseClass,
  sendWhole: whole.sendWhole,
  isOriginal: whole.isOriginal,
  isPlain: whole.isPlain,
  isHooked: whole.isHooked,
  respondHeld: whole.respondHeld,
  linesOf,
  setFirstType,
  sealForFile: whole.sealForFile,
  reopen: whole.reopen,
  fileSent: whole.fileSent,
  setEtagFunctions,
  abort,
  holdBody,
  loseAll,
  connectionGone,
  emitClose,
  emitOf,
  drainMessage,
  full
}
