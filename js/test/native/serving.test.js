'use strict'

// The addon as it serves: frames in and out, servers and their sockets, listen errors. Requests are answered by hand, without
// the JavaScript above the addon.

const assert = require('node:assert')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const http = require('node:http')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')
const { after, before, describe, test } = require('node:test')
const { createError } = require('../../lib/errors')
const addon = require('../../lib/native')
const F = require('../../lib/native/frames')
const raw = require('./raw')
const golden = require('../../../crates/rnode-bridge/tests/golden/frames.json')

const { GET, inbox, taking, drain, frame, next, headText, respondFrame, respond, get } = raw
const { routes, planWords } = raw
const addonFile = require.resolve('../../lib/native/rnode.node')

describe('a started environment', () => {
  let threads
  let server

  before(() => {
    threads = addon.start(drain, 2)
    server = addon.listen({ host: '127.0.0.1', port: 0 })
    addon.ref()
  })

  after(() => {
    addon.serverDrop(server.id)
    addon.unref()
  })

  test('start is allowed once', () => {
    assert.ok(threads >= 1)
    assert.throws(() => addon.start(drain, 2), /already/)
    assert.strictEqual(addon.stats().ioThreads, threads)
    assert.strictEqual(addon.stats().servers, 1)
  })

  test('a request goes in and a response out', async () => {
    const answer = get(server.port, { path: '/p?q', headers: { 'X-Probe': 'yes' } })
    const request = await next(F.REQUEST, server.id)
    assert.strictEqual(request.words[5], GET)
    const [url, remote, local, ...lines] = headText(request).split('\n')
    assert.deepStrictEqual([url, remote, local], ['/p?q', '127.0.0.1', '127.0.0.1'])
    assert.strictEqual(lines[lines.indexOf('X-Probe') + 1], 'yes')
    assert.strictEqual(request.words[11] >>> 16, server.port)
    // A frame of another generation is dropped.
    respond(request, { body: 'late', generation: request.generation + 1 })
    respond(request, { body: 'hello', lines: 'X-A: b\r\n' })
    const { status, headers, body } = await answer
    assert.deepStrictEqual([status, headers['x-a'], String(body)], [200, 'b', 'hello'])
  })

  test('large bodies travel beside their frame', async () => {
    const answer = get(server.port)
    const request = await next(F.REQUEST, server.id)
    const body = Buffer.alloc(3 << 20, 'abcdefg')
    const head = respondFrame(request, { bodyLength: body.length })
    // What follows headLength in the buffer does not count.
    addon.postLarge(
      request.slot >>> 24,
      Buffer.concat([head, Buffer.alloc(9, 255)]),
      head.length,
      body
    )
    body.fill(0)
    assert.ok((await answer).body.equals(Buffer.alloc(3 << 20, 'abcdefg')))
  })

  test('plans come with requests, and are those of plan()', async () => {
    const table = addon.compileTable(routes({ paths: ['/:id'], end: true, methods: ['GET'] }))
    addon.serverSetTable(server.id, table, 7)
    const planned = async (version) => {
      const answer = get(server.port, { path: '/abc' })
      const request = await next(F.REQUEST, server.id)
      respond(request, {})
      await answer
      assert.strictEqual(request.words[8], version)
      const start = 12 + Math.ceil(request.words[7] / 4)
      return [...request.words.subarray(start, start + request.words[9])]
    }
    assert.deepStrictEqual(await planned(7), planWords(table, '/abc'))
    addon.serverSetTable(server.id, null, 0)
    assert.deepStrictEqual(await planned(0), [])
    assert.throws(() => addon.serverSetTable(server.id, table, 0), RangeError)
    assert.throws(() => addon.serverSetTable(server.id, {}, 1), TypeError)
  })

  test('take moves no more frames than asked for', async () => {
    taking.maxFrames = 1
    const answers = [get(server.port), get(server.port), get(server.port)]
    for (const _ of answers) respond(await next(F.REQUEST, server.id), { body: 'x' })
    for (const answer of answers) assert.strictEqual(String((await answer).body), 'x')
    taking.maxFrames = 64
    addon.take(inbox, 64)
    assert.deepStrictEqual([...new Uint32Array(inbox.buffer, 0, 4)], [0, 0, 0, 0])
  })

  test('take says what a frame needs that does not fit', async () => {
    const { promise, resolve } = deferred()
    taking.onWake = resolve
    const answer = get(server.port, { path: `/${'x'.repeat(500)}` })
    await promise
    taking.onWake = null
    assert.throws(() => addon.take(new Uint8Array(15), 64), RangeError)
    const small = new Uint32Array(9)
    addon.take(new Uint8Array(small.buffer), 64)
    const [bytes, more, needs, frames] = small
    assert.deepStrictEqual([bytes, more, frames], [0, 1, 0])
    assert.ok(needs > 500, `${needs}`)
    // The frame is still there, and an inbox with just that room takes it.
    const exact = new Uint8Array(16 + needs)
    addon.take(exact, 64)
    assert.deepStrictEqual([...new Uint32Array(exact.buffer, 0, 4)], [needs, 0, 0, 1])
    const request = frame(exact.slice(16))
    assert.strictEqual(request.kind, F.REQUEST)
    respond(request, { body: 'y' })
    assert.strictEqual(String((await answer).body), 'y')
  })

  test('an answer with a file that was not kept is refused', async () => {
    const answer = get(server.port)
    const lines = 'Content-Length: 3\r\n'
    respond(await next(F.REQUEST, server.id), { lines, flags: F.HELD })
    assert.strictEqual((await answer).status, 500)
    const refused = 7
    assert.strictEqual((await next(F.ABORT)).words[4], refused)
  })

  test('what is no frame is dropped', async () => {
    const noise = Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7919) & 255))
    for (let io = 0; io < threads; io++) {
      addon.post(io, noise, noise.length)
      addon.postLarge(io, noise, 64, noise)
      for (const { hex } of golden.frames.filter((f) => f.direction === 'out')) {
        const bytes = Buffer.from(hex, 'hex')
        addon.post(io, bytes, bytes.length)
      }
    }
    addon.post(255, noise, 64)
    assert.throws(() => addon.post(0, noise, noise.length + 1), RangeError)
    assert.throws(() => addon.postLarge(0, noise, noise.length + 1, noise), RangeError)
    for (let io = 0; io < threads; io++) {
      const answer = get(server.port)
      respond(await next(F.REQUEST, server.id), { body: 'alive' })
      assert.strictEqual(String((await answer).body), 'alive')
    }
  })

  test('a panic becomes an exception and nothing else', () => {
    const { name, code, message } = createError(
      'RNODE_ERR_PANIC',
      'panicForTest',
      'asked for by a test'
    )
    assert.throws(addon.panicForTest, { name, code, message })
    assert.strictEqual(addon.stats().servers, 1)
  })

  test('settings', () => {
    const keys = [
      'headersTimeout',
      'requestTimeout',
      'keepAliveTimeout',
      'maxHeaderSize',
      'maxHeadersCount'
    ]
    const more = [
      'socketTimeout',
      'maxRequestsPerSocket',
      'handlerDeadline',
      'flags',
      'noDelay',
      'errorPages'
    ]
    const { id } = addon.listen({ host: '127.0.0.1' })
    for (const key of [...keys, ...more]) addon.serverSet(id, key, 1)
    assert.throws(() => addon.serverSet(id, 'other', 1), { name: 'TypeError', message: /"other"/ })
    addon.serverDrop(id)
    assert.throws(() => addon.serverSet(id, 'other', 1), TypeError)
    assert.throws(() => addon.listen({ config: { other: 1 } }), TypeError)
  })

  test('settings given to listen hold from the first connection on', async () => {
    const { id, port } = addon.listen({ host: '127.0.0.1', config: { keepAliveTimeout: 7000 } })
    const answer = get(port, { agent: new http.Agent({ keepAlive: true }) })
    respond(await next(F.REQUEST, id), {})
    assert.strictEqual((await answer).headers['keep-alive'], 'timeout=7')
    addon.serverDrop(id)
  })

  test('closing', async () => {
    const { id, port } = addon.listen({ host: '127.0.0.1' })
    const answer = get(port)
    const request = await next(F.REQUEST, id)
    assert.strictEqual(addon.serverConnections(id), 1)
    addon.serverClose(id)
    addon.serverClose(id)
    // The port is free at once, and the request under way is answered.
    const again = addon.listen({ host: '127.0.0.1', port })
    assert.strictEqual(again.port, port)
    addon.serverCloseIdle(id)
    respond(request, { body: 'last' })
    assert.strictEqual(String((await answer).body), 'last')
    await next(F.SERVER_CLOSED, id)
    assert.strictEqual(addon.serverConnections(id), 0)
    addon.serverDrop(id)
    addon.serverDrop(again.id)
  })

  test('closing all connections', async () => {
    const { id, port } = addon.listen({ host: '127.0.0.1' })
    const answer = get(port)
    const request = await next(F.REQUEST, id)
    addon.serverClose(id)
    addon.serverCloseAll(id)
    await assert.rejects(answer, { code: 'ECONNRESET' })
    const abort = await next(F.ABORT)
    assert.deepStrictEqual([abort.slot, abort.words[4]], [request.slot, F.ABORT_SERVER_CLOSING])
    await next(F.SERVER_CLOSED, id)
    addon.serverDrop(id)
  })

  test('a server that is not known is no error', () => {
    assert.strictEqual(addon.serverAddress(4e9), null)
    assert.strictEqual(addon.serverConnections(4e9), 0)
    assert.strictEqual(addon.serverSocket(4e9), -1)
    for (const name of ['serverClose', 'serverCloseIdle', 'serverCloseAll', 'serverDrop'])
      addon[name](4e9)
    addon.serverSet(4e9, 'flags', 0)
    addon.serverSetTable(4e9, null, 0)
  })

  describe('listening', () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'rnode-'))
    after(() => fs.rmSync(directory, { recursive: true }))

    test('addresses', () => {
      assert.deepStrictEqual(addon.serverAddress(server.id), {
        address: '127.0.0.1',
        family: 'IPv4',
        port: server.port
      })
      assert.ok(server.port > 0 && server.id > 0)
    })

    const refused = (name, options, expected) =>
      test(name, () => {
        const count = addon.stats().servers
        const result = addon.listen(typeof options === 'function' ? options() : options)
        assert.deepStrictEqual(result, {
          errno: -os.constants.errno[expected.code],
          syscall: 'listen',
          ...expected
        })
        assert.strictEqual(addon.stats().servers, count)
      })

    refused('EADDRINUSE', () => ({ host: '127.0.0.1', port: server.port }), {
      code: 'EADDRINUSE',
      message: 'address already in use',
      address: '127.0.0.1'
    })
    // An address of TEST-NET-1 (RFC 5737) is no machine's.
    refused(
      'EADDRNOTAVAIL',
      { host: '192.0.2.1' },
      {
        code: 'EADDRNOTAVAIL',
        message: 'address not available',
        address: '192.0.2.1'
      }
    )
    refused(
      'EINVAL for a host that is no address',
      { host: 'not an address' },
      {
        code: 'EINVAL',
        message: 'invalid argument',
        address: 'not an address'
      }
    )
    const missing = path.join(directory, 'missing', 's')
    refused(
      'ENOENT',
      { path: missing },
      {
        code: 'ENOENT',
        message: 'no such file or directory',
        address: missing
      }
    )
    for (const fd of [-1, 1 << 20]) {
      refused(`EBADF of ${fd}`, { fd }, { code: 'EBADF', message: 'bad file descriptor' })
    }

    test('ENOTSOCK leaves the descriptor open', () => {
      const fd = fs.openSync(__filename)
      assert.strictEqual(addon.listen({ fd }).code, 'ENOTSOCK')
      assert.ok(fs.fstatSync(fd).isFile())
      fs.closeSync(fd)
    })

    test('wrong options throw', () => {
      assert.throws(() => addon.listen({ port: 65_536 }), RangeError)
      assert.throws(() => addon.listen({ port: -1 }), RangeError)
      assert.throws(() => addon.listen({ port: NaN }), RangeError)
      assert.throws(() => addon.listen({ port: '80' }), TypeError)
    })

    test('a Unix socket', async () => {
      const file = path.join(directory, 's')
      const { id, path: at } = addon.listen({ path: file })
      assert.strictEqual(at, file)
      assert.deepStrictEqual(addon.serverAddress(id), { path: file })
      assert.strictEqual(addon.listen({ path: file }).code, 'EADDRINUSE')
      const answer = get(undefined, { socketPath: file })
      const request = await next(F.REQUEST, id)
      assert.ok(headText(request).startsWith('/\n\n\n'))
      respond(request, { body: 'unix' })
      assert.strictEqual(String((await answer).body), 'unix')
      addon.serverClose(id)
      assert.strictEqual(fs.existsSync(file), false)
      addon.serverDrop(id)
    })

    test('a descriptor', async () => {
      const parent = net.createServer().listen(0, '127.0.0.1')
      await once(parent, 'listening')
      const program = `
        const addon = require(${JSON.stringify(addonFile)})
        addon.start(() => {}, 1)
        const fs = require('node:fs')
        process.stdout.write(JSON.stringify({ ...addon.listen({ fd: 3 }), open: fs.existsSync('/dev/fd/3') }))`
      const child = spawn(process.execPath, ['-e', program], {
        stdio: ['ignore', 'pipe', 'inherit', parent._handle.fd]
      })
      const result = JSON.parse(Buffer.concat(await child.stdout.toArray()))
      assert.deepStrictEqual(result, {
        id: 1,
        address: '127.0.0.1',
        family: 'IPv4',
        port: parent.address().port,
        open: false
      })
      parent.close()
    })
  })

  test('closeFd', () => {
    const fd = fs.openSync(__filename)
    addon.closeFd(fd)
    assert.throws(() => fs.fstatSync(fd), { code: 'EBADF' })
    addon.closeFd(-1)
  })
})

function deferred() {
  const result = {}
  result.promise = new Promise((resolve) => {
    result.resolve = resolve
  })
  return result
}
