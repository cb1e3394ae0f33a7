'use strict'

// Brings the results of a program into a comparable form and tells in words where two of them differ.
// It must not hide a difference: what it ignores is the value of Date and what a program declares volatile, with a reason.

const { isDeepStrictEqual, inspect } = require('node:util')

/** A body as text if it is UTF-8 without control characters, otherwise as hex. */
function readable(body) {
  const text = body.toString('utf8')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
  const binary = text.includes('\ufffd') || /[\u0000-\u0008\u000e-\u001f]/.test(text)
  return binary ? `hex:${body.toString('hex')}` : text
}

/**
 * Replaces what differs from run to run. `volatile` maps a lower-case header name to `{ shape, reason }`: a value that
 * matches the shape becomes `<volatile>`, any other stays and is compared.
 */
function settle(result, volatile = {}) {
  if (result === null || typeof result !== 'object' || !Array.isArray(result.headers)) return result
  const mask = (headers) =>
    headers.map(([name, value]) => {
      const lower = name.toLowerCase()
      if (lower === 'date' && /GMT$/.test(value)) return [name, '<date>']
      const rule = volatile[lower]
      return [name, rule ? value.replace(rule.shape, '<volatile>') : value]
    })
  const out = { ...result, headers: mask(result.headers) }
  if (Buffer.isBuffer(result.body)) out.body = readable(result.body)
  if (result.informational)
    out.informational = result.informational.map((i) => ({ ...i, headers: mask(i.headers) }))
  return out
}

function short(value) {
  const text =
    typeof value === 'string'
      ? JSON.stringify(value)
      : inspect(value, { depth: 6, breakLength: 120 })
  return text.length > 600 ? `${text.slice(0, 600)}… (${text.length} characters)` : text
}

function headerDifferences(expected, actual, where, out) {
  const key = ([name, value]) => `${name}: ${value}`
  const want = expected.map(key)
  const have = actual.map(key)
  const missing = want.filter(
    (line, i) =>
      want.slice(0, i).filter((l) => l === line).length >= have.filter((l) => l === line).length
  )
  const extra = have.filter(
    (line, i) =>
      have.slice(0, i).filter((l) => l === line).length >= want.filter((l) => l === line).length
  )
  for (const line of missing) out.push(`${where}: header missing: ${short(line)}`)
  for (const line of extra) out.push(`${where}: header too many: ${short(line)}`)
  if (missing.length === 0 && extra.length === 0 && !isDeepStrictEqual(want, have)) {
    out.push(
      `${where}: order of headers: expected ${want.map((l) => l.split(':')[0]).join(', ')}; got ${have.map((l) => l.split(':')[0]).join(', ')}`
    )
  }
}

/** Sentences that say where `actual` is not `expected`; an empty list if they are the same. */
function differences(expected, actual, where = 'result', out = []) {
  if (isDeepStrictEqual(expected, actual)) return out
  if (
    typeof expected === 'string' &&
    typeof actual === 'string' &&
    expected.length + actual.length > 600
  ) {
    let at = 0
    while (expected[at] === actual[at]) at++
    const around = (text) => JSON.stringify(text.slice(Math.max(0, at - 60), at + 120))
    out.push(
      `${where}: differs at ${at} of ${expected.length} characters (got ${actual.length}): expected …${around(expected)}…, got …${around(actual)}…`
    )
    return out
  }
  const plain = (v) => v !== null && typeof v === 'object'
  if (!plain(expected) || !plain(actual) || Array.isArray(expected) !== Array.isArray(actual)) {
    out.push(`${where}: expected ${short(expected)}, got ${short(actual)}`)
    return out
  }
  if (Array.isArray(expected)) {
    const isHeaders = /\.(headers|trailers)$/.test(where)
    if (isHeaders) headerDifferences(expected, actual, where, out)
    else {
      for (let i = 0; i < Math.max(expected.length, actual.length); i++)
        differences(expected[i], actual[i], `${where}[${i}]`, out)
    }
    return out
  }
  for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
    differences(expected[key], actual[key], `${where}.${key}`, out)
  }
  return out
}

module.exports = { settle, differences }
