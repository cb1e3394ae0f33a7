'use strict'
// The server of replay.mjs: answers as rnode.js does until it is told to replay. Then the addon is out of the way, and the frame of
// the last request comes again and again, thirty-two at a time, as it would from an I/O thread; what is posted is counted, and goes
// nowhere. From then on it answers nobody.

const path = require('node:path')
const { load } = require('../scenarios')
const { listen, run } = require('./child')

const root = process.env.BENCH_RNODE_ROOT ?? path.join(__dirname, '..', '..')

/** Requests that are in the queue when JavaScript is woken: about what the load of run.mjs brings together. */
const BATCH = 32
/** Where frames begin in the inbox, and the words of a frame that change: docs/internals/frames.md. */
const INBOX_START = 16
const [KIND, SLOT, GENERATION] = [4, 8, 12]
const [REQUEST, FIRST] = [1, 1024]
const RESPOND = 1
/** Turns of the event loop that a batch may take. */
const MOST_TURNS = 1000

let wake
let frame = null
let waiting = false
let generation = 0
let answers = 0

/** Puts itself between the addon and JavaScript, and keeps the frame of the last request. */
function tap(native) {
  const { start, take } = native
  native.start = (drain, threads) => {
    wake = drain
    return start(drain, threads)
  }
  native.take = (inbox, most) => {
    take(inbox, most)
    const end = INBOX_START + inbox.readInt32LE(0)
    for (let at = INBOX_START; at < end; at += inbox.readInt32LE(at)) {
      const code = inbox.readInt32LE(at + KIND)
      if ((code & 0xff) !== REQUEST || ((code >>> 8) & FIRST) !== 0) continue
      frame = Buffer.from(inbox.subarray(at, at + inbox.readInt32LE(at)))
    }
  }
}

/** Cuts the addon off. */
function cut(native) {
  generation = frame.readInt32LE(GENERATION)
  native.take = (inbox) => {
    const count = waiting ? BATCH : 0
    waiting = false
    generation++
    for (let i = 0; i < count; i++) {
      const at = INBOX_START + i * frame.length
      frame.copy(inbox, at)
      inbox.writeInt32LE(i, at + SLOT)
      inbox.writeInt32LE(generation, at + GENERATION)
    }
    inbox.writeInt32LE(count * frame.length, 0)
    inbox.writeInt32LE(0, 4)
    inbox.writeInt32LE(0, 8)
  }
  native.post = (_io, buffer, length) => {
    for (let at = 0; at < length; at += buffer.readInt32LE(at)) {
      if ((buffer.readInt32LE(at + KIND) & 0xff) === RESPOND) answers++
    }
    return false
  }
}

let native
let isCut = false

/** Takes `count` requests, rounded up to whole batches; the next batch comes when all of the last one is answered. */
async function replay({ count }) {
  if (frame === null) throw new Error('JavaScript was given no request')
  if (!isCut) cut(native)
  isCut = true
  const before = answers
  let requests = 0
  while (requests < count) {
    waiting = true
    requests += BATCH
    wake()
    let turns = 0
    do await new Promise((resolve) => setImmediate(resolve))
    while (answers - before < requests && ++turns < MOST_TURNS)
    if (answers - before !== requests) {
      throw new Error(`${answers - before} of ${requests} requests were answered by one frame each`)
    }
  }
  return requests
}

run(
  async (name) => {
    native = require(path.join(root, 'js', 'lib', 'native'))
    tap(native)
    const express = require(path.join(root, 'js', 'index.js'))
    return (await listen(load(name).setup(express))).port
  },
  { replay }
)
