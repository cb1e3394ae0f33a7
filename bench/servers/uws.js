'use strict'
// Lets ultimate-express find its engine: it requires 'uWebSockets.js', which npm does not carry. bench/package.json
// puts uws-pack in its place, the same binaries as an ES module; this hands them to require().

const Module = require('node:module')
const path = require('node:path')

/** Where the engine's binary for a given process is. */
function binary({ platform, arch, abi }) {
  const folder = path.join(__dirname, '..', 'node_modules', 'uWebSockets.js', 'dist', 'bin')
  return path.join(folder, `uws_${platform}_${arch}_${abi}.node`)
}

/** Makes `require('uWebSockets.js')` answer with the binary, in this process. */
function install() {
  const file = binary({
    platform: process.platform,
    arch: process.arch,
    abi: process.versions.modules
  })
  const original = Module._resolveFilename
  Module._resolveFilename = function resolve(request, ...rest) {
    return request === 'uWebSockets.js' ? file : original.call(this, request, ...rest)
  }
}

module.exports = { binary, install }
