'use strict'
// The JavaScript end of the bridge: takes batches of frames from the I/O threads,
// hands each to the message it belongs to, and posts outbound frames, one post
// per I/O thread and turn. It knows frames and slots, nothing of HTTP semantics. Whose a frame is
// invocations.js knows.

// the global is an accessor
const { Buffer } = require('node:buffer')
const { performance } = require('node:perf_hooks')
const native = require('./index')
const F = require('./frames')
const invocations = require('./invocations')
const { nextTick, queueMicrotask, runTicks: runAll, setImmediate } = require('./timers')

const { activeCount } = invocations

// called several times per answer
const { latin1Write, utf8Write } = Buffer.prototype

const INBOX_BYTES = 512 * 1024
/** Of one outbox, as the addon makes them. */
const OUTBOX_BYTES = 256 * 1024
/** Where frames begin in the inbox; the words before are take()'s results. */
const INBOX_START = 16
/** A turn takes at most this many frames … */
const FRAMES_PER_TURN = 128
/** … and goes on for at most this long (ms) before it yields to timers and other I/O. */
const TURN_MS = 4
/** How many frames are handled between two looks at the clock. */
const CLOCK_EVERY = 4
/** What a turn has to send is posted after so many frames, or so much time (ms): the I/O thread writes it meanwhile. */
const POST_EVERY = 16
const POST_MS = 0.2
/** Bodies from this size on are posted beside their frame instead of through the outbox. */
const LARGE_BODY = 128 * 1024
/** An outbox with a body from this size on is handed over whole, so that the body is not copied again. */
const KEPT_BODY = 4 * 1024
/** How far (bytes of outboxes and large bodies handed over) JavaScript may be ahead of an I/O thread before it begins another turn … */
const MOST_AHEAD = 2 * 1024 * 1024
/** … and after how many such bytes it looks. */
const LOOK_EVERY = MOST_AHEAD / 4

/** Frames whose handlers call what a program does for something new. */
const BEGINS = new Set([F.REQUEST, F.UPGRADE, F.CONNECTION])

let inbox = Buffer.from(new ArrayBuffer(INBOX_BYTES))
let words = new Int32Array(inbox.buffer)
/** Frames taken and not handled yet lie between these two offsets. */
let at = 0
let end = 0
let more = false
/** A turn is scheduled behind the event loop's other work. */
let resume = false
/** Time (ms) spent in turns since the loop is known to have gone round. */
let spent = 0

const outboxes = []
const handlers = new Array(16).fill(null)

let inTurn = false
/** What was handled in this turn has left something to ticks or immediates that no later request may overtake. */
let settling = false
let flushScheduled = false
/** A writer was told to wait for 'drain': what it goes on with comes before other frames, and leaves together. */
let streaming = false
/** Bytes of outboxes and large bodies handed over since the last look at how far ahead they are. */
let handed = 0
let started = false

/** Starts the I/O threads, or goes on after a rest (cheap when they run already). */
function start() {
  if (started) return
  started = true
  // what was answered before process.exit() goes out
  process.on('exit', flush)
  const threads = native.start(wake, 0)
  for (let io = outboxes.length; io < threads; io++) {
    invocations.addThread()
    outboxes.push(new Outbox(io))
  }
}

/** No server is left: the addon lets go of these files, and of all they can reach, until the next start(). */
function rest() {
  started = false
  process.removeListener('exit', flush)
  native.rest()
}

/** Sets what a kind of inbound frame calls: `(words, at, inbox)` with `at` in words. */
function onFrame(kind, handler) {
  handlers[kind] = handler
}

/**
 * Called by the addon: frames wait in the queue. They may have come while frames
 * taken earlier are not handled yet; then this call is the only word of them.
 */
function wake() {
  more = true
  // a second wake can come before the loop has gone round: after a long turn the
  // next one waits for timers and other I/O
  if (!resume) turn()
}

