// Whether the program's `fs` is another than the system's: packed programs, archives of package managers and agents replace its
// functions. Then files are npm send's to read, so that they are found, and seen, where that `fs` has them.
'use strict'

const fs = require('node:fs')
const { nodesOwn } = require('./native/nodes-own')

const stat = nodesOwn(fs.stat, 'binding.stat(')
const open = nodesOwn(fs.open, 'binding.open(')
const read = nodesOwn(fs.read, 'binding.read(')
const createReadStream = nodesOwn(fs.createReadStream, 'new ReadStream(')

/** Asked for every file: no loop. Replacements of Node's binding (mock-fs) cannot be seen. */
function isReplaced() {
  return (
    fs.stat !== stat ||
    fs.open !== open ||
    fs.read !== read ||
    fs.createReadStream !== createReadStream
  )
}

module.exports = { isReplaced }
