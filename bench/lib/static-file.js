'use strict'
// The scenarios static-4k and static-250k: express.static in front of one file.
// It must not depend on what a server does with the file beyond its bytes and its type.

const fixtures = require('./fixtures')
const { expectBytes } = require('./expect')

/**
 * @param {string} name of the scenario
 * @param {string} file one of the fixtures
 * @param {string} type its Content-Type
 */
function staticFile(name, file, type) {
  const bytes = fixtures.content(file)
  return {
    name,
    path: `/${file}`,
    setup(express) {
      const app = express()
      app.use(express.static(fixtures.directory))
      return app
    },
    fastify(app) {
      app.register(require('@fastify/static'), { root: fixtures.directory })
    },
    axum: true,
    nginx: true,
    verify(status, headers, body) {
      expectBytes({ status, headers, body }, type, bytes)
    }
  }
}

module.exports = { staticFile }
