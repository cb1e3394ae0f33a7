'use strict'
// Generated programs, the same ones in every run: what each answers, and what its handlers see, is
// what Express on node:http gives. A seed that fails is a program of its own, which prints as JSON: `program(seed)` and
// `misuse(seed)` in generate.js, `stack(seed)` in stacks.js, `application(seed)` in apps.js, `leaver(seed)` in
// leavers.js. Left out are seeds of what docs/compatibility.md tells of, of internals of Node that nothing can be seen of otherwise, and of programs that make Node send
// a malformed message. RNODE_SEEDS=1000-1999 runs those seeds instead.

const assert = require('node:assert/strict')
const { fork } = require('node:child_process')
const path = require('node:path')
const { test } = require('node:test')

/** Seeds of `misuse` that are left out. */
const WITHOUT = [51, 54]

/** Seeds from `first` to `last`, but for some. */
function seeds(first, last, without = []) {
  const range = process.env.RNODE_SEEDS?.split('-').map(Number)
  const [from, to] = range ?? [first, last]
  const left = new Set(range ? [] : without)
  const list = []
  for (let seed = from; seed <= to; seed++) if (!left.has(seed)) list.push(seed)
  return list
}

/** Compares in a process of its own: the programs throw where nobody catches. */
function run(kind, list) {
  return new Promise((resolve, reject) => {
    const child = fork(path.join(__dirname, 'child.js'), [], {
      env: { ...process.env, NODE_ENV: 'test', NODE_TEST_CONTEXT: undefined }
    })
    child.on('message', ({ done, found }) => {
      if (done === list.length) {
        resolve(found)
        child.kill()
      }
    })
    child.on('error', reject)
    child.on('exit', (code, signal) => reject(new Error(`the process ended: ${code ?? signal}`)))
    child.send({ kind, seeds: list })
  })
}

for (const [name, kind, list] of [
  ['random apps answer as on Express', 'program', seeds(1, 120)],
  ['random apps with npm middleware answer as on Express', 'stack', seeds(1, 120)],
  ['random apps as people write them answer as on Express', 'application', seeds(1, 80)],
  ['clients that leave are heard of as on Express', 'leaver', seeds(1, 50)],
  ['random calls of req and res do what they do on Node', 'misuse', seeds(1, 60, WITHOUT)]
]) {
  test(name, async () => {
    const found = await run(kind, list)
    assert.equal(found.length, 0, found.join('\n\n'))
  })
}
