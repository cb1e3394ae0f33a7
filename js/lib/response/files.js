// Files as answers. What `send` does for a path is send-file.js's work; here are the arguments, the
// errors that belong to `next`, and Content-Disposition.
'use strict'

const { basename, extname, isAbsolute, resolve } = require('node:path')
const contentDisposition = require('content-disposition')
const transmit = require('../send-file')

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
exports.sendFile = function sendFile(path, options, callback) {
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
exports.download = function download(path, filename, options, callback) {
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
 * Mark the response as something to save; a file name also sets the Content-Type.
 *
 *     res.attachment('report.pdf')
 *
 * @param {string} [filename]
 * @return {ServerResponse} this
 */
exports.attachment = function attachment(filename) {
  const name = filename === undefined ? undefined : basename(filename)
  if (name) this.type(extname(name))

  this.set('Content-Disposition', contentDisposition.create(name))
  return this
}
