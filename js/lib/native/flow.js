'use strict'
// What is under way to one client: counts bytes that were posted and not yet taken, and says when writes
// count as written. Below the window that is a tick later, as with a socket whose kernel buffer has room;
// beyond it when Rust has handed them to the kernel. It knows no HTTP and emits no events itself.

const { performance } = require('node:perf_hooks')
const F = require('./frames')
const bridge = require('./bridge')
const { nextTick } = require('./timers')

/**
 * Bytes under way from which on writes wait for the client: at first, and of one that takes them fast. From half of
 * them on Rust is asked to tell when the kernel has them.
 */
const WINDOW = 128 * 1024
const LARGEST_WINDOW = 1024 * 1024
/** While more flows than this wait for their clients, none may have more than the smallest window: it bounds memory. */
const MANY_WAITING = 64
/** A client that takes longer (ms) for half a window is slow. */
const SLOW_MS = 250

/** windows[io][slot]: the window that the connection's last answer came to. */
const windows = []

function windowOf(slot) {
  return windows[slot >>> 24]?.[slot & 0xffffff] ?? WINDOW
}

function setWindow(slot, bytes) {
  const slots = windows[slot >>> 24] ?? (windows[slot >>> 24] = [])
  slots[slot & 0xffffff] = bytes
}

/** A new connection has taken the slot. */
function forgetClient(slot) {
  if (windowOf(slot) !== WINDOW) setWindow(slot, WINDOW)
}

/** Flows that wait for their client. */
let waiting = 0

let marks = 0

/** 16 bits that tell one question for DRAIN from those before. */
function nextMark() {
  marks = (marks + 1) & 0xffff
  return marks
}

/** What one writer has under way: its bytes that count as written and those that do not, and who waits for them. */
class Flow {
  /**
   * @param {number} slot
   * @param {number} kind of its frames: CHUNK or RAW
   * @param {(target: object) => void} onDrain called when a refused writer may go on
   * @param {object} target its argument
   */
  constructor(slot, kind, onDrain, target) {
    this.slot = slot
    this.kind = kind
    this.onDrain = onDrain
    this.target = target
    /** What does not count as written yet: bytes, and characters of text. */
    this.pending = 0
    /** The part of it that waits for DRAIN. */
    this.committed = 0
    /** Bytes posted since the last were handed over. */
    this.fresh = 0
    /** Bytes posted that the kernel is not known to have. */
    this.unacked = 0
    /** How many of them the DRAIN that was asked for will speak for; 0 = none was. */
    this.asked = 0
    /** That DRAIN will name it. */
    this.mark = 0
    /** When it was asked for (ms). */
    this.askedAt = 0
    /** Bytes under way from which on writes wait, if not many do. */
    this.window = windowOf(slot)
    /** Waits for DRAIN. */
    this.blocked = false
    /** A writer was told to wait. */
    this.needDrain = false
    this.settling = false
    /** Callbacks of writes, not committed and committed. */
    this.callbacks = null
    this.due = null
    /** The last byte was posted. */
    this.last = false
    /** The flow that has taken this one's place. */
    this.heir = null
    /** Of one whose last byte has not left: the generation it was for, and the flow before it in that wait. */
    this.endedAs = 0
    this.earlier = undefined
  }

  /**
   * Posts one run of bytes; they count as pending.
   * @returns {number} bytes of `data`
   */
  post(generation, data, encoding) {
    const asks = this.asked === 0 && this.unacked + data.length >= this.limit() / 2
    if (asks) this.mark = nextMark()
    const size = bridge.sendBytes(
      this.kind,
      asks ? F.WANT_DRAIN | (this.mark << F.MARK_SHIFT) : 0,
      this.slot,
      generation,
      data,
      encoding
    )
    // text counts by its length, as in a Writable
    this.pending += data.length
    this.unacked += size
    this.fresh += size
    if (asks) {
      this.asked = this.unacked
      this.askedAt = performance.now()
    }
    return size
  }

  /** Bytes go with the others: framing. */
  count(size) {
    this.pending += size
    this.unacked += size
    this.fresh += size
  }

  /** A writer is told to wait. */
  hold() {
    this.needDrain = true
    bridge.hold()
  }

  /** Bytes under way from which on writes wait. */
  limit() {
    return waiting < MANY_WAITING ? this.window : WINDOW
  }

  block(blocked) {
    if (this.blocked === blocked) return
    this.blocked = blocked
    waiting += blocked ? 1 : -1
  }

  /** True while writes wait for the client. */
  isFull() {
    return this.blocked || this.unacked >= this.limit()
  }

