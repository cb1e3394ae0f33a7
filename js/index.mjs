// Entry of the package for `import express, { Router } from 'rnode-server'`.
// It must only name what lib/express.js exports; a test compares the two.
import express from './index.js'

export default express

export const {
  application,
  json,
  raw,
  request,
  response,
  Route,
  Router,
  text,
  timeout,
  urlencoded
} = express

// `static` is a reserved word, so the binding needs another name than the export.
const serveStatic = express.static

export { serveStatic as static }
