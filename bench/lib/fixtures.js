'use strict'
// The files that the static scenarios serve: generated, the same bytes and times on every machine.
// CommonJS, because the servers load it too. It must not depend on anything outside Node.

const fs = require('node:fs')
const path = require('node:path')

const directory = path.join(__dirname, '..', '.cache', 'fixtures')

/** Name and size in bytes of every file. Image types: every server gives them the same Content-Type. */
const files = {
  'icon-4k.png': 4 * 1024,
  'photo-250k.jpg': 250 * 1024
}

/**
 * The content of a file.
 * @param {string} name one of `files`
 * @returns {Buffer} pseudo-random bytes (xorshift32, seeded by the size), so that nothing can compress them
 */
function content(name) {
  const bytes = Buffer.alloc(files[name])
  let state = bytes.length
  for (let i = 0; i < bytes.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[i] = state
  }
  return bytes
}

/** Writes the files that are missing or differ. Returns their directory. */
function ensure() {
  fs.mkdirSync(directory, { recursive: true })
  const time = new Date('2025-01-01T00:00:00Z')
  for (const name of Object.keys(files)) {
    const file = path.join(directory, name)
    const wanted = content(name)
    if (fs.existsSync(file) && fs.readFileSync(file).equals(wanted)) continue
    fs.writeFileSync(file, wanted)
    fs.utimesSync(file, time, time)
  }
  return directory
}

module.exports = { content, directory, ensure, files }
