// Whole bodies: `send` and what ends in it. Works on any response of Node's API, through `this`; the
// short way for our own is native/message.js's to take or decline.
'use strict'

const statuses = require('statuses')
const { fullType } = require('../content-type')
const { sendWhole, setEtagFunctions, setFirstType } = require('../native/message')
const { settingsOf } = require('../settings')
const { etag, setCharset, wetag } = require('../utils')
const { get, set } = require('./headers')

setEtagFunctions(wetag, etag)

/** What `set` and `send` make of the Content-Type that `json` asks for. */
const JSON_TYPE = fullType('application/json')

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
exports.send = function send(body) {
  let chunk = body
  let encoding

  if (typeof body === 'string') {
    encoding = 'utf8'
    const type = this.get('Content-Type')
    if (typeof type === 'string') this.set('Content-Type', setCharset(type, 'utf-8'))
    else this.type('html')
  } else if (body === null) {
    chunk = ''
  } else if (typeof body === 'boolean' || typeof body === 'number' || typeof body === 'object') {
    if (!ArrayBuffer.isView(body)) return this.json(body)
    if (!this.get('Content-Type')) this.type('bin')
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
  const etagFn = settingsOf(res.app)['etag fn']
  // who has replaced these is asked for each field
  const isOwn = res.get === get && res.set === set
  if (body !== undefined && isOwn && sendWhole(res, body, encoding, etagFn)) return res

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
exports.json = function json(obj) {
  const body = stringify(this.app, obj)

  // what the calls below come to, if they are our own
  if (
    typeof body === 'string' &&
    this.send === send &&
    this.set === set &&
    this.get === get &&
    setFirstType(this, JSON_TYPE)
  ) {
    return finish(this, body, 'utf8')
  }

  if (!this.get('Content-Type')) this.set('Content-Type', 'application/json')

  return this.send(body)
}

/**
 * Send JSON, wrapped into a call if the query names a callback ("jsonp callback name", `callback`).
 *
 * @param {*} obj
 * @return {ServerResponse} this
 */
exports.jsonp = function jsonp(obj) {
  const { app } = this
  let body = stringify(app, obj)
  let callback = this.req.query[settingsOf(app)['jsonp callback name']]

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

const { send } = exports

const HTML_CHARS = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026' }

function stringify(app, value) {
  const settings = settingsOf(app)
  const replacer = settings['json replacer']
  const spaces = settings['json spaces']

  // V8 is faster if it is given one argument only.
  const text = replacer || spaces ? JSON.stringify(value, replacer, spaces) : JSON.stringify(value)

  if (settings['json escape'] && typeof text === 'string') {
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
exports.sendStatus = function sendStatus(statusCode) {
  const body = statuses.message[statusCode] || String(statusCode)

  this.status(statusCode)
  this.type('txt')

  return this.send(body)
}
