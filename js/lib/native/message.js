'use strict'
// Puts native-backed requests and responses together: their prototypes for
// Express, their classes per app, and what body and abort frames do to them.

const native = require('./index')
const F = require('./frames')
const bridge = require('./bridge')
const incoming = require('./incoming')
const outgoing = require('./outgoing')
const { clientError, isCutOff } = require('./client-error')
const { knownSocket, drainReached, touchSlot, ended, broken } = require('./socket')
const { SHARES_SHAPES, adoptable } = require('./adoptable')
const S = require('./symbols')
const { setImmediate } = require('./timers')

const { kClasses, kRoot } = S

/** What Express' own prototypes inherit from. */
const messagePrototypes = { request: incoming.proto, response: outgoing.proto }

/**
 * A class of requests as Node's server makes them: without what Express has on its own. One class for each app, since what V8 learns
 * of its instances ends in the app's prototype.
 */
const rawRequestClass = () => adoptable(incoming.requestClass, incoming.proto)

/** Classes for programs that are no Express app (`createServer((req, res) => …)`). */
const rawRequest = incoming.requestClass(Object.create(incoming.proto))
const plain = {
  Request: rawRequest,
  Raw: rawRequest,
  Response: outgoing.responseClass(Object.create(outgoing.proto))
}

const classes = new WeakMap()

/**
 * Request and response classes whose instances have the app's prototypes, and the class of requests that somebody else is given
 * first: he may put `query` and the like on them, which are getters in Express.
 * @param {http.Server} server keeps those of its handler at hand
 * @param {Function} handler an Express app or any request listener
 */
function classesFor(server, handler) {
  const { request, response } = handler
  if (request == null || response == null) return plain
  // mounting an app changes what its prototypes inherit from
  if (request[kRoot] !== incoming.proto || response[kRoot] !== outgoing.proto) return plain
  let known = server[kClasses]
  if (isFor(known, handler, request, response)) return known
  known = classes.get(handler)
  if (!isFor(known, handler, request, response)) {
    const Request = incoming.requestClass(request)
    const Response = outgoing.responseClass(response)
    known = { handler, request, response, Request, Response, Raw: rawRequestClass() }
    classes.set(handler, known)
  }
  server[kClasses] = known
  return known
}

/**
 * A request with the prototype of the app that a server has called is being given another: there is an app below it. Those to come are
 * made for that.
 * @param {http.IncomingMessage} req native-backed
 * @param {object} prototype the one it has
 */
function willMove(req, prototype) {
  const known = req[S.kServer][kClasses]
  if (SHARES_SHAPES || known?.request !== prototype || known.Request === known.Raw) return
  known.Request = known.Raw
  known.Response = adoptable(outgoing.responseClass, outgoing.proto)
}

function isFor(known, handler, request, response) {
  return (
    known !== undefined &&
    known.handler === handler &&
    known.request === request &&
    known.response === response
  )
}

/**
 * Gives the handlers of a request `ms` from now; 0 turns the clock off.
 * @param {http.IncomingMessage} req native-backed
 */
function setDeadline(req, res, ms) {
  const current = req[S.kDeadlineMs]
  if (current === ms) return
  req[S.kDeadlineMs] = ms
  // the server's own default is running since the head was read
  if (current === undefined && ms === req[S.kServer][S.kDefaultDeadline]) return
  bridge.sendWord(F.DEADLINE, 0, req[S.kSlot], req[S.kGeneration], ms)
}

/** The deadline in force for a native request, in ms. */
function deadlineOf(req) {
  return req[S.kDeadlineMs] ?? req[S.kServer][S.kDefaultDeadline] ?? 0
}

/** Bytes of bodies after which V8 is given a reason to look how much young memory lies outside of its heap. */
const LOOK_EVERY = 2 * 1024 * 1024
let unseen = 0

/**
 * V8 collects its young generation, which is cheap, when there is much such memory, but looks only when it allocates some itself.
 * Without a look it would come to a whole collection.
 */
function look(bytes) {
  unseen += bytes
  if (unseen < LOOK_EVERY) return
  unseen = 0
  new ArrayBuffer(1)
}

