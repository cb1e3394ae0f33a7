'use strict'

// Acceptance test of examples/demo: its app on a free port, and its server.js as a process.

const test = require('node:test')
const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const net = require('node:net')
const path = require('node:path')
const { eventually, json, open, request, serve } = require('./helper')
const app = require('../../../examples/demo/app')

const script = path.join(__dirname, '..', '..', '..', 'examples', 'demo', 'server.js')

test('demo: the page and its files', async (t) => {
  const url = await serve(t, app)
  const page = await request(`${url}/`)
  assert.equal(page.status, 200)
  assert.match(page.headers['content-type'], /^text\/html/)
  assert.match(page.text, /<h1>Notice board<\/h1>/)
  for (const [file, type] of [
    ['style.css', /^text\/css/],
    ['board.js', /^text\/javascript/]
  ]) {
    const { status, headers } = await request(`${url}/${file}`)
    assert.equal(status, 200)
    assert.match(headers['content-type'], type)
  }
})

test('demo: parameters, query, the middleware in front', async (t) => {
  const url = await serve(t, app)
  const { text, headers } = await request(`${url}/hello/you?from=test&x[]=1`)
  assert.deepEqual(JSON.parse(text), { hello: 'you', query: { from: 'test', 'x[]': '1' } })
  assert.match(headers['server-timing'], /^handler;dur=\d+\.\d\d$/)
  assert.equal((await request(`${url}/wait/20`)).text, 'waited 20 ms\n')
})

test('demo: notes are added, found, read, commented and deleted', async (t) => {
  const url = `${await serve(t, app)}/api/notes`

  const added = await request(url, json('POST', { text: ' a needle ' }))
  assert.equal(added.status, 201)
  const note = JSON.parse(added.text)
  assert.equal(note.text, 'a needle')
  assert.equal(added.headers.location, `/api/notes/${note.id}`)

  const found = JSON.parse((await request(`${url}?q=needle`)).text)
  assert.deepEqual(
    found.map(({ id }) => id),
    [note.id]
  )
  assert.deepEqual(JSON.parse((await request(`${url}/${note.id}`)).text), note)

  const comments = `${url}/${note.id}/comments`
  assert.equal((await request(comments, json('POST', { text: 'ouch' }))).status, 201)
  assert.deepEqual(JSON.parse((await request(comments)).text), { note: note.id, list: ['ouch'] })

  assert.equal((await request(`${url}/${note.id}`, { method: 'DELETE' })).status, 204)
  const gone = await request(`${url}/${note.id}`)
  assert.equal(gone.status, 404)
  assert.deepEqual(JSON.parse(gone.text), { error: `there is no note ${note.id}` })
})

test('demo: bad input to the API is a JSON error', async (t) => {
  const url = `${await serve(t, app)}/api/notes`
  const broken = await request(url, json('POST', '{"text":'))
  assert.equal(broken.status, 400)
  assert.match(JSON.parse(broken.text).error, /JSON/)

  const empty = await request(url, json('POST', {}))
  assert.equal(empty.status, 400)
  assert.match(JSON.parse(empty.text).error, /the body must be JSON/)

  const large = await request(url, json('POST', { text: 'x'.repeat(11_000) }))
  assert.equal(large.status, 413)

  const nowhere = await request(`${url.replace('notes', 'nowhere')}`)
  assert.equal(nowhere.status, 404)
  assert.deepEqual(JSON.parse(nowhere.text), { error: 'no GET /api/nowhere here' })
})

test('demo: an added note reaches who listens', async (t) => {
  const url = `${await serve(t, app)}/api/notes`
  const stream = await open(`${url}/events`)
  assert.equal(stream.headers['content-type'], 'text/event-stream')
  await stream.until('here come the notes')
  const added = await request(url, json('POST', { text: 'news' }))
  const { id } = JSON.parse(added.text)
  assert.match(await stream.until(`id: ${id}\n`), /"text":"news"/)
  stream.leave()
})

test('demo: nobody listens after the last client has left', async (t) => {
  const notes = require('../../../examples/demo/routes/notes')()
  const own = require('../../..')()
  own.use(notes)
  const url = await serve(t, own)
  const streams = await Promise.all([open(`${url}/events`), open(`${url}/events`)])
  assert.equal(notes.listeners(), 2)
  for (const stream of streams) stream.leave()
  await eventually(() => notes.listeners() === 0)
})

test('demo: the guard', async (t) => {
  const url = await serve(t, app)
  const stranger = await request(`${url}/admin`)
  assert.equal(stranger.status, 401)
  const wrong = await request(`${url}/ADMIN/`, { headers: { Authorization: 'Bearer omed' } })
  assert.equal(wrong.status, 401)
  const known = await request(`${url}/admin`, { headers: { Authorization: 'Bearer demo' } })
  assert.equal(known.status, 200)
  assert.equal(JSON.parse(known.text).node, process.version)
})

test('demo: error pages for a throw, an unknown path, a deadline', async (t) => {
  const url = await serve(t, app)
  const cases = [
    ['/broken', 500, /this handler always throws/],
    ['/nowhere', 404, /Cannot GET \/nowhere/],
    ['/slow', 503, /Service Unavailable/]
  ]
  for (const [target, expected, text] of cases) {
    const page = await request(url + target)
    assert.equal(page.status, expected)
    assert.match(page.text, text)
    assert.match(page.headers['content-type'], /^text\/html/)
    assert.equal(page.headers['x-content-type-options'], 'nosniff')
    assert.match(page.headers['content-security-policy'], /^default-src 'none'/)
  }
  // The server is none the worse for it.
  assert.equal((await request(`${url}/hello/again`)).status, 200)
})

test('demo: server.js takes another port where its own is taken', async (t) => {
  const squatter = net.createServer().listen(0)
  await once(squatter, 'listening')
  t.after(() => squatter.close())
  const taken = squatter.address().port

  const child = spawn(process.execPath, [script], {
    env: { ...process.env, PORT: String(taken) },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.after(() => child.kill('SIGKILL'))
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text
  })
  await eventually(() => output.includes('Ctrl-C stops it.'))
  assert.match(output, new RegExp(`Port ${taken} is taken`))

  const [, port] = /The demo is at http:\/\/localhost:(\d+)\n/.exec(output)
  assert.notEqual(Number(port), taken)
  assert.equal((await request(`http://localhost:${port}/hello/you`)).status, 200)

  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  assert.deepEqual(await exited, [0, null])
})
