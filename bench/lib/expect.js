'use strict'
// What a scenario's answer must be; used by the `verify` functions. Throws an AssertionError that names the difference.
// It must not know how an answer was fetched.

const assert = require('node:assert')

/**
 * A JSON answer, compared as text: the same members in the same order, no white space.
 * @param {{ status: number, headers: object, body: Buffer }} answer
 * @param {unknown} value
 */
function expectJson(answer, value) {
  assert.strictEqual(answer.status, 200)
  assert.match(String(answer.headers['content-type']), /^application\/json(; ?charset=utf-8)?$/i)
  assert.strictEqual(answer.body.toString(), JSON.stringify(value))
}

/**
 * Bytes of a given media type (no parameters).
 * @param {{ status: number, headers: object, body: Buffer }} answer
 * @param {string} type
 * @param {Buffer} bytes
 */
function expectBytes(answer, type, bytes) {
  assert.strictEqual(answer.status, 200)
  assert.strictEqual(answer.headers['content-type'], type)
  assert.strictEqual(
    answer.body.length,
    bytes.length,
    `body of ${answer.body.length} bytes, not ${bytes.length}`
  )
  assert.ok(answer.body.equals(bytes), 'the bytes of the body differ')
}

module.exports = { expectBytes, expectJson }
