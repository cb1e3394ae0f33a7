'use strict'

// The addon's raw interface, for tests that use it without js/lib/native/bridge.js: a drain that keeps the frames it takes,
// a hand-made RESPOND frame, a client, route tables. It asserts nothing about what it carries.

const assert = require('node:assert')
const http = require('node:http')
const addon = require('../../lib/native')
const F = require('../../lib/native/frames')

const GET = F.METHOD_INDEX.GET

/** Frames that `drain` took: `{ kind, flags, slot, generation, words, bytes }`, and who waits for one. */
const seen = []
const waiting = []
const inbox = new Uint8Array(1 << 16)
/** How `drain` takes: at most so many frames a time, unless the wake is to go elsewhere. */
const taking = { maxFrames: 64, onWake: null }

function drain() {
  if (taking.onWake !== null) return taking.onWake()
  let head
  do {
    addon.take(inbox, taking.maxFrames)
    head = new Uint32Array(inbox.buffer, 0, 4)
    assert.strictEqual(head[2], 0)
    for (let at = 16, left = head[3]; left > 0; left--) {
      const length = new DataView(inbox.buffer).getUint32(at, true)
      seen.push(frame(inbox.slice(at, at + length)))
      at += length
    }
  } while (head[1] === 1)
  deliver()
}

function frame(bytes) {
  const words = new Uint32Array(bytes.buffer)
  return {
    kind: words[1] & 255,
    flags: words[1] >>> 8,
    slot: words[2],
    generation: words[3],
    words,
    bytes
  }
}

function deliver() {
  for (const wanted of [...waiting]) {
    const index = seen.findIndex(wanted.accepts)
    if (index < 0) continue
    waiting.splice(waiting.indexOf(wanted), 1)
    wanted.resolve(seen.splice(index, 1)[0])
  }
}

/** The next frame of this kind, for this server where the kind names one. */
function next(kind, server) {
  return new Promise((resolve) => {
    const accepts = (f) => f.kind === kind && (server === undefined || f.words[4] === server)
    waiting.push({ accepts, resolve })
    deliver()
  })
}

function headText(request) {
  const start = 48
  return Buffer.from(request.bytes.buffer).latin1Slice(start, start + request.words[7])
}

/** A RESPOND frame; `bodyLength` without a body is one for postLarge. */
function respondFrame(
  request,
  { body = '', lines = '', flags = F.LENGTH, generation, bodyLength }
) {
  const payload = Buffer.from(lines + body, 'latin1')
  const bytes = Buffer.from(new ArrayBuffer(32 + ((payload.length + 3) & ~3)))
  const words = new Uint32Array(bytes.buffer)
  const size = bodyLength ?? Buffer.byteLength(body, 'latin1')
  words.set([
    bytes.length,
    F.RESPOND | (flags << 8),
    request.slot,
    generation ?? request.generation
  ])
  words.set([200, lines.length, 0, size], 4)
  payload.copy(bytes, 32)
  return bytes
}

function respond(request, options) {
  const bytes = respondFrame(request, options)
  addon.post(request.slot >>> 24, bytes, bytes.length)
}

/** `{ status, headers, body }` of one request on a connection of its own. */
function get(port, options = {}) {
  return new Promise((resolve, reject) => {
    const req = http.get({ host: '127.0.0.1', port, agent: false, ...options }, async (res) => {
      const chunks = await res.toArray()
      resolve({ status: res.statusCode, headers: res.headers, body: Buffer.concat(chunks) })
    })
    req.on('error', reject)
  })
}
/** JSON of a table whose root router has these layers; each further list is another router. */
function routes(...layers) {
  const routers = layers.some(Array.isArray) ? layers : [layers]
  return JSON.stringify({ routers: routers.map((list) => ({ layers: [list].flat() })) })
}

function planWords(table, pathname, method = GET) {
  const out = new Int32Array(4096)
  return [...out.subarray(0, addon.plan(table, method, pathname, out))]
}

module.exports = {
  GET,
  inbox,
  taking,
  drain,
  frame,
  next,
  headText,
  respondFrame,
  respond,
  get,
  routes,
  planWords
}
