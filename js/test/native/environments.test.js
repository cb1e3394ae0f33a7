'use strict'

// How the addon's environments begin and end: the event loop, exceptions and panics, worker threads that are terminated while
// they serve, the end of the process. Every case is a program of probe.js in a process of its own, since a mistake here is a crash.
// The time limit only makes a hang a failure.

const assert = require('node:assert')
const { spawnSync } = require('node:child_process')
const path = require('node:path')
const { test } = require('node:test')

const LIMIT_MS = 120_000
const PROBE = path.join(__dirname, 'probe.js')

/** Runs a program to its end: `{ status, stdout, stderr }`. */
function probe(name, env = {}) {
  const result = spawnSync(process.execPath, [PROBE, name], {
    encoding: 'utf8',
    timeout: LIMIT_MS,
    env: { ...process.env, RUST_BACKTRACE: '0', RNODE_IO_THREADS: '', ...env }
  })
  const { signal, stderr } = result
  assert.strictEqual(signal, null, `${name} was ended by ${signal}: ${stderr}`)
  return result
}

/** Runs a program that must end by itself with status 0 and print exactly these lines. */
function prints(name, lines, env) {
  const { status, stdout, stderr } = probe(name, env)
  assert.deepStrictEqual(
    [status, stdout, stderr],
    [0, lines.map((line) => `${line}\n`).join(''), '']
  )
}

test('loading the addon keeps nothing alive', () => prints('require', []))

test('a listening server keeps nothing alive by itself', () => prints('unreferenced', ['number']))

test('ref() keeps the event loop alive until one unref()', () => prints('referenced', ['alive']))

test('RNODE_IO_THREADS', () => {
  prints('threads', ['3'], { RNODE_IO_THREADS: '3' })
  for (const wrong of ['0', '257', 'x', '-1', '1.5']) {
    prints('threads', [`RNODE_IO_THREADS must be a number from 1 to 256, not "${wrong}"`], {
      RNODE_IO_THREADS: wrong
    })
  }
})

test('the number of I/O threads follows the cores', () => {
  const cores = require('node:os').availableParallelism()
  prints('threads', [Math.max(1, Math.min(4, cores))])
})

test('drain is a callback like any other: ticks, microtasks, then the rest of the loop', () => {
  prints('order', ['drain', 'tick', 'microtask', 'immediate'])
})

test("an exception of drain is an 'uncaughtException', and drain is called again", () => {
  prints('uncaught', ['true uncaughtException', 'tick', 'microtask', 'ok'])
})

test('an exception before the handler is called costs that request an answer of 500', () => {
  prints('refused', [
    '200 keep-alive',
    'hostile',
    '200 keep-alive, 500 close',
    '200 keep-alive',
    'closed'
  ])
})

test('an exception of drain that nobody handles ends the process', () => {
  const { status, stderr } = probe('fatal')
  assert.strictEqual(status, 1)
  assert.match(stderr, /probe\.js:\d+\n\s+throw new Error\('from drain'\)/)
  assert.match(stderr, /^Error: from drain\n {4}at .*probe\.js/m)
})

test('a panic is logged in one line', () => {
  const { status, stdout, stderr } = probe('panic')
  assert.deepStrictEqual([status, stdout], [0, 'RNODE_ERR_PANIC\n33\n'])
  assert.match(
    stderr,
    /^rnode-server: panic in thread 'javascript' at \S+panic\.rs:\d+:\d+: asked for by a test\n$/
  )
})

test('process.exit() under load', () => assert.strictEqual(probe('exit').status, 5))

test('the event loop runs empty under load', () => prints('drained', []))

test('environments share the I/O threads and nothing else', () => {
  prints('shared', ['3 1', 'ok ok ok', '1 ECONNREFUSED ok ok', '1 ECONNREFUSED ok', 'ok 1 1'])
})

test('workers end in every way while they serve, and their sockets with them', () => {
  prints('workers', [
    'quiet 1 ECONNREFUSED',
    'spin 1 ECONNREFUSED',
    'exit 3 ECONNREFUSED',
    'throw 1 ECONNREFUSED',
    'finish 0 ECONNREFUSED'
  ])
})
