'use strict'

// One side of a comparison, in a process of its own: loads Express or the target, builds a program's app, listens, and
// reports over IPC. It must not know which side it is beyond the path it loads, nor judge any result.
//
// Messages out: { ready: { port, tls } }, { collected: { log, inside, closed } }, { failed: stack }.
// Messages in: { until: { channel, count } } (answered when so many observations were logged), 'finish' (close the server,
// then collect).

const fs = require('node:fs')
const http = require('node:http')
const os = require('node:os')
const path = require('node:path')
const { load, pathOf } = require('./lib/targets')
const { closeServer } = require('../helpers/wait')

const [programFile, target] = process.argv.slice(2)
const log = {}
const awaited = []
const closers = []

/** What a program's `build(express, ctx)` and `inside(express, ctx)` get. */
const ctx = {
  fixtures: path.join(__dirname, 'fixtures'),
  /** Records an observation under a channel; channels are compared one by one, each in order. */
  log(channel, value) {
    if (!log[channel]) log[channel] = []
    log[channel].push(value === undefined ? null : value)
    answerAwaited()
  },
  /** A directory of this process' own, removed when it ends. */
  temporaryDirectory() {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'ecosystem-'))
    closers.push(() => fs.rmSync(directory, { recursive: true, force: true }))
    return directory
  },
  /** Starts a plain node:http server on a free port of 127.0.0.1, ended with the program. */
  async upstream(handler) {
    const server = http.createServer(handler)
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
    closers.push(() => {
      server.close()
      server.closeAllConnections()
    })
    const { port } = server.address()
    return { server, port, url: `http://127.0.0.1:${port}` }
  },
  /** Registers work for the end of the program. */
  onClose(fn) {
    closers.push(fn)
  }
}

function answerAwaited() {
  for (const wish of awaited.splice(0)) {
    if ((log[wish.channel]?.length ?? 0) >= wish.count) process.send({ reached: wish })
    else awaited.push(wish)
  }
}

async function start() {
  const program = require(path.resolve(programFile))
  const express = program.load ? await program.load(pathOf(target), ctx) : load(target)
  const built = await program.build(express, ctx)
  const parts = built && typeof built !== 'function' ? built : { app: built }
  // The styled error page is an intended difference (differences.json); this setting asks for Express' bytes and
  // means nothing to Express itself.
  if (parts.app?.set) parts.app.set('error pages', 'express')
  let server = parts.server
  if (!server) server = parts.app.listen(0)
  else if (!server.listening) server.listen(0)
  if (!server.listening) {
    await new Promise((resolve, reject) => {
      server.once('listening', resolve)
      server.once('error', reject)
    })
  }
  if (parts.attach) await parts.attach(server)
  const inside = program.inside ? await program.inside(express, ctx, server) : undefined
  process.on('message', (message) => {
    if (message === 'finish') return finish(server, parts, inside)
    awaited.push(message.until)
    answerAwaited()
  })
  process.send({ ready: { port: server.address().port, tls: Boolean(parts.tls) } })
}

async function finish(server, parts, inside) {
  if (parts.close) await parts.close()
  for (const close of closers.reverse()) await close()
  const closed = server.listening ? await closeServer(server) : true
  setImmediate(() => process.send({ collected: { log, inside, closed } }))
}

// The runner ends this process when it has the message; without a runner there is nothing left to do.
process.on('disconnect', () => process.exit())
start().catch((error) => process.send({ failed: error.stack ?? String(error) }))
