'use strict'
// Plan: a cursor over the words that Rust made for one router level of one
// request (layout: docs/internals/frames.md). They come with the request's frame,
// or from the synchronous call for a router reached by other means.

const native = require('../native')
const { METHOD_INDEX } = require('../native/frames')
const { readCaptures, kPatterns } = require('./layer')
const { clock, handlesOf, tableOf } = require('./registry')
const { kChangedAt, kTableVersion, kPlan } = require('./symbols')

const INDEX_MASK = 0xffffff
const DETAIL = 1
const SUB = 2
const ASK = 4
const RUN = 8

const NO_WORDS = []
const OPTIONS = METHOD_INDEX.OPTIONS

/**
 * What the frame (or a parent level) prepared for a router; consumed once by it.
 * @param {Function} router
 * @param {number[]} words
 * @param {number} pos where the router's words begin
 * @param {number} end and end
 * @param {number} version of the table
 * @param {string} url and method that they are for
 */
function offerOf(router, words, pos, end, version, url, method) {
  return { router, words, pos, end, version, url, method }
}

/** Scratch for synchronous plans; grown when a plan does not fit. */
let scratch = new Int32Array(4096)

/** `req.params` of a layer that captures nothing. As `{}`, without room for properties that seldom come. */
function Params() {}
Params.prototype = Object.prototype

class Plan {
  /** The plan for `router`: the one prepared for it if it still fits, else a stale one. */
  constructor(router, req) {
    const offer = req[kPlan]
    const isFit =
      offer !== undefined &&
      offer !== null &&
      offer.router === router &&
      offer.url === req.url &&
      offer.method === req.method &&
      router[kChangedAt] <= offer.version
    this.router = router
    /** Layers left of the run that was opened last: stack indices from … up to, without. */
    this.runAt = 0
    this.runEnd = 0
    /** Functions of the router's plain layers, by stack index (registry.js), null if each layer must be looked at. */
    this.handles = null
    /** The clock when the plan was last known to be true to the routes. */
    this.seen = 0
    this.url = undefined
    this.method = undefined
    this.words = NO_WORDS
    this.pos = 0
    this.end = 0
    this.version = 0
    this.pathname = ''
    /** The pathname is the URL up to its '?': nested routers need no look at the URL either. */
    this.plain = true
    this.from = 0
    this.checksMethod = false
    // the current entry
    this.index = 0
    this.params = undefined
    this.hasKeys = false
    this.matchLength = 0
    this.matchText = undefined
    this.patternIndex = 0
    this.subPos = 0
    this.subEnd = 0
    this.detailPos = 0
    this.asks = false
    this.asked = undefined
    if (isFit) {
      this.words = offer.words
      this.pos = offer.pos
      this.end = offer.end
      this.version = offer.version
      this.url = offer.url
      this.setMethod(offer.method)
      this.pathname = pathnameOf(offer.url)
      this.see()
      req[kPlan] = null
    }
  }

  setMethod(method) {
    this.method = method
    this.checksMethod =
      method !== 'GET' &&
      (method === 'OPTIONS' || method === 'HEAD' || METHOD_INDEX[method] === undefined)
  }

  /** True if the request or the routes are no longer what the plan was made for. */
  isStale(req) {
    if (req.url !== this.url || req.method !== this.method) return true
    if (this.seen !== clock.now) {
      if (this.router[kChangedAt] > this.version) return true
      this.see()
    }
    return false
  }

  /** The plan is true to the routes as they are now. */
  see() {
    this.seen = clock.now
    this.handles = handlesOf(this.router)
  }

  /**
   * Asks Rust for the plan of what is left.
   * @param {string} pathname
   * @param {number} from stack index to go on from
   */
  make(req, pathname, from) {
    const router = this.router
    const table = tableOf(router)
    // an unknown method keeps every matching route; the walk checks methods then
    const method = METHOD_INDEX[req.method] ?? OPTIONS
    let count = native.plan(table, method, pathname, scratch)
    if (count < 0) {
      scratch = new Int32Array(-count + 1024)
      count = native.plan(table, method, pathname, scratch)
    }
    const words = new Array(count)
    for (let i = 0; i < count; i++) words[i] = scratch[i]
    this.words = words
    this.pos = 0
    this.end = count
    this.runAt = this.runEnd = 0
    this.version = router[kTableVersion]
    this.see()
    this.url = req.url
    this.setMethod(req.method)
    this.pathname = pathname
    this.plain = pathname === pathnameOf(req.url)
    this.from = from
  }

