'use strict'

// node:cluster: the port belongs to the primary and is dealt out to workers that call app.listen(), as with Node's own
// server; and a port is nobody else's.

const { fork } = require('node:child_process')
const path = require('node:path')
const { suite } = require('./harness')
const { inside, once } = require('./server-cases')
const { pathOf } = require('../ecosystem/lib/targets')
const scenarios = require('./fixtures/cluster')

const file = path.join(__dirname, 'fixtures', 'cluster.js')
/** The package that the child which serves the cases runs on. */
const target = () => pathOf(process.env.NODE_HTTP_SIDE)

suite(__filename, [
  ...scenarios.map((name) =>
    inside(name, async (app, { log }) => {
      const program = fork(file, [name], {
        env: { ...process.env, NODE_HTTP_SIDE: '', RNODE_CLUSTER: target() },
        stdio: ['ignore', 'inherit', 'inherit', 'ipc']
      })
      const [observed] = await once(program, 'message')
      log(...observed)
    })
  )
])
