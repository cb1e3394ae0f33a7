// The prototype of responses: what Express adds to Node's ServerResponse. It must use only Node's
// message API, through `this`, so that it works for responses of Node's own server and with
// middleware that replaces `setHeader`, `writeHead`, `write` or `end`. Bodies, files and header
// fields have a file each in response/.
'use strict'

const deprecate = require('depd')('express')
const escapeHtml = require('escape-html')
const createError = require('http-errors')
const statuses = require('statuses')
const { messagePrototypes } = require('./native/message')
const { normalizeType, normalizeTypes } = require('./utils')

const res = Object.create(messagePrototypes.response)
module.exports = res

Object.assign(
  res,
  require('./response/send'),
  require('./response/files'),
  require('./response/headers')
)

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
