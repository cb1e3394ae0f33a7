'use strict'
// Which invocation a frame belongs to: the response under way in each slot, and the line of them where a
// connection has several (pipelined requests). It knows slots and generations; it sends and reads no frame.

const { kSlot, kGeneration, kRequest, kServer } = require('./symbols')

/** live[io][slot]: the response of the invocation under way, of several the last. */
const live = []
/** Invocations under way in this environment. */
let active = 0

/** Makes room for the slots of one more I/O thread. */
function addThread() {
  live.push([])
}

/** Connections with several invocations under way (pipelined requests), by slot. */
const lines = new Map()
let passTurn
let release

/** The responses of one connection that are not over, in the order in which they go out. */
class Line {
  constructor(first) {
    this.responses = [first]
    /** What those hold back whose turn has not come. */
    this.bytes = 0
    /** It is more than enough: Rust was told to take no further request. */
    this.isFull = false
    /** The connection ends with the answer that went out last. */
    this.isOver = false
  }
}

/**
 * Sets what is called when an invocation of several of a connection is over. Neither may throw.
 * @param {(res: http.ServerResponse, last: http.ServerResponse) => void} pass those before `res` are over, `last` is the one just before
 * @param {(res: http.ServerResponse) => void} letGo only `res` is left, and Rust was told to take no further request
 */
function onTurn(pass, letGo) {
  passTurn = pass
  release = letGo
}

/** Remembers the response that frames for this slot belong to. */
function attach(res) {
  const slot = res[kSlot]
  const slots = live[slot >>> 24]
  const before = slots[slot & 0xffffff]
  if (before !== undefined) queue(slot, before, res)
  slots[slot & 0xffffff] = res
  active++
}

function queue(slot, before, res) {
  let line = lines.get(slot)
  if (line === undefined) lines.set(slot, (line = new Line(before)))
  line.responses.push(res)
}

/** Forgets a completed response. */
function detach(res) {
  const slot = res[kSlot]
  if (lines.size !== 0 && lines.has(slot)) return leave(slot, res)
  const slots = live[slot >>> 24]
  if (slots[slot & 0xffffff] === res) {
    slots[slot & 0xffffff] = undefined
    active--
  }
}

function leave(slot, res) {
  const line = lines.get(slot)
  const { responses } = line
  const place = responses.indexOf(res)
  if (place === -1) return
  responses.splice(place, 1)
  active--
  if (place === 0 && res._last) line.isOver = true
  if (line.isOver) return
  if (responses.length === 1) {
    lines.delete(slot)
    live[slot >>> 24][slot & 0xffffff] = responses[0]
    if (line.isFull) release(responses[0])
  }
  if (place === 0) passTurn(responses[0], res)
}

/**
 * Forgets all responses of a connection, which has gone.
 * @returns {{ responses: http.ServerResponse[], held: http.ServerResponse[] }} all in the order of their
 *   requests, and those whose turn had not come
 */
function detachAll(slot) {
  const slots = live[slot >>> 24]
  const last = slots?.[slot & 0xffffff]
  if (last === undefined) return NONE
  const line = lines.get(slot)
  lines.delete(slot)
  slots[slot & 0xffffff] = undefined
  const responses = line === undefined ? [last] : line.responses
  active -= responses.length
  return { responses, held: line?.isOver ? responses : responses.slice(1) }
}

const NONE = { responses: [], held: [] }

/** Whether other answers of the connection must go out first, or the connection ends before. */
function isHeld(res) {
  if (lines.size === 0) return false
  const line = lines.get(res[kSlot])
  return (
    line !== undefined && (line.isOver || line.responses[0] !== res) && line.responses.includes(res)
  )
}

/** Whether the response is not over, and whether it has a line to stand in. */
const isWaiting = (res) => lookup(res[kSlot], res[kGeneration]) === res
const lineOf = (res) => lines.get(res[kSlot])

/** The response whose turn it is in a slot. */
function first(slot) {
  return lines.get(slot)?.responses[0] ?? live[slot >>> 24]?.[slot & 0xffffff]
}

/** Whether an invocation of this server is under way. */
function isServing(server) {
  return live.some((slots) => slots.some((res) => res?.[kRequest][kServer] === server))
}

/** The response a frame is for, undefined if it is late. */
function lookup(slot, generation) {
  const res = live[slot >>> 24]?.[slot & 0xffffff]
  if (res !== undefined && res[kGeneration] === generation) return res
  if (lines.size === 0) return undefined
  return lines.get(slot)?.responses.find((other) => other[kGeneration] === generation)
}

/** Invocations under way (for tests and diagnostics, and to know whether one is alone). */
function activeCount() {
  return active
}

module.exports = {
  addThread,
  onTurn,
  attach,
  detach,
  detachAll,
  isHeld,
  isWaiting,
  lineOf,
  first,
  lookup,
  isServing,
  activeCount
}
