// Builds the addon in release mode and puts it where js/lib/native loads it from. Does nothing
// when the addon is newer than all Rust sources. Must not need any npm package: it runs before
// they are installed, and in an installed copy of this package (`--if-needed`, see
// docs/decisions/0005-building-the-addon.md).

import fs from 'node:fs'
import path from 'node:path'
import { root, run, rustEnv, rustTool, since } from './lib.mjs'

const artifact = path.join(root, 'js', 'lib', 'native', 'rnode.node')

const flags = new Set(process.argv.slice(2))
const unknown = [...flags].filter((flag) => !['--if-needed', '--force'].includes(flag))
if (unknown.length) fail(`unknown flag ${unknown[0]}; known are --force and --if-needed`)

// `--if-needed` is the package's install step. Only an installed copy has to build there: in the
// repository `npm ci` would otherwise compile before `npm start` and `npm test` ask for it.
const installed = flags.has('--if-needed')
if (installed && isRepository()) process.exit(0)

const sources = newestSource()
if (!flags.has('--force') && modified(artifact) > sources.time) {
  console.log('addon is up to date')
  process.exit(0)
}

const cargo = await toolchain()
const started = Date.now()
const clock = performance.now()
console.log(
  `building the addon (release)${fs.existsSync(artifact) ? `: ${sources.file} changed` : ''}`
)

const library = await compile(cargo)
publish(library, started)
// Hundreds of megabytes of intermediate files are of use to those who change the sources only.
if (installed && !process.env.CARGO_TARGET_DIR) {
  fs.rmSync(path.join(root, 'target'), { recursive: true, force: true })
}
console.log(`addon built in ${since(clock)}: ${path.relative(root, artifact)}`)

/** True in a clone of the repository, false in a published copy, which carries no tests. */
function isRepository() {
  return fs.existsSync(path.join(root, 'js', 'test'))
}

/**
 * Modification time in milliseconds, 0 for what is not there.
 *
 * @param {string} file
 */
function modified(file) {
  return fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

/** The Rust source that changed last. Tests and benches are no part of the addon. */
function newestSource() {
  const newest = { file: '', time: 0 }
  const see = (file) => {
    const time = modified(file)
    if (time > newest.time) Object.assign(newest, { file: path.relative(root, file), time })
  }
  const walk = (folder, depth) => {
    for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
      const full = path.join(folder, entry.name)
      if (!entry.isDirectory()) see(full)
      else if (depth !== 1 || !['tests', 'benches', 'target'].includes(entry.name))
        walk(full, depth + 1)
    }
  }
  for (const name of ['Cargo.toml', 'Cargo.lock', 'rust-toolchain.toml', '.cargo/config.toml'])
    see(path.join(root, name))
  walk(path.join(root, 'crates'), 0)
  return newest
}

/**
 * Find cargo and check rustc's version; end the process with one sentence where that fails.
 *
 * @returns {Promise<string>} path of cargo
 */
async function toolchain() {
  const manifest = fs.readFileSync(path.join(root, 'Cargo.toml'), 'utf8')
  const minimum = /^rust-version\s*=\s*"([\d.]+)"/m.exec(manifest)?.[1]
  const how = 'with rustup (https://rustup.rs), then run this command again'
  const tool = rustTool('cargo')
  const rustc = rustTool('rustc')
  if (!tool || !rustc) {
    fail(
      `rnode-server is compiled from Rust source and ${tool ? 'rustc' : 'cargo'} was not found: install Rust ${minimum} or newer ${how}.`
    )
  }
  const { stdout } = await run(rustc, ['--version'], { stdout: 'pipe', env: rustEnv(tool) })
  const version = /^rustc (\d+\.\d+(?:\.\d+)?)/.exec(stdout)?.[1]
  if (!version) fail(`rustc at ${rustc} does not run: install Rust ${minimum} or newer ${how}.`)
  if (older(version, minimum)) {
    fail(
      `rnode-server needs Rust ${minimum} or newer and rustc is ${version}: run \`rustup update stable\`, then run this command again.`
    )
  }
  return tool
}

/**
 * @param {string} version
 * @param {string} minimum
 * @returns {boolean} true if and only if `version` comes before `minimum`
 */
function older(version, minimum) {
  const a = version.split('.').map(Number)
  const b = minimum.split('.').map(Number)
  for (let i = 0; i < 3; i++) {
    if ((a[i] ?? 0) !== (b[i] ?? 0)) return (a[i] ?? 0) < (b[i] ?? 0)
  }
  return false
}

/**
 * Let cargo build the cdylib. Its progress goes to stderr as always; its messages tell where the
 * library is, whatever CARGO_TARGET_DIR or a cargo configuration say.
 *
 * @param {string} tool path of cargo
 * @returns {Promise<string>} path of the shared library
 */
async function compile(tool) {
  const args = [
    'build',
    '--release',
    '-p',
    'rnode-addon',
    '--message-format=json-render-diagnostics'
  ]
  if (installed) args.push('--locked')
  const { code, stdout } = await run(tool, args, { stdout: 'pipe', env: rustEnv(tool) })
  if (code !== 0) {
    // The linker is the one thing that rustup does not bring on Linux.
    const linker =
      process.platform === 'linux' &&
      (await run('cc', ['--version'], { stdout: 'pipe', stderr: 'pipe' })).code === 127
    fail(
      linker
        ? 'the addon cannot be linked because there is no C compiler (cc): install gcc, on Debian and Ubuntu with `apt-get install build-essential`.'
        : `cargo build failed (exit code ${code}); its messages are above.`
    )
  }
  for (const line of stdout.split('\n')) {
    if (!line.startsWith('{')) continue
    const message = JSON.parse(line)
    if (message.reason !== 'compiler-artifact' || !message.target.kind.includes('cdylib')) continue
    if (message.target.name.replaceAll('-', '_') !== 'rnode_addon') continue
    const file = message.filenames.find((name) => /\.(so|dylib|dll)$/.test(name))
    if (file) return file
  }
  return fail(
    'cargo built rnode-addon but named no shared library: its Cargo.toml must say crate-type = ["cdylib"].'
  )
}

/**
 * Copy the library into place: a process that loads it meanwhile sees the old file or the new
 * one, never half of it, and a running server keeps the file that it has mapped.
 *
 * @param {string} library
 * @param {number} time milliseconds; what the file's modification time is set to. It is when the
 *   build began, so that a source that was saved while cargo ran counts as newer.
 */
function publish(library, time) {
  fs.mkdirSync(path.dirname(artifact), { recursive: true })
  const temporary = `${artifact}.${process.pid}.tmp`
  try {
    fs.copyFileSync(library, temporary)
    fs.utimesSync(temporary, time / 1000, time / 1000)
    fs.renameSync(temporary, artifact)
  } finally {
    fs.rmSync(temporary, { force: true })
  }
}

/**
 * @param {string} sentence
 * @returns {never}
 */
function fail(sentence) {
  console.error(`error: ${sentence}`)
  process.exit(1)
}
