// Runs every test: Rust (cargo nextest where it is installed, else cargo test; doc tests too),
// JavaScript (node --test over js/test), TypeScript (tsc over js/test/types). A runner that fails
// does not stop the others. Must not install or build: setup.mjs has done that.
//
//   npm test                    everything
//   npm test -- --rust          Rust only;  --js  JavaScript only;  --types  TypeScript only
//   npm test -- res.json        the files of js/test whose path contains "res.json"
//   npm test -- --rust plan     the Rust tests whose name contains "plan"

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { root, run, rustEnv, rustTool, since } from './lib.mjs'

// A file that runs longer than this hangs. The slowest drives tens of thousands of requests.
const FILE_TIMEOUT_MS = 600_000

const args = process.argv.slice(2)
const kinds = { '--rust': rust, '--js': js, '--types': types }
const wrong = args.find((arg) => arg.startsWith('-') && !(arg in kinds))
if (wrong) {
  console.error(`error: unknown flag ${wrong}; known are ${Object.keys(kinds).join(', ')}`)
  process.exit(2)
}
const filters = args.filter((arg) => !arg.startsWith('-'))
const asked = Object.keys(kinds).filter((kind) => args.includes(kind))
// A filter alone names a file, and files are those of js/test.
const chosen = asked.length ? asked : filters.length ? ['--js'] : Object.keys(kinds)

/** @type {{ name: string, passed: number, failed: number, skipped: number }[]} */
const results = []
for (const kind of chosen) {
  const clock = performance.now()
  results.push(...(await kinds[kind]()))
  console.log(`\n${kind.slice(2)}: done in ${since(clock)}`)
}

console.log('')
const total = { name: 'total', passed: 0, failed: 0, skipped: 0 }
for (const result of results) {
  for (const count of ['passed', 'failed', 'skipped']) total[count] += result[count]
}
// One line per runner, in a form that a person and a script can both read.
for (const { name, passed, failed, skipped } of [...results, total]) {
  console.log(`${name}: ${passed} passed, ${failed} failed, ${skipped} skipped`)
}
if (total.passed + total.failed === 0) console.error('error: no test was run')
process.exit(total.failed || !total.passed ? 1 : 0)

/**
 * @param {string} title
 */
function heading(title) {
  console.log(`\n── ${title} ${'─'.repeat(Math.max(0, 96 - title.length))}\n`)
}

/**
 * A runner that fails without a failing test (it did not compile, it crashed) counts as one failure.
 *
 * @param {string} name
 * @param {{ passed: number, failed: number, skipped: number }} counts
 * @param {number} code exit code
 */
function outcome(name, counts, code) {
  return { name, ...counts, failed: code !== 0 && counts.failed === 0 ? 1 : counts.failed }
}

/** The tests of the workspace, then its doc tests. */
async function rust() {
  const cargo = rustTool('cargo')
  if (!cargo) {
    console.error('error: cargo was not found')
    return [outcome('rust', zero(), 1)]
  }
  const env = { ...rustEnv(cargo) }
  if (process.stderr.isTTY) env.CARGO_TERM_COLOR ??= 'always'
  const options = { env, stdout: 'tee', stderr: 'tee' }
  const nextest =
    (await run(cargo, ['nextest', '--version'], { env, stdout: 'pipe', stderr: 'pipe' })).code === 0

  heading(nextest ? 'cargo nextest' : 'cargo test')
  const tests = nextest
    ? await run(
        cargo,
        ['nextest', 'run', '--workspace', '--no-fail-fast', '--no-tests=pass', ...filters],
        options
      )
    : await run(
        cargo,
        ['test', '--workspace', '--all-targets', '--no-fail-fast', ...libtestFilter()],
        options
      )
  const counts = nextest ? nextestCounts(tests.stderr) : libtestCounts(tests.stdout)
  const done = [outcome('rust', counts, tests.code)]
  if (filters.length) return done

  heading('cargo test --doc')
  const docs = await run(cargo, ['test', '--workspace', '--doc', '--no-fail-fast'], options)
  done.push(outcome('rustdoc', libtestCounts(docs.stdout), docs.code))
  return done
}

