'use strict'
// The error for a path pattern that the grammar does not allow. Its texts come
// from the Rust parser, which is the only one; they are path-to-regexp's.

/**
 * Thrown at registration (`app.get('/:', …)`).
 * A TypeError, as path-to-regexp's PathError is.
 */
class PathError extends TypeError {
  /**
   * @param {string} message whole text, with pattern and link
   * @param {string} originalPath the pattern as given
   */
  constructor(message, originalPath) {
    super(message)
    this.originalPath = originalPath
  }
}

module.exports = PathError