  /** Asks without bytes: of an earlier request of the connection, too. */
  ask(generation) {
    this.asked = this.unacked
    this.askedAt = performance.now()
    this.mark = nextMark()
    const flags = F.WANT_DRAIN | (this.mark << F.MARK_SHIFT)
    bridge.sendWord(F.RAW, flags, this.slot, generation, 0)
  }

  /** `callback` belongs to what was posted last. */
  onWritten(callback) {
    if (this.callbacks === null) this.callbacks = [callback]
    else this.callbacks.push(callback)
  }

  /** What is pending is handed over: it counts as written, and the writer is told a tick later, if the window allows. */
  commit(generation) {
    this.fresh = 0
    if (this.callbacks !== null) {
      this.due = joined(this.due, this.callbacks)
      this.callbacks = null
    }
    if (this.isFull()) {
      this.block(true)
      this.committed = this.pending
      if (this.asked === 0) this.ask(generation)
      return
    }
    this.pending = 0
    if (this.settling) return
    this.settling = true
    nextTick(settle, this)
  }

  /**
   * DRAIN frame of the connection. It speaks for all that was posted before its mark was asked for, by whichever flow:
   * Rust answers only the last question. An earlier mark says nothing of this flow.
   */
  drained(mark, generation) {
    if (this.asked === 0 || (mark - this.mark) << 16 < 0) return
    this.resize()
    this.acknowledge(generation)
  }

  /** What a client takes fast may be more at a time: fewer wakes, larger writes. */
  resize() {
    const isFast = performance.now() - this.askedAt < SLOW_MS
    const window = isFast ? Math.min(this.window * 2, LARGEST_WINDOW) : WINDOW
    if (window === this.window) return
    this.window = window
    setWindow(this.slot, window)
  }

  /** What was asked about is with the kernel. */
  acknowledge(generation) {
    this.unacked -= this.asked
    this.asked = 0
    if (this.unacked >= this.limit() / 2 && !this.last) this.ask(generation)
    if (this.blocked && this.unacked < this.limit()) {
      this.block(false)
      this.pending -= this.committed
      this.committed = 0
      written(this)
    }
  }

  /** The last byte was posted; if the window is full, `acknowledgeAll` or `fail` ends it. */
  finish() {
    // no more questions: the last answer comes by itself
    if (this.isFull() && this.asked === 0) this.asked = this.unacked
    this.last = true
    this.commit(0)
  }

  /** Everything is with the kernel. */
  acknowledgeAll() {
    if (this.heir !== null) return this.heir.acknowledge(0)
    this.asked = this.unacked
    this.acknowledge(0)
  }

  /** Takes over what another flow of the same connection has under way. */
  absorb(other) {
    this.pending += other.pending
    this.committed += other.committed
    this.unacked += other.unacked
    this.fresh += other.fresh
    const asked = other.last ? other.unacked : other.asked
    if (asked !== 0) {
      this.asked += asked
      this.mark = other.mark
      this.askedAt = other.askedAt
    }
    this.window = other.window
    if (other.blocked) this.block(true)
    this.needDrain ||= other.needDrain
    this.due = joined(this.due, other.due)
    this.callbacks = joined(this.callbacks, other.callbacks)
    other.heir = this
    other.pending = other.committed = other.unacked = other.asked = other.fresh = 0
    other.block(false)
    other.needDrain = false
    other.due = other.callbacks = null
  }

  /** What was not handed over will not be: its callbacks get `err`. */
  refuse(err) {
    const { callbacks } = this
    this.callbacks = null
    this.pending = this.committed
    if (callbacks !== null) for (const callback of callbacks) callback(err)
  }

  /** Nothing more will be taken: all callbacks get `err`. */
  fail(err) {
    if (this.heir !== null) return
    const { due, callbacks } = this
    this.due = this.callbacks = null
    this.pending = this.committed = this.unacked = this.asked = 0
    this.block(false)
    this.needDrain = false
    if (due !== null) for (const callback of due) callback(err)
    if (callbacks !== null) for (const callback of callbacks) callback(err)
  }
}

function joined(first, second) {
  return first === null ? second : second === null ? first : first.concat(second)
}

function settle(flow) {
  flow.settling = false
  if (!flow.blocked) written(flow)
}

/** As a Writable after a write: first 'drain', then the callbacks. */
function written(flow) {
  const { due } = flow
  flow.due = null
  if (flow.needDrain && flow.pending === 0) {
    flow.needDrain = false
    flow.onDrain(flow.target)
  }
  if (due !== null) for (const callback of due) callback(null)
}

module.exports = { Flow, forgetClient }
