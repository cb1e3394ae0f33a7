// Drives a `send` stream into a response and says once how it ended; the lower half of
// res.sendFile. It decides nothing about next(): that is sendFile's.
'use strict'

const onFinished = require('on-finished')

module.exports = transferFile
module.exports.aborted = aborted
module.exports.isDirectory = isDirectory

/**
 * @param {http.ServerResponse} res
 * @param {SendStream} file  of the `send` package
 * @param {object} [headers]  set on the response when the file has been found
 * @param {function(Error?)} callback  called once; `err.code` is ECONNABORTED if the client left,
 *   EISDIR for a directory
 */
function transferFile(res, file, headers, callback) {
  let settled = false
  // From 'file' to 'stream' an answer without a body (304, 412, 416, HEAD) is complete when the
  // response is.
  let state = 'searching'

  function settle(err) {
    if (settled) return
    settled = true
    callback(err)
  }

  file.on('directory', () => settle(isDirectory()))
  file.on('end', () => settle())
  file.on('error', settle)
  file.on('file', () => {
    state = 'found'
  })
  file.on('stream', () => {
    state = 'streaming'
  })

  onFinished(res, (err) => {
    if (settled) return
    if (err) return settle(err.code === 'ECONNRESET' ? aborted() : err)

    // The file's 'end' may be still to come; let it be first.
    setImmediate(() => {
      if (!settled) settle(state === 'found' ? undefined : aborted())
    })
  })

  if (headers) {
    file.on('headers', (target) => {
      for (const name of Object.keys(headers)) target.setHeader(name, headers[name])
    })
  }

  file.pipe(res)
}

/** The error for a client that has left. */
function aborted() {
  return errorWithCode('Request aborted', 'ECONNABORTED')
}

/** The error for a path that is a folder. */
function isDirectory() {
  return errorWithCode('EISDIR, read', 'EISDIR')
}

function errorWithCode(message, code) {
  return Object.assign(new Error(message), { code })
}
