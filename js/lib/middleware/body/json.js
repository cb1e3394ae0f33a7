// JSON text to a value, with the strict mode and the error texts of body-parser's `json`.
// It sees decoded text only; bytes, charsets and limits are settled before.
'use strict'

const FIRST_CHARACTER = /[^ \t\n\r]/
const MASK = '#'
const MASKED = /#+/g
const OPEN_BRACE = 0x7b
const OPEN_BRACKET = 0x5b

/**
 * @param {object} [options]  `strict` and `reviver` of `express.json`
 * @return {function(string): *}  throws a SyntaxError; an empty text gives `{}`
 */
function jsonParser(options) {
  const reviver = options?.reviver
  const strict = options?.strict !== false

  return (text) => {
    if (text.length === 0) return {}
    if (strict) requireContainer(text)
    try {
      return reviver === undefined ? JSON.parse(text) : JSON.parse(text, reviver)
    } catch (err) {
      throw tidy(err, err.message)
    }
  }
}

/** Throws unless the text begins as an object or array does. */
function requireContainer(text) {
  const code = text.charCodeAt(0)
  if (code === OPEN_BRACE || code === OPEN_BRACKET) return
  const at = text.search(FIRST_CHARACTER)
  if (at !== -1 && (text[at] === '{' || text[at] === '[')) return
  throw refusal(text, at)
}

/**
 * The engine's own error for something that is no JSON at `at`. A primitive is JSON, so it is masked
 * with a character that is not, and the message unmasked.
 *
 * @param {number} at  -1 for a text of nothing but white space
 */
function refusal(text, at) {
  const masked = at === -1 ? '' : text.slice(0, at) + MASK.repeat(text.length - at)
  try {
    JSON.parse(masked)
  } catch (err) {
    const message = err.message.replace(MASKED, (run) => text.slice(at, at + run.length))
    return tidy(err, message)
  }
  /* c8 ignore next */
  return new SyntaxError('strict violation')
}

/** Leaves `stack` and `message` alone of what the engine (or a reviver) put on the error. */
function tidy(err, message) {
  const { message: before, stack } = err
  for (const key of Object.getOwnPropertyNames(err)) {
    if (key !== 'stack' && key !== 'message') delete err[key]
  }
  err.stack = stack.replace(before, message)
  err.message = message
  return err
}

module.exports = { jsonParser }
