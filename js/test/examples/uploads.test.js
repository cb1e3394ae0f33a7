'use strict'

// Acceptance test of examples/uploads.

const test = require('node:test')
const assert = require('node:assert/strict')
const { createHash, randomBytes } = require('node:crypto')
const { once } = require('node:events')
const fs = require('node:fs')
const http = require('node:http')
const os = require('node:os')
const path = require('node:path')
const { eventually, request, serve } = require('./helper')

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rnode-uploads-test-'))
process.env.UPLOADS = folder
const app = require('../../../examples/uploads')

test.after(() => fs.rmSync(folder, { recursive: true, force: true }))

test('uploads: a file goes up, comes down whole, in part and not at all', async (t) => {
  const url = `${await serve(t, app)}/files/data.bin`
  const data = randomBytes(3 * 1024 * 1024)

  const up = await request(url, { method: 'PUT', body: data })
  assert.equal(up.status, 201)
  assert.equal(up.headers.location, '/files/data.bin')
  assert.deepEqual(JSON.parse(up.text), {
    bytes: data.length,
    sha256: createHash('sha256').update(data).digest('hex')
  })
  assert.deepEqual(fs.readdirSync(folder), ['data.bin'], 'no temporary file is left')
  assert.ok(data.equals(fs.readFileSync(path.join(folder, 'data.bin'))))

  const whole = await fetch(url)
  assert.ok(data.equals(Buffer.from(await whole.arrayBuffer())))

  const part = await fetch(url, { headers: { Range: 'bytes=100-199' } })
  assert.equal(part.status, 206)
  assert.equal(part.headers.get('content-range'), `bytes 100-199/${data.length}`)
  assert.ok(data.subarray(100, 200).equals(Buffer.from(await part.arrayBuffer())))

  const beyond = await request(url, { headers: { Range: `bytes=${data.length}-` } })
  assert.equal(beyond.status, 416)

  const etag = whole.headers.get('etag')
  assert.equal((await request(url, { headers: { 'If-None-Match': etag } })).status, 304)

  const named = await request(`${url}?download`, { method: 'HEAD' })
  assert.equal(named.headers['content-disposition'], 'attachment; filename=data.bin')

  assert.equal((await request(url, { method: 'DELETE' })).status, 204)
  assert.equal((await request(url)).status, 404)
})

test('uploads: what is over the limit is a 413 and leaves nothing', async (t) => {
  const url = `${await serve(t, app)}/files/big.bin`
  const limit = app.get('upload limit')
  app.set('upload limit', 1000)
  t.after(() => app.set('upload limit', limit))

  const declared = await request(url, { method: 'PUT', body: Buffer.alloc(1001) })
  assert.equal(declared.status, 413)
  assert.deepEqual(JSON.parse(declared.text), { error: 'at most 1000 bytes' })
  assert.deepEqual(fs.readdirSync(folder), [])

  // Without Content-Length the bytes are counted as they come. The server stops reading there,
  // so the rest is not sent before the answer has come.
  const outgoing = http.request(url, { method: 'PUT', agent: false })
  outgoing.on('error', () => {})
  outgoing.write(Buffer.alloc(1001))
  const [incoming] = await Promise.race([once(outgoing, 'response'), once(outgoing, 'close')])
  assert.equal(incoming?.statusCode ?? 413, 413)
  outgoing.destroy()
  await eventually(() => fs.readdirSync(folder).length === 0)
})

test('uploads: a client that leaves in the middle leaves no file', async (t) => {
  const url = `${await serve(t, app)}/files/half.bin`
  const outgoing = http.request(url, {
    method: 'PUT',
    agent: false,
    headers: { 'Content-Length': 1024 * 1024 }
  })
  outgoing.on('error', () => {})
  outgoing.write(Buffer.alloc(100 * 1024))
  await once(outgoing, 'socket')
  await eventually(() => fs.readdirSync(folder).length === 1)
  outgoing.destroy()
  await eventually(() => fs.readdirSync(folder).length === 0)
})

test('uploads: a name cannot leave the folder', async (t) => {
  const url = await serve(t, app)
  for (const name of ['..%2fx', '.hidden', 'a%00b', '%2e%2e']) {
    const { status } = await request(`${url}/files/${name}`, { method: 'PUT', body: 'x' })
    assert.ok(status === 400 || status === 404, `${name}: ${status}`)
  }
  assert.deepEqual(fs.readdirSync(folder), [])
})
