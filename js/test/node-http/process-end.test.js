'use strict'

// What keeps the process alive: servers that listen, connections that are read or written, and nothing else, as under node:http. Each
// situation is a process of its own that must have ended, or not, when its time is over.

const assert = require('node:assert/strict')
const { execFile, execFileSync } = require('node:child_process')
const path = require('node:path')
const { describe, test } = require('node:test')
const { promisify } = require('node:util')
const { TARGET, pathOf, oraclePath } = require('../ecosystem/lib/targets')

const PROGRAM = path.join(__dirname, 'fixtures', 'process-end.js')
const run = promisify(execFile)

/** What the process prints, with its exit code. */
async function outcome(target, situation) {
  const options = { env: { ...process.env, NODE_ENV: 'production', NODE_TEST_CONTEXT: undefined } }
  const done = await run(process.execPath, [PROGRAM, target, situation], options).catch((e) => e)
  return `${done.stdout}${/Error: .*/.exec(done.stderr)?.[0] ?? ''}`
}

// They wait most of the time.
describe('process-end', { concurrency: 8 }, () => {
  for (const situation of JSON.parse(execFileSync(process.execPath, [PROGRAM]).toString())) {
    test(situation, async () => {
      const [nodes, ours] = await Promise.all([
        outcome(oraclePath(), situation),
        outcome(pathOf(TARGET), situation)
      ])
      assert.match(nodes, /exit \d/)
      assert.equal(ours, nodes)
    })
  }
})
