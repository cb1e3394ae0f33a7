// Body parsers for requests whose whole body came with their head: body-parser's checks in
// body-parser's order, without a stream. Every other request is handed to body-parser's own
// middleware, made with the same options, which also checks those options.
'use strict'

const bytes = require('bytes')
const contentType = require('content-type')
const createError = require('http-errors')
const debug = require('debug')
const { lazy } = require('../../lazy')
const F = require('../../native/frames')
const {
  kAbortReason,
  kFlags,
  kInlineBody,
  kSlot,
  kSocket,
  kStream
} = require('../../native/symbols')
const { consume, isConsumed, isTapped } = require('../../native/incoming')
const head = require('./head')

const typeis = lazy(() => require('type-is'))

const EMPTY = Buffer.alloc(0)
const DEFAULT_LIMIT = 100 * 1024
const BOM = 0xfeff

/** Charsets decoded here, to what iconv-lite makes of them. */
const decoders = {
  __proto__: null,
  'utf-8': utf8,
  utf8,
  'iso-8859-1': latin1,
  latin1
}

function utf8(body) {
  const text = body.utf8Slice(0, body.length)
  return text.charCodeAt(0) === BOM ? text.slice(1) : text
}

function latin1(body) {
  return body.latin1Slice(0, body.length)
}

/**
 * The part of a parser that is the same for all kinds.
 *
 * `next` is called before the middleware returns. body-parser calls it when the body has been read,
 * which for a body that has come is a few ticks later; handlers cannot rely on the difference, since
 * body-parser itself calls it at once for every request it skips.
 *
 * @param {object} kind
 * @param {string} kind.name  of the middleware in body-parser, for DEBUG
 * @param {string} kind.type  default of the option `type`
 * @param {string[]} [kind.charsets]  those to be decoded here; without, the body stays a Buffer
 * @param {function(string|Buffer, string|null): *} kind.parse  gives `req.body`; what it throws ends
 *   with 400 or the error's own status
 * @param {object} [options]  as given to the factory
 * @param {Function} make  body-parser's factory
 * @return {{ handle: function(req, res, next) }}
 * @throws {TypeError} what `make` throws
 */
function inlineParser(kind, options, make) {
  const accepts = new TypeCheck(options, kind.type)
  // body-parser checks the options; without any there is nothing to check before it is needed
  let parser = options === undefined ? undefined : make(accepts.optionsFor(options))
  const fallback = (req, res, next) => {
    parser ??= make(accepts.optionsFor(options))
    parser(req, res, next)
  }
  // its debug output tells of reading, which does not happen here
  if (debug.enabled(`body-parser:${kind.name}`)) return { handle: fallback }

  const limit = options?.limit == null ? DEFAULT_LIMIT : bytes.parse(options.limit)
  const verify = options?.verify || null
  const charsets = new CharsetCheck(kind.charsets, options?.defaultCharset || 'utf-8')
  const { parse } = kind

  function handle(req, res, next) {
    if (req[kSlot] === undefined || req[kStream] === true) return fallback(req, res, next)
    if (isConsumed(req)) return next()
    // gone, or about to be: body-parser's rules for unfinished requests apply
    if (req[kAbortReason] !== undefined || req[kSocket]?.readable === false) {
      return fallback(req, res, next)
    }

    let touched = head.isTouched(req)
    if (!head.announcesBody(req, touched)) {
      if (!('body' in req)) req.body = undefined
      return next()
    }
    // listeners want to hear of 'end'
    const inline = req[kInlineBody]
    if (
      (req[kFlags] & F.BODY_COMPLETE) === 0 ||
      inline === undefined ||
      req._events !== undefined ||
      isTapped(req)
    ) {
      return fallback(req, res, next)
    }
    if (!('body' in req)) req.body = undefined

    if (accepts.custom !== null) {
      const accepted = accepts.ask(req)
      if (!accepted) return next()
      // the function may have looked at the headers, changed them or begun to read
      const isListenedTo = req._events !== undefined || isTapped(req)
      if (req[kStream] === true || isListenedTo || isConsumed(req)) {
        return accepts.known(accepted, fallback, req, res, next)
      }
      touched = head.isTouched(req)
    }

    const { type, length, encoding } = head.read(req, touched)
    if (accepts.custom === null && !accepts.check(type)) return next()

    const body = inline ?? EMPTY
    const decode = charsets.decoderFor(type)
    const size = length == null || Number.isNaN(+length) ? null : parseInt(length, 10)
    if (
      decode === null ||
      (encoding && encoding !== 'identity' && `${encoding}`.toLowerCase() !== 'identity') ||
      (size !== null && size !== body.length)
    ) {
      return accepts.known(true, fallback, req, res, next)
    }
    const charset = kind.charsets === undefined ? null : charsets.charset

    consume(req, body.length === 0)
    if (body.length > limit) return next(tooLarge(size, body.length, limit))

    if (verify !== null) {
      let failure = null
      try {
        verify(req, res, body, charset)
      } catch (err) {
        failure = createError(403, err, { body, type: err.type || 'entity.verify.failed' })
      }
      if (failure !== null) return next(failure)
    }

    let content = body
    let failure = null
    try {
      if (charset !== null) content = decode(body)
      req.body = parse(content, charset)
    } catch (err) {
      failure = createError(400, err, { body: content, type: err.type || 'entity.parse.failed' })
    }
    if (failure !== null) next(failure)
    else next()
  }

  return { handle }
}

