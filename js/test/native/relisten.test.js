'use strict'
// An app that listens and closes again and again (a test suite does) gathers nothing on its router.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { test } = require('node:test')
const express = require('../../index.js')
const { kOnStale } = require('../../lib/router/symbols')

test('closed servers no longer watch the router', async () => {
  const app = express()
  app.get('/', (_req, res) => res.send('ok'))
  for (let i = 0; i < 5; i++) {
    const server = app.listen(0)
    await once(server, 'listening')
    const answer = await fetch(`http://localhost:${server.address().port}/`)
    assert.equal(await answer.text(), 'ok')
    assert.equal(app.router[kOnStale].size, 1)
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
    assert.equal(app.router[kOnStale].size, 0)
  }
})
