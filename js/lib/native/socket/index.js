'use strict'
// The connection of a native-backed request as Node's programs see it: a
// net.Socket in its prototype chain, but only a view. Reading is the request's
// business; what is written goes to the connection as it is. One per connection,
// made when first asked for. Upgraded connections get a real net.Socket instead.
// This file knows which view belongs to which connection.

const F = require('../frames')
const bridge = require('../bridge')
const S = require('../symbols')
const { NativeSocket } = require('./view')
const { isReplaced, isReplacedOn, isUntouched, adoptFlow, drainReached } = require('./writing')
const { ended, closed, broken } = require('./ending')
const { tellTimeout, touch, touchSlot, isTimed, endOfAnswer } = require('./timeout')
const { HIGH_WATER_MARK, sockets, kFresh, kListenersBefore } = require('./state')
const { destroyedSlots, endedSlots } = require('./state')

const { kSlot, kGeneration, kParts, kHead, kInlineBody, kPorts, kServer, kId, kFlags } = S

/**
 * The socket of a request's connection.
 * @param {http.IncomingMessage} req native-backed
 */
function socketOf(req) {
  const slot = req[kSlot]
  const io = slot >>> 24
  const slots = sockets[io] ?? (sockets[io] = [])
  let socket = slots[slot & 0xffffff]
  if (socket === undefined) {
    const parts = req[kParts] ?? (req[kParts] = req[kHead].split('\n'))
    const turn = bridge.first(slot) ?? req
    socket = new NativeSocket(
      req[kServer],
      slot,
      turn[kGeneration],
      parts[1],
      parts[2],
      req[kPorts]
    )
    slots[slot & 0xffffff] = socket
    socket.bytesRead = sizeOf(req)
    if ((req[kFlags] & F.FIRST) === 0) stayOpen(socket)
    // whoever holds it is told when the connection goes
    bridge.sendWord(F.WATCH_CLOSE, 0, slot, req[kGeneration], req[kServer][kId])
  } else {
    // one that Rust has announced gets its first request, others their next
    if (req[S.kSocket] === undefined) socket.bytesRead += sizeOf(req)
    giveTurn(socket, (bridge.first(slot) ?? req)[kGeneration])
    socket[kFresh] = false
  }
  return socket
}

/** A request on a connection whose socket has a write() of the program's, or was ended by it, is given that socket at once. */
function recallSocket(req) {
  const slot = req[kSlot]
  const isEnded = endedSlots.size !== 0 && endedSlots.has(slot)
  if ((isEnded && knownSocket(slot) !== undefined) || isReplacedOn(knownSocket(slot))) {
    req[S.kSocket] = socketOf(req)
  }
}

/** From now on what is written to the socket is said beside this request. */
function giveTurn(socket, generation) {
  if (socket[kGeneration] === generation) return
  socket[kGeneration] = generation
  socket[kListenersBefore] = socket.listenerCount('close')
  if (!socket[kFresh]) stayOpen(socket)
}

/** Between requests Node has the connection wait for as long as keepAliveTimeout says, and takes that back. */
function stayOpen(socket) {
  if (socket.timeout === undefined && socket.server.keepAliveTimeout > 0) {
    socket.timeout = socket.server.timeout || 0
  }
}

/** Bytes of a request's head, written as nearly all clients write it, and of a body that came with it. */
function sizeOf(req) {
  const head = req[kHead]
  if (head === null) return 0
  const parts = req[kParts] ?? (req[kParts] = head.split('\n'))
  const fields = parts.length - 3
  // of the frame's head the parts without the addresses; a line feed stands where the wire has two characters
  const text = head.length - parts[1].length - parts[2].length - 2
  // the method, two spaces, the version and the line ends of request line and head
  return req.method.length + text + fields + 14 + (req[kInlineBody]?.length ?? 0)
}

/** The socket for a CONNECTION frame, made at once. */
function openSocket(server, slot, generation, remote, local, ports) {
  const socket = new NativeSocket(server, slot, generation, remote, local, ports)
  const io = slot >>> 24
  const slots = sockets[io] ?? (sockets[io] = [])
  slots[slot & 0xffffff] = socket
  socket[kFresh] = true
  return socket
}

/** Destroys every socket of a server that somebody has asked for. */
function destroySockets(server) {
  for (const slots of sockets) {
    for (const socket of slots ?? []) if (socket?.server === server) socket.destroy()
  }
}

/** The socket in a slot, if somebody asked for it. */
function knownSocket(slot) {
  return sockets[slot >>> 24]?.[slot & 0xffffff]
}

/** Whether the program has destroyed the connection in a slot, which may not have ended yet. */
function isDestroyed(slot) {
  return destroyedSlots.size !== 0 && destroyedSlots.has(slot)
}

/** The connection in a slot has ended, or another one has taken the slot. */
function markEnded(slot) {
  if (destroyedSlots.size !== 0) destroyedSlots.delete(slot)
  if (endedSlots.size !== 0) endedSlots.delete(slot)
}

/** A new connection has taken the slot: the old one's socket is not its. */
function forgetSocket(slot) {
  markEnded(slot)
  const slots = sockets[slot >>> 24]
  const old = slots?.[slot & 0xffffff]
  if (old === undefined) return
  if (old[kFresh]) {
    // made by 'connection', for this very connection
    old[kFresh] = false
    return
  }
  slots[slot & 0xffffff] = undefined
  closed(old, false)
}

module.exports = {
  NativeSocket,
  isReplaced,
  recallSocket,
  isUntouched,
  HIGH_WATER_MARK,
  socketOf,
  openSocket,
  knownSocket,
  isDestroyed,
  markEnded,
  forgetSocket,
  destroySockets,
  ended,
  closed,
  broken,
  drainReached,
  adoptFlow,
  giveTurn,
  tellTimeout,
  touch,
  touchSlot,
  isTimed,
  endOfAnswer
}
