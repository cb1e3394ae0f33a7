'use strict'
// The table cases hold which handlers Express really enters, with which baseUrl, url and params. The Rust tests
// walk the plan of the same tables for the same requests.

const assert = require('node:assert/strict')
const test = require('node:test')
const { buildRouter, caseFiles, runRequest } = require('./run')

const files = caseFiles().filter((file) => file.tables)

test('there are table cases', () => {
  const requests = files.flatMap((file) => file.tables).map((table) => table.requests.length)
  assert.ok(requests.reduce((sum, n) => sum + n, 0) >= 500)
})

for (const { file, about, tables } of files) {
  test(`${file}: ${about}`, async () => {
    for (const { table, requests } of tables) {
      const router = buildRouter(table)
      for (const { method, url, ...expected } of requests) {
        const found = await runRequest(router, method, url)
        assert.deepStrictEqual(found, expected, `${method} ${url} ${JSON.stringify(table)}`)
      }
    }
  })
}
