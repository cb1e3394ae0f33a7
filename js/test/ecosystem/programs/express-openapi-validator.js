'use strict'

// express-openapi-validator: parameters, bodies, responses, security handlers, uploads, unknown paths, coerced types.
// The API document is an object here, so that nothing is read from disk.

const OpenApiValidator = require('express-openapi-validator')
const { multipart } = require('../lib/raw-http')

const pet = {
  type: 'object',
  required: ['name'],
  additionalProperties: false,
  properties: {
    id: { type: 'integer', readOnly: true },
    name: { type: 'string', minLength: 2 },
    tag: { type: 'string', enum: ['cat', 'dog'] }
  }
}
const json = (schema) => ({ content: { 'application/json': { schema } } })
const ok = (schema) => ({ 200: { description: 'ok', ...json(schema) } })

const apiSpec = {
  openapi: '3.0.3',
  info: { title: 'Pets', version: '1' },
  servers: [{ url: '/v1' }],
  components: { securitySchemes: { key: { type: 'apiKey', name: 'X-API-Key', in: 'header' } } },
  paths: {
    '/pets': {
      get: {
        parameters: [
          { name: 'limit', in: 'query', required: true, schema: { type: 'integer', minimum: 1 } },
          {
            name: 'tags',
            in: 'query',
            schema: { type: 'array', items: { type: 'string' } },
            style: 'form',
            explode: false
          }
        ],
        responses: ok({ type: 'object' })
      },
      post: { requestBody: { required: true, ...json(pet) }, responses: ok(pet) }
    },
    '/pets/{id}': {
      get: {
        parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'integer' } }],
        responses: ok(pet)
      },
      delete: {
        security: [{ key: [] }],
        parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'integer' } }],
        responses: { 204: { description: 'gone' } }
      }
    },
    '/pets/{id}/photos': {
      post: {
        parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'integer' } }],
        requestBody: {
          content: {
            'multipart/form-data': {
              schema: {
                type: 'object',
                required: ['photo'],
                properties: {
                  photo: { type: 'string', format: 'binary' },
                  note: { type: 'string' }
                }
              }
            }
          }
        },
        responses: ok({ type: 'object' })
      }
    }
  }
}

module.exports = {
  name: 'express-openapi-validator',
  packages: ['express-openapi-validator'],

  build(express, ctx) {
    const app = express()
    app.use(express.json())
    app.use(
      OpenApiValidator.middleware({
        apiSpec,
        validateRequests: true,
        validateResponses: true,
        fileUploader: { dest: ctx.temporaryDirectory() },
        validateSecurity: {
          handlers: { key: async (req) => req.headers['x-api-key'] === 'secret' }
        }
      })
    )
    app.get('/v1/pets', (req, res) =>
      res.json({
        limit: req.query.limit,
        type: typeof req.query.limit,
        tags: req.query.tags ?? null,
        route: req.openapi.openApiRoute,
        pathParams: req.openapi.pathParams
      })
    )
    app.post('/v1/pets', (req, res) =>
      res.json(req.body.name === 'bad answer' ? { wrong: true } : { id: 1, ...req.body })
    )
    app.get('/v1/pets/:id', (req, res) =>
      res.json({ id: req.params.id, name: typeof req.params.id })
    )
    app.delete('/v1/pets/:id', (req, res) => res.status(204).end())
    app.post('/v1/pets/:id/photos', (req, res) =>
      res.json({
        files: req.files.map((f) => [f.fieldname, f.originalname, f.size]),
        body: req.body
      })
    )
    app.get('/outside', (req, res) => res.send('not described'))
    app.use((err, req, res, next) =>
      res
        .status(err.status || 500)
        .json({ message: err.message, errors: err.errors, name: err.name })
    )
    return app
  },

  requests: [
    { path: '/v1/pets?limit=5&tags=a,b' },
    { path: '/v1/pets', expect: 400 },
    { path: '/v1/pets?limit=0', expect: 400 },
    { path: '/v1/pets?limit=1&unknown=1', expect: 400 },
    { method: 'POST', path: '/v1/pets', json: { name: 'sparky', tag: 'dog' } },
    { method: 'POST', path: '/v1/pets', json: { name: 's', tag: 'cow', more: 1 }, expect: 400 },
    { method: 'POST', path: '/v1/pets', json: { name: 'bad answer' }, expect: 500 },
    {
      method: 'POST',
      path: '/v1/pets',
      body: '<x/>',
      headers: { 'Content-Type': 'application/xml' },
      expect: 415
    },
    { method: 'POST', path: '/v1/pets', expect: 415 },
    { path: '/v1/pets/7' },
    { path: '/v1/pets/x', expect: 400 },
    { method: 'DELETE', path: '/v1/pets/7', expect: 401 },
    { method: 'DELETE', path: '/v1/pets/7', headers: { 'X-API-Key': 'wrong' }, expect: 401 },
    { method: 'DELETE', path: '/v1/pets/7', headers: { 'X-API-Key': 'secret' }, expect: 204 },
    { method: 'PATCH', path: '/v1/pets/7', expect: 405 },
    { path: '/v1/none', expect: 404 },
    { path: '/outside' },
    {
      method: 'POST',
      path: '/v1/pets/7/photos',
      ...multipart([
        { name: 'photo', filename: 'p.png', type: 'image/png', value: 'png' },
        { name: 'note', value: 'nice' }
      ])
    },
    {
      method: 'POST',
      path: '/v1/pets/7/photos',
      ...multipart([{ name: 'note', value: 'no photo' }]),
      expect: 400
    }
  ]
}
