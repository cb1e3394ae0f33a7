// The options of npm send as Rust takes them: read off a SendStream, which has checked and normalized
// them. What its constructor throws is the caller's to see.
'use strict'

const { internFileOptions } = require('./native/file')

module.exports = fileOptions

/** Numbers by the JSON of their options. */
const numbers = new Map()
/** Options of res.sendFile may be different for every call: beyond this many, JavaScript answers. */
const MAX_NUMBERS = 2048

/**
 * @param {SendStream} stream  of the `send` package
 * @param {object} options  those that send reads later: `start` and `end`
 * @param {object} [more]  `fallthrough`, `redirect` and `precompressed` of serveStatic
 * @return {number} by which Rust knows them; 0 if it cannot take them
 */
function fileOptions(stream, { start = 0, end }, more) {
  if (!isOffset(start) || (end !== undefined && !isOffset(end))) return 0
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
    ...more
  }
  // Another release of send may keep them elsewhere.
  const known = Object.keys(options).every((name) => name === 'end' || options[name] !== undefined)
  if (!known || options.root?.isWellFormed?.() === false) return 0
  const json = JSON.stringify(options)
  let number = numbers.get(json)
  if (number === undefined) {
    number = numbers.size < MAX_NUMBERS ? internFileOptions(json) : 0
    if (number !== 0) numbers.set(json, number)
  }
  return number
}

function isOffset(value) {
  return Number.isSafeInteger(value) && value >= 0
}
