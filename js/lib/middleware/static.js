// express.static: files below a directory.
// Options, events and the name of the returned middleware (`serveStatic`) are serve-static's.
'use strict'

const npmServeStatic = require('serve-static')

module.exports = serveStatic

/**
 * Middleware that answers GET and HEAD with the file that `req.url` names below `root`.
 *
 *     app.use(express.static('public'))
 *     app.use('/assets', express.static('dist', { immutable: true, maxAge: '1y' }))
 *
 * @param {string} root
 * @param {object} [options]  of serve-static: `acceptRanges cacheControl dotfiles etag extensions
 *   fallthrough immutable index lastModified maxAge redirect setHeaders`
 * @return {Function} `serveStatic(req, res, next)`
 * @throws {TypeError} if `root` is missing or no string, or `setHeaders` is no function
 */
function serveStatic(root, options) {
  return npmServeStatic(root, options)
}
