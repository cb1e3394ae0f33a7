// The prototype of requests: what Express adds to Node's IncomingMessage.
// It must use only Node's message API, so that it also works for requests of Node's own server.
'use strict'

const { isIP } = require('node:net')
const fresh = require('fresh')
const parseUrl = require('parseurl')
const { signalOf } = require('./deadline')
const { lazy } = require('./lazy')
const { messagePrototypes } = require('./native/message')
const { kSlot } = require('./native/symbols')
const { parse: parsePlain, plainQuery } = require('./query')
const { kParsedUrl, kUntrimmedUrl } = require('./router/symbols')
const { settingsOf, trustNobody } = require('./settings')

const accepts = lazy(() => require('accepts'))
const parseRange = lazy(() => require('range-parser'))
const proxyaddr = lazy(() => require('proxy-addr'))
const typeis = lazy(() => require('type-is'))

const req = Object.create(messagePrototypes.request)
module.exports = req

/**
 * Value of a request header. `Referer` and `Referrer` are the same header.
 *
 *     req.get('Content-Type')  // 'text/plain'
 *     req.get('x-missing')     // undefined
 *
 * @param {string} name  in any case
 * @return {string|string[]|undefined}  an array only for Set-Cookie
 * @throws {TypeError} if the name is missing or no string
 */
req.get = req.header = function header(name) {
  if (!name) throw new TypeError('name argument is required to req.get')
  if (typeof name !== 'string') throw new TypeError('name must be a string to req.get')

  const key = name.toLowerCase()
  const { headers } = this

  if (key === 'referer' || key === 'referrer') return headers.referrer || headers.referer
  return headers[key]
}

/**
 * Best of the given types for the client, or false; without arguments all types it accepts, best
 * first.
 *
 *     // Accept: text/*;q=.5, application/json
 *     req.accepts('html', 'json')  // 'json'
 *     req.accepts('image/png')     // false
 *
 * @param {...(string|string[])} types  media types or extension names
 * @return {string|string[]|false}
 */
req.accepts = function (...types) {
  return accepts()(this).types(...types)
}

/**
 * As `accepts`, for content encodings.
 *
 * @param {...(string|string[])} encodings
 * @return {string|string[]|false}
 */
req.acceptsEncodings = function (...encodings) {
  return accepts()(this).encodings(...encodings)
}

/**
 * As `accepts`, for charsets.
 *
 * @param {...(string|string[])} charsets
 * @return {string|string[]|false}
 */
req.acceptsCharsets = function (...charsets) {
  return accepts()(this).charsets(...charsets)
}

/**
 * As `accepts`, for languages.
 *
 * @param {...(string|string[])} languages
 * @return {string|string[]|false}
 */
req.acceptsLanguages = function (...languages) {
  return accepts()(this).languages(...languages)
}

/**
 * Ranges asked for by the Range header of something `size` units long; both ends are inclusive.
 *
 *     // Range: bytes=0-99
 *     req.range(1000)  // [{ start: 0, end: 99 }] with a property type: 'bytes'
 *
 * @param {number} size
 * @param {{ combine?: boolean }} [options]  combine overlapping and adjacent ranges
 * @return {Array|-1|-2|undefined}  -1 unsatisfiable, -2 malformed, undefined without the header
 */
req.range = function range(size, options) {
  const value = this.get('Range')
  return value ? parseRange()(size, value, options) : undefined
}

/**
 * Does the body have one of the given types?
 *
 *     // Content-Type: text/html; charset=utf-8
 *     req.is('html')            // 'html'
 *     req.is(['json', 'text/*']) // 'text/html'
 *     req.is('json')            // false
 *
 * @param {...string|string[]} types
 * @return {string|false|null}  null if there is no body
 */
req.is = function is(types, ...more) {
  return typeis()(
    this,
    Array.isArray(types) ? types : arguments.length === 0 ? [] : [types, ...more]
  )
}

/** The parsed query string, by the "query parser" setting; parsed anew at every access. */
getter('query', function query() {
  const parse = settingsOf(this.app)['query parser fn']
  if (!parse) return Object.create(null)
  if (parse === parsePlain && isUnparsed(this)) {
    const { url } = this
    const query = typeof url === 'string' ? plainQuery(url) : undefined
    if (query !== undefined) return query
  }
  return parse(queryOf(this))
})

/** Nobody has parsed the URL, so there is no memo that somebody may have changed; below a mount path, the memo would be found. */
function isUnparsed(req) {
  return (
    req[kSlot] !== undefined && req[kParsedUrl] === undefined && req[kUntrimmedUrl] === undefined
  )
}

