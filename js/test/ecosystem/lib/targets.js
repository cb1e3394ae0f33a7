'use strict'

// Finds the two things that are compared: the Express that is the oracle, and the target named by RNODE_TARGET.
// It must not decide anything about results.

const path = require('node:path')
const Module = require('node:module')

const ROOT = path.join(__dirname, '..', '..', '..', '..')

/** The value of RNODE_TARGET: `express` (the oracle compared with itself) or a path; by default this package. */
const TARGET = process.env.RNODE_TARGET || path.join(ROOT, 'js', 'index.js')

/** Real Express 5.3, of this folder's own dependencies. */
function oraclePath() {
  return require.resolve('express', { paths: [path.join(__dirname, '..'), ROOT] })
}

function pathOf(target) {
  return target === 'express' ? oraclePath() : path.resolve(target)
}

/**
 * Loads Express or the target. With RNODE_ALIAS=1 every later `require('express')` in this process, by whichever package,
 * gets the target too, as the npm alias `"express": "npm:rnode-server"` does.
 */
function load(target) {
  const file = pathOf(target)
  if (process.env.RNODE_ALIAS === '1' && target !== 'express') {
    const resolve = Module._resolveFilename
    Module._resolveFilename = function (request, ...rest) {
      return request === 'express' ? file : resolve.call(this, request, ...rest)
    }
  }
  return require(file)
}

module.exports = { TARGET, load, pathOf, oraclePath }