/** One turn: take a batch, handle it, post the answers. */
function turn() {
  if (inTurn || isAhead()) return
  inTurn = true
  settling = false
  const began = performance.now()
  try {
    if (at >= end && more) take()
    let count = 0
    let posted = began
    let isJoined = false
    while (at < end) {
      const word = at >> 2
      const code = words[word + 1]
      if (settling && !isJoined && BEGINS.has(code & 0xff)) break
      at += words[word]
      const handler = handlers[code & 0xff]
      if (handler !== null) handler(words, word, inbox)
      // the sign bit
      isJoined = code < 0
      if (isJoined) {
        if (at >= end && more) take()
        continue
      }
      if (streaming) break
      if (++count % CLOCK_EVERY !== 0) continue
      const now = performance.now()
      if (now - began > TURN_MS) break
      if (count % POST_EVERY === 0 || now - posted > POST_MS) {
        posted = now
        post()
      }
    }
  } finally {
    inTurn = false
    if (streaming) schedule()
    else flush()
    if (deferred.length !== 0) queueMicrotask(setDeferred)
    spent += performance.now() - began
    if (at < end || more || spent > TURN_MS) comeBack()
  }
}

/** Has a turn after the event loop's other work. */
function comeBack() {
  if (resume) return
  resume = true
  setImmediate(goOn)
}

/**
 * True if an I/O thread has more to write than is good: what is made on top of that would only wait, and get cold in
 * the caches. The addon calls `wake` once the thread has caught up.
 */
function isAhead() {
  if (handed < LOOK_EVERY) return false
  if (native.isAhead(MOST_AHEAD)) return true
  handed = 0
  return false
}

/**
 * The frame under way tells of an end, and not all of it is done when its handler returns. Under Node the ticks of an event
 * are over before the next event is looked at: so nothing is begun in this turn before they are.
 */
function settle() {
  settling = true
}

/**
 * Runs all ticks and promises that wait, within the turn: what Node does between two callbacks of one event. What one of them throws is
 * uncaught, and what is left of them runs behind the turn.
 */
function runTicks() {
  try {
    runAll()
  } catch (err) {
    // Node's stack of async contexts is as the tick has left it, and ends the process if it is found so: only Node can mend that
    if (!native.uncaught(err)) nextTick(rethrow, err)
  }
}

function rethrow(err) {
  throw err
}

/** A writer was told to wait for 'drain'. */
function hold() {
  streaming = true
}

function goOn() {
  resume = false
  spent = 0
  turn()
}

function take() {
  native.take(inbox, FRAMES_PER_TURN)
  if (words[2] !== 0) {
    // one frame alone is larger than the inbox
    inbox = Buffer.from(new ArrayBuffer(words[2] + INBOX_START))
    words = new Int32Array(inbox.buffer)
    native.take(inbox, FRAMES_PER_TURN)
  }
  at = INBOX_START
  end = INBOX_START + words[0]
  more = words[1] !== 0
}

/** The addon's outboxes by their number, as bytes and as words. */
const memories = []

function newMemory() {
  const memory = native.outbox()
  return memories.push({ bytes: Buffer.from(memory), words: new Int32Array(memory) }) - 1
}

/** The frames waiting to be posted to one I/O thread. */
class Outbox {
  constructor(io) {
    this.io = io
    this.length = 0
    /** Something in it is large enough to be read where it is. */
    this.kept = false
    this.use(newMemory())
  }

  use(number) {
    this.number = number
    const { bytes, words } = memories[number]
    this.buffer = bytes
    this.words = words
  }

  post() {
    const length = this.length
    if (length === 0) return
    this.length = 0
    if (!this.kept) {
      if (native.post(this.io, this.buffer, length)) more = true
      return
    }
    this.kept = false
    handed += length
    const next = native.postOutbox(this.io, this.number, length)
    if (next !== this.number) this.use(next === memories.length ? newMemory() : next)
  }

  /** Makes room for `bytes`; returns the word index where the frame begins. */
  reserve(bytes) {
    if (this.length + bytes + 8 > OUTBOX_BYTES) this.post()
    return this.length >> 2
  }
}

/** What waits until this turn has run down: functions and their argument, in turns. */
let deferred = []
let deferredSet = false

/**
 * Calls `task(argument)` behind the ticks, the promises and the immediates that the code under way begins,
 * and posts what it sends. It must not throw.
 */
function defer(task, argument) {
  deferred.push(task, argument)
  if (!inTurn) nextTick(setDeferred)
}

