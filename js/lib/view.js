// View: finds a template's file below the "views" directories and renders it with its engine.
// Apps may replace it (`app.set('view', MyView)`), so application.js may use only
// `new View(name, options)`, `view.path`, `view.root` and `view.render()`.
'use strict'

const fs = require('node:fs')
const path = require('node:path')
const debug = require('debug')('express:view')

module.exports = View

/**
 * A template called `name`, with or without an extension.
 *
 *     new View('user.ejs', { root: '/app/views', engines: {} })
 *     new View('user', { defaultEngine: 'ejs', root: ['/app/views', '/shared'], engines: app.engines })
 *
 * `view.path` is the file's full path, or undefined if none of the roots has it.
 *
 * @param {string} name
 * @param {object} [options]
 * @param {string} [options.defaultEngine]       extension to use if `name` has none
 * @param {Object<string, Function>} options.engines  engines by extension; a missing one is
 *   required and put in
 * @param {string|string[]} options.root         directories to look in
 * @throws {Error} if there is no extension to choose an engine by, or the module of that name is no
 *   engine
 */
function View(name, options) {
  const opts = options || {}

  this.defaultEngine = opts.defaultEngine
  this.ext = path.extname(name)
  this.name = name
  this.root = opts.root

  let fileName = name

  if (!this.ext) {
    if (!this.defaultEngine) {
      throw new Error('No default engine was specified and no extension was provided.')
    }
    this.ext = this.defaultEngine[0] === '.' ? this.defaultEngine : `.${this.defaultEngine}`
    fileName += this.ext
  }

  if (!opts.engines[this.ext]) opts.engines[this.ext] = requireEngine(this.ext.slice(1))

  this.engine = opts.engines[this.ext]
  this.path = this.lookup(fileName)
}

/**
 * First file for `name` in the roots.
 *
 * @param {string} name  file name with extension
 * @return {string|undefined}
 */
View.prototype.lookup = function lookup(name) {
  debug('lookup "%s"', name)

  for (const root of [].concat(this.root)) {
    const file = path.resolve(root, name)
    const found = this.resolve(path.dirname(file), path.basename(file))
    if (found) return found
  }

  return undefined
}

/**
 * `dir/file`, else `dir/<file without extension>/index.<ext>`, whichever is a file.
 *
 * @param {string} dir
 * @param {string} file
 * @return {string|undefined}
 */
View.prototype.resolve = function resolve(dir, file) {
  const plain = path.join(dir, file)
  if (isFile(plain)) return plain

  const index = path.join(dir, path.basename(file, this.ext), `index${this.ext}`)
  return isFile(index) ? index : undefined
}

/**
 * Render with the engine. The callback is never called before this returns, even if the engine is
 * synchronous.
 *
 * @param {object} options  passed to the engine
 * @param {function(Error?, string?)} callback
 */
View.prototype.render = function render(options, callback) {
  let returned = false

  debug('render "%s"', this.path)

  this.engine(this.path, options, function onRender(...args) {
    if (returned) callback.apply(this, args)
    else process.nextTick(() => callback.apply(this, args))
  })

  returned = true
}

function requireEngine(name) {
  debug('require "%s"', name)

  const engine = require(name).__express
  if (typeof engine !== 'function') {
    throw new Error(`Module "${name}" does not provide a view engine.`)
  }
  return engine
}

function isFile(file) {
  debug('stat "%s"', file)
  try {
    return fs.statSync(file).isFile()
  } catch {
    // Whatever the reason (absent, not readable, not a legal name): there is no template here.
    return false
  }
}
