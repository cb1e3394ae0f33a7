// express.static: files below a directory. Rust answers where it can do so unseen
// (../native/file.js); npm serve-static answers everything else. Options, events and the name of
// the returned middleware (`serveStatic`) are serve-static's.
'use strict'

const { resolve } = require('node:path')
const { lazy } = require('../lazy')
const { askForFile, internFileOptions } = require('../native/file')
const { NATIVE_STATIC, nativeLayer } = require('../native/frames')
const { kNativeLayer } = require('../router/symbols')

const send = lazy(() => require('send'))
const npmServeStatic = lazy(() => require('serve-static'))

module.exports = serveStatic

/**
 * Middleware that answers GET and HEAD with the file that `req.url` names below `root`.
 *
 *     app.use(express.static('public'))
 *     app.use('/assets', express.static('dist', { immutable: true, maxAge: '1y' }))
 *
 * @param {string} root
 * @param {object} [options]  of serve-static: `acceptRanges cacheControl dotfiles etag extensions
 *   fallthrough immutable index lastModified maxAge redirect setHeaders`
 * @return {Function} `serveStatic(req, res, next)`
 * @throws {TypeError} if `root` is missing or no string, or `setHeaders` is no function
 */
function serveStatic(root, options) {
  const inJavaScript = npmServeStatic()(root, options)
  // What is called for every file must run in JavaScript.
  if (options?.setHeaders) return inJavaScript

  const shared = new SharedOptions(root, options)

  function serveStatic(req, res, next) {
    if (req.method === 'GET' || req.method === 'HEAD') {
      const number = shared.number()
      if (number !== 0 && askForFile(req, res, number, next, inJavaScript)) return
    }
    inJavaScript(req, res, next)
  }
  const number = () => nativeLayer(NATIVE_STATIC, shared.number())
  Object.defineProperty(serveStatic, kNativeLayer, { value: { handle: serveStatic, number } })
  return serveStatic
}

/** What send reads from its options, for every request anew. */
const READ = ['acceptRanges', 'cacheControl', 'dotfiles', 'end', 'etag', 'extensions']
READ.push('immutable', 'index', 'lastModified', 'maxAge', 'start')

/** The options of one middleware, as Rust knows them. */
class SharedOptions {
  #options
  #fallthrough
  #redirect
  #read
  #number

  constructor(root, options) {
    // As serve-static keeps them: some are read now, the others when a request comes.
    this.#options = Object.create(options || null)
    this.#options.maxage = this.#options.maxage || this.#options.maxAge || 0
    this.#options.root = resolve(root)
    this.#fallthrough = this.#options.fallthrough !== false
    this.#redirect = this.#options.redirect !== false
    this.#read = null
    this.#number = 0
  }

  /** The number Rust knows them by; 0 if it cannot take them. */
  number() {
    if (this.#read === null || this.#haveChanged()) {
      this.#read = READ.map((name) => this.#options[name])
      this.#number = this.#intern()
    }
    return this.#number
  }

  #haveChanged() {
    const options = this.#options
    const read = this.#read
    for (let i = 0; i < READ.length; i++) if (options[READ[i]] !== read[i]) return true
    return false
  }

  #intern() {
    const { start = 0, end } = this.#options
    if (!isOffset(start) || (end !== undefined && !isOffset(end))) return 0
    let stream
    try {
      // send normalizes its options in the constructor; what it throws it shall throw itself.
      stream = send()({}, '', this.#options)
    } catch {
      return 0
    }
    const options = {
      root: stream._root,
      index: stream._index,
      dotfiles: stream._dotfiles,
      extensions: stream._extensions,
      acceptRanges: stream._acceptRanges,
      cacheControl: stream._cacheControl,
      etag: stream._etag,
      lastModified: stream._lastModified,
      maxAge: Math.floor(stream._maxage),
      immutable: stream._immutable,
      start,
      end,
      fallthrough: this.#fallthrough,
      redirect: this.#redirect
    }
    // Another release of send may keep them elsewhere.
    const known = Object.keys(options).every(
      (name) => name === 'end' || options[name] !== undefined
    )
    return known && options.root.isWellFormed?.() !== false
      ? internFileOptions(JSON.stringify(options))
      : 0
  }
}

function isOffset(value) {
  return Number.isSafeInteger(value) && value >= 0
}
