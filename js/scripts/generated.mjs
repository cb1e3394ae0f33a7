// Files that scripts write, for the scripts: with --check they write nothing, and fail if what they would write is not
// there. It must not know what is in the files.

import fs from 'node:fs'
import path from 'node:path'
import { root } from './lib.mjs'

const checks = process.argv.includes('--check')

/**
 * Write a file, or with --check compare it: one that is stale is told of and makes the process fail.
 *
 * @param {string|URL} file
 * @param {string} text
 */
export function put(file, text) {
  if (!checks) {
    fs.writeFileSync(file, text)
    return
  }
  if (fs.existsSync(file) && fs.readFileSync(file, 'utf8') === text) return
  const [name, script] = [file.pathname ?? file, process.argv[1]].map((one) =>
    path.relative(root, one)
  )
  console.error(`${name} is stale: run node ${script}`)
  process.exitCode = 1
}
