'use strict'

// A login with a session: a form, a password kept as a scrypt hash, a random session id in a
// signed HttpOnly cookie, a guard in front of what is private. The store is in memory; a real
// app keeps sessions elsewhere (express-session works with rnode-server as with Express).
// Run: node examples/auth-session-like, then log in as tj with the password foobar

const { randomBytes, scryptSync, timingSafeEqual } = require('node:crypto')
const cookie = require('cookie')
const signature = require('cookie-signature')
const express = require('../..')

const SESSION_MS = 60 * 60 * 1000

const app = express()
const secret = process.env.SECRET ?? randomBytes(32).toString('hex')
const sessions = new Map()
const users = new Map([['tj', hash('foobar')]])

app.use(express.urlencoded())

// What cookie-parser does for one signed cookie, and express-session for the rest.
app.use((req, res, next) => {
  req.secret = secret
  const given = cookie.parse(req.headers.cookie ?? '').sid ?? ''
  const id = given.startsWith('s:') && signature.unsign(given.slice(2), secret)
  const session = id && sessions.get(id)
  if (session && session.expires > Date.now()) req.session = session
  next()
})

app.get('/login', (req, res) => {
  res.send(
    '<form method="post"><input name="user"><input name="password" type="password"><button>Log in</button></form>'
  )
})

app.post('/login', (req, res) => {
  const { user, password } = req.body ?? {}
  if (!verify(user, password)) return res.status(401).send('wrong name or password\n')
  // A new id at every login: one that somebody planted before is worth nothing.
  if (req.session) sessions.delete(req.session.id)
  const id = randomBytes(24).toString('base64url')
  sessions.set(id, { id, user, expires: Date.now() + SESSION_MS })
  res.cookie('sid', id, { signed: true, httpOnly: true, sameSite: 'lax', maxAge: SESSION_MS })
  res.redirect(303, '/private')
})

app.post('/logout', (req, res) => {
  if (req.session) sessions.delete(req.session.id)
  res.clearCookie('sid')
  res.redirect(303, '/login')
})

app.get('/private', restrict, (req, res) => {
  res.send(`welcome, ${req.session.user}\n`)
})

module.exports = app

function restrict(req, res, next) {
  if (req.session) next()
  else res.redirect('/login')
}

function hash(password) {
  const salt = randomBytes(16)
  return { salt, key: scryptSync(password, salt, 32) }
}

function verify(user, password) {
  if (typeof user !== 'string' || typeof password !== 'string') return false
  // An unknown name costs as much time as a known one.
  const known = users.get(user)
  const { salt, key } = known ?? users.values().next().value
  const equal = timingSafeEqual(scryptSync(password, salt, 32), key)
  return Boolean(known) && equal
}

if (require.main === module) {
  const server = app.listen(3000, (error) => {
    if (error) throw error
    console.log(`http://localhost:${server.address().port}/login`)
  })
}
