'use strict'

// A guarded part of the demo: the middleware in front decides for every route behind it.
// The token is a demo's; a real one is no constant in the source.

const { timingSafeEqual } = require('node:crypto')
const express = require('../../..')

const TOKEN = Buffer.from('Bearer demo')

module.exports = function adminRouter() {
  const router = express.Router()

  router.use((req, res, next) => {
    const given = Buffer.from(req.get('authorization') ?? '')
    if (given.length === TOKEN.length && timingSafeEqual(given, TOKEN)) return next()
    res.set('WWW-Authenticate', 'Bearer')
    next(
      Object.assign(new Error('this needs the header "Authorization: Bearer demo"'), {
        status: 401
      })
    )
  })

  router.get('/', (req, res) => {
    const { rss, heapUsed } = process.memoryUsage()
    res.json({ node: process.version, uptime: process.uptime(), rss, heapUsed })
  })

  return router
}
