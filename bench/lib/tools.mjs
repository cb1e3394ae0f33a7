// Gets what the benchmarks need besides the product: the packages of bench/package.json, other Node binaries, the
// axum binaries, wrk and nginx if they are installed. Downloads go through npm and cargo as they are configured.

import { execFile, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { benchRoot } from './process.mjs'

const run = promisify(execFile)
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'

export const cache = path.join(benchRoot, '.cache')

/** Path of a program on PATH, or null. */
export function which(program) {
  // Where Debian puts nginx, and rustup cargo: not always on PATH.
  const further = ['/usr/sbin', path.join(os.homedir(), '.cargo', 'bin')]
  for (const folder of (process.env.PATH ?? '').split(path.delimiter).concat(further)) {
    const file = path.join(folder, program)
    try {
      fs.accessSync(file, fs.constants.X_OK)
      return file
    } catch {
      // Not in this folder.
    }
  }
  return null
}

/** Runs a command with its output on our stderr. Throws if it fails. */
export function runVisible(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 2, 2], ...options })
  if (error) throw new Error(`${command}: ${error.message}`)
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed (exit code ${status})`)
}

/** Installs bench/node_modules if it is missing or older than the lockfile. */
export function ensurePackages() {
  const installed = path.join(benchRoot, 'node_modules', '.package-lock.json')
  const lock = path.join(benchRoot, 'package-lock.json')
  const fresh =
    fs.existsSync(installed) && fs.statSync(installed).mtimeMs >= fs.statSync(lock).mtimeMs
  if (fresh) return
  console.error('bench: installing the packages of bench/package.json')
  runVisible(npm, ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: benchRoot })
  // npm leaves the time of an unchanged tree alone.
  const now = new Date()
  fs.utimesSync(installed, now, now)
}

/**
 * Builds rnode-server of this tree (nothing happens if it is up to date).
 * @throws {Error} if it cannot be built: measuring what an older build left behind would mislead
 */
export function buildRnode() {
  try {
    runVisible(process.execPath, [path.join(benchRoot, '..', 'js', 'scripts', 'setup.mjs')])
  } catch (error) {
    throw new Error(
      `${error.message}; --no-build measures what is there, --servers=… leaves rnode out`
    )
  }
}

/**
 * Asks a Node binary what it is.
 * @param {string} binary
 * @returns {Promise<{ binary: string, version: string, major: number, platform: string, arch: string, abi: string }>}
 */
async function describeNode(binary) {
  const program =
    'const p = process; console.log(JSON.stringify([p.version, p.platform, p.arch, p.versions.modules]))'
  const { stdout } = await run(binary, ['-e', program])
  const [version, platform, arch, abi] = JSON.parse(stdout)
  return { binary, version, major: Number.parseInt(version.slice(1), 10), platform, arch, abi }
}

/**
 * The Node to measure with.
 * @param {string | undefined} wanted a path, a major version such as "24" (installed from npm into bench/.cache),
 *   or nothing for the Node that runs the harness
 */
export async function findNode(wanted) {
  if (wanted === undefined) return describeNode(process.execPath)
  if (!/^\d+$/.test(wanted)) return describeNode(path.resolve(wanted))
  if (Number(wanted) === Number.parseInt(process.versions.node, 10))
    return describeNode(process.execPath)
  const prefix = path.join(cache, `node-${wanted}`)
  const binary = path.join(
    prefix,
    'node_modules',
    'node',
    'bin',
    process.platform === 'win32' ? 'node.exe' : 'node'
  )
  if (!fs.existsSync(binary)) {
    console.error(`bench: installing Node ${wanted} from npm`)
    fs.mkdirSync(prefix, { recursive: true })
    fs.writeFileSync(path.join(prefix, 'package.json'), '{ "private": true }\n')
    runVisible(npm, ['install', `node@${wanted}`, '--no-audit', '--no-fund', '--no-package-lock'], {
      cwd: prefix
    })
  }
  const node = await describeNode(binary)
  if (node.major !== Number(wanted))
    throw new Error(`${binary} is Node ${node.version}, not ${wanted}`)
  return node
}

let axum

/**
 * Builds `rnode-bench-axum` and `rnode-bench-load` in release mode (once per run).
 * BENCH_AXUM_DIR names a directory with both binaries already built.
 * @returns {{ server: string, load: string }} their paths
 * @throws {Error} without cargo, or if the build fails
 */
export function buildAxum() {
  if (axum) return axum
  const given = process.env.BENCH_AXUM_DIR
  if (given) {
    axum = {
      server: path.join(given, 'rnode-bench-axum'),
      load: path.join(given, 'rnode-bench-load')
    }
    for (const file of Object.values(axum)) fs.accessSync(file, fs.constants.X_OK)
    return axum
  }
  const cargo = which('cargo')
  if (!cargo) throw new Error('cargo is not installed')
  const args = [
    'build',
    '--release',
    '-p',
    'rnode-bench-axum',
    '--message-format=json-render-diagnostics'
  ]
  const { status, stdout } = spawnSync(cargo, args, {
    cwd: path.join(benchRoot, '..'),
    stdio: ['ignore', 'pipe', 2],
    maxBuffer: 64 * 1024 * 1024,
    encoding: 'utf8'
  })
  if (status !== 0) throw new Error('cargo build -p rnode-bench-axum failed')
  const built = {}
  for (const line of stdout.split('\n')) {
    if (!line.includes('"executable":"')) continue
    const message = JSON.parse(line)
    built[message.target.name] = message.executable
  }
  axum = { server: built['rnode-bench-axum'], load: built['rnode-bench-load'] }
  return axum
}
