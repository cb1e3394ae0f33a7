'use strict'
// The pattern cases hold what path-to-regexp really does. The Rust tests run the same files.

const assert = require('node:assert/strict')
const test = require('node:test')
const { caseFiles, runPattern } = require('./run')

const files = caseFiles().filter((file) => file.patterns)

test('there are pattern cases', () => {
  const cases = files
    .flatMap((file) => file.patterns)
    .map((pattern) => (pattern.error ? 1 : pattern.matches.length))
  assert.ok(cases.reduce((sum, n) => sum + n, 0) >= 2000)
})

for (const { file, about, patterns } of files) {
  test(`${file}: ${about}`, () => {
    for (const pattern of patterns) {
      const { path, sensitive, strict, end, ...expected } = pattern
      const paths = (expected.matches ?? []).map(([path]) => path)
      // Through JSON, as params have no prototype.
      const found = JSON.parse(JSON.stringify(runPattern({ path, sensitive, strict, end }, paths)))
      assert.deepStrictEqual(found, expected, JSON.stringify({ path, sensitive, strict, end }))
    }
  })
}
