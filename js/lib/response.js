// The prototype of responses: what Express adds to Node's ServerResponse. It must use only Node's
// message API, through `this`, so that it works for responses of Node's own server and with
// middleware that replaces `setHeader`, `writeHead`, `write` or `end`.
'use strict'

const { basename, extname, isAbsolute, resolve } = require('node:path')
const contentDisposition = require('content-disposition')
const cookie = require('cookie')
const { sign } = require('cookie-signature')
const deprecate = require('depd')('express')
const encodeUrl = require('encodeurl')
const escapeHtml = require('escape-html')
const createError = require('http-errors')
const statuses = require('statuses')
const vary = require('vary')
const { messagePrototypes, sendWhole, setEtagFunctions } = require('./native/message')
const { readSetting } = require('./settings')
const transmit = require('./send-file')
const { fullType } = require('./content-type')
const { etag, normalizeType, normalizeTypes, setCharset, wetag } = require('./utils')

setEtagFunctions(wetag, etag)

const res = Object.create(messagePrototypes.response)
module.exports = res

/**
 * Set the status code.
 *
 *     res.status(404).send('no such user')
 *
 * @param {number} code  100 to 999
 * @return {ServerResponse} this
 * @throws {TypeError} if it is no integer
 * @throws {RangeError} if it is out of range
 */
res.status = function status(code) {
  if (!Number.isInteger(code)) {
    throw new TypeError(
      `Invalid status code: ${JSON.stringify(code)}. Status code must be an integer.`
    )
  }
  if (code < 100 || code > 999) {
    throw new RangeError(
      `Invalid status code: ${JSON.stringify(code)}. Status code must be greater than 99 and less than 1000.`
    )
  }

  this.statusCode = code
  return this
}

/**
 * Send a body and end the response. Without a Content-Type, strings are HTML, buffers are
 * application/octet-stream, everything else goes to `json()`.
 *
 *     res.send('<p>hello</p>')
 *     res.send(Buffer.from('hello'))
 *     res.send({ some: 'json' })
 *
 * @param {string|Buffer|object|number|boolean|null} [body]
 * @return {ServerResponse} this
 */
res.send = function send(body) {
  let chunk = body
  let encoding

  switch (typeof body) {
    case 'string': {
      encoding = 'utf8'
      const type = this.get('Content-Type')
      if (typeof type === 'string') this.set('Content-Type', setCharset(type, 'utf-8'))
      else this.type('html')
      break
    }
    case 'boolean':
    case 'number':
    case 'object':
      if (body === null) chunk = ''
      else if (!ArrayBuffer.isView(body)) return this.json(body)
      else if (!this.get('Content-Type')) this.type('bin')
      break
  }

  return finish(this, chunk, encoding)
}

/**
 * All that comes after the Content-Type is known: Content-Length, ETag, 304 for a fresh copy, no
 * body where none belongs, end. Every way to a complete body but `redirect` ends here.
 *
 * @param {ServerResponse} res
 * @param {string|Buffer|ArrayBufferView|undefined} body
 * @param {string|undefined} encoding
 * @return {ServerResponse} res
 */
function finish(res, body, encoding) {
  const etagFn = readSetting(res.app, 'etag fn')
  if (body !== undefined && sendWhole(res, body, encoding, etagFn)) return res

  const { req } = res
  let chunk = body

  const wantsETag = !res.get('ETag') && typeof etagFn === 'function'

  if (chunk !== undefined) {
    let length

    if (Buffer.isBuffer(chunk)) {
      length = chunk.length
    } else if (!wantsETag && chunk.length < 1000) {
      // Too short to be worth a Buffer that only the length is needed of.
      length = Buffer.byteLength(chunk, encoding)
    } else {
      chunk = Buffer.from(chunk, encoding)
      encoding = undefined
      length = chunk.length
    }

    // A message has either a length or chunks (RFC 9112, section 6.2).
    if (!res.get('Transfer-Encoding')) res.set('Content-Length', length)

    if (wantsETag) {
      const etag = etagFn(chunk, encoding)
      if (etag) res.set('ETag', etag)
    }
  }

  if (req.fresh) res.status(304)

  const status = res.statusCode

  if (status === 204 || status === 304) {
    res.removeHeader('Content-Type')
    res.removeHeader('Content-Length')
    res.removeHeader('Transfer-Encoding')
    chunk = ''
  } else if (status === 205) {
    // Has no content but must say so (RFC 9110, section 15.3.6).
    res.set('Content-Length', '0')
    res.removeHeader('Transfer-Encoding')
    chunk = ''
  }

  if (req.method === 'HEAD') res.end()
  else res.end(chunk, encoding)

  return res
}

/**
 * Send JSON, by the settings "json replacer", "json spaces" and "json escape".
 *
 *     res.json({ user: 'tj' })
 *
 * @param {*} obj
 * @return {ServerResponse} this
 */
