'use strict'
// A file written by JavaScript behind a head that was decided in Rust: where what has replaced writeHead made of it a head
// that Rust does not send. As npm send does it; which file and which bytes is not for this file to say.

const fs = require('node:fs')
const createError = require('http-errors')
const onFinished = require('on-finished')
const { setImmediate } = require('./timers')

/** Errors of the file system for which send says 404. */
const MISSING = new Set(['ENAMETOOLONG', 'ENOENT', 'ENOTDIR'])

/**
 * @param {http.ServerResponse} res
 * @param {Function} write  `res.write` as it was before the head was asked for: under Node the head is asked for by the first
 *   call of it
 * @param {{ path: string, start: number, end: number }} part  first and last byte
 * @param {{ failed: (err: Error) => void, sent?: () => void, aborted?: () => void }} told  how it ended; called once
 */
function streamFile(res, write, { path, start, end }, { failed, sent, aborted }) {
  const stream = fs.createReadStream(path, { start, end })
  let isOver = false
  const once = (fn, ...args) => {
    if (isOver) return
    isOver = true
    if (fn !== undefined) fn(...args)
  }
  onFinished(res, () => {
    stream.destroy()
    setImmediate(once, aborted)
  })
  stream.on('error', (err) => {
    stream.destroy()
    once(failed, createError(MISSING.has(err.code) ? 404 : 500, err, { expose: false }))
  })
  stream.on('end', () => once(sent))
  const replaced = res.write
  if (replaced !== write) {
    res.write = function first(...args) {
      res.write = replaced
      return write.apply(res, args)
    }
  }
  stream.pipe(res)
}

module.exports = { streamFile }
