'use strict'

// Acceptance test of examples/abort-signal.

const test = require('node:test')
const assert = require('node:assert/strict')
const { abandon, eventually, request, serve } = require('./helper')
const app = require('../../../examples/abort-signal')

const stats = async (url) => JSON.parse((await request(`${url}/stats`)).text)

test('signal: who is in time is not disturbed', async (t) => {
  const url = await serve(t, app)
  const { status, text } = await request(`${url}/sleep/20`)
  assert.equal(status, 200)
  assert.deepEqual(JSON.parse(text), { slept: 20 })
})

test('signal: the deadline of a route answers 503 and stops the handler', async (t) => {
  const url = await serve(t, app)
  const before = await stats(url)
  const begin = performance.now()
  const { status, text } = await request(`${url}/report/60000`)
  const ms = performance.now() - begin
  assert.equal(status, 503)
  assert.match(text, /Service Unavailable/)
  // Not before its time, and long before the handler would have answered.
  assert.ok(ms >= 490 && ms < 30_000, `${ms} ms`)
  await eventually(async () => (await stats(url)).stopped === before.stopped + 1)
  assert.equal((await stats(url)).finished, before.finished)
})

test("signal: the app's deadline holds where no route sets one, and 0 turns it off", async (t) => {
  const url = await serve(t, app)
  const [slow, poll] = await Promise.all([
    request(`${url}/sleep/60000`),
    request(`${url}/poll/2500`)
  ])
  assert.equal(slow.status, 503)
  assert.equal(poll.status, 200)
  assert.deepEqual(JSON.parse(poll.text), { news: true })
})

test('signal: a client that leaves stops its handler', async (t) => {
  const url = await serve(t, app)
  const before = await stats(url)
  await abandon(`${url}/sleep/60000`, async () => {
    return (await stats(url)).started === before.started + 1
  })
  await eventually(async () => (await stats(url)).stopped === before.stopped + 1)
})

test('signal: fetch() downstream stops with the client upstream', async (t) => {
  const url = await serve(t, app)
  assert.deepEqual(JSON.parse((await request(`${url}/proxy/10`)).text), { news: true })
  const before = await stats(url)
  // Two requests are at work: the proxy's and the one that it is waiting for.
  await abandon(`${url}/proxy/60000`, async () => {
    return (await stats(url)).started === before.started + 2
  })
  await eventually(async () => (await stats(url)).stopped === before.stopped + 2)
})

test('signal: a loop that asks the signal stops', async (t) => {
  const url = await serve(t, app)
  const before = await stats(url)
  await abandon(`${url}/work`, async () => {
    return (await stats(url)).started === before.started + 1
  })
  await eventually(async () => (await stats(url)).stopped === before.stopped + 1)
  assert.equal((await stats(url)).finished, before.finished)
})
