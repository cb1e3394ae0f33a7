// urlencoded text to an object as body-parser's `urlencoded` does it: by qs, with its limits on
// parameters and depth. Forms in which qs has nothing to do but split and decode are read here.
'use strict'

const createError = require('http-errors')
const { lazy } = require('../../lazy')

const qs = lazy(() => require('qs'))

const BRACKET = /[[\]]|%5[bd]/i
const PLUS = /\+/g

/**
 * @param {object} [options]  of `express.urlencoded`, already checked by body-parser
 * @return {function(string, string): object}  of text and charset; throws 413 or 400
 */
function formParser(options) {
  const extended = Boolean(options?.extended)
  const given = options?.parameterLimit === undefined ? 1000 : options.parameterLimit
  const parameterLimit = Number.isFinite(Number(given)) ? given | 0 : given
  const charsetSentinel = options?.charsetSentinel
  const interpretNumericEntities = options?.interpretNumericEntities
  const depth = extended ? (options?.depth === undefined ? 32 : options.depth) : 0

  return (text, charset) => {
    if (text.length === 0) return {}
    const count = countParameters(text, parameterLimit)
    if (count === -1) throw createError(413, 'too many parameters', { type: 'parameters.too.many' })

    if (charset === 'utf-8' && !charsetSentinel) {
      const flat = parseFlat(text)
      if (flat !== undefined) return flat
    }
    try {
      return qs().parse(text, {
        allowPrototypes: true,
        arrayLimit: extended ? Math.max(100, count) : count,
        charset,
        charsetSentinel,
        depth,
        interpretNumericEntities,
        parameterLimit,
        strictDepth: true
      })
    } catch (err) {
      if (!(err instanceof RangeError)) throw err
      throw createError(400, 'The input exceeded the depth', {
        type: 'querystring.parse.rangeError'
      })
    }
  }
}

/** How many there are; -1 for more than `limit`. */
function countParameters(text, limit) {
  let count = 0
  let at = -1
  do {
    if (++count > limit) return -1
    at = text.indexOf('&', at + 1)
  } while (at !== -1)
  return count
}

/**
 * Names and values of a form without brackets, repeated names and empty names. A name that
 * Object.prototype has is left to qs too: what it does with `__proto__` is its own affair.
 *
 * @return {object|undefined}  undefined: a case for qs
 */
function parseFlat(text) {
  if (BRACKET.test(text)) return undefined
  const result = {}
  const size = text.length

  for (let from = 0; from <= size; ) {
    let end = text.indexOf('&', from)
    if (end === -1) end = size
    let equals = text.indexOf('=', from)
    if (equals === -1 || equals > end) equals = end
    if (equals === from) return undefined

    const name = decode(text.slice(from, equals))
    if (result[name] !== undefined) return undefined
    result[name] = equals === end ? '' : decode(text.slice(equals + 1, end))
    from = end + 1
  }
  return result
}

/** A malformed escape leaves the text as it is, but for the plus signs. */
function decode(text) {
  const spaced = text.includes('+') ? text.replace(PLUS, ' ') : text
  if (!spaced.includes('%')) return spaced
  try {
    return decodeURIComponent(spaced)
  } catch {
    return spaced
  }
}

module.exports = { formParser }
