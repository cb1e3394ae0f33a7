// Files for tests, in a folder of their own that goes with the test file. Times are fixed, so that validators are.
'use strict'

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { after } = require('node:test')

/** Modification time of what `write` writes, in seconds since 1970. */
const MODIFIED = 1e9

/**
 * Makes a folder under the system's temporary one.
 *
 * @param {string} name  part of its own name
 * @return {{ root: string, at: function(string): string,
 *   write: function(string, string|Buffer, number=): string,
 *   sparse: function(string, number): string }}  `at` gives the full path of a name; `write` makes
 *   a file (and the folders above it) with a modification time in seconds, `sparse` one of so many
 *   zero bytes that take no disk; both return its path
 */
function temporaryTree(name) {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), `rnode-${name}-`))
  after(() => fs.rmSync(root, { recursive: true, force: true }))
  const at = (file) => path.join(root, file)
  const write = (file, content, seconds = MODIFIED) => {
    fs.mkdirSync(path.dirname(at(file)), { recursive: true })
    fs.writeFileSync(at(file), content)
    fs.utimesSync(at(file), seconds, seconds)
    return at(file)
  }
  const sparse = (file, bytes) => {
    write(file, '')
    fs.truncateSync(at(file), bytes)
    return at(file)
  }
  return { at, root, sparse, write }
}

/** The weak ETag that Express gives to a file of `size` bytes that `write` has written. */
const fileTag = (size) => `W/"${size.toString(16)}-${(MODIFIED * 1000).toString(16)}"`

module.exports = { fileTag, MODIFIED, temporaryTree }
