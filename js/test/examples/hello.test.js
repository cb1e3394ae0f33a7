'use strict'

// Acceptance test of examples/hello.

const test = require('node:test')
const assert = require('node:assert/strict')
const { request, serve } = require('./helper')
const app = require('../../../examples/hello')

test('hello: text and JSON, as Express sends them', async (t) => {
  const url = await serve(t, app)

  const text = await request(url)
  assert.equal(text.status, 200)
  assert.equal(text.text, 'Hello World\n')
  assert.equal(text.headers['content-type'], 'text/html; charset=utf-8')
  assert.equal(text.headers['content-length'], '12')
  assert.equal(text.headers['x-powered-by'], 'Express')

  const json = await request(`${url}/W%C3%B6rld`)
  assert.deepEqual(JSON.parse(json.text), { hello: 'Wörld' })
  assert.equal(json.headers['content-type'], 'application/json; charset=utf-8')

  const again = await request(url, { headers: { 'If-None-Match': text.headers.etag } })
  assert.equal(again.status, 304)
  assert.equal(again.text, '')

  const head = await request(url, { method: 'HEAD' })
  assert.equal(head.status, 200)
  assert.equal(head.headers['content-length'], '12')
  assert.equal(head.text, '')
})

test('hello: a bad percent-escape is a 400, another path a 404', async (t) => {
  const url = await serve(t, app)
  assert.equal((await request(`${url}/%ff`)).status, 400)
  const missing = await request(`${url}/a/b`)
  assert.equal(missing.status, 404)
  assert.match(missing.text, /Cannot GET \/a\/b/)
})