bridge.onFrame(F.BODY, (words, at, inbox) => {
  touchSlot(words[at + 2])
  const res = bridge.lookup(words[at + 2], words[at + 3]) ?? late(words[at + 2], words[at + 3])
  if (words[at + 1] >>> 8 === F.BESIDE) {
    const bytes = native.takeBody(res !== undefined)
    if (res === undefined) return
    look(bytes.length)
    incoming.onBody(res[S.kRequest], bytes)
    return
  }
  if (res === undefined) return
  const start = (at + 5) * 4
  const bytes = inbox.subarray(start, start + words[at + 4])
  incoming.onBody(res[S.kRequest], incoming.inOwnMemory(bytes))
})

bridge.onFrame(F.BODY_END, (words, at, inbox) => {
  touchSlot(words[at + 2])
  // a request of the same packet follows: Node's parser has run what the body's bytes led to
  if (words[at + 1] < 0) bridge.runTicks()
  const res = bridge.lookup(words[at + 2], words[at + 3]) ?? late(words[at + 2], words[at + 3])
  if (res === undefined) return
  const start = (at + 5) * 4
  incoming.onBodyEnd(res[S.kRequest], inbox.latin1Slice(start, start + words[at + 4]))
  stopReading(words[at + 2])
})

bridge.onFrame(F.ABORT, (words, at) => {
  const [slot, generation, reason] = [words[at + 2], words[at + 3], words[at + 4]]
  bridge.settle()
  if (reason === F.ABORT_PIPELINE_BROKEN)
    return setImmediate(breakOff, slot, generation, words[at + 5])
  if (reason === F.ABORT_BODY_BROKEN || reason === F.ABORT_REQUEST_TIMEOUT) {
    const socket = bridge.lookup(slot, generation) && knownSocket(slot)
    const err = clientError(words[at + 5])
    if (socket !== undefined) broken(socket, err, isCutOff(err))
  }
  // ECONNRESET, or 0 after a FIN
  const lost =
    reason === F.ABORT_CLIENT_GONE && words[at + 5] !== 0 ? clientError(words[at + 5]) : null
  // A client that has sent FIN behind its request is answered by handlers that need no more
  // than ticks: under Node the two are read in two turns.
  if (reason === F.ABORT_CLIENT_GONE) setImmediate(abort, slot, generation, reason, lost)
  else abort(slot, generation, reason)
})

/** A request behind this one is none: Node's server destroys the socket with the error of its parser. */
function breakOff(slot, generation, code) {
  if (bridge.lookup(slot, generation) === undefined) return
  const socket = knownSocket(slot)
  if (socket !== undefined) broken(socket, clientError(code))
  abort(slot, generation, F.ABORT_PIPELINE_BROKEN)
}

function abort(slot, generation, reason, lost) {
  const res = bridge.lookup(slot, generation)
  if (res !== undefined) {
    const socket = knownSocket(slot)
    if (socket !== undefined && reason === F.ABORT_CLIENT_GONE) {
      if (lost === null) ended(socket)
      else broken(socket, lost)
    }
    outgoing.abort(res, reason)
  }
  const reader = late(slot, generation)
  if (reader !== undefined && !reader[S.kRequest].complete)
    incoming.abortRequest(reader[S.kRequest], reason)
}

bridge.onFrame(F.DRAIN, (words, at) => {
  touchSlot(words[at + 2])
  const res = bridge.lookup(words[at + 2], words[at + 3])
  if (res !== undefined) res[S.kStreamOut]?.flow.drained(words[at + 4], words[at + 3])
  const socket = knownSocket(words[at + 2])
  if (socket !== undefined) drainReached(socket, words[at + 4])
})

/** Requests that are still read after their response was sent, by slot. */
const readers = new Map()

function late(slot, generation) {
  const res = readers.get(slot)
  return res !== undefined && res[S.kGeneration] === generation ? res : undefined
}

/** Keeps a request reachable for body frames after its response. */
function keepReading(req) {
  readers.set(req[S.kSlot], req[S.kResponse])
}

/** Body frames of the connection go to nobody from now on: another request has begun. */
function stopReading(slot) {
  if (readers.size !== 0) readers.delete(slot)
}

const { sendWhole, setEtagFunctions, setFirstType } = outgoing

module.exports = {
  messagePrototypes,
  sendWhole,
  setEtagFunctions,
  setFirstType,
  classesFor,
  willMove,
  plain,
  setDeadline,
  deadlineOf,
  keepReading,
  stopReading
}
