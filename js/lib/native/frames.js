'use strict'
// The numbers of docs/internals/frames.md, as JavaScript reads and writes them. Layout and numbers are
// those of crates/rnode-bridge/src/frame; a test holds both sides to the same golden file, which has
// all of them, used or not. No logic here.

/** Methods in the order of their index on the wire. */
const METHODS = [
  'ACL',
  'BIND',
  'CHECKOUT',
  'CONNECT',
  'COPY',
  'DELETE',
  'GET',
  'HEAD',
  'LINK',
  'LOCK',
  'M-SEARCH',
  'MERGE',
  'MKACTIVITY',
  'MKCALENDAR',
  'MKCOL',
  'MOVE',
  'NOTIFY',
  'OPTIONS',
  'PATCH',
  'POST',
  'PROPFIND',
  'PROPPATCH',
  'PURGE',
  'PUT',
  'QUERY',
  'REBIND',
  'REPORT',
  'SEARCH',
  'SOURCE',
  'SUBSCRIBE',
  'TRACE',
  'UNBIND',
  'UNLINK',
  'UNLOCK',
  'UNSUBSCRIBE'
]

const METHOD_INDEX = Object.create(null)
METHODS.forEach((method, index) => {
  METHOD_INDEX[method] = index
})

/** Options numbers have this many bits in the number of a native layer. */
const NATIVE_OPTIONS_BITS = 24

/**
 * The number by which Rust knows what it can do in a layer's place (`native` in the route table).
 * @param {number} kind one of NATIVE_…
 * @param {number} options number of interned options, 0 = none that Rust takes
 * @returns {number} 0 if Rust cannot
 */
function nativeLayer(kind, options) {
  return options === 0 || options >= 2 ** NATIVE_OPTIONS_BITS
    ? 0
    : kind * 2 ** NATIVE_OPTIONS_BITS + options
}

module.exports = {
  METHODS,
  METHOD_INDEX,
  nativeLayer,

  /** Kinds of native layers: express.static, with options of internFileOptions. */
  NATIVE_STATIC: 1,

  /** Inbound kinds. */
  REQUEST: 1,
  BODY: 2,
  BODY_END: 3,
  ABORT: 4,
  DRAIN: 5,
  FINISHED: 6,
  UPGRADE: 7,
  CLIENT_ERROR: 8,
  CONNECTION: 9,
  CONNECTION_CLOSED: 10,
  SERVER_CLOSED: 11,
  SOCKET_TIMEOUT: 12,
  FILE_RESULT: 13,
  SERVER_BUSY: 14,
  PROGRESS: 15,

  /** FILE_RESULT: what became of a FILE. */
  FILE_SENT: 0,
  FILE_FALLTHROUGH: 1,
  FILE_FAILED: 2,
  FILE_DECLINED: 3,
  FILE_DIRECTORY: 4,
  FILE_FOUND: 5,
  FILE_BEGUN: 6,
  FILE_HELD: 7,

  /** Flags of FILE. */
  FILE_HEAD: 1,
  FILE_SEND: 2,
  FILE_REPORT: 4,
  FILE_LOCATE: 8,
  FILE_HOLD: 16,

  /** REQUEST flags. */
  HTTP_1_0: 1,
  KEEP_ALIVE: 2,
  BODY_COMPLETE: 4,
  HAS_BODY: 8,
  CHUNKED_BODY: 16,
  UPGRADE_ASKED: 32,
  EXPECT_CONTINUE: 64,
  EXPECT_OTHER: 128,
  TLS: 256,
  CONDITIONAL: 512,
  FIRST: 1024,
  LIMIT_REACHED: 2048,
  OVER_LIMIT: 4096,
  PASSED: 8192,

  /** Flag of CONNECTION. */
  CONNECTION_DROPPED: 1,
  /** Flag of any inbound frame: the next one is handled in the same turn. It is the sign bit of the frame's second word. */
  JOINED: 0x800000,
  /** Flag of BODY: the bytes are asked for by takeBody. */
  BESIDE: 1,
  /** Flag of CLIENT_ERROR. */
  SOCKET_GONE: 1,
  /** Flag of CONNECTION_CLOSED. */
  CONNECTION_ENDED: 1,
  /** Flag of PROGRESS. */
  BYTES_WAIT: 1,

  /** ABORT reasons. */
  ABORT_CLIENT_GONE: 1,
  ABORT_DEADLINE: 2,
  ABORT_SERVER_CLOSING: 3,
  ABORT_BODY_BROKEN: 4,
  ABORT_REQUEST_TIMEOUT: 5,
  ABORT_REFUSED: 7,
  ABORT_PIPELINE_BROKEN: 8,

  /** Outbound kinds. */
  RESPOND: 1,
  HEAD: 2,
  CHUNK: 3,
  END: 4,
  DESTROY: 5,
  BODY_WANT: 6,
  INFO: 7,
  DEADLINE: 8,
  ERROR_PAGE: 9,
  RAW: 10,
  SOCKET_END: 11,
  WATCH_CLOSE: 12,
  FILE: 13,
  BODY_DUMP: 14,
  HOLD: 15,
  PROGRESS_ASK: 16,

  /** Flags of RESPOND, HEAD, ERROR_PAGE. */
  ETAG_WEAK: 1,
  ETAG_STRONG: 2,
  FRESH: 4,
  NO_DATE: 8,
  NOTIFY: 16,
  CLOSE: 32,
  CONNECTION_SET: 64,
  LENGTH: 128,
  CHUNKED: 256,
  ADD_TE: 512,
  NO_BODY: 1024,
  VALIDATORS: 2048,
  UNFRAMED: 4096,
  LENGTH_LAST: 8192,
  HELD: 16384,

  /** Flags of END. */
  END_NOTIFY: 16,
  END_CLOSE: 32,
  END_RAW: 64,

  /** Flag of SOCKET_END. */
  WAIT_FOR_CLIENT: 1,

  /** DESTROY takes the whole response back. */
  ALL_OF_RESPONSE: 0x7fffffff,

  /** Flag of CHUNK and RAW, and where the mark begins that DRAIN repeats. */
  WANT_DRAIN: 1,
  MARK_SHIFT: 8
}
