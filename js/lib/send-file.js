// res.sendFile's file: by Rust where nobody could tell, else by npm send (transfer-file.js). It decides
// nothing about next(): that is res.sendFile's.
'use strict'

const fileOptions = require('./file-options')
const { lazy } = require('./lazy')
const { askForFile } = require('./native/file')
const { FILE_REPORT, FILE_SEND } = require('./native/frames')
const { kSlot } = require('./native/symbols')
const { isReplaced } = require('./replaced-fs')
const transferFile = require('./transfer-file')
const { aborted, isDirectory } = transferFile

const npmSend = lazy(() => require('send'))

module.exports = sendFile

/** A NUL or a step up, and what may be a dotfile. */
const REFUSED = /%00|(?:^|[\\/])\.\./
const DOTFILE = /(?:^|[\\/])\./

/**
 * @param {http.ServerResponse} res
 * @param {string} pathname  encoded by encodeURI
 * @param {object} options  of send, and `headers`, set on the response when the file has been found
 * @param {boolean} watched  `callback` looks at the response
 * @param {function(Error?)} callback  called once; `err.code` is ECONNABORTED if the client left,
 *   EISDIR for a directory
 * @throws {TypeError} for options that send does not take
 */
function sendFile(res, pathname, options, watched, callback) {
  const file = npmSend()(res.req, pathname, options)
  const headers = options.headers || undefined
  const declined = () => transferFile(res, file, headers, callback)
  // send refuses some names before it looks for a file: at once
  const isRefused =
    REFUSED.test(pathname) || (options.dotfiles !== 'allow' && DOTFILE.test(pathname))
  const isOurs = res[kSlot] !== undefined && !isRefused && !isReplaced()
  const number = isOurs ? fileOptions(file, options) : 0
  const asked =
    number !== 0 &&
    askForFile(res, {
      options: number,
      path: pathname,
      originalUrl: '',
      flags: FILE_SEND | (watched ? FILE_REPORT : 0),
      codings: false,
      headers,
      declined,
      failed: callback,
      directory: () => callback(isDirectory()),
      sent: () => callback(),
      aborted: () => callback(aborted())
    })
  if (!asked) declined()
}
