// express.json, express.raw, express.text and express.urlencoded.
// Options, errors (400, 403, 413, 415) and the names of the returned middleware are body-parser's:
// tools look for layers called `jsonParser` and `urlencodedParser`. Bodies that came whole with their
// request are parsed without a stream (body/inline.js), all others by body-parser.
'use strict'

const { lazy } = require('../lazy')
const { formParser } = require('./body/form')
const { inlineParser } = require('./body/inline')
const { jsonParser: jsonText } = require('./body/json')

const bodyParser = lazy(() => require('body-parser'))

const asIs = (body) => body

/**
 * Middleware that parses JSON bodies into `req.body`.
 *
 *     app.use(express.json({ limit: '1mb' }))
 *
 * @param {object} [options]
 * @param {boolean} [options.inflate=true]   accept compressed bodies; 415 otherwise
 * @param {number|string} [options.limit='100kb']  larger bodies end with 413
 * @param {Function} [options.reviver]       second argument of JSON.parse
 * @param {boolean} [options.strict=true]    only objects and arrays
 * @param {string|string[]|Function} [options.type='application/json']
 * @param {Function} [options.verify]        `(req, res, buf, encoding)`; throwing ends with 403
 * @return {Function} `jsonParser(req, res, next)`
 * @throws {TypeError} for an invalid `limit` or `verify`
 */
function json(options) {
  const kind = {
    charsets: ['utf-8'],
    name: 'json',
    parse: jsonText(options),
    type: 'application/json'
  }
  const { handle } = inlineParser(kind, options, (checked) => bodyParser().json(checked))
  return function jsonParser(req, res, next) {
    handle(req, res, next)
  }
}

/**
 * Middleware that collects a body into a Buffer in `req.body`.
 *
 *     app.post('/hook', express.raw({ type: '*' + '/*' }), verifySignature)
 *
 * @param {object} [options]  `inflate`, `limit`, `type='application/octet-stream'`, `verify` as for
 *   `json`
 * @return {Function} `rawParser(req, res, next)`
 * @throws {TypeError} for an invalid `limit` or `verify`
 */
function raw(options) {
  const kind = { name: 'raw', parse: asIs, type: 'application/octet-stream' }
  const { handle } = inlineParser(kind, options, (checked) => bodyParser().raw(checked))
  return function rawParser(req, res, next) {
    handle(req, res, next)
  }
}

/**
 * Middleware that decodes a body into a string in `req.body`.
 *
 * @param {object} [options]  `inflate`, `limit`, `type='text/plain'`, `verify` as for `json`
 * @param {string} [options.defaultCharset='utf-8']  for a Content-Type without charset
 * @return {Function} `textParser(req, res, next)`
 * @throws {TypeError} for an invalid `limit` or `verify`
 */
function text(options) {
  const kind = {
    charsets: ['utf-8', 'utf8', 'iso-8859-1', 'latin1'],
    name: 'text',
    parse: asIs,
    type: 'text/plain'
  }
  const { handle } = inlineParser(kind, options, (checked) => bodyParser().text(checked))
  return function textParser(req, res, next) {
    handle(req, res, next)
  }
}

/**
 * Middleware that parses form bodies into `req.body`.
 *
 *     app.use(express.urlencoded({ extended: true }))   // a[b]=c gives { a: { b: 'c' } }
 *
 * @param {object} [options]  `inflate`, `limit`, `type='application/x-www-form-urlencoded'`,
 *   `verify` as for `json`
 * @param {boolean} [options.extended=false]         nested objects and arrays
 * @param {number} [options.parameterLimit=1000]     more end with 413
 * @param {number} [options.depth=32]                deeper nesting ends with 400 (extended only)
 * @param {string} [options.defaultCharset='utf-8']  or 'iso-8859-1'
 * @param {boolean} [options.charsetSentinel]        let `utf8=✓` choose the charset
 * @param {boolean} [options.interpretNumericEntities]
 * @return {Function} `urlencodedParser(req, res, next)`
 * @throws {TypeError} for an invalid option
 */
function urlencoded(options) {
  const kind = {
    charsets: ['utf-8', 'iso-8859-1'],
    name: 'urlencoded',
    parse: formParser(options),
    type: 'application/x-www-form-urlencoded'
  }
  const { handle } = inlineParser(kind, options, (checked) => bodyParser().urlencoded(checked))
  return function urlencodedParser(req, res, next) {
    handle(req, res, next)
  }
}

module.exports = { json, raw, text, urlencoded }