res.json = function json(obj) {
  const body = stringify(this.app, obj)

  if (!this.get('Content-Type')) this.set('Content-Type', 'application/json')

  return this.send(body)
}

/**
 * Send JSON, wrapped into a call if the query names a callback ("jsonp callback name", `callback`).
 *
 * @param {*} obj
 * @return {ServerResponse} this
 */
res.jsonp = function jsonp(obj) {
  const { app } = this
  let body = stringify(app, obj)
  let callback = this.req.query[readSetting(app, 'jsonp callback name')]

  if (!this.get('Content-Type')) {
    this.set('X-Content-Type-Options', 'nosniff')
    this.set('Content-Type', 'application/json')
  }

  if (Array.isArray(callback)) callback = callback[0]

  if (typeof callback === 'string' && callback !== '') {
    this.set('X-Content-Type-Options', 'nosniff')
    this.set('Content-Type', 'text/javascript')

    const name = callback.replace(/[^[\]\w$.]/g, '')

    // Line separators are legal in JSON but were not in JavaScript strings.
    const argument =
      body === undefined ? '' : body.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')

    // The comment stops browsers that take the start of the body for a Flash file; `typeof` spares
    // the console an error if the page has gone on without its callback.
    body = `/**/ typeof ${name} === 'function' && ${name}(${argument});`
  }

  return this.send(body)
}

const HTML_CHARS = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026' }

function stringify(app, value) {
  const replacer = readSetting(app, 'json replacer')
  const spaces = readSetting(app, 'json spaces')

  // V8 is faster if it is given one argument only.
  const text = replacer || spaces ? JSON.stringify(value, replacer, spaces) : JSON.stringify(value)

  if (readSetting(app, 'json escape') && typeof text === 'string') {
    return text.replace(/[<>&]/g, (char) => HTML_CHARS[char])
  }
  return text
}

/**
 * Set the status and send its standard text.
 *
 *     res.sendStatus(404)  // 'Not Found'
 *
 * @param {number} statusCode
 * @return {ServerResponse} this
 */
res.sendStatus = function sendStatus(statusCode) {
  const body = statuses.message[statusCode] || String(statusCode)

  this.status(statusCode)
  this.type('txt')

  return this.send(body)
}

/**
 * Send a file, with its Content-Type, validators, ranges and conditional answers.
 *
 *     res.sendFile('/var/reports/1.pdf')
 *     res.sendFile(req.params.name, { root: '/var/reports', dotfiles: 'deny' }, (err) => { … })
 *
 * Without a callback, errors go to `next(err)`, a directory to `next()`.
 *
 * @param {string} path  absolute, or relative to `options.root`
 * @param {object|Function} [options]  of `send`, and `headers` to set if the file is found
 * @param {function(Error?)} [callback]
 * @throws {TypeError} for a missing or relative path
 */
res.sendFile = function sendFile(path, options, callback) {
  const { req } = this
  const { next } = req
  const done = typeof options === 'function' ? options : callback
  const opts = typeof options === 'function' ? {} : options || {}

  if (!path) throw new TypeError('path argument is required to res.sendFile')
  if (typeof path !== 'string') throw new TypeError('path must be a string to res.sendFile')
  if (!opts.root && !isAbsolute(path)) {
    throw new TypeError('path must be absolute or specify root to res.sendFile')
  }

  const pathname = encodeURI(path)
  opts.etag = this.app.enabled('etag')

  transmit(this, pathname, opts, done !== undefined, (err) => {
    if (done) return done(err)
    if (!err) return
    if (err.code === 'EISDIR') return next()

    // A client that left is nobody's error.
    if (err.code !== 'ECONNABORTED' && err.syscall !== 'write') next(err)
  })
}

/**
 * Send a file for the client to save, by `sendFile`.
 *
 *     res.download('/var/reports/1.pdf')
 *     res.download('/var/reports/1.pdf', 'report.pdf', { maxAge: '1h' }, (err) => { … })
 *
 * @param {string} path
 * @param {string|object|Function} [filename]  name to save as; the path's own by default
 * @param {object|Function} [options]  of `sendFile`
 * @param {function(Error?)} [callback]
 */
res.download = function download(path, filename, options, callback) {
  let name = filename
  let opts = options || null
  let done = callback

  if (typeof filename === 'function') {
    name = null
    opts = null
    done = filename
  } else if (typeof options === 'function') {
    opts = null
    done = options
  }

  // download(path, options) and download(path, options, callback)
  if (typeof filename === 'object' && (typeof options === 'function' || options === undefined)) {
    name = null
    opts = filename
  }

  const headers = { 'Content-Disposition': contentDisposition.create(basename(name || path)) }

  for (const [key, value] of Object.entries(opts?.headers || {})) {
    if (key.toLowerCase() !== 'content-disposition') headers[key] = value
  }

  opts = Object.create(opts)
  opts.headers = headers

  return this.sendFile(opts.root ? path : resolve(path), opts, done)
}

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
res.type = res.contentType = function contentType(type) {
  const value = type.indexOf('/') === -1 ? fullType(type) || 'application/octet-stream' : type
  return this.set('Content-Type', value)
}

