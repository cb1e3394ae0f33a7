'use strict'

// Acceptance test of examples/routers.

const test = require('node:test')
const assert = require('node:assert/strict')
const { request, serve } = require('./helper')
const app = require('../../../examples/routers')

test('routers: parameters and base URLs through three levels', async (t) => {
  const url = await serve(t, app)
  const get = async (path) => {
    const { status, text, headers } = await request(url + path)
    return { status, text, headers, body: () => JSON.parse(text) }
  }

  assert.deepEqual((await get('/cities')).body(), ['rome', 'paris'])
  // "json spaces" is set on the app and reaches the routers.
  assert.equal((await get('/cities')).text, '[\n  "rome",\n  "paris"\n]')

  const moved = await get('/cities/rome')
  assert.equal(moved.status, 302)
  assert.equal(moved.headers.location, '/cities/rome/sights')

  assert.deepEqual((await get('/cities/rome/sights')).body(), {
    city: 'rome',
    sights: ['forum', 'pantheon'],
    baseUrl: '/cities/rome/sights'
  })
  assert.deepEqual((await get('/cities/rome/sights/forum')).body(), {
    city: 'rome',
    sight: 'forum'
  })

  const noSight = await get('/cities/rome/sights/louvre')
  assert.equal(noSight.status, 404)
  assert.deepEqual(noSight.body(), { error: 'rome has no louvre' })

  // next('router') in the param callback: the app's last handler answers.
  const noCity = await get('/cities/atlantis/sights')
  assert.equal(noCity.status, 404)
  assert.equal(noCity.text, 'nothing here\n')
})

test('routers: a mounted app keeps its own settings', async (t) => {
  const url = await serve(t, app)
  assert.equal((await request(`${url}/legacy/Ping`)).text, 'pong from /legacy, path() is /legacy\n')
  // Case matters inside the sub-app only.
  assert.equal((await request(`${url}/LEGACY/Ping`)).status, 200)
  assert.equal((await request(`${url}/legacy/ping`)).status, 404)
})

test('routers: a wildcard gives decoded segments', async (t) => {
  const url = await serve(t, app)
  const { text } = await request(`${url}/files/a/b%20c/d.txt`)
  assert.deepEqual(JSON.parse(text), ['a', 'b c', 'd.txt'])
})

test('routers: OPTIONS lists what a path allows', async (t) => {
  const url = await serve(t, app)
  const { headers, status } = await request(`${url}/files/x`, { method: 'OPTIONS' })
  assert.equal(status, 404, 'the catch-all middleware answers before the automatic answer')
  assert.equal(headers.allow, undefined)
})
