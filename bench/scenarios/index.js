'use strict'
// The list of scenarios, in the order of the tables. A scenario is one object:
//
//   name      its file name
//   path      request target, with the query
//   method    default 'GET'
//   headers   request headers beside Host, default none
//   body      request body, default none
//   setup     (express) => app: one program for express, rnode and ultimate-express
//   fastify   (app) => void: the same for a Fastify instance, where it can be said
//   nodeHttp  () => listener: the same without a framework, where it makes sense
//   axum      true if bench/axum has a route of that name
//   nginx     true for files
//   isRefused true if the right answer is a 4xx or 5xx
//   verify    (status, headers, body: Buffer) => void; throws if the answer is not the right one

const names = [
  'hello-json',
  'async-json',
  'params-query',
  'routes-1',
  'routes-1000',
  'middlewares-100',
  'nested-routers',
  'not-found',
  'post-json-1k',
  'post-form',
  'static-4k',
  'static-250k',
  'stream-1m',
  'upload-1m',
  'real-stack'
]

/**
 * Loads one scenario.
 * @param {string} name
 * @throws {Error} if there is none of that name
 */
function load(name) {
  if (!names.includes(name))
    throw new Error(`there is no scenario ${name}; there are: ${names.join(', ')}`)
  return require(`./${name}`)
}

module.exports = { load, names }