/** Behind the immediates that are set already. */
function setDeferred() {
  if (deferredSet || deferred.length === 0) return
  deferredSet = true
  setImmediate(runDeferred)
}

function runDeferred() {
  deferredSet = false
  const tasks = deferred
  deferred = []
  // what the tasks send is posted here
  inTurn = true
  try {
    for (let i = 0; i < tasks.length; i += 2) tasks[i](tasks[i + 1])
  } finally {
    inTurn = false
    if (streaming) schedule()
    else flush()
  }
}

function schedule() {
  if (inTurn || flushScheduled) return
  flushScheduled = true
  // alone, an answer goes out at once; under load, and of a stream, what a loop turn has goes together
  if (activeCount() <= 1 && !streaming) nextTick(flush)
  else setImmediate(flush)
}

/** Hands over what has collected. */
function post() {
  for (let i = 0; i < outboxes.length; i++) if (outboxes[i].length !== 0) outboxes[i].post()
}

function flush() {
  flushScheduled = false
  streaming = false
  post()
  // an answer that was written right here may have left word of it in the queue
  if (more && !inTurn) comeBack()
}

/** A frame of four words and one argument. */
function sendWord(kind, flags, slot, generation, value) {
  const out = outboxes[slot >>> 24]
  const w = out.reserve(20)
  const i32 = out.words
  i32[w] = 20
  i32[w + 1] = kind | (flags << 8)
  i32[w + 2] = slot
  i32[w + 3] = generation
  i32[w + 4] = value
  out.length += 20
  schedule()
}

/** A frame whose payload is one run of bytes (CHUNK, INFO, RAW, END). */
function sendBytes(kind, flags, slot, generation, data, encoding) {
  if (typeof data === 'string') {
    // three bytes a UTF-16 unit is the most UTF-8 takes
    if (data.length * 3 < LARGE_BODY) {
      const out = outboxes[slot >>> 24]
      const w = out.reserve(20 + data.length * 3 + 4)
      const n = writeText(out.buffer, data, out.length + 20, encoding)
      if (n >= KEPT_BODY) out.kept = true
      finishFrame(out, w, kind, flags, slot, generation, 20 + n)
      out.words[w + 4] = n
      schedule()
      return n
    }
    data = Buffer.from(data, encoding)
  }
  const size = data.byteLength
  const out = outboxes[slot >>> 24]
  if (size < LARGE_BODY) {
    const w = out.reserve(20 + size + 4)
    out.buffer.set(data, out.length + 20)
    if (size >= KEPT_BODY) out.kept = true
    finishFrame(out, w, kind, flags, slot, generation, 20 + size)
    out.words[w + 4] = size
    schedule()
    return size
  }
  if (kind !== F.CHUNK && kind !== F.RAW) {
    for (let from = 0; from < size; from += LARGE_BODY - 1) {
      sendBytes(kind, flags, slot, generation, data.subarray(from, from + LARGE_BODY - 1))
    }
    return size
  }
  const head = new Int32Array([20, kind | (flags << 8), slot, generation, size])
  out.post()
  native.postLarge(out.io, Buffer.from(head.buffer), 20, data)
  handed += size
  return size
}

function writeText(buffer, text, offset, encoding) {
  if (encoding === undefined || encoding === 'utf8' || encoding === 'utf-8') {
    return utf8Write.call(buffer, text, offset)
  }
  if (encoding === 'latin1' || encoding === 'binary') return latin1Write.call(buffer, text, offset)
  return buffer.write(text, offset, encoding)
}

function finishFrame(out, w, kind, flags, slot, generation, bytes) {
  const i32 = out.words
  const padded = (bytes + 3) & ~3
  i32[w] = padded
  i32[w + 1] = kind | (flags << 8)
  i32[w + 2] = slot
  i32[w + 3] = generation
  out.length += padded
}

/**
 * HEAD, RESPOND or ERROR_PAGE.
 * @param {string} lines header lines, latin1, `Name: value\r\n` each
 * @param {string} reason '' for the standard one
 * @param {string | Uint8Array | null} body for RESPOND and ERROR_PAGE (its message)
 * @param {BufferEncoding} [encoding] of a string body
 * @returns {number} bytes of the body
 */
