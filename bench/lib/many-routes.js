'use strict'
// The scenarios routes-1 and routes-1000: the same route and answer, alone and as the last of a thousand.
// Their ratio is what the routes that do not match cost.

const { expectJson } = require('./expect')

/**
 * A scenario with `count` routes `/resource-0/list` to `/resource-<count-1>/list`; the last of them is asked for.
 * @param {number} count
 */
function manyRoutes(count) {
  const paths = Array.from({ length: count }, (_, i) => `/resource-${i}/list`)
  return {
    name: `routes-${count}`,
    path: paths[count - 1],
    setup(express) {
      const app = express()
      paths.forEach((path, index) => {
        app.get(path, (req, res) => {
          res.json({ resource: index })
        })
      })
      return app
    },
    fastify(app) {
      paths.forEach((path, index) => {
        app.get(path, (request, reply) => {
          reply.send({ resource: index })
        })
      })
    },
    verify(status, headers, body) {
      expectJson({ status, headers, body }, { resource: count - 1 })
    }
  }
}

module.exports = { manyRoutes }
