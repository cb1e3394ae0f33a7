'use strict'

// express-session with its memory store: counters, regenerate, destroy, rolling, touch. Session ids come from a counter so
// that cookies are the same on both sides.

const session = require('express-session')

module.exports = {
  name: 'express-session',
  packages: ['express-session'],

  build(express, ctx) {
    const app = express()
    let ids = 0
    const make = (options) =>
      session({ secret: ['keyboard cat', 'older'], genid: () => `session-${++ids}`, ...options })
    app.set('trust proxy', 1)
    app.use('/main', make({ resave: false, saveUninitialized: true }))
    app.get('/main/views', (req, res) => {
      req.session.views = (req.session.views || 0) + 1
      res.json({ views: req.session.views, id: req.sessionID })
    })
    app.get('/main/regenerate', (req, res, next) => {
      req.session.regenerate((err) => {
        if (err) return next(err)
        req.session.user = 'tobi'
        req.session.save((e) => (e ? next(e) : res.redirect('/main/views')))
      })
    })
    app.get('/main/destroy', (req, res) =>
      req.session.destroy((err) => res.send(err ? 'failed' : 'destroyed'))
    )
    app.get('/main/stream', (req, res) => {
      req.session.streamed = true
      res.write('first ')
      res.write('second ')
      res.end('third')
    })
    app.get('/main/empty', (req, res) => {
      req.session.touched = 1
      res.status(204).end()
    })
    app.get('/main/late', (req, res) => {
      res.on('finish', () => ctx.log('finish', req.session.views ?? null))
      res.end()
    })
    app.use(
      '/rolling',
      make({
        resave: false,
        saveUninitialized: false,
        rolling: true,
        name: 'roll',
        cookie: { maxAge: 60_000, sameSite: 'strict' }
      })
    )
    app.get('/rolling', (req, res) => {
      if (req.query.set) req.session.set = req.query.set
      res.json({ set: req.session.set ?? null, maxAge: typeof req.session.cookie.maxAge })
    })
    app.use(
      '/secure',
      make({
        resave: true,
        saveUninitialized: true,
        cookie: { secure: 'auto', path: '/secure' },
        proxy: true
      })
    )
    app.get('/secure', (req, res) => res.json({ secure: req.secure, cookie: req.session.cookie }))
    return app
  },

  volatile: {
    'set-cookie': {
      shape: /(?<=^roll=.*)Expires=[^;]+/,
      reason: 'maxAge makes Expires from the clock'
    }
  },

  requests: [
    async function counts({ request, cookieJar }) {
      const out = [await request({ path: '/main/views' })]
      let jar = cookieJar(out[0])
      out.push(await request({ path: '/main/views', cookies: jar }))
      out.push(await request({ path: '/main/regenerate', cookies: jar }))
      jar = cookieJar(out[2], jar)
      out.push(await request({ path: '/main/views', cookies: jar }))
      out.push(await request({ path: '/main/stream', cookies: jar }))
      out.push(await request({ path: '/main/empty', cookies: jar }))
      out.push(await request({ path: '/main/late', cookies: jar }))
      out.push(await request({ path: '/main/destroy', cookies: jar }))
      out.push(await request({ path: '/main/views', cookies: jar }))
      out.push(await request({ path: '/main/views', cookies: 'connect.sid=s%3Aforged.signature' }))
      return out
    },
    { path: '/main/stream' },
    { path: '/rolling' },
    async function rolls({ request, cookieJar }) {
      const first = await request({ path: '/rolling?set=yes' })
      return [first, await request({ path: '/rolling', cookies: cookieJar(first) })]
    },
    { path: '/secure' },
    { path: '/secure', headers: { 'X-Forwarded-Proto': 'https' } },
    { method: 'HEAD', path: '/main/views' }
  ],

  check({ answers }) {
    if (JSON.parse(answers.counts[1].body).views !== 2) throw new Error('the session was not kept')
  }
}
