// Content-Type values as Express makes them of extensions and media types. Pure functions that remember
// their answers: an app uses few types, and every answer would have them parsed several times.
'use strict'

const contentType = require('content-type')
const { lazy } = require('./lazy')

const mime = lazy(() => require('mime-types'))

function withCharset(type, charset) {
  const parsed = contentType.parse(type)
  parsed.parameters.charset = charset
  return contentType.format(parsed)
}

function remember(fn) {
  const known = new Map()
  return (text) => {
    let answer = known.get(text)
    if (answer === undefined) {
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
const fullType = remember((type) => mime().contentType(type))

module.exports = { fullType, withCharset, withUtf8 }
