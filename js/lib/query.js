'use strict'
// Query strings that hold nothing to decode, as querystring.parse takes them apart, straight from the URL. What is not plain is
// declined, and whoever asked parses it as ever. It knows no requests and no settings.

const querystring = require('node:querystring')

const { parse, unescape: decode } = querystring

/** What parseurl leaves to Node, and what querystring.parse decodes. */
const NOT_PLAIN = /[\t\n\f\r #%+\xa0\ufeff]/
/** More pairs are left to querystring.parse: each name is compared with those before it. */
const MOST_PAIRS = 16

/**
 * Names seen lately, as the engine keeps the names of properties. An app asks for few names, and to make one of a piece of text
 * takes longer than to look whether it is the same as before.
 */
const names = new Array(256).fill('')
/** Longer ones are not kept. */
const LONGEST = 64

function nameIn(url, from, to) {
  const first = url.charCodeAt(from)
  const last = url.charCodeAt(to - 1)
  const place = (first * 7 + last * 31 + to - from) & 255
  const known = names[place]
  if (known.length === to - from && url.startsWith(known, from)) return known
  const [name] = Object.keys({ [url.slice(from, to)]: '' })
  if (name.length <= LONGEST) names[place] = name
  return name
}

/** Names of the query under way. */
const taken = new Array(MOST_PAIRS).fill('')

/**
 * The query of a URL, as `querystring.parse(parseurl({ url }).query)` gives it.
 * @param {string} url
 * @returns {object | undefined} undefined if it is not plain: pairs `name=value` with names that are all different, in a URL that
 *   begins with '/'
 */
function plainQuery(url) {
  if (url.charCodeAt(0) !== 47 || NOT_PLAIN.test(url) || querystring.unescape !== decode) {
    return undefined
  }
  const query = { __proto__: null }
  const end = url.length
  const mark = url.indexOf('?')
  if (mark === -1) return query
  let at = mark + 1
  let count = 0
  while (at < end) {
    const equals = url.indexOf('=', at)
    let next = url.indexOf('&', at)
    if (next === -1) next = end
    if (equals <= at || equals > next || count === MOST_PAIRS) return undefined
    const name = nameIn(url, at, equals)
    for (let i = 0; i < count; i++) if (taken[i] === name) return undefined
    taken[count++] = name
    query[name] = url.slice(equals + 1, next)
    at = next + 1
  }
  return query
}

module.exports = { parse, plainQuery }
