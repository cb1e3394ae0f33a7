'use strict'

// passport with passport-local over express-session: login, failure, protected routes, logout, an authenticate callback,
// a custom strategy. Session ids come from a counter.

const session = require('express-session')
const passport = require('passport')
const LocalStrategy = require('passport-local')

module.exports = {
  name: 'passport',
  packages: ['passport', 'passport-local'],

  build(express) {
    const users = [{ id: 1, username: 'alice', password: 'secret' }]
    const auth = new passport.Passport()
    auth.use(
      new LocalStrategy((username, password, done) => {
        setImmediate(() => {
          if (username === 'error') return done(new Error('database is down'))
          const user = users.find((u) => u.username === username)
          if (!user || user.password !== password)
            return done(null, false, { message: 'Incorrect username or password.' })
          done(null, user)
        })
      })
    )
    auth.serializeUser((user, done) => done(null, user.id))
    auth.deserializeUser((id, done) =>
      done(
        null,
        users.find((u) => u.id === id)
      )
    )

    let ids = 0
    const app = express()
    app.use(express.urlencoded({ extended: false }))
    app.use(
      session({
        secret: 'keyboard cat',
        resave: false,
        saveUninitialized: false,
        genid: () => `id-${++ids}`
      })
    )
    app.use(auth.authenticate('session'))
    app.post(
      '/login',
      auth.authenticate('local', {
        successReturnToOrRedirect: '/me',
        failureRedirect: '/login',
        failureMessage: true
      })
    )
    app.post('/token', auth.authenticate('local', { session: false }), (req, res) =>
      res.json({ token: req.user.username, session: Object.keys(req.session) })
    )
    app.post('/callback', (req, res, next) => {
      auth.authenticate('local', (err, user, info) => {
        if (err) return next(err)
        if (!user) return res.status(403).json(info)
        req.logIn(user, (e) => (e ? next(e) : res.json({ in: req.isAuthenticated() })))
      })(req, res, next)
    })
    app.get('/login', (req, res) => res.json({ messages: req.session.messages ?? [] }))
    app.get('/me', (req, res) => {
      if (req.isUnauthenticated()) return res.status(401).send('who?')
      res.json({ user: req.user.username, authenticated: req.isAuthenticated() })
    })
    app.post('/logout', (req, res, next) =>
      req.logout((err) => (err ? next(err) : res.redirect('/')))
    )
    app.use((err, req, res, next) => res.status(err.status || 500).json({ message: err.message }))
    return app
  },

  requests: [
    async function loginAndOut({ request, cookieJar }) {
      const out = []
      let jar = ''
      const step = async (options) => {
        const answer = await request({ ...options, cookies: jar })
        jar = cookieJar(answer, jar)
        out.push(answer)
      }
      await step({ path: '/me' })
      await step({ method: 'POST', path: '/login', form: { username: 'alice', password: 'wrong' } })
      await step({ path: '/login' })
      await step({
        method: 'POST',
        path: '/login',
        form: { username: 'alice', password: 'secret' }
      })
      await step({ path: '/me' })
      await step({ method: 'POST', path: '/logout' })
      await step({ path: '/me' })
      await step({
        method: 'POST',
        path: '/callback',
        form: { username: 'alice', password: 'secret' }
      })
      await step({ path: '/me' })
      return out
    },
    { method: 'POST', path: '/token', form: { username: 'alice', password: 'secret' } },
    { method: 'POST', path: '/token', form: { username: 'alice', password: 'no' }, expect: 401 },
    { method: 'POST', path: '/token', form: { username: 'alice' }, expect: 400 },
    { method: 'POST', path: '/callback', form: { username: 'bob', password: 'x' }, expect: 403 },
    { method: 'POST', path: '/login', form: { username: 'error', password: 'x' }, expect: 500 }
  ],

  check({ answers }) {
    const statuses = answers.loginAndOut.map((a) => a.status).join()
    if (statuses !== '401,302,200,302,200,302,401,200,200')
      throw new Error(`unexpected statuses: ${statuses}`)
  }
}
