'use strict'
// The router's table of identifier characters is generated from Node's Unicode data: here it is compared with this Node's.

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')

const FILE = path.join(__dirname, '../../../crates/rnode-router/src/unicode_id.rs')

const version = (text) => /Unicode (\S+),/.exec(text)[1]
const numbers = (text) => text.match(/0x[0-9a-f]+/g)

test('unicode_id.rs holds what unicode-id.mjs prints', (t) => {
  const written = fs.readFileSync(FILE, 'utf8')
  const printed = execFileSync(process.execPath, [path.join(__dirname, 'unicode-id.mjs')], {
    encoding: 'utf8'
  })
  if (version(written) !== version(printed)) {
    t.skip(`the table is of Unicode ${version(written)}, this Node has ${version(printed)}`)
    return
  }
  assert.deepStrictEqual(numbers(written), numbers(printed))
})
