'use strict'
// The process in which generated programs run on Express and on this package: gets `{ kind, seeds }`,
// sends `{ done, found }`: how many it has compared, and the differences as texts. No judgement here.

const theirs = require('express')
const ours = require('../../index.js')
const { compare } = require('./compare')
const generate = {
  ...require('./generate'),
  ...require('./stacks'),
  ...require('./apps'),
  ...require('./leavers')
}

process.on('disconnect', () => process.exit())
process.on('message', async ({ kind, seeds }) => {
  const found = []
  let done = 0
  for (const seed of seeds) {
    const difference = await compare(ours, theirs, generate[kind](seed))
    if (difference !== null) found.push(`${kind} ${seed}: ${difference}`)
    done++
  }
  process.send({ done, found })
})
