'use strict'

// Outboxes that nobody uses give their pages back to the system, some seconds after the last large body. One that JavaScript fills keeps them.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { setTimeout: sleep } = require('node:timers/promises')
const addon = require('../../lib/native')
const F = require('../../lib/native/frames')

/** A frame that nobody is there for. */
function fill(memory, value) {
  memory.fill(value)
  new Uint32Array(memory.buffer, 0, 4).set([16, F.BODY_DUMP, 0, 1])
  return 16
}

test('the memory of outboxes', { skip: process.platform !== 'linux' }, async () => {
  addon.start(() => {}, 1)
  const first = new Uint8Array(addon.outbox())
  const second = new Uint8Array(addon.outbox())
  const middle = first.length / 2
  assert.equal(addon.postOutbox(0, 0, fill(first, 7)), 2, 'the second is JavaScript’s')
  const third = new Uint8Array(addon.outbox())
  second.fill(8)
  third.fill(9)
  assert.equal(first[middle], 7)
  for (let i = 0; i < 200 && first[middle] === 7; i++) await sleep(100)
  assert.equal(first[middle], 0)
  assert.ok(second.every((byte) => byte === 8) && third.every((byte) => byte === 9))

  // it serves as before
  assert.equal(addon.postOutbox(0, 1, fill(second, 8)), 0)
  first.fill(5)
  assert.ok(first.every((byte) => byte === 5))
})
