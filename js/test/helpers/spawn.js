// Programs in a process of their own, for tests of what a whole process does. It must not judge
// what they print.
'use strict'

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')

/**
 * Run a program given as source, which must say nothing on standard error and end within a minute.
 *
 * @param {string} source
 * @param {{ cwd?: string, flags?: string[] }} [options]  flags are Node's
 * @return {string[]} the lines it has printed
 */
function linesOf(source, { cwd, flags = [] } = {}) {
  const { stdout, stderr, signal } = spawnSync(process.execPath, [...flags, '-e', source], {
    cwd,
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, NODE_ENV: 'test' }
  })
  assert.deepEqual({ stderr, signal }, { stderr: '', signal: null })
  return stdout.trim().split('\n')
}

module.exports = { linesOf }
