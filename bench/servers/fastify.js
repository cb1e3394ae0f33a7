'use strict'
// Fastify with its defaults.

const fastify = require('fastify')
const { load } = require('../scenarios')
const { run } = require('./child')

run(async (name) => {
  const app = fastify()
  load(name).fastify(app)
  await app.listen({ host: '127.0.0.1', port: 0 })
  return app.server.address().port
})