/** @param {number|null} length  Content-Length, null for a chunked body */
function tooLarge(length, received, limit) {
  return createError(
    413,
    'request entity too large',
    length === null
      ? { limit, received, type: 'entity.too.large' }
      : { expected: length, length, limit, type: 'entity.too.large' }
  )
}

/** The option `type`: a pattern, several, or a function. */
class TypeCheck {
  constructor(options, standard) {
    const type = options?.type || standard
    this.custom = typeof type === 'function' ? type : null
    this.type = type
    /** The last Content-Type and the answer to it: one client mostly sends one. */
    this.last = undefined
    this.lastAnswer = false
    /** An answer of `custom` for the request being handed over, so that it is not asked twice. */
    this.pending = null
  }

  /** Options for body-parser: the given ones, but for a function as `type`. */
  optionsFor(options) {
    if (this.custom === null) return options
    const type = (req) => {
      const pending = this.pending
      if (pending === null) return this.ask(req)
      this.pending = null
      return pending.accepted
    }
    return Object.create(options, { type: { enumerable: true, value: type } })
  }

  ask(req) {
    const { custom } = this
    return custom(req)
  }

  check(value) {
    // an array may be changed by who made it
    if (typeof this.type !== 'string') return Boolean(typeis().is(value, this.type))
    if (value !== this.last) {
      this.lastAnswer = Boolean(typeis().is(value, this.type))
      this.last = value
    }
    return this.lastAnswer
  }

  /** Calls body-parser's middleware, which need not find out about the type again. */
  known(accepted, fallback, req, res, next) {
    this.pending = this.custom === null ? null : { accepted }
    try {
      fallback(req, res, next)
    } finally {
      this.pending = null
    }
  }
}

/** The charset of a Content-Type, and its decoder. */
class CharsetCheck {
  constructor(charsets, standard) {
    this.charsets = charsets
    this.standard = standard
    this.last = null
    /** The one `decoderFor` was last asked for. */
    this.charset = null
    this.decoder = null
  }

  /** @return {Function|null}  null for a charset that is body-parser's to decode or to refuse */
  decoderFor(type) {
    if (this.charsets === undefined) return utf8
    if (type !== this.last) {
      const given = type ? contentType.parse(type).parameters.charset?.toLowerCase() : undefined
      this.charset = given || this.standard
      this.decoder = this.charsets.includes(this.charset) ? decoders[this.charset] : null
      this.last = type
    }
    return this.decoder
  }
}

module.exports = { inlineParser }
