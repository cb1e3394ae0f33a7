'use strict'
// REQUEST frames become calls of the handler, each in an asynchronous context of its own, with
// the plan of the routes that Rust has matched. Nothing of Express beyond that.

const { Buffer } = require('node:buffer')
const dc = require('node:diagnostics_channel')
const { AsyncResource } = require('node:async_hooks')
const { EventEmitter } = require('node:events')
const native = require('../index')
const F = require('../frames')
const bridge = require('../bridge')
const { entering, entered } = require('../incoming')
const { classesFor, stopReading } = require('../message')
const { full, loseAll } = require('../outgoing')
const { isPatched } = require('../outgoing/patched')
const { forgetSocket, isDestroyed, recallSocket, touchSlot } = require('../socket')
const { forgetClient } = require('../flow')
const { kPlan, kOnStale, kOnRead, kTableVersion } = require('../../router/symbols')
const { kResponse } = require('../symbols')
const { offerOf } = require('../../router/plan')
const { tableOf } = require('../../router/registry')
const { decideFront, recheckFront } = require('./front')
const { kHandler, kId, kRouter, kUnwatch, servers } = require('./state')
const { nextTick } = require('../timers')

const { METHODS } = F
const { latin1Slice } = Buffer.prototype
const { emit } = EventEmitter.prototype

const responseCreated = dc.channel('http.server.response.created')
const requestStarted = dc.channel('http.server.request.start')
const responseFinished = dc.channel('http.server.response.finish')

/** Reads a REQUEST or UPGRADE frame into a request of a class. */
function readRequest(server, Request, words, at, inbox, extraWords) {
  const w = at + 12 + extraWords
  const start = w * 4
  const headLength = words[at + 7]
  const head = latin1Slice.call(inbox, start, start + headLength)
  const flags = words[at + 1] >>> 8
  const planWords = words[at + 9]
  const bodyLength = words[at + 10]
  const planAt = w + ((headLength + 3) >> 2)
  let body = null
  if (bodyLength !== 0) {
    const from = (planAt + planWords) * 4
    body = Buffer.allocUnsafe(bodyLength)
    inbox.copy(body, 0, from, from + bodyLength)
  }
  return new Request(
    server,
    flags,
    words[at + 2],
    words[at + 3],
    head,
    head.slice(0, words[at + 6]),
    METHODS[words[at + 5]],
    words[at + 11],
    body
  )
}

/** Plans copied lately, by their number of words: requests for one route have mostly the same. */
const recent = new Array(64).fill(null)
/** Words of the longest plan worth keeping. */
const LONGEST = 1024

/**
 * The words of a plan. The inbox is reused and a walk can outlive its turn, so they are copied,
 * but once for all requests that have the same. Nobody may write to them.
 */
function planOf(words, at, count) {
  const place = count & 63
  const known = recent[place]
  if (known !== null && known.length === count) {
    let i = 0
    while (i < count && known[i] === words[at + i]) i++
    if (i === count) return known
  }
  const plan = new Array(count)
  for (let i = 0; i < count; i++) plan[i] = words[at + i]
  if (count <= LONGEST) recent[place] = plan
  return plan
}

function offerPlan(req, router, version, words, at, count) {
  const plan = planOf(words, at, count)
  req[kPlan] = offerOf(router, plan, 0, count, version, req.url, req.method)
}

/** The app's router, watched from the first request on. */
function routerOf(server, handler) {
  const router = handler.router
  if (typeof router !== 'function' || router[kOnStale] === undefined) return null
  if (server[kRouter] === router) return router
  server[kUnwatch]?.()
  server[kRouter] = router
  const ref = new WeakRef(server)
  if (router[kOnStale] === null) router[kOnStale] = new Set()
  const onStale = () => {
    const watched = ref.deref()
    if (watched === undefined) return
    if (watched.listening) native.serverSetTable(watched[kId], null, 0)
    recheckFront(watched)
  }
  // who holds a layer may put another function into it
  const onRead = () => {
    const watched = ref.deref()
    if (watched !== undefined) recheckFront(watched)
  }
  if (router[kOnRead] === null) router[kOnRead] = new Set()
  router[kOnStale].add(onStale)
  router[kOnRead].add(onRead)
  server[kUnwatch] = () => {
    router[kOnStale].delete(onStale)
    router[kOnRead].delete(onRead)
    recheckFront(server)
  }
  return router
}

/** Lets Rust plan from now on with the table as it is. */
function shareTable(server, router) {
  const table = tableOf(router)
  decideFront(server, router)
  native.serverSetTable(server[kId], table, router[kTableVersion])
}

class RequestResource extends AsyncResource {}

