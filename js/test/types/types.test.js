// Compiles the programs of this folder with TypeScript, for each module system that users have.
'use strict'

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const path = require('node:path')
const { test } = require('node:test')

const tsc = path.join(path.dirname(require.resolve('typescript/package.json')), 'bin', 'tsc')

for (const [name, project] of Object.entries({
  '--module nodenext: import in CommonJS output and in an ES module, require': 'tsconfig.json',
  '--module commonjs: import with esModuleInterop': 'tsconfig.commonjs.json'
})) {
  test(name, () => {
    const args = [tsc, '--project', project, '--pretty', 'false']
    const { status, stdout } = spawnSync(process.execPath, args, {
      cwd: __dirname,
      encoding: 'utf8'
    })
    assert.equal(status, 0, stdout)
  })
}
