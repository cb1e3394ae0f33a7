'use strict'

// Direct connections, whose sockets the JavaScript thread watches itself: what a client sees of them is what it sees of any other.
// Every exchange is done on a connection that is direct and, as the oracle, on one of a server that has none (RNODE_DIRECT=0).
// Nothing here depends on how long something takes; a limit only makes a hang a failure.

const assert = require('node:assert')
const { fork } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const net = require('node:net')
const path = require('node:path')
const { after, before, describe, test } = require('node:test')
const { temporaryTree } = require('../helpers/tree')

const SERVER = path.join(__dirname, 'fixtures', 'direct-server.js')
const LIMIT_MS = 60_000
const skip = process.platform !== 'linux' && 'there are none'

const { root: folder, write } = temporaryTree('direct')
write('file.txt', 'of a file')
write('large.txt', 'x'.repeat(8 << 20))

async function start(env = {}, ...args) {
  const child = fork(SERVER, [folder, ...args], {
    env: { ...process.env, RNODE_DIRECT: '', ...env },
    execArgv: [],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc']
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  const [port] = await once(child, 'message')
  return { child, port, stderr: () => stderr, exit: once(child, 'exit') }
}

/** A connection that collects what it receives. */
class Client {
  constructor(port) {
    this.text = ''
    this.ended = false
    this.waiting = null
    const tell = () => this.waiting?.()
    this.socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    this.socket.setEncoding('latin1')
    this.socket.on('data', (text) => {
      this.text += text
      tell()
    })
    this.socket.on('error', () => {})
    for (const event of ['end', 'close']) {
      this.socket.on(event, () => {
        this.ended = true
        tell()
      })
    }
  }

  /** Takes what `accepts` finds at the front of the text: it returns its length, or 0 for "not yet". */
  async take(accepts) {
    const began = Date.now()
    for (;;) {
      const length = accepts(this.text, this.ended)
      if (length > 0 || this.ended) {
        const taken = this.text.slice(0, length)
        this.text = this.text.slice(length)
        return taken
      }
      assert.ok(Date.now() - began < LIMIT_MS, `nothing came after ${this.text.slice(0, 200)}`)
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, LIMIT_MS)
        this.waiting = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      this.waiting = null
    }
  }

  /** One answer, framed by its head. */
  answer() {
    return this.take((text) => {
      const head = text.indexOf('\r\n\r\n')
      if (head < 0) return 0
      const lines = text.slice(0, head).toLowerCase()
      const length = /content-length: (\d+)/.exec(lines)
      if (/transfer-encoding: chunked/.test(lines)) {
        const end = text.indexOf('\r\n0\r\n\r\n', head)
        return end < 0 ? 0 : end + 7
      }
      const total = head + 4 + (length === null ? 0 : Number(length[1]))
      return text.length < total ? 0 : total
    })
  }

  rest() {
    return this.take((text, ended) => (ended ? text.length : 0))
  }

  async get(target, headers = '') {
    this.socket.write(`GET ${target} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`)
    return body(await this.answer())
  }

  async events() {
    return JSON.parse(await this.get('/events'))
  }
}

const body = (answer) => answer.slice(answer.indexOf('\r\n\r\n') + 4)
const plain = (text) => text.replaceAll(/\r\nDate: [^\r]*/g, '')

/** A connection that is direct. */
async function direct(port) {
  const client = new Client(port)
  const began = Date.now()
  while (Number(await client.get('/direct')) === 0) {
    assert.ok(Date.now() - began < LIMIT_MS, 'no connection becomes direct')
  }
  return client
}

/** name: what a client does, and returns what it has seen. */
const EXCHANGES = {
  'two requests in one packet': async (c) => {
    const one = (id) => `GET /echo HTTP/1.1\r\nHost: a\r\nX-Id: ${id}\r\n\r\n`
    c.socket.write(one(1) + one(2))
    return [await c.answer(), await c.answer(), await c.get('/echo')]
  },
  'a request while another is handled': async (c) => {
    c.socket.write('GET /later HTTP/1.1\r\nHost: a\r\nX-Id: 1\r\n\r\n')
    c.socket.write('GET /echo HTTP/1.1\r\nHost: a\r\nX-Id: 2\r\n\r\n')
    return [await c.answer(), await c.answer()]
  },
  'a head in two parts': async (c) => {
    c.socket.write('GET /echo HTTP/1.1\r\nHo')
    await new Promise((resolve) => setTimeout(resolve, 3))
    c.socket.write('st: a\r\n\r\n')
    return [await c.answer(), await c.get('/echo')]
  },
  'a body with its head': async (c) => {
    c.socket.write('POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello')
    return [await c.answer(), await c.get('/echo')]
  },
  'a body in parts': async (c) => {
    c.socket.write('POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe')
    await new Promise((resolve) => setTimeout(resolve, 3))
    c.socket.write('llo')
    return [await c.answer(), await c.get('/echo')]
  },
  'a chunked body': async (c) => {
    c.socket.write('POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
    c.socket.write('5\r\nhello\r\n0\r\n\r\n')
    return [await c.answer(), await c.get('/echo')]
  },
  'Expect: 100-continue': async (c) => {
    c.socket.write(
      'POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n'
    )
    const first = await c.answer()
    c.socket.write('hi')
    return [first, await c.answer(), await c.get('/echo')]
  },
  'an unread body': async (c) => {
    c.socket.write(`POST /file HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello`)
    return [await c.answer(), await c.get('/echo')]
  },
  'HEAD and 304': async (c) => {
    c.socket.write('HEAD /finished HTTP/1.1\r\nHost: a\r\n\r\n')
    const head = await c.take(
      (text) => text.indexOf('\r\n\r\n') + 4 * Number(text.includes('\r\n\r\n'))
    )
    const tag = /ETag: (.*)\r/.exec(head)[1]
    c.socket.write(`GET /finished HTTP/1.1\r\nHost: a\r\nIf-None-Match: ${tag}\r\n\r\n`)
    return [head, await c.answer(), await c.get('/echo')]
  },
  'a file of sendFile and one of express.static': async (c) => [
    await c.get('/file'),
    await c.get('/files/file.txt'),
    await c.get('/files/none.txt'),
    await c.get('/echo')
  ],
  'a streamed answer': async (c) => [await c.get('/stream'), await c.get('/echo')],
  'a large answer that is read late': async (c) => {
    c.socket.pause()
    c.socket.write('GET /large HTTP/1.1\r\nHost: a\r\n\r\n')
    await new Promise((resolve) => setTimeout(resolve, 20))
    c.socket.resume()
    return [(await c.answer()).length, await c.get('/echo')]
  },
  'a request while a file is sent': async (c) => {
    c.socket.pause()
    c.socket.write('GET /large-file HTTP/1.1\r\nHost: a\r\n\r\n')
    await new Promise((resolve) => setTimeout(resolve, 20))
    c.socket.write('GET /echo HTTP/1.1\r\nHost: a\r\n\r\n')
    c.socket.resume()
    return [(await c.answer()).length, await c.answer()]
  },
  'events of the response': async (c) => {
    await c.events()
    return [await c.get('/finished'), await c.events()]
  },
  'an error': async (c) => [await c.get('/throw'), await c.get('/none'), await c.get('/echo')],
  'a broken request': async (c) => {
    c.socket.write('GET / HTTP/1.1\r\nBad Name: x\r\n\r\n')
    return [await c.rest()]
  },
  'Connection: close': async (c) => {
    c.socket.write('GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    return [await c.rest()]
  },
  'HTTP/1.0': async (c) => {
    c.socket.write('GET /echo HTTP/1.0\r\n\r\n')
    return [await c.rest()]
  },
  'a FIN after the request': async (c) => {
    c.socket.end('GET /never HTTP/1.1\r\nHost: a\r\n\r\n')
    return [await c.rest()]
  },
  'a FIN between requests': async (c) => {
    c.socket.end()
    return [await c.rest()]
  },
  'a socket that the handler destroys': async (c) => {
    c.socket.write('GET /destroy HTTP/1.1\r\nHost: a\r\n\r\n')
    return [await c.rest()]
  },
  'an upgrade': async (c) => {
    c.socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly')
    const answer = await c.take((text) => (text.endsWith('early') ? text.length : 0))
    c.socket.end('late')
    return [answer, await c.rest()]
  }
}

describe('direct connections', { skip }, () => {
  let ours
  let oracle

  before(async () => {
    ours = await start()
    oracle = await start({ RNODE_DIRECT: '0' })
  })

  after(async () => {
    for (const { child, exit, stderr } of [ours, oracle]) {
      child.kill()
      await exit
      assert.strictEqual(stderr(), '')
    }
  })

  test('a server told so has none', async () => {
    const client = new Client(oracle.port)
    for (let i = 0; i < 200; i++) assert.strictEqual(await client.get('/direct'), '0')
    client.socket.destroy()
  })

  /** A server that ends with the test. */
  const own = async (t) => {
    const server = await start()
    t.after(() => {
      server.child.kill()
      return server.exit
    })
    return server
  }

  /** `get` answers with the number of direct connections, of which there are none but this one. */
  const untilDirect = async (get) => {
    const began = Date.now()
    while ((await get()) !== '1') assert.ok(Date.now() - began < LIMIT_MS, 'it is never direct')
  }

  test('one that is idle stays direct', async (t) => {
    const server = await own(t)
    const client = await direct(server.port)
    await untilDirect(async () => {
      await new Promise((resolve) => setTimeout(resolve, 100))
      return client.get('/direct')
    })
    client.socket.destroy()
  })

  test('one is direct whose requests pass files in front', async (t) => {
    const server = await own(t)
    const client = new Client(server.port)
    const name = path.join(folder, 'later')
    await untilDirect(() => client.get('/api/later'))
    assert.strictEqual(await client.get('/api/file.txt'), 'of a file')
    assert.match(await client.get('/api/later'), /^[01]$/)
    await untilDirect(() => client.get('/api/later?query'))
    fs.writeFileSync(name, 'it is here')
    assert.strictEqual(await client.get('/api/later'), 'it is here')
    fs.rmSync(name)
    assert.match(await client.get('/api/later'), /^[01]$/)
    await untilDirect(() => client.get('/api/later'))
    client.socket.destroy()
  })

  test('the first file of all has its head from JavaScript', async (t) => {
    const server = await own(t)
    for (const [name, length] of [
      ['file.txt', 9],
      ['large.txt', 8 << 20]
    ]) {
      const client = await direct(server.port)
      assert.strictEqual((await client.get(`/hooked/${name}`)).length, length)
      assert.match(await client.get('/direct'), /^\d+$/)
      client.socket.destroy()
    }
    assert.strictEqual(server.stderr(), '')
  })

  test('an idle one does not wait for JavaScript where that is not needed', async (t) => {
    const server = await own(t)
    const client = await direct(server.port)
    const other = await direct(server.port)
    await new Promise((resolve) => setTimeout(resolve, 100))
    const order = []
    const block = other.get('/block?ms=3000').then(() => order.push('blocked'))
    assert.strictEqual(await client.get('/files/file.txt'), 'of a file')
    order.push('file')
    await block
    assert.deepStrictEqual(order, ['file', 'blocked'])
    client.socket.destroy()
    other.socket.destroy()
  })

  test('a socket stays the same object', async () => {
    const client = new Client(ours.port)
    for (let i = 1; i <= 300; i++) assert.strictEqual(await client.get('/same-socket'), String(i))
    client.socket.destroy()
  })

  for (const [name, exchange] of Object.entries(EXCHANGES)) {
    test(name, async () => {
      const expected = new Client(oracle.port)
      await expected.get('/direct')
      const client = await direct(ours.port)
      const [seen, wanted] = [await exchange(client), await exchange(expected)]
      client.socket.destroy()
      expected.socket.destroy()
      const comparable = (values) => values.map((value) => plain(String(value)))
      assert.deepStrictEqual(comparable(seen), comparable(wanted))
    })
  }

  test('a handler hears that its client has gone', async () => {
    const other = new Client(ours.port)
    await other.events()
    const client = await direct(ours.port)
    client.socket.write('GET /never HTTP/1.1\r\nHost: a\r\n\r\n')
    const seen = []
    while (!seen.includes('asked')) seen.push(...(await other.events()))
    client.socket.destroy()
    while (seen.length < 2) seen.push(...(await other.events()))
    assert.deepStrictEqual(seen, ['asked', 'closed false'])
    other.socket.destroy()
  })

  test('what needs no JavaScript does not wait for it', async () => {
    const blocked = await direct(ours.port)
    const second = new Client(ours.port)
    // both are direct, or at least the second is served while the first one blocks
    for (let i = 0; i < 100; i++) await Promise.all([blocked.get('/echo'), second.get('/echo')])
    const order = []
    const block = blocked.get('/block?ms=3000').then(() => order.push('blocked'))
    for (const client of [second, new Client(ours.port)]) {
      assert.strictEqual(await client.get('/files/file.txt'), 'of a file')
      order.push('file')
      client.socket.destroy()
    }
    await block
    assert.deepStrictEqual(order, ['file', 'file', 'blocked'])
    blocked.socket.destroy()
  })

  test('connections change hands while they are used in every way', async () => {
    let seed = 1
    const random = (below) => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed % below
    }
    const names = Object.keys(EXCHANGES).filter((name) => !/events|late|FIN|socket/.test(name))
    const run = async (number) => {
      let client = new Client(ours.port)
      for (let i = 0; i < 150; i++) {
        const id = `${number}-${i}`
        const dice = random(40)
        if (dice === 0) {
          client.socket.write(`GET /never HTTP/1.1\r\nHost: a\r\n\r\n`)
          client.socket.destroy()
          client = new Client(ours.port)
        } else if (dice === 1) {
          assert.strictEqual(await client.get('/block?ms=8', `X-Id: ${id}\r\n`), id)
        } else if (dice < 6) {
          assert.strictEqual(await client.get('/later', `X-Id: ${id}\r\n`), id)
        } else if (dice < 9) {
          await EXCHANGES[names[random(names.length)]](client)
          if (client.ended) client = new Client(ours.port)
        } else {
          const answer = await client.get('/echo', `X-Id: ${id}\r\n`)
          assert.ok(!client.ended, `the connection of ${id} ended`)
          assert.strictEqual(JSON.parse(answer).id, id)
        }
      }
      client.socket.destroy()
    }
    // few at first, so that they become direct, then more, then one
    for (const clients of [2, 5, 24, 1]) {
      await Promise.all(Array.from({ length: clients }, (_, number) => run(number)))
    }
  })

  test('close() ends them, and then the process', async () => {
    const server = await start()
    const client = await direct(server.port)
    const idle = await direct(server.port)
    server.child.disconnect()
    assert.strictEqual(await client.get('/close'), 'closing')
    await Promise.all([client.rest(), idle.rest()])
    client.socket.end()
    idle.socket.end()
    assert.deepStrictEqual(await server.exit, [0, null])
    assert.strictEqual(server.stderr(), '')
  })

  test('a worker is terminated while its connections are direct', async () => {
    for (let i = 0; i < 8; i++) {
      const server = await start({}, 'worker')
      const client = await direct(server.port)
      const asked = (async () => {
        while (!client.ended) await client.get('/echo').catch(() => {})
      })()
      server.child.send('terminate')
      assert.deepStrictEqual(await server.exit, [0, null], server.stderr())
      assert.strictEqual(server.stderr(), '')
      await asked
    }
  })
})
