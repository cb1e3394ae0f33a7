'use strict'
// A route three routers deep, with a parameter on the way.

const { expectJson } = require('../lib/expect')

module.exports = {
  name: 'nested-routers',
  path: '/api/v1/projects/7/tasks/42',
  setup(express) {
    const app = express()
    const api = express.Router()
    const projects = express.Router()
    const tasks = express.Router({ mergeParams: true })
    tasks.get('/:task', (req, res) => {
      res.json({ project: req.params.project, task: req.params.task, baseUrl: req.baseUrl })
    })
    projects.use('/:project/tasks', tasks)
    api.use('/projects', projects)
    app.use('/api/v1', api)
    return app
  },
  fastify(app) {
    const tasks = async (scope) => {
      scope.get('/:task', (request, reply) => {
        const { project, task } = request.params
        reply.send({ project, task, baseUrl: request.url.slice(0, request.url.lastIndexOf('/')) })
      })
    }
    const projects = async (scope) => scope.register(tasks, { prefix: '/:project/tasks' })
    const api = async (scope) => scope.register(projects, { prefix: '/projects' })
    app.register(api, { prefix: '/api/v1' })
  },
  verify(status, headers, body) {
    expectJson(
      { status, headers, body },
      { project: '7', task: '42', baseUrl: '/api/v1/projects/7/tasks' }
    )
  }
}