bridge.onFrame(F.REQUEST, (words, at, inbox) => {
  const server = servers.get(words[at + 4])
  if (server === undefined) {
    bridge.sendWord(F.DESTROY, 0, words[at + 2], words[at + 3], 0)
    return
  }
  touchSlot(words[at + 2])
  try {
    begin(server, words, at, inbox)
  } catch (err) {
    // no handler was called, so none can answer
    refuse(words[at + 2], words[at + 3])
    nextTick(rethrow, err)
  }
})

/** What was under way on the slot's last connection, whose end is still to be told. The new one must not suffer for it. */
function endLast(slot) {
  try {
    forgetSocket(slot)
  } catch (err) {
    nextTick(rethrow, err)
  }
  loseAll(slot, F.ABORT_CLIENT_GONE)
  forgetClient(slot)
}

/** Flags of requests that other events than 'request' may be emitted with. */
const EXPECTS = F.EXPECT_CONTINUE | F.EXPECT_OTHER

/** Whether nobody hears of a request before the server's handler. */
function isFirst(server, handler) {
  const { request } = server._events
  return request === handler || request?.[0] === handler
}

/** Makes the messages of a REQUEST frame and calls the server's handler. */
function begin(server, words, at, inbox) {
  const handler = server[kHandler]
  const classes = classesFor(server, handler ?? noHandler)
  const flags = words[at + 1] >>> 8
  const slot = words[at + 2]
  if (flags & F.FIRST) {
    endLast(slot)
  } else if (isDestroyed(slot)) {
    // it was on its way when the program destroyed the socket: Node's would not have been read any more
    return
  }
  stopReading(slot)
  const Request =
    isFirst(server, handler) && (flags & EXPECTS) === 0 ? classes.Request : classes.Raw
  const req = readRequest(server, Request, words, at, inbox, 0)
  const res = new classes.Response(req, slot, words[at + 3])
  req[kResponse] = res
  bridge.attach(res)
  recallSocket(req)
  if (isPatched()) full(res)

  const router = classes.request === undefined ? null : routerOf(server, handler)
  if (router !== null) {
    const version = words[at + 8]
    if (version !== 0 && version === router[kTableVersion]) {
      const planAt = at + 12 + ((words[at + 7] + 3) >> 2)
      offerPlan(req, router, version, words, planAt, words[at + 9])
      decideFront(server, router)
    } else {
      shareTable(server, router)
    }
  }

  // Every request is an asynchronous context of its own: what one enters
  // (AsyncLocalStorage.enterWith) must not be seen by the next of the same batch.
  const resource = requestResource()
  // layers that Node would have waited for files in have passed it on
  entering.req = (flags & F.PASSED) === 0 ? req : null
  entering.isRunning = true
  // another request of the same packet follows the bytes of its body
  entering.isBetween = words[at + 1] < 0 && words[at + 10] !== 0
  try {
    resource.runInAsyncScope(dispatch, undefined, server, handler, req, res, flags)
  } catch (err) {
    // as from any callback: 'uncaughtException', and the rest of the batch goes on
    nextTick(rethrow, err)
  }
  entered(req)
}

/** 500 for an invocation that no handler will see. */
function refuse(slot, generation) {
  const res = bridge.lookup(slot, generation)
  if (res !== undefined && bridge.isHeld(res)) {
    bridge.sendWord(F.DESTROY, 0, slot, generation, 0)
    return
  }
  if (res !== undefined) bridge.detach(res)
  bridge.sendHead(F.ERROR_PAGE, F.CLOSE, slot, generation, 500, '', '', 'Internal Server Error')
}

/** The asynchronous context of one request. */
function requestResource() {
  return new RequestResource('HTTPINCOMINGMESSAGE')
}

function rethrow(err) {
  throw err
}

function noHandler() {}

function dispatch(server, handler, req, res, flags) {
  // Node's constructor publishes it, on versions that have the channel
  if (responseCreated.hasSubscribers) full(res)
  if (requestStarted.hasSubscribers) {
    requestStarted.publish({ request: req, response: res, socket: req.socket, server })
  }
  if (responseFinished.hasSubscribers) {
    res.on('finish', () => {
      responseFinished.publish({ request: req, response: res, socket: req.socket, server })
    })
  }
  if (flags & F.EXPECT_CONTINUE) {
    if (server.emit('checkContinue', req, res)) return
    res.writeContinue()
  } else if (flags & F.OVER_LIMIT) {
    server.emit('dropRequest', req, req.socket)
    res.writeHead(503)
    res.end()
    return
  } else if (flags & F.EXPECT_OTHER) {
    if (server.emit('checkExpectation', req, res)) return
    res.writeHead(417)
    res.end()
    return
  }
  // agents replace emit to see every request
  if (server._events.request === handler && server.emit === emit) handler.call(server, req, res)
  else server.emit('request', req, res)
}

module.exports = { readRequest, requestResource, rethrow }
