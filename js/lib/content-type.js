// Content-Type values as Express makes them of extensions and media types. Pure functions that remember
// their answers: an app uses few types, and every answer would have them parsed several times.
'use strict'

const contentType = require('content-type')
const { lazy } = require('./lazy')

const mime = lazy(() => require('mime-types'))

/** A content type with this charset in place of its own; throws for what is no content type. */
function withCharset(type, charset) {
  const parsed = contentType.parse(type)
  parsed.parameters.charset = charset
  return contentType.format(parsed)
}

/**
 * The types of most answers, as mime-types gives them (a test compares them): loading its database for the first answer
 * of a process would hold that up by 10 ms and more.
 */
const COMMON = {
  bin: 'application/octet-stream',
  html: 'text/html; charset=utf-8',
  json: 'application/json; charset=utf-8',
  text: 'text/plain; charset=utf-8',
  txt: 'text/plain; charset=utf-8',
  'application/json': 'application/json; charset=utf-8',
  'application/octet-stream': 'application/octet-stream',
  'text/html': 'text/html; charset=utf-8',
  'text/plain': 'text/plain; charset=utf-8',
  // whole values, which res.send() sets again
  'application/json; charset=utf-8': 'application/json; charset=utf-8',
  'text/html; charset=utf-8': 'text/html; charset=utf-8',
  'text/plain; charset=utf-8': 'text/plain; charset=utf-8'
}

function remember(fn, known = new Map()) {
  // most answers of an app are of one type; the answer for an answer is the same
  let lastText
  let lastAnswer
  return (text) => {
    if (text === lastText || text === lastAnswer) return lastAnswer
    let answer = known.get(text)
    if (answer !== undefined) {
      lastText = text
      lastAnswer = answer
    } else {
      answer = fn(text)
      // types made from what clients send must not fill the memory
      if (known.size < 256 && typeof answer === 'string' && text.length < 256)
        known.set(text, answer)
    }
    return answer
  }
}

/** `type` with its charset parameter set to utf-8. */
const withUtf8 = remember((type) => withCharset(type, 'utf-8'))

/** As `contentType` of mime-types: the whole header value for an extension or a media type, or false. */
const fullType = remember((type) => mime().contentType(type), new Map(Object.entries(COMMON)))

module.exports = { COMMON, fullType, withCharset, withUtf8 }
