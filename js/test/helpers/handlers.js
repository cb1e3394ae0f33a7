// Handlers that several tests put into their apps.
// It must not hold what only one test needs.
'use strict'

/** Error handler that shows what arrived. */
const show = (err, _req, res, _next) => {
  const isError = err instanceof Error
  res
    .status(isError && err.status ? err.status : 500)
    .type('txt')
    .send(`caught ${isError ? `${err.name}: ${err.message}` : String(err)}`)
}

module.exports = { show }