function sendHead(kind, flags, slot, generation, status, lines, reason, body, encoding) {
  const out = outboxes[slot >>> 24]
  const headBytes = lines.length + reason.length
  const payload = kind === F.HEAD ? 28 : 32
  let bodyBytes = 0

  if (body === null) {
    const w = out.reserve(payload + headBytes + 4)
    const from = out.length + payload
    if (headBytes !== 0)
      latin1Write.call(out.buffer, reason.length === 0 ? lines : reason + lines, from)
    finishFrame(out, w, kind, flags, slot, generation, payload + headBytes)
    headWords(out.words, w, kind, status, lines.length, reason.length, 0)
    schedule()
    return 0
  }

  if (typeof body === 'string') {
    if (body.length * 3 + headBytes < LARGE_BODY) {
      const w = out.reserve(payload + headBytes + body.length * 3 + 4)
      let from = out.length + payload
      if (headBytes !== 0) {
        from += latin1Write.call(out.buffer, reason.length === 0 ? lines : reason + lines, from)
      }
      bodyBytes = writeText(out.buffer, body, from, encoding)
      if (bodyBytes >= KEPT_BODY) out.kept = true
      finishFrame(out, w, kind, flags, slot, generation, payload + headBytes + bodyBytes)
      headWords(out.words, w, kind, status, lines.length, reason.length, bodyBytes)
      schedule()
      return bodyBytes
    }
    body = Buffer.from(body, encoding)
  }

  bodyBytes = body.byteLength
  if (bodyBytes + headBytes < LARGE_BODY) {
    if (bodyBytes >= KEPT_BODY) out.kept = true
    const w = out.reserve(payload + headBytes + bodyBytes + 4)
    let from = out.length + payload
    if (headBytes !== 0) {
      from += latin1Write.call(out.buffer, reason.length === 0 ? lines : reason + lines, from)
    }
    out.buffer.set(body, from)
    finishFrame(out, w, kind, flags, slot, generation, payload + headBytes + bodyBytes)
    headWords(out.words, w, kind, status, lines.length, reason.length, bodyBytes)
    schedule()
    return bodyBytes
  }

  const total = (payload + headBytes + 3) & ~3
  const head = Buffer.from(new ArrayBuffer(total))
  const i32 = new Int32Array(head.buffer)
  head.latin1Write(reason + lines, payload)
  i32[0] = total
  i32[1] = kind | (flags << 8)
  i32[2] = slot
  i32[3] = generation
  headWords(i32, 0, kind, status, lines.length, reason.length, bodyBytes)
  out.post()
  native.postLarge(out.io, head, total, body)
  handed += bodyBytes
  return bodyBytes
}

function headWords(i32, w, kind, status, linesLength, reasonLength, bodyBytes) {
  i32[w + 4] = status
  i32[w + 5] = linesLength
  i32[w + 6] = reasonLength
  if (kind === F.RESPOND) i32[w + 7] = bodyBytes
}

/**
 * FILE.
 * @param {number} options id of interned options
 * @param {string} lines header lines, as for `sendHead`
 * @param {string} path
 * @param {string} originalUrl
 * @param {string} headers `name\nvalue\n` each; all four are latin1, and together fit an outbox
 */
function sendFile(flags, slot, generation, options, status, lines, path, originalUrl, headers) {
  const out = outboxes[slot >>> 24]
  const payload = lines + path + originalUrl + headers
  const w = out.reserve(40 + payload.length + 4)
  latin1Write.call(out.buffer, payload, out.length + 40)
  finishFrame(out, w, F.FILE, flags, slot, generation, 40 + payload.length)
  const i32 = out.words
  i32[w + 4] = options
  i32[w + 5] = status
  i32[w + 6] = lines.length
  i32[w + 7] = path.length
  i32[w + 8] = originalUrl.length
  i32[w + 9] = headers.length
  schedule()
}

module.exports = {
  ...invocations,
  start,
  rest,
  onFrame,
  settle,
  runTicks,
  flush,
  hold,
  sendWord,
  sendBytes,
  sendHead,
  sendFile,
  defer
}