/** URLs that parseurl takes apart without asking Node. */
const PLAIN_URL = /^\/[^\t\n\f\r #\xa0\ufeff]*$/

/** What parseurl finds after the '?', null if there is none. */
function queryOf(req) {
  if (isUnparsed(req)) {
    const { url } = req
    if (typeof url === 'string' && PLAIN_URL.test(url)) {
      const mark = url.indexOf('?')
      return mark === -1 ? null : url.slice(mark + 1)
    }
  }
  return parseUrl(req).query
}

/** 'https' over TLS, else 'http'; a trusted proxy's X-Forwarded-Proto wins. */
getter('protocol', function protocol() {
  const own = this.socket.encrypted ? 'https' : 'http'
  if (!isFromTrustedProxy(this)) return own

  // A list has the client's protocol first.
  const forwarded = this.get('X-Forwarded-Proto') || own
  return beforeComma(forwarded).trim()
})

/** Is `req.protocol` 'https'? */
getter('secure', function secure() {
  return this.protocol === 'https'
})

/** Address of the client: of the socket, or what trusted proxies say it is. */
getter('ip', function ip() {
  const trust = settingsOf(this.app)['trust proxy fn']
  // whatever the headers say, it is the socket's
  if (trust === trustNobody && this.socket) return this.socket.remoteAddress
  return proxyaddr()(this, trust)
})

/**
 * Addresses from the client to the nearest trusted proxy, the socket's own left out; empty without
 * "trust proxy".
 */
getter('ips', function ips() {
  const addresses = proxyaddr().all(this, settingsOf(this.app)['trust proxy fn'])
  return addresses.slice(1).reverse()
})

/**
 * Labels of the host name before the domain, the nearest first; "subdomain offset" labels (2) are
 * the domain. For tobi.ferrets.example.com: ['ferrets', 'tobi'].
 */
getter('subdomains', function subdomains() {
  const { hostname } = this
  if (!hostname) return []

  const labels = isIP(hostname) ? [hostname] : hostname.split('.').reverse()
  return labels.slice(settingsOf(this.app)['subdomain offset'])
})

/** Path of `req.url`, without the query. */
getter('path', function path() {
  return parseUrl(this).pathname
})

/**
 * parseurl's memo, which Express' router leaves behind at every step and which middleware reads without asking
 * parseurl. Our router parses nothing, so it is made when read: of the URL that the router saw, with the mount path of
 * the current layer, unless somebody has parsed the trimmed one since. undefined for a URL that cannot be parsed.
 */
Object.defineProperty(req, '_parsedUrl', {
  configurable: true,
  get() {
    const memo = this[kParsedUrl]
    const { url } = this
    if (memo && memo._raw === url) return memo
    const seen = this[kUntrimmedUrl] ?? url
    if (memo && memo._raw === seen) return memo
    try {
      this[kParsedUrl] = parseUrl({ url: seen })
    } catch {
      return undefined
    }
    return this[kParsedUrl]
  },
  set(memo) {
    this[kParsedUrl] = memo
  }
})

/** The Host header with its port, or a trusted proxy's X-Forwarded-Host; undefined if empty. */
getter('host', function host() {
  const forwarded = this.get('X-Forwarded-Host')
  const value =
    forwarded && isFromTrustedProxy(this) ? beforeComma(forwarded).trimEnd() : this.get('Host')

  return value || undefined
})

/** `req.host` without the port; an IPv6 address keeps its brackets. */
getter('hostname', function hostname() {
  const { host } = this
  if (!host) return undefined

  const colon = host.indexOf(':', host[0] === '[' ? host.indexOf(']') + 1 : 0)
  return colon === -1 ? host : host.slice(0, colon)
})

/**
 * May the client go on using its cached copy? True for GET, HEAD and QUERY if the response is 2xx
 * or 304 and its ETag or Last-Modified satisfies the request's conditions.
 */
getter('fresh', function () {
  const { method, res } = this
  if (method !== 'GET' && method !== 'HEAD' && method !== 'QUERY') return false

  const status = res.statusCode
  // what is no number is neither
  if (!(status >= 200 && status < 300) && status !== 304) return false

  return fresh(this.headers, { etag: res.get('ETag'), 'last-modified': res.get('Last-Modified') })
})

/** The opposite of `req.fresh`. */
getter('stale', function stale() {
  return !this.fresh
})

/** Did an XMLHttpRequest library send it (X-Requested-With)? */
getter('xhr', function xhr() {
  return (this.get('X-Requested-With') || '').toLowerCase() === 'xmlhttprequest'
})

/**
 * AbortSignal that fires when the client leaves before the response is finished, or the deadline
 * passes (see `express.timeout`). Hand it to what the handler waits for.
 *
 *     app.get('/report', async (req, res) => res.json(await fetch(url, { signal: req.signal })))
 *
 * It can be assigned, as a plain property could.
 */
const nativeSignal = Object.getOwnPropertyDescriptor(messagePrototypes.request, 'signal')

Object.defineProperty(req, 'signal', {
  configurable: true,
  enumerable: true,
  get: function signal() {
    return nativeSignal !== undefined && this[kSlot] !== undefined
      ? nativeSignal.get.call(this)
      : signalOf(this)
  },
  set(value) {
    Object.defineProperty(this, 'signal', {
      configurable: true,
      enumerable: true,
      value,
      writable: true
    })
  }
})

function getter(name, get) {
  Object.defineProperty(req, name, { configurable: true, enumerable: true, get })
}

function isFromTrustedProxy(message) {
  return settingsOf(message.app)['trust proxy fn'](message.socket.remoteAddress, 0)
}

function beforeComma(value) {
  const comma = value.indexOf(',')
  return comma === -1 ? value : value.slice(0, comma)
}