/** libtest takes one filter only. */
function libtestFilter() {
  if (filters.length > 1) {
    console.error('error: without cargo-nextest only one filter can be given')
    process.exit(2)
  }
  return filters.length ? ['--', filters[0]] : []
}

/** @param {string} text what nextest wrote to stderr */
function nextestCounts(text) {
  const summary =
    plain(text)
      .match(/^\s*Summary .*$/gm)
      ?.at(-1) ?? ''
  const count = (word) => Number(new RegExp(`(\\d+) ${word}`).exec(summary)?.[1] ?? 0)
  return {
    passed: count('passed'),
    failed: count('failed') + count('timed out'),
    skipped: count('skipped')
  }
}

/** @param {string} text what the test binaries wrote to stdout */
function libtestCounts(text) {
  const counts = zero()
  for (const line of plain(text).matchAll(
    /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/gm
  )) {
    counts.passed += Number(line[1])
    counts.failed += Number(line[2])
    counts.skipped += Number(line[3])
  }
  return counts
}

/** Every *.test.js and *.test.mjs below js/test, except what packages brought. */
async function js() {
  heading('node --test')
  const folder = path.join(root, 'js', 'test')
  const files = []
  const walk = (dir) => {
    for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
      if (entry.name === 'node_modules' || entry.name === 'fixtures') continue
      const full = path.join(dir, entry.name)
      if (entry.isDirectory()) walk(full)
      else if (/\.test\.m?js$/.test(entry.name)) files.push(path.relative(root, full))
    }
  }
  if (fs.existsSync(folder)) walk(folder)
  const picked = files
    .filter(
      (file) =>
        !filters.length || filters.some((filter) => file.split(path.sep).join('/').includes(filter))
    )
    .sort()
  if (!picked.length) {
    console.error(
      `error: no file of js/test ${filters.length ? `contains "${filters.join('" or "')}"` : 'is a test'}`
    )
    return [outcome('js', zero(), 1)]
  }

  // People read the spec report; the counts are taken from a second report, in a file.
  const temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'rnode-test-'))
  const report = path.join(temporary, 'report.tap')
  try {
    const { code } = await run(process.execPath, [
      '--test',
      ...timeout(),
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      '--test-reporter=tap',
      `--test-reporter-destination=${report}`,
      ...picked
    ])
    const text = fs.existsSync(report) ? fs.readFileSync(report, 'utf8') : ''
    const count = (word) =>
      Number(
        text
          .match(new RegExp(`^# ${word} (\\d+)$`, 'gm'))
          ?.at(-1)
          ?.split(' ')[2] ?? 0
      )
    const counts = {
      passed: count('pass'),
      failed: count('fail') + count('cancelled'),
      skipped: count('skipped') + count('todo')
    }
    return [outcome('js', counts, code)]
  } finally {
    fs.rmSync(temporary, { recursive: true, force: true })
  }
}

/** Node 20 has the flag from 20.11 on. */
function timeout() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  return major > 20 || minor >= 11 ? [`--test-timeout=${FILE_TIMEOUT_MS}`] : []
}

/** The type test compiles or does not: one test. */
async function types() {
  const project = path.join(root, 'js', 'test', 'types')
  if (filters.length) return []
  heading('tsc')
  const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { code } = await run(process.execPath, [tsc, '--noEmit', '-p', project])
  return [{ name: 'types', passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 }]
}

function zero() {
  return { passed: 0, failed: 0, skipped: 0 }
}

/**
 * @param {string} text
 * @returns {string} without colours
 */
function plain(text) {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ESC is what opens a colour sequence
  return text.replace(/\x1b\[[0-9;]*m/g, '')
}
