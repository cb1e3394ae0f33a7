'use strict'
// Which ticks are past: an answer that nobody listens to remembers only the tick in which it was sent, and what Node
// would have emitted since follows from how many have gone by. It knows no messages and emits nothing.

const { nextTick } = require('./timers')

/** Ticks from the end of an answer to that of its request, 'close' included. */
const TICKS = 8

/** Marks of what has not been sent, and of what was sent long ago. */
const FUTURE = 2 ** 30 - 1
const PAST = -1

/** Counts the ticks in which answers were sent. */
let epoch = 0
let armed = false
/** Of the epochs before these numbers 'close' is past, and the request's end. */
let closed = 0
let over = 0

/** @returns {number} the tick under way, in which an answer is sent */
function mark() {
  if (!armed) {
    armed = true
    nextTick(pass)
  }
  return epoch
}

function pass() {
  armed = false
  epoch++
  nextTick(age, epoch, 1)
}

function age(before, ticks) {
  closed = before
  if (ticks === TICKS) over = before
  else nextTick(age, before, ticks + 1)
}

/** Whether the tick of a mark is still under way. */
const isNow = (mark) => mark === epoch
/** Whether an answer sent then has emitted 'close'. */
const isClosed = (mark) => mark < closed
/** Whether its request has ended too, in all that Node does about it. */
const isOver = (mark) => mark < over

module.exports = { FUTURE, PAST, mark, isNow, isClosed, isOver }
