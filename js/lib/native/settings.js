'use strict'
// Carries the settings that Rust acts on from an app to the servers that run it.
// It must not know what a setting does, nor have defaults of its own.

const { recheckFront } = require('./server/front')
const S = require('./symbols')

const ERROR_PAGES = { page: 0, express: 1, negotiate: 2 }

/** Servers that run an app: app -> Set of WeakRef(server). */
const running = new WeakMap()

/** Called by app.set for the settings below, after validation. */
function changed(app, name) {
  const servers = running.get(app)
  if (servers === undefined) return
  for (const ref of servers) {
    const server = ref.deref()
    if (server === undefined) servers.delete(ref)
    else apply(app, server, name)
  }
}

function apply(app, server, name) {
  if (name === 'handler timeout') {
    const ms = Number(app.get('handler timeout')) || 0
    server[S.kDefaultDeadline] = ms
    server[S.kConfigure]('handlerDeadline', ms)
  } else if (name === 'error pages') {
    server[S.kConfigure]('errorPages', ERROR_PAGES[app.get('error pages')] ?? 0)
  } else if (name === 'x-powered-by') {
    recheckFront(server)
  }
}

/** A server has begun to run an app. */
function attach(app, server) {
  if (typeof app.get !== 'function' || typeof app.settings !== 'object') return
  let servers = running.get(app)
  if (servers === undefined) {
    servers = new Set()
    running.set(app, servers)
  }
  servers.add(new WeakRef(server))
  apply(app, server, 'handler timeout')
  apply(app, server, 'error pages')
}

/** A server has closed. */
function detach(app, server) {
  const servers = running.get(app)
  if (servers === undefined) return
  for (const ref of servers) {
    const known = ref.deref()
    if (known === undefined || known === server) servers.delete(ref)
  }
}

module.exports = { changed, attach, detach }