  /**
   * Reads the next entry if it is of layers in a run, which capture nothing and lead into no router.
   * @returns {boolean} true if there is one, and `runAt` was not one's before
   */
  openRun() {
    while (this.runAt >= this.runEnd && this.pos < this.end) {
      const head = this.words[this.pos]
      const flags = head >>> 24
      // a layer by itself is a run too
      if (flags !== 0 && flags !== RUN) return false
      const first = head & INDEX_MASK
      const count = flags === RUN ? this.words[this.pos + 1] : 1
      this.pos += flags === RUN ? 2 : 1
      this.runAt = Math.max(first, this.from)
      this.runEnd = first + count
      if (this.runAt < this.runEnd) return true
    }
    return false
  }

  /** Moves to the next entry; false at the end. */
  advance() {
    for (;;) {
      if (this.runAt < this.runEnd || this.openRun()) {
        this.index = this.runAt++
        this.subPos = 0
        this.detailPos = 0
        this.asks = false
        return true
      }
      if (this.pos >= this.end) return false
      const words = this.words
      const head = words[this.pos++]
      const index = head & INDEX_MASK
      const flags = head >>> 24
      this.index = index
      this.subPos = 0
      this.detailPos = 0
      this.asks = (flags & ASK) !== 0
      if (flags & DETAIL) {
        this.detailPos = this.pos
        this.pos += 2 + 3 * (words[this.pos + 1] & 0xffff)
      }
      if (flags & SUB) {
        const length = words[this.pos]
        this.subPos = this.pos + 1
        this.subEnd = this.subPos + length
        this.pos = this.subEnd
      }
      if (index >= this.from) return true
    }
  }

  /**
   * Reads the current entry's params and matched length (a RegExp layer matches here).
   * @returns {boolean} false if the layer does not match after all
   * @throws {URIError} for a parameter that does not decode
   */
  resolve(layer) {
    this.matchText = undefined
    if (this.asks) {
      const match = layer.match(this.pathname)
      if (!match) return false
      this.params = match.params
      this.hasKeys = match.keys.length !== 0
      this.matchText = match.path
      this.asked = match.pattern
      return true
    }
    const detail = this.detailPos
    if (detail === 0) {
      this.params = layer.slash ? new Params() : Object.create(null)
      this.hasKeys = false
      this.matchLength = 0
      this.patternIndex = 0
      return true
    }
    const words = this.words
    const counts = words[detail + 1]
    const count = counts & 0xffff
    this.matchLength = words[detail]
    this.patternIndex = counts >>> 16
    this.hasKeys = count !== 0
    this.params =
      count === 0
        ? Object.create(null)
        : readCaptures(
            words,
            detail + 2,
            count,
            layer[kPatterns][this.patternIndex].keys,
            this.pathname
          )
    return true
  }

  /** The part of the pathname that the current `use` layer matched. */
  matchedPath() {
    if (this.matchText !== undefined) return this.matchText
    return this.matchLength === 0 ? '' : this.pathname.substring(0, this.matchLength)
  }

  /** The pattern that matched, as registered (for tracing). */
  pattern(layer) {
    if (this.matchText !== undefined) return this.asked
    return Array.isArray(layer.rawPath) ? layer.rawPath[this.patternIndex] : layer.rawPath
  }

  /** Where the nested router's words begin, 0 if there are none. Valid for offer(). */
  sub() {
    return this.subPos
  }

  /** Leaves the nested words at `pos` for the router that the layer leads into. */
  offer(req, router, pos) {
    if (router === undefined || !this.plain) return
    req[kPlan] = offerOf(
      router,
      this.words,
      pos,
      pos + this.words[pos - 1],
      this.version,
      req.url,
      req.method
    )
  }
}

/** Pathname of a URL of the plain kind that Rust plans for (starts with '/', no '#' or white space). */
function pathnameOf(url) {
  const query = url.indexOf('?')
  return query === -1 ? url : url.substring(0, query)
}

module.exports = { Plan, Params, offerOf }
