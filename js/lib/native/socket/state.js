'use strict'
// What the files of the socket share: its private state, and the view of each connection that
// somebody has asked for. Nothing here talks to a client.

const { getDefaultHighWaterMark } = require('node:stream')

const HIGH_WATER_MARK = getDefaultHighWaterMark ? getDefaultHighWaterMark(false) : 16384

/** sockets[io][slot]: the socket of the connection in that slot, if anybody asked for it. */
const sockets = []
/** Slots whose connection the program has destroyed, until Rust says that it has ended. */
const destroyedSlots = new Set()
/** The same for those whose socket it has ended. */
const endedSlots = new Set()

module.exports = {
  HIGH_WATER_MARK,
  sockets,
  destroyedSlots,
  endedSlots,
  kTimeout: Symbol('rnode.socketTimeout'),
  kTimer: Symbol('rnode.socketTimer'),
  /** It is the program's, also where that has turned it off. */
  kOwnTimeout: Symbol('rnode.socketOwnTimeout'),
  /** The clock has run down, and Rust was asked whether bytes are moving. */
  kAsked: Symbol('rnode.socketAsked'),
  /** What it said when it was asked before. */
  kProgress: Symbol('rnode.socketProgress'),
  /** What is under way to the client. */
  kFlow: Symbol('rnode.socketFlow'),
  kEnded: Symbol('rnode.socketEnded'),
  kFinished: Symbol('rnode.socketFinished'),
  /** It does not keep the process alive. */
  kUnref: Symbol('rnode.socketUnref'),
  /** It closes as soon as it is finished, whatever the client does. */
  kGone: Symbol('rnode.socketGone'),
  kHeld: Symbol('rnode.socketHeld'),
  kHeldBytes: Symbol('rnode.socketHeldBytes'),
  kTakeBack: Symbol('rnode.socketTakeBack'),
  kFresh: Symbol('rnode.socketFresh'),
  /** How many listeners of 'close' were there before the request under way. */
  kListenersBefore: Symbol('rnode.socketListenersBefore')
}
