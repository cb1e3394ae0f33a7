'use strict'

// What hooks of node:async_hooks see of requests and files: an init is followed by its destroy, so that those who keep something
// per asynchronous resource (context libraries, agents) do not gather it for ever. Needs the garbage collector; says nothing of
// which context a handler runs in (../node-http/context.test.js does).

const { createHook } = require('node:async_hooks')
const { once } = require('node:events')
const http = require('node:http')
const { setImmediate: turn } = require('node:timers/promises')
const { setFlagsFromString } = require('node:v8')
const { runInNewContext } = require('node:vm')
const assert = require('node:assert/strict')
const { test } = require('node:test')
const express = require('../../..')

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc')

const REQUESTS = 50
/** Rounds of garbage collection; a leak is there after any number of them. */
const ROUNDS = 20

for (const [name, handler, types] of [
  ['answers', (_req, res) => res.send('x'), ['HTTPINCOMINGMESSAGE']],
  ['files', (_req, res) => res.sendFile(__filename), ['HTTPINCOMINGMESSAGE', 'RNODEFILE']]
]) {
  test(`what async hooks hear of ${name} ends`, async (t) => {
    const alive = new Map()
    const seen = new Set()
    const ours = new Set()
    const hook = createHook({
      init(id, type) {
        if (!types.includes(type)) return
        alive.set(id, type)
        ours.add(id)
        seen.add(type)
      },
      destroy(id) {
        alive.delete(id)
      }
    })
    const app = express()
    app.get('/', handler)
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    hook.enable()
    t.after(() => hook.disable())

    for (let i = 0; i < REQUESTS; i++) {
      const request = http.get({ port: server.address().port, host: '127.0.0.1', agent: false })
      const [answer] = await once(request, 'response')
      await once(answer.resume(), 'end')
    }
    assert.deepEqual([...seen].sort(), types)
    assert.ok(ours.size >= REQUESTS * types.length, `${ours.size} resources`)
    for (let i = 0; i < ROUNDS && alive.size > 0; i++) {
      gc()
      await turn()
    }
    // the last ones may be held by what has just run
    assert.ok(alive.size < REQUESTS / 5, `${alive.size} of ${ours.size} were never destroyed`)
  })
}
