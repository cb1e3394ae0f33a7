'use strict'
// Runs router cases on the real path-to-regexp and Express. The generator writes down what this finds and the tests
// compare with it, so the case files hold Express' truth and nothing of ours.
// Must not load rnode-server.

const fs = require('node:fs')
const path = require('node:path')
const pathToRegexp = require('path-to-regexp')

/** All case files of this folder: `[{ file, about, patterns?, tables? }]`. */
function caseFiles() {
  return fs
    .readdirSync(__dirname)
    .filter((file) => file.endsWith('.json'))
    .map((file) => ({ file, ...JSON.parse(fs.readFileSync(path.join(__dirname, file), 'utf8')) }))
}

/** The options that router's Layer gives to path-to-regexp, decoding left out. */
function compile({ path, sensitive, strict, end }) {
  const loose = strict || path === '/' ? path : path.replace(/\/+$/, '')
  const options = { sensitive, end, trailing: !strict, decode: false }
  return {
    match: pathToRegexp.match(loose, options),
    keys: uniqueKeys(pathToRegexp.pathToRegexp(loose, options).keys)
  }
}

/** `[[name, wildcard]]`, each name once. */
function uniqueKeys(keys) {
  const seen = new Map()
  for (const key of keys) {
    if (!seen.has(key.name)) seen.set(key.name, key.type === 'wildcard')
  }
  return [...seen]
}

/**
 * What a pattern does: `{ error }`, or `{ keys, matches: [[path, null | [length, params]]] }`
 * with lengths in UTF-16 units and params as they stand in the path.
 */
function runPattern(pattern, paths) {
  let compiled
  try {
    compiled = compile(pattern)
  } catch (error) {
    if (error instanceof pathToRegexp.PathError) return { error: error.message }
    throw error
  }
  return {
    keys: compiled.keys,
    matches: paths.map((path) => {
      const found = compiled.match(path)
      return [path, found ? [found.path.length, found.params] : null]
    })
  }
}

/**
 * An Express router made from the JSON of a route table. Every handler notes itself in `req.trace` and calls `next()`.
 * Layer options may differ inside a router: Express reads them when a layer is added.
 */
function buildRouter(table, index = 0, prefix = '') {
  const express = require('express')
  const router = express.Router()
  table.routers[index].layers.forEach((layer, number) => {
    const at = `${prefix}${number}`
    const child = layer.child == null ? null : buildRouter(table, layer.child, `${at}.`)
    const note = (req, res, next) => {
      req.trace.push({ at, baseUrl: req.baseUrl, url: req.url, params: { ...req.params } })
      if (child) child(req, res, next)
      else next()
    }
    const path = layer.paths.length === 1 && !layer.array ? layer.paths[0] : layer.paths
    router.caseSensitive = layer.sensitive
    router.strict = layer.strict
    if (layer.methods == null) {
      router.use(path, note)
    } else {
      const route = router.route(path)
      for (const method of layer.methods) {
        route[method === '*' ? 'all' : method.toLowerCase()](note)
      }
    }
  })
  return router
}

/** Sends one request through a router: `{ trace, allow }`, allow being the `Allow` header of an automatic OPTIONS answer or null. */
function runRequest(router, method, url) {
  return new Promise((resolve, reject) => {
    const req = { method, url, trace: [] }
    let allow = null
    const res = {
      setHeader(name, value) {
        if (name === 'Allow') allow = value
      },
      end() {
        resolve({ trace: req.trace, allow })
      }
    }
    router(req, res, (error) => (error ? reject(error) : resolve({ trace: req.trace, allow })))
  })
}

module.exports = { buildRouter, caseFiles, runPattern, runRequest }
