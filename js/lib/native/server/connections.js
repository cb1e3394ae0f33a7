'use strict'
// Frames about connections: those that are given away (upgrades), that come and go, that send what is
// no request, and that time out. Requests are served next door.

const net = require('node:net')
const native = require('../index')
const F = require('../frames')
const bridge = require('../bridge')
const { clientError, isCutOff } = require('../client-error')
const { plain } = require('../message')
const socketViews = require('../socket')
const S = require('../symbols')
const { gone, settle } = require('./closing')
const { declineUpgrade } = require('./streams')
const { readRequest, requestResource, rethrow } = require('./requests')
const { kUpgraded, kLeaving, servers, updateRef, recheckRef } = require('./state')
const { nextTick, setImmediate } = require('../timers')

const { NativeSocket, openSocket, knownSocket, markEnded, forgetSocket } = socketViews
const { isDestroyed, isReplaced, isTimed, tellTimeout, ended, broken, closed } = socketViews

bridge.onFrame(F.UPGRADE, (words, at, inbox) => {
  const server = servers.get(words[at + 4])
  const fd = words[at + 12]
  if (server === undefined) {
    if (fd >= 0) native.closeFd(fd)
    return
  }
  forgetSocket(words[at + 2])
  const req = readRequest(server, plain.Request, words, at, inbox, 1)
  const head = req[S.kInlineBody] ?? Buffer.alloc(0)
  req[S.kInlineBody] = null
  const socket = adoptSocket(server, fd)
  if (socket === null) return
  req.socket = socket
  req.upgrade = true
  const event = req.method === 'CONNECT' ? 'connect' : 'upgrade'
  const resource = requestResource()
  try {
    resource.runInAsyncScope(() => {
      if (event === 'upgrade' && server.shouldUpgradeCallback?.(req) === false) {
        return declineUpgrade(server, socket, req, head)
      }
      if (!server.emit(event, req, socket, head)) socket.destroy()
    })
  } catch (err) {
    nextTick(rethrow, err)
  }
})

/** A real socket on a descriptor that Rust has given away. */
function adoptSocket(server, fd) {
  if (fd < 0) return null
  const socket = new net.Socket({ fd, readable: true, writable: true, allowHalfOpen: true })
  socket.server = server
  socket._server = server
  server[kUpgraded].add(socket)
  socket.once('close', () => {
    server[kUpgraded].delete(socket)
    settle(server)
  })
  return socket
}

bridge.onFrame(F.CLIENT_ERROR, (words, at, inbox) => {
  const server = servers.get(words[at + 4])
  if (server === undefined) return
  const socket = socketAtFault(server, words, at, inbox)
  const start = (at + 10) * 4 + words[at + 9]
  const rawPacket = Buffer.from(inbox.subarray(start, start + words[at + 7]))
  const err = clientError(words[at + 5], rawPacket)
  if ((words[at + 1] >>> 8) & F.SOCKET_GONE) {
    // what was read before it is handled first, down to the end of its turn
    setImmediate(broken, socket, err)
    return
  }
  if (isCutOff(err)) socket.readable = false
  if (!server.emit('clientError', err, socket)) socket.destroy(err)
  if (isCutOff(err)) ended(socket)
})

/** The socket of a CLIENT_ERROR frame's connection, of which nobody need have heard before. */
function socketAtFault(server, words, at, inbox) {
  const slot = words[at + 2]
  const generation = words[at + 3]
  const known = knownSocket(slot)
  if (known !== undefined && ((known[S.kGeneration] - words[at + 6]) | 0) >= 0) {
    // what the listener writes is no answer to an earlier request
    known[S.kGeneration] = generation
    return known
  }
  const start = (at + 10) * 4
  const [remote, local] = inbox.latin1Slice(start, start + words[at + 9]).split('\n')
  return openSocket(server, slot, generation, remote, local, words[at + 8])
}

bridge.onFrame(F.CONNECTION, (words, at, inbox) => {
  const server = servers.get(words[at + 4])
  if (server === undefined) return
  const start = (at + 7) * 4
  const [remote, local] = inbox.latin1Slice(start, start + words[at + 6]).split('\n')
  if ((words[at + 1] >>> 8) & F.CONNECTION_DROPPED) {
    const { localAddress, localPort, localFamily, remoteAddress, remotePort, remoteFamily } =
      new NativeSocket(server, 0, 0, remote, local, words[at + 5])
    const data = { localAddress, localPort, localFamily, remoteAddress, remotePort, remoteFamily }
    server.emit('drop', data)
    return
  }
  const socket = openSocket(server, words[at + 2], words[at + 3], remote, local, words[at + 5])
  server.emit('connection', socket)
  isReplaced(socket)
})

bridge.onFrame(F.CONNECTION_CLOSED, (words, at) => {
  const isOwn = isDestroyed(words[at + 2])
  markEnded(words[at + 2])
  const server = servers.get(words[at + 4])
  if (server?.[kLeaving].delete(words[at + 2])) recheckRef(server)
  const socket = knownSocket(words[at + 2])
  // an answer to a late WATCH_CLOSE may find the next connection's socket in the slot
  if (socket === undefined || ((socket[S.kGeneration] - words[at + 3]) | 0) > 0) return
  bridge.settle()
  // of one that the program has destroyed its destroy() tells
  if (isOwn && socket.destroyed) return
  const fin = ((words[at + 1] >>> 8) & F.CONNECTION_ENDED) !== 0
  const err = words[at + 5] === 0 ? null : clientError(words[at + 5] - 1)
  // what was read before it is handled first, down to the end of its turn
  setImmediate(() => {
    if (err !== null) broken(socket, err, fin && isCutOff(err))
    else if (fin) ended(socket)
    closed(socket, false)
  })
})

bridge.onFrame(F.SERVER_CLOSED, (words, at) => {
  const server = servers.get(words[at + 4])
  if (server !== undefined) gone(server, words[at + 4])
})

bridge.onFrame(F.SERVER_BUSY, updateRef)

bridge.onFrame(F.SOCKET_TIMEOUT, (words, at) => {
  const server = servers.get(words[at + 4])
  if (server === undefined) return
  const slot = words[at + 2]
  const res = bridge.lookup(slot, words[at + 3])
  const socket = res === undefined ? knownSocket(slot) : res[S.kRequest].socket
  // Node's sockets have one time-out, the last that was set
  if (isTimed(socket)) return
  if (socket !== undefined && tellTimeout(server, socket, res)) return
  if (socket !== undefined) socket.destroy()
  else bridge.sendWord(F.DESTROY, 0, slot, words[at + 3], 0)
})
