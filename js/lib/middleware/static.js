// express.static: files below a directory. Rust answers where it can do so unseen
// (../native/file.js); npm serve-static answers everything else. Options, events and the name of
// the returned middleware (`serveStatic`) are serve-static's, and one option is ours: `precompressed`.
'use strict'

const fs = require('node:fs')
const { resolve } = require('node:path')
const { inspect } = require('node:util')
const { createError } = require('../errors')
const fileOptions = require('../file-options')
const { lazy } = require('../lazy')
const { isReplaced } = require('../replaced-fs')
const { askForUrl } = require('../native/file')
const { FILE_LOCATE, NATIVE_STATIC, nativeLayer } = require('../native/frames')
const { kNativeLayer } = require('../router/symbols')

const send = lazy(() => require('send'))
const npmServeStatic = lazy(() => require('serve-static'))

module.exports = serveStatic

/**
 * Middleware that answers GET and HEAD with the file that `req.url` names below `root`.
 *
 *     app.use(express.static('public'))
 *     app.use('/assets', express.static('dist', { immutable: true, maxAge: '1y' }))
 *     app.use(express.static('dist', { precompressed: ['br', 'gzip'] }))
 *
 * @param {string} root
 * @param {object} [options]  of serve-static: `acceptRanges cacheControl dotfiles etag extensions
 *   fallthrough immutable index lastModified maxAge redirect setHeaders`
 * @param {boolean|string[]} [options.precompressed=false]  send `name.br`, `name.zst` or `name.gz`
 *   instead, if it is there, not older than the file, and accepted; the list says which of 'br', 'zstd' and
 *   'gzip', most wanted first
 * @return {Function} `serveStatic(req, res, next)`
 * @throws {TypeError} if `root` is missing or no string, `setHeaders` is no function, or
 *   `precompressed` is something else (RNODE_ERR_INVALID_PRECOMPRESSED)
 */
function serveStatic(root, options) {
  const inJavaScript = npmServeStatic()(root, options)
  const setHeaders = options?.setHeaders
  const shared = new SharedOptions(root, options, codingsOf(options?.precompressed))
  const { codings } = shared

  function serveStatic(req, res, next) {
    if (req.method === 'GET' || req.method === 'HEAD') {
      const number = shared.number()
      if (number !== 0 && askForUrl(req, res, question(number, req, res, next))) return
    }
    inJavaScript(req, res, next)
  }

  function question(number, req, res, next) {
    const asked = {
      options: number,
      path: '',
      originalUrl: '',
      flags: 0,
      codings,
      declined: () => inJavaScript(req, res, next),
      passed: () => next(),
      failed: next
    }
    if (!setHeaders) return asked
    return {
      ...asked,
      flags: FILE_LOCATE,
      found(path) {
        const stat = fs.statSync(path, { throwIfNoEntry: false })
        if (stat === undefined) return inJavaScript(req, res, next)
        setHeaders(res, path, stat)
        // It has been called: whoever answers now must not call it again.
        asked.declined = () => shared.withoutCallback()(req, res, next)
        if (!askForUrl(req, res, asked)) asked.declined()
      }
    }
  }

  if (!setHeaders) {
    const number = () => nativeLayer(NATIVE_STATIC, shared.number())
    Object.defineProperty(serveStatic, kNativeLayer, { value: { handle: serveStatic, number } })
  }
  return serveStatic
}

const CODINGS = new Map([
  ['br', 'br'],
  ['gzip', 'gzip'],
  ['gz', 'gzip'],
  ['zstd', 'zstd'],
  ['zst', 'zstd']
])

/** The list of codings that `precompressed` stands for. */
function codingsOf(value) {
  if (value === undefined || value === false) return []
  if (value === true) return ['br', 'zstd', 'gzip']
  const codings = Array.isArray(value) ? value.map((name) => CODINGS.get(name)) : [undefined]
  if (codings.includes(undefined)) {
    throw createError('RNODE_ERR_INVALID_PRECOMPRESSED', inspect(value))
  }
  return codings
}

/** What send reads from its options, for every request anew. */
const READ = ['acceptRanges', 'cacheControl', 'dotfiles', 'end', 'etag', 'extensions']
READ.push('immutable', 'index', 'lastModified', 'maxAge', 'start')

/** The options of one middleware, as Rust knows them. */
class SharedOptions {
  #root
  #options
  #more
  #read
  #number
  #withoutCallback

  constructor(root, options, codings) {
    this.#root = root
    // As serve-static keeps them: some are read now, the others when a request comes.
    this.#options = Object.create(options || null)
    this.#options.maxage = this.#options.maxage || this.#options.maxAge || 0
    this.#options.root = resolve(root)
    this.#more = {
      fallthrough: this.#options.fallthrough !== false,
      redirect: this.#options.redirect !== false,
      precompressed: codings
    }
    this.#read = null
    this.#number = 0
    this.#withoutCallback = null
  }

  /** The answer depends on Accept-Encoding. */
  get codings() {
    return this.#more.precompressed.length !== 0
  }

  /** The number Rust knows them by; 0 if it cannot take them, or the files are not the system's. */
  number() {
    if (isReplaced()) return 0
    if (this.#read === null || this.#haveChanged()) {
      this.#read = READ.map((name) => this.#options[name])
      this.#number = this.#intern()
    }
    return this.#number
  }

  /** npm serve-static with these options, but for `setHeaders`. */
  withoutCallback() {
    if (this.#withoutCallback === null) {
      const options = Object.create(this.#options, { setHeaders: { value: undefined } })
      this.#withoutCallback = npmServeStatic()(this.#root, options)
    }
    return this.#withoutCallback
  }

  #haveChanged() {
    const options = this.#options
    const read = this.#read
    for (let i = 0; i < READ.length; i++) if (options[READ[i]] !== read[i]) return true
    return false
  }

  #intern() {
    try {
      // send normalizes its options in the constructor; what it throws it shall throw itself.
      return fileOptions(send()({}, '', this.#options), this.#options, this.#more)
    } catch {
      return 0
    }
  }
}
