'use strict'

// Acceptance test of examples/streaming.

const test = require('node:test')
const assert = require('node:assert/strict')
const http = require('node:http')
const { once } = require('node:events')
const { eventually, open, request, serve } = require('./helper')
const app = require('../../../examples/streaming')

test('streaming: lines out', async (t) => {
  const url = await serve(t, app)
  const { text, headers } = await request(`${url}/numbers?count=20000`)
  assert.equal(headers['transfer-encoding'], 'chunked')
  assert.match(headers['content-type'], /^application\/x-ndjson/)
  const lines = text.trimEnd().split('\n')
  assert.equal(lines.length, 20000)
  assert.deepEqual(JSON.parse(lines.at(-1)), { n: 20000 })
})

test('streaming: blocks by hand, with drain', async (t) => {
  const url = await serve(t, app)
  const { text } = await request(`${url}/blocks?count=200`)
  assert.equal(text.length, 200 * 16 * 1024)
})

test('streaming: lines in, line by line', async (t) => {
  const url = await serve(t, app)
  const numbers = Array.from({ length: 50_000 }, (_, index) => index + 1)
  const sum = await request(`${url}/sum`, { method: 'PUT', body: numbers.join('\n') })
  assert.deepEqual(JSON.parse(sum.text), { lines: 50_000, sum: 1_250_025_000 })

  const bad = await request(`${url}/sum`, { method: 'PUT', body: '1\ntwo\n' })
  assert.equal(bad.status, 400)
  assert.deepEqual(JSON.parse(bad.text), { error: 'line 2 is no number' })
})

test('streaming: the answer begins before the request ends', async (t) => {
  const url = await serve(t, app)
  const outgoing = http.request(`${url}/upper`, { method: 'POST', agent: false })
  outgoing.write('first ')
  const [incoming] = await once(outgoing, 'response')
  incoming.setEncoding('utf8')
  let text = (await once(incoming, 'data'))[0]
  assert.equal(text, 'FIRST ')
  outgoing.end('second')
  incoming.on('data', (chunk) => {
    text += chunk
  })
  await once(incoming, 'end')
  assert.equal(text, 'FIRST SECOND')
})

test('streaming: events end when the client leaves', async (t) => {
  const url = await serve(t, app)
  const before = app.locals.ticksEnded ?? 0
  const stream = await open(`${url}/ticks?ms=10`)
  assert.equal(stream.headers['content-type'], 'text/event-stream')
  assert.match(await stream.until('id: 3\n'), /^id: 1\ndata: {"n":1}\n\nid: 2\n/)
  stream.leave()
  await eventually(() => app.locals.ticksEnded === before + 1)
})
