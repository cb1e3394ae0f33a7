'use strict'
// What the files of the server share: its private state, the servers of this environment, and
// whether they keep the event loop alive. Nothing here talks to a client.

const native = require('../index')
const S = require('../symbols')

const state = {
  kId: S.kId,
  kHandler: S.kHandler,
  kConfigure: S.kConfigure,
  /** Limits and switches by Node's names. */
  kValues: Symbol('rnode.server.values'),
  /** The same as the addon knows them: keys and numbers. */
  kConfig: Symbol('rnode.server.config'),
  kUnref: Symbol('rnode.server.unref'),
  /** Node's handle on the listening socket, once somebody has looked. */
  kHandle: Symbol('rnode.server.handle'),
  /** The handle that Node's own listen() has got for this one from the primary of a cluster. */
  kGiven: Symbol('rnode.server.given'),
  /** Slots of connections that the program has ended and Rust has not. */
  kLeaving: Symbol('rnode.server.leaving'),
  /** closeAllConnections() has not come to its end. */
  kClosesAll: Symbol('rnode.server.closesAll'),
  /** How many of its sockets were unreferenced. */
  kUnrefSockets: Symbol('rnode.server.unrefSockets'),
  /** The net.Server that accepts for this one, if Node has to. */
  kRelay: Symbol('rnode.server.relay'),
  kUpgraded: Symbol('rnode.server.upgraded'),
  /** A 'close' is due: once nothing is open, or at once if it listens again before and nothing was under way. */
  kClosing: Symbol('rnode.server.closing'),
  /** Nothing was under way when it was closed. */
  kDrained: Symbol('rnode.server.drained'),
  /** Native ids whose connections have not all gone: the current one, and those of earlier listen()s. */
  kOpen: Symbol('rnode.server.open'),
  kAddress: Symbol('rnode.server.address'),
  /** A new one for every listen(), none after close(): what was begun before it is called off. */
  kListenToken: Symbol('rnode.server.listenToken'),
  /** Whether Rust may run native layers at the front of the plan, see front.js. */
  kFront: Symbol('rnode.server.front'),
  /** Header lines of the answers that Rust gives by itself. */
  kLines: Symbol('rnode.server.lines'),
  kRouter: Symbol('rnode.server.router'),
  /** Ends the watch of the router; an app that listens again and again must not gather them. */
  kUnwatch: Symbol('rnode.server.unwatch')
}

/** Servers of this environment by native id. */
const servers = new Map()

let referenced = false

/**
 * The event loop stays alive as long as a server listens that nobody unreferenced, and as long as a connection is read or
 * written that nobody unreferenced.
 */
function updateRef() {
  let wanted = false
  for (const [id, server] of servers) wanted ||= keepsAlive(server, id)
  if (wanted === referenced) return
  referenced = wanted
  if (wanted) native.ref()
  else native.unref()
}

function keepsAlive(server, id) {
  const isListening = id === server[state.kId] && !server[state.kClosing]
  if (isListening && !server[state.kUnref]) return true
  const open = native.serverConnections(id)
  if (open === 0) {
    server[state.kClosesAll] = false
    // the word of its end is on its way
    return !isListening
  }
  if (server[state.kClosesAll] || server[state.kLeaving].size !== 0) return true
  return native.serverBusy(id) > server[state.kUnrefSockets]
}

/** Something has changed for a server that does not keep the loop alive by listening. */
function recheckRef(server) {
  if (server[state.kClosing] || server[state.kUnref]) updateRef()
}

/** From now on its connections decide. */
function watchBusy(server) {
  for (const id of server[state.kOpen]) native.serverWatch(id)
}

module.exports = { ...state, servers, updateRef, recheckRef, watchBusy }
