'use strict'
// Which ticks are past: an answer that nobody listens to remembers only the tick in which it was sent, and what Node
// would have emitted since follows from how many have gone by. It knows no messages and emits nothing.

const { nextTick, queueMicrotask } = require('./timers')

/** Marks of what has not been sent, and of what was sent long ago. */
const FUTURE = 2 ** 30 - 1
const PAST = -1

/** Counts the ticks in which answers were sent. */
let epoch = 0
let armed = false
let aging = false
/** Of the epochs before these numbers 'close' is past, and the request's end. */
let closed = 0
let over = 0

/** The answer that is the first of its tick, and what is to be done with it when its own next tick comes. */
let first = null
let due = null

/**
 * @param {object} [answer]
 * @returns {number} the tick under way, in which an answer is sent
 */
function mark(answer = null) {
  if (!armed) {
    armed = true
    first = answer
    nextTick(pass)
  }
  return epoch
}

/**
 * Calls `fn(answer)` in the next tick, as if that had been asked for when the answer was marked: before what others
 * have asked for since. Of several answers of a tick only the first has such a place.
 */
function follow(answer, fn) {
  if (first === answer && due === null) due = fn
  else nextTick(fn, answer)
}

function pass() {
  const [answer, fn] = [first, due]
  first = due = null
  armed = false
  epoch++
  nextTick(age, epoch)
  if (fn !== null) fn(answer)
}

function age(before) {
  closed = before
  if (aging) return
  aging = true
  // A request takes some ticks more to end. They are not counted one by one, which would cost every request a chain of them: promises
  // wait until all ticks are through.
  queueMicrotask(retire)
}

function retire() {
  aging = false
  over = closed
}

/** Whether the tick of a mark is still under way. */
const isNow = (mark) => mark === epoch
/** Whether an answer sent then has emitted 'close'. */
const isClosed = (mark) => mark < closed
/** Whether its request has ended too, in all that Node does about it. */
const isOver = (mark) => mark < over

module.exports = { FUTURE, PAST, mark, follow, isNow, isClosed, isOver }
