'use strict'

// Acceptance test of examples/auth-session-like.

const test = require('node:test')
const assert = require('node:assert/strict')
const { request, serve } = require('./helper')
const app = require('../../../examples/auth-session-like')

function login(url, user, password, cookie) {
  return request(`${url}/login`, {
    method: 'POST',
    body: new URLSearchParams({ user, password }).toString(),
    headers: {
      'Content-Type': 'application/x-www-form-urlencoded',
      ...(cookie && { Cookie: cookie })
    }
  })
}

test('session: a stranger is sent to the form', async (t) => {
  const url = await serve(t, app)
  const { status, headers } = await request(`${url}/private`)
  assert.equal(status, 302)
  assert.equal(headers.location, '/login')
  assert.match((await request(`${url}/login`)).text, /<form method="post">/)
})

test('session: a wrong password and an unknown name get nothing', async (t) => {
  const url = await serve(t, app)
  for (const [user, password] of [
    ['tj', 'wrong'],
    ['nobody', 'foobar'],
    ['__proto__', 'foobar'],
    ['', '']
  ]) {
    const { status, headers } = await login(url, user, password)
    assert.equal(status, 401, user)
    assert.equal(headers['set-cookie'], undefined)
  }
})

test('session: login, private page, a forged cookie, logout', async (t) => {
  const url = await serve(t, app)

  const done = await login(url, 'tj', 'foobar')
  assert.equal(done.status, 303)
  assert.equal(done.headers.location, '/private')
  const [setCookie] = done.headers['set-cookie']
  assert.match(
    setCookie,
    /^sid=s%3A[^;]+; Max-Age=3600; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Lax$/
  )
  const cookie = setCookie.split(';')[0]

  const inside = await request(`${url}/private`, { headers: { Cookie: cookie } })
  assert.equal(inside.status, 200)
  assert.equal(inside.text, 'welcome, tj\n')

  const last = cookie.at(-1) === 'A' ? 'B' : 'A'
  const forged = await request(`${url}/private`, {
    headers: { Cookie: cookie.slice(0, -1) + last }
  })
  assert.equal(forged.status, 302, 'the signature does not hold')

  const again = await login(url, 'tj', 'foobar', cookie)
  assert.notEqual(again.headers['set-cookie'][0].split(';')[0], cookie, 'a login makes a new id')
  const old = await request(`${url}/private`, { headers: { Cookie: cookie } })
  assert.equal(old.status, 302, 'the id from before the login is void')

  const fresh = again.headers['set-cookie'][0].split(';')[0]
  const out = await request(`${url}/logout`, { method: 'POST', headers: { Cookie: fresh } })
  assert.equal(out.status, 303)
  assert.match(out.headers['set-cookie'][0], /^sid=; Path=\/; Expires=Thu, 01 Jan 1970/)
  assert.equal((await request(`${url}/private`, { headers: { Cookie: fresh } })).status, 302)
})