/**
 * Answer in the type that the client likes best. Sets Content-Type and Vary; without a match calls
 * `default`, else `next(err)` with 406.
 *
 *     res.format({
 *       text: () => res.send('hey'),
 *       'text/html': () => res.send('<p>hey</p>'),
 *       default: () => res.status(406).send('Not Acceptable'),
 *     })
 *
 * @param {Object<string, function(req, res, next)>} obj  by media type or extension name
 * @return {ServerResponse} this
 */
res.format = function (obj) {
  const { req } = this
  const { next } = req
  const types = Object.keys(obj).filter((type) => type !== 'default')
  const type = types.length > 0 ? req.accepts(types) : false

  this.vary('Accept')

  if (type) {
    this.set('Content-Type', normalizeType(type).value)
    obj[type](req, this, next)
  } else if (obj.default) {
    obj.default(req, this, next)
  } else {
    next(createError(406, { types: normalizeTypes(types).map(({ value }) => value) }))
  }

  return this
}

/**
 * Mark the response as something to save; a file name also sets the Content-Type.
 *
 *     res.attachment('report.pdf')
 *
 * @param {string} [filename]
 * @return {ServerResponse} this
 */
res.attachment = function attachment(filename) {
  const name = filename === undefined ? undefined : basename(filename)
  if (name) this.type(extname(name))

  this.set('Content-Disposition', contentDisposition.create(name))
  return this
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
res.append = function append(field, val) {
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
res.set = res.header = function header(field, val) {
  if (arguments.length !== 2) {
    for (const key in field) this.set(key, field[key])
    return this
  }

  let value = Array.isArray(val) ? val.map(String) : String(val)

  if (field.toLowerCase() === 'content-type') {
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
res.get = function (field) {
  return this.getHeader(field)
}

/**
 * Tell the client to drop a cookie. Path and domain must be those it was set with.
 *
 * @param {string} name
 * @param {object} [options]  of `cookie`
 * @return {ServerResponse} this
 */
res.clearCookie = function clearCookie(name, options) {
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
res.cookie = function (name, value, options) {
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
res.location = function location(url) {
  return this.set('Location', encodeUrl(url))
}

/**
 * Redirect, with a short text or HTML body.
 *
 *     res.redirect('/login')
 *     res.redirect(301, 'https://example.com')
 *
 * @param {number} [status=302]
 * @param {string} url
 */
res.redirect = function redirect(url) {
  const [status, target] = arguments.length === 2 ? arguments : [302, url]

  if (!target) deprecate('Provide a url argument')
  if (typeof target !== 'string') deprecate('Url must be a string')
  if (typeof status !== 'number') deprecate('Status must be a number')

  const address = this.location(target).get('Location')
  const title = statuses.message[status]
  let body

  this.format({
    text() {
      body = `${title}. Redirecting to ${address}`
    },
    html() {
      const text = `${title}. Redirecting to ${escapeHtml(address)}`
      body = `<!DOCTYPE html><head><title>${title}</title></head><body><p>${text}</p></body>`
    },
    default() {
      body = ''
    }
  })

  this.status(status)
  this.set('Content-Length', Buffer.byteLength(body))

  if (this.req.method === 'HEAD') this.end()
  else this.end(body)
}

/**
 * Add to the Vary header what is not in it yet.
 *
 * @param {string|string[]} field
 * @return {ServerResponse} this
 */
res.vary = function (field) {
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
res.links = function (links) {
  const added = Object.entries(links).flatMap(([rel, urls]) => {
    const list = Array.isArray(urls) ? urls : [urls]
    return list.map((url) => `<${url}>; rel="${rel}"`).join(', ')
  })
  const previous = this.get('Link')

  return this.set('Link', (previous ? `${previous}, ` : '') + added.join(', '))
}

/**
 * Render a view and send it as HTML, or give it to the callback. The template also sees
 * `res.locals`.
 *
 *     res.render('user', { name: 'Tobi' })
 *
 * @param {string} view
 * @param {object|Function} [options]  of `app.render`
 * @param {function(Error?, string?)} [callback]
 */
res.render = function render(view, options, callback) {
  const { req } = this
  const opts = typeof options === 'function' ? {} : options || {}
  let done = typeof options === 'function' ? options : callback

  opts._locals = this.locals

  done ||= (err, html) => {
    if (err) req.next(err)
    else this.send(html)
  }

  req.app.render(view, opts, done)
}
