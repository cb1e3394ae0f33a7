// Makes a clone ready to run: npm dependencies, then the addon. Runs before `npm start` and
// `npm test`; costs well under a second when there is nothing to do. Must not need any npm package.
//
//   node js/scripts/setup.mjs            for the demo
//   node js/scripts/setup.mjs --tests    for the tests: also what the ecosystem tests use

import fs from 'node:fs'
import path from 'node:path'
import { root, run, since } from './lib.mjs'

const folders = [root]
const ecosystem = path.join(root, 'js', 'test', 'ecosystem')
if (process.argv.includes('--tests') && fs.existsSync(path.join(ecosystem, 'package.json'))) {
  folders.push(ecosystem)
}

for (const folder of folders) {
  const reason = stale(folder)
  if (!reason) continue
  const clock = performance.now()
  const name = path.relative(root, folder) || path.basename(root)
  // `npm ci` installs what the lockfile says and nothing else. No package needs its install
  // script here, and some report home.
  const command = fs.existsSync(path.join(folder, 'package-lock.json')) ? 'ci' : 'install'
  console.log(`installing npm dependencies of ${name} (${reason})`)
  const { code } = await run('npm', [command, '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: folder,
    env: npmEnv()
  })
  if (code !== 0) {
    console.error(
      `error: npm ${command} failed in ${folder} (exit code ${code}); its messages are above.`
    )
    process.exit(1)
  }
  console.log(`npm dependencies of ${name} installed in ${since(clock)}`)
}

const { code } = await run(process.execPath, [path.join(root, 'js', 'scripts', 'build.mjs')])
process.exit(code)

/**
 * Why a folder's dependencies must be installed, or null when they are as the lockfile has them.
 * npm keeps what it installed in node_modules/.package-lock.json; the two are compared.
 *
 * @param {string} folder
 * @returns {string|null}
 */
function stale(folder) {
  const wanted = json(path.join(folder, 'package-lock.json'))
  const present = json(path.join(folder, 'node_modules', '.package-lock.json'))
  if (!present) return 'none yet'
  if (!wanted) return null
  const manifest = json(path.join(folder, 'package.json'))
  for (const kind of ['dependencies', 'devDependencies']) {
    const a = JSON.stringify(Object.entries(manifest[kind] ?? {}).sort())
    const b = JSON.stringify(Object.entries(wanted.packages[''][kind] ?? {}).sort())
    if (a !== b) return 'package.json changed'
  }
  for (const [name, entry] of Object.entries(wanted.packages)) {
    if (name === '') continue
    const found = present.packages[name]
    // Optional packages are those of other platforms, among others; links have no version.
    if (
      !found
        ? !entry.optional && !entry.devOptional && !entry.peer
        : found.version !== entry.version
    ) {
      return `${name.replace(/^.*node_modules\//, '')} is ${found ? 'another version' : 'missing'}`
    }
    if (found && !fs.existsSync(path.join(folder, name))) return `${name} is missing`
  }
  return null
}

/** @param {string} file */
function json(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'))
  } catch (error) {
    if (error.code === 'ENOENT') return null
    throw new Error(`cannot read ${file}: ${error.message}`)
  }
}

/**
 * The environment without what the outer npm set for its own package: an inner npm would take
 * it for settings of the folder that it works in.
 */
function npmEnv() {
  const env = { ...process.env }
  for (const key of Object.keys(env)) {
    if (/^npm_(package|lifecycle|command|execpath|node_execpath)/.test(key)) delete env[key]
  }
  return env
}
