'use strict'
// Lets Rust run native layers at the front of the plan, or not: decided anew with the first request
// after anything changed that the decision depends on. What an app has to say about it is the
// app's own (kFrontLines); nothing of Express here. Changes that nothing tells of (a property
// written behind the API) are looked for twice a second.

const dc = require('node:diagnostics_channel')
const { EventEmitter } = require('node:events')
const native = require('../index')
const { watchChannel } = require('../channels')
const { own } = require('../likeness')
const { isPatched } = require('../outgoing/patched')
const { checkNatives } = require('../../router/registry')
const { kFrontLines, kNatives } = require('../../router/symbols')
const { requestChannel } = require('../../router/tracing')
const { kFront, kHandler, kId, kLines, kRouter, servers } = require('./state')
const { setInterval } = require('../timers')

const { emit } = EventEmitter.prototype

const HTTP_CHANNELS = ['request.start', 'response.created', 'response.finish'].map((name) =>
  dc.channel(`http.server.${name}`)
)

/** States of server[kFront]. */
const UNKNOWN = 0
const REFUSED = 1
const ALLOWED = 2

/** How often (ms) the decision is looked at. */
const RECHECK_MS = 500

let watching = false
let timer = null

/** Publishes to nobody on an untouched channel: watched from when it first matters. */
function watchChannels() {
  if (watching) return
  watching = true
  const channels = [...HTTP_CHANNELS]
  for (const name of ['start', 'end', 'asyncStart', 'asyncEnd', 'error']) {
    if (requestChannel !== undefined) channels.push(requestChannel[name])
  }
  for (const channel of channels) watchChannel(channel, recheckAll)
}

/** Decides, if that is not done yet. `router` is the app's, with its table compiled. */
function decideFront(server, router) {
  if (server[kFront] !== UNKNOWN) return
  let lines = null
  if (router[kNatives].length !== 0) {
    watchChannels()
    lines = linesOf(server)
  }
  const done = lines !== null && native.serverSetFront(server[kId], lines)
  server[kFront] = done ? ALLOWED : REFUSED
  server[kLines] = lines
  if (done && timer === null) timer = setInterval(recheckSome, RECHECK_MS).unref()
}

/** Takes back what would be decided otherwise now. */
function recheckSome() {
  let left = 0
  for (const server of servers.values()) {
    if (server[kFront] !== ALLOWED) continue
    // a changed layer makes the table stale, and that tells the server
    if (checkNatives(server[kRouter]) && linesOf(server) !== server[kLines]) recheckFront(server)
    if (server[kFront] === ALLOWED) left++
  }
  if (left !== 0) return
  clearInterval(timer)
  timer = null
}

/** Header lines of answers, null if JavaScript must see the requests. */
function linesOf(server) {
  const handler = server[kHandler]
  const dispatched = server._events.request === handler && server.emit === emit
  const observed = isPatched() || HTTP_CHANNELS.some((channel) => channel.hasSubscribers)
  return dispatched && !observed ? (handler[kFrontLines]?.() ?? null) : null
}

/** Something has changed: JavaScript sees the next request, and decides with it. */
function recheckFront(server) {
  if (server[kFront] === ALLOWED) native.serverSetFront(server[kId], null)
  server[kFront] = UNKNOWN
}

function recheckAll() {
  for (const server of servers.values()) recheckFront(server)
}

/** Makes a replaced `emit`, by which agents see requests, a change. */
function watchEmit(proto) {
  const inherited = Object.getPrototypeOf(proto)
  Object.defineProperty(proto, 'emit', {
    configurable: true,
    get() {
      return inherited.emit
    },
    set(value) {
      own(this, 'emit', value)
      recheckFront(this)
    }
  })
}

module.exports = { UNKNOWN, decideFront, recheckFront, watchEmit }
