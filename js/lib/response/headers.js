// Header fields of a response. Everything goes through `getHeader` and `setHeader` of `this`, since
// middleware replaces them; nothing here sends.
'use strict'

const cookie = require('cookie')
const { sign } = require('cookie-signature')
const encodeUrl = require('encodeurl')
const vary = require('vary')
const { fullType } = require('../content-type')

/**
 * Set the Content-Type by extension name or as given.
 *
 *     res.type('.html')
 *     res.type('image/png')
 *
 * @param {string} type  without a slash it is an extension; unknown ones are
 *   application/octet-stream
 * @return {ServerResponse} this
 */
exports.type = exports.contentType = function contentType(type) {
  const value = type.indexOf('/') === -1 ? fullType(type) || 'application/octet-stream' : type
  return this.set('Content-Type', value)
}

/**
 * Add to a header.
 *
 *     res.append('Link', ['<http://localhost/>', '<http://localhost:3000/>'])
 *     res.append('Set-Cookie', 'foo=bar; Path=/; HttpOnly')
 *
 * @param {string} field
 * @param {string|string[]} val
 * @return {ServerResponse} this
 */
exports.append = function append(field, val) {
  const previous = this.get(field)
  return this.set(field, previous ? [].concat(previous, val) : val)
}

/**
 * Set one header, or all of an object. Content-Type gets its charset if it has none.
 *
 *     res.set('Accept', 'application/json')
 *     res.set({ Accept: 'text/plain', 'X-API-Key': 'tobi' })
 *
 * @param {string|object} field
 * @param {string|string[]} [val]
 * @return {ServerResponse} this
 * @throws {TypeError} for an array as Content-Type
 */
exports.set = exports.header = function header(field, val) {
  if (arguments.length !== 2) {
    for (const key in field) this.set(key, field[key])
    return this
  }

  let value = val
  if (typeof val !== 'string') value = Array.isArray(val) ? val.map(String) : String(val)

  if (field === 'Content-Type' || field.toLowerCase() === 'content-type') {
    if (Array.isArray(value)) throw new TypeError('Content-Type cannot be set to an Array')
    value = fullType(value)
  }

  this.setHeader(field, value)
  return this
}

/**
 * Value of a header that was set.
 *
 * @param {string} field
 * @return {string|number|string[]|undefined}
 */
exports.get = function (field) {
  return this.getHeader(field)
}

/**
 * Tell the client to drop a cookie. Path and domain must be those it was set with.
 *
 * @param {string} name
 * @param {object} [options]  of `cookie`
 * @return {ServerResponse} this
 */
exports.clearCookie = function clearCookie(name, options) {
  const opts = { path: '/', ...options, expires: new Date(1) }
  // It would win over `expires`.
  delete opts.maxAge

  return this.cookie(name, '', opts)
}

/**
 * Set a cookie.
 *
 *     res.cookie('remember', '1', { maxAge: 900000, httpOnly: true })
 *     res.cookie('cart', { items: [1, 2] }, { signed: true })
 *
 * @param {string} name
 * @param {string|object} value  objects are sent as JSON, which cookie-parser undoes
 * @param {object} [options]  of the `cookie` package, and:
 * @param {number} [options.maxAge]  milliseconds
 * @param {boolean} [options.signed]  sign with the secret given to cookie-parser
 * @param {string} [options.path='/']
 * @return {ServerResponse} this
 * @throws {Error} for `signed` without a secret
 */
exports.cookie = function (name, value, options) {
  const opts = { ...options }
  const { secret } = this.req

  if (opts.signed && !secret) throw new Error('cookieParser("secret") required for signed cookies')

  let text = typeof value === 'object' ? `j:${JSON.stringify(value)}` : String(value)
  if (opts.signed) text = `s:${sign(text, secret)}`

  // Options that are null count as not given.
  if (opts.maxAge != null) {
    const ms = opts.maxAge - 0

    if (!Number.isNaN(ms)) {
      opts.expires = new Date(Date.now() + ms)
      opts.maxAge = Math.floor(ms / 1000)
    }
  }

  if (opts.path == null) opts.path = '/'

  return this.append('Set-Cookie', cookie.serialize(name, text, opts))
}

/**
 * Set the Location header, percent-encoding what a URL cannot hold.
 *
 * @param {string} url
 * @return {ServerResponse} this
 */
exports.location = function location(url) {
  return this.set('Location', encodeUrl(url))
}

/**
 * Add to the Vary header what is not in it yet.
 *
 * @param {string|string[]} field
 * @return {ServerResponse} this
 */
exports.vary = function (field) {
  vary(this, field)
  return this
}

/**
 * Add to the Link header.
 *
 *     res.links({ next: '/users?page=2', alternate: ['/a', '/b'] })
 *
 * @param {Object<string, string|string[]>} links  URLs by relation
 * @return {ServerResponse} this
 */
exports.links = function (links) {
  const added = Object.entries(links).flatMap(([rel, urls]) => {
    const list = Array.isArray(urls) ? urls : [urls]
    return list.map((url) => `<${url}>; rel="${rel}"`).join(', ')
  })
  const previous = this.get('Link')

  return this.set('Link', (previous ? `${previous}, ` : '') + added.join(', '))
}
