'use strict'

// A small HTTP/1.1 client on bare sockets: it records what a server wrote, as it wrote it (case and order of header
// lines, reason phrase, 1xx responses, framing, trailers, whether the connection was closed).
// It must not use node:http, or correct, merge or reorder anything it reads.

const net = require('node:net')
const tls = require('node:tls')

const CRLF = Buffer.from('\r\n')
const READ_LIMIT_MS = 10_000

/**
 * One connection with buffered reads.
 * Every read rejects after 10 s without the awaited bytes (code `ETIMEDOUT`), on socket errors (their code),
 * and with code `EOF` if the peer ended first.
 */
class Connection {
  constructor(socket) {
    this.socket = socket
    this.chunks = []
    this.length = 0
    this.ended = false
    this.error = null
    this.waiter = null
    socket.on('data', (chunk) => {
      this.chunks.push(chunk)
      this.length += chunk.length
      this.#wake()
    })
    socket.on('end', () => {
      this.ended = true
      this.#wake()
    })
    socket.on('error', (error) => {
      this.error = error
      this.#wake()
    })
    socket.on('close', () => {
      this.ended = true
      this.#wake()
    })
  }

  /**
   * @param {{ port?: number, host?: string, socketPath?: string, tls?: object | boolean, allowHalfOpen?: boolean }} where
   * @returns {Promise<Connection>}
   */
  static open(where) {
    const host = where.host ?? '127.0.0.1'
    const socket = where.tls
      ? tls.connect({
          host,
          port: where.port,
          rejectUnauthorized: false,
          ...(where.tls === true ? {} : where.tls)
        })
      : where.socketPath
        ? net.connect({ path: where.socketPath, allowHalfOpen: where.allowHalfOpen })
        : net.connect({ host, port: where.port, allowHalfOpen: where.allowHalfOpen })
    return new Promise((resolve, reject) => {
      socket.once('error', reject)
      socket.once(where.tls ? 'secureConnect' : 'connect', () => {
        socket.off('error', reject)
        socket.setNoDelay(true)
        resolve(new Connection(socket))
      })
    })
  }

  /** What has arrived and was not taken. Joined when somebody looks: a large body comes in many pieces. */
  get buffer() {
    if (this.chunks.length !== 1) this.chunks = [Buffer.concat(this.chunks)]
    return this.chunks[0]
  }

  set buffer(bytes) {
    this.chunks = [bytes]
    this.length = bytes.length
  }

  #wake() {
    const waiter = this.waiter
    this.waiter = null
    if (waiter) waiter()
  }

  async #more(what) {
    if (this.error) throw this.error
    if (this.ended)
      throw Object.assign(new Error(`connection ended while waiting for ${what}`), { code: 'EOF' })
    let timer
    await new Promise((resolve, reject) => {
      this.waiter = resolve
      timer = setTimeout(() => {
        this.waiter = null
        reject(
          Object.assign(new Error(`no ${what} after ${READ_LIMIT_MS} ms`), { code: 'ETIMEDOUT' })
        )
      }, READ_LIMIT_MS)
    }).finally(() => clearTimeout(timer))
  }

  /** Writes bytes (strings are latin1). */
  write(bytes) {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    return this
  }

  /** Shuts down the write side (FIN); reading goes on. */
  end() {
    this.socket.end()
    return this
  }

  /** Drops the connection; with `reset` by RST. */
  destroy(reset = false) {
    if (reset && this.socket.resetAndDestroy) this.socket.resetAndDestroy()
    else this.socket.destroy()
  }

  /** Takes bytes up to and including `mark`; returns them without it. */
  async readUntil(mark, what = 'delimiter') {
    const needle = Buffer.from(mark, 'latin1')
    for (;;) {
      const at = this.buffer.indexOf(needle)
      if (at >= 0) {
        const out = this.buffer.subarray(0, at)
        this.buffer = this.buffer.subarray(at + needle.length)
        return out
      }
      await this.#more(what)
    }
  }

  /** Takes exactly `count` bytes. */
  async readExactly(count, what = `${count} bytes`) {
    while (this.length < count) await this.#more(what)
    const out = this.buffer.subarray(0, count)
    this.buffer = this.buffer.subarray(count)
    return out
  }

  /** Takes all bytes until the peer ends; resolves to `{ bytes, error }` where `error` is a code or null. */
  async readToEnd() {
    let error = null
    while (!this.ended && !this.error) {
      try {
        await this.#more('end of the connection')
      } catch (e) {
        error = e.code === 'EOF' ? null : e.code
        break
      }
    }
    if (this.error) error = this.error.code
    const bytes = this.buffer
    this.buffer = Buffer.alloc(0)
    return { bytes, error }
  }

  /** Takes what has arrived, waiting for at least one byte. */
  async readSome() {
    while (this.length === 0) await this.#more('bytes')
    const out = this.buffer
    this.buffer = Buffer.alloc(0)
    return out
  }

  async #readHead() {
    const text = (await this.readUntil('\r\n\r\n', 'response head')).toString('latin1')
    const lines = text.split('\r\n')
    const statusLine = /^HTTP\/(\d\.\d) (\d{3})(?: (.*))?$/.exec(lines[0])
    if (!statusLine)
      throw Object.assign(new Error(`not a status line: ${JSON.stringify(lines[0])}`), {
        code: 'EBADHEAD'
      })
    const headers = lines.slice(1).map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')]
    })
    return {
      version: statusLine[1],
      status: Number(statusLine[2]),
      reason: statusLine[3] ?? '',
      headers
    }
  }

  /**
   * Reads one response, with the 1xx responses before it.
   * @param {string} method the request's method: a response to HEAD, and a 2xx to CONNECT, has no body
   * @returns {Promise<{ informational: object[], version: string, status: number, reason: string,
   *   headers: string[][], framing: 'none'|'length'|'chunked'|'close', body: Buffer, trailers: string[][] }>}
   *   A body that is cut short is returned as far as it came, with `cut` set to the error's code.
   */
  async readResponse(method = 'GET') {
    const informational = []
    let head = await this.#readHead()
    while (head.status >= 100 && head.status < 200 && head.status !== 101) {
      informational.push(head)
      head = await this.#readHead()
    }
    const result = { informational, ...head, framing: 'none', body: Buffer.alloc(0), trailers: [] }
    if (method === 'HEAD' || head.status === 204 || head.status === 304 || head.status === 101)
      return result
    if (method === 'CONNECT' && head.status < 300) return result
    const value = (name) => head.headers.find(([n]) => n.toLowerCase() === name)?.[1]
    const parts = []
    try {
      if (/chunked\s*$/i.test(value('transfer-encoding') ?? '')) {
        result.framing = 'chunked'
        for (;;) {
          const size = Number.parseInt(
            (await this.readUntil(CRLF, 'chunk size')).toString('latin1'),
            16
          )
          if (size === 0) break
          parts.push(await this.readExactly(size, 'chunk data'))
          await this.readExactly(2, 'end of chunk')
        }
        for (;;) {
          const line = (await this.readUntil(CRLF, 'trailer line')).toString('latin1')
          if (line === '') break
          const colon = line.indexOf(':')
          result.trailers.push([line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')])
        }
      } else if (value('content-length') !== undefined) {
        result.framing = 'length'
        parts.push(await this.readExactly(Number(value('content-length')), 'response body'))
      } else {
        result.framing = 'close'
        const rest = await this.readToEnd()
        parts.push(rest.bytes)
        if (rest.error) result.cut = rest.error
      }
    } catch (error) {
      result.cut = error.code
      parts.push(this.buffer)
      this.buffer = Buffer.alloc(0)
    }
    result.body = Buffer.concat(parts)
    return result
  }
}

/** `{ a: 'x', b: ['y', 'z'] }` or pairs → pairs. */
function pairs(headers = {}) {
  if (Array.isArray(headers)) return headers
  return Object.entries(headers).flatMap(([name, value]) =>
    Array.isArray(value)
      ? value.map((one) => [name, String(one)])
      : value === undefined
        ? []
        : [[name, String(value)]]
  )
}

/**
 * The bytes of one request. `Host: app.test`, `Connection: keep-alive` and, for a body, `Content-Length` are added unless given.
 * @param {{ method?: string, path?: string, headers?: object | string[][], body?: string | Buffer, json?: unknown,
 *   form?: string | Record<string, string>, version?: string, cookies?: string }} request
 */
function encodeRequest(request) {
  const lines = pairs(request.headers)
  const has = (name) => lines.some(([n]) => n.toLowerCase() === name)
  let body = request.body
  if (request.json !== undefined) {
    body = JSON.stringify(request.json)
    if (!has('content-type')) lines.push(['Content-Type', 'application/json'])
  } else if (request.form !== undefined) {
    body =
      typeof request.form === 'string' ? request.form : new URLSearchParams(request.form).toString()
    if (!has('content-type')) lines.push(['Content-Type', 'application/x-www-form-urlencoded'])
  }
  if (typeof body === 'string') body = Buffer.from(body, 'utf8')
  if (!has('host')) lines.unshift(['Host', 'app.test'])
  if (!has('connection')) lines.push(['Connection', 'keep-alive'])
  if (request.cookies && !has('cookie')) lines.push(['Cookie', request.cookies])
  if (body !== undefined && !has('content-length') && !has('transfer-encoding'))
    lines.push(['Content-Length', String(body.length)])
  const head = `${request.method ?? 'GET'} ${request.path ?? '/'} HTTP/${request.version ?? '1.1'}\r\n${lines
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`
  return Buffer.concat([Buffer.from(head, 'latin1'), body ?? Buffer.alloc(0)])
}

/** `multipart/form-data` with a fixed boundary. Parts: `{ name, filename?, type?, value }`. */
function multipart(parts, boundary = 'ecosystem-boundary') {
  const chunks = []
  for (const part of parts) {
    const file = part.filename === undefined ? '' : `; filename="${part.filename}"`
    const type = part.type ? `Content-Type: ${part.type}\r\n` : ''
    chunks.push(
      Buffer.from(
        `--${boundary}\r\nContent-Disposition: form-data; name="${part.name}"${file}\r\n${type}\r\n`
      )
    )
    chunks.push(Buffer.isBuffer(part.value) ? part.value : Buffer.from(part.value))
    chunks.push(CRLF)
  }
  chunks.push(Buffer.from(`--${boundary}--\r\n`))
  return {
    headers: { 'Content-Type': `multipart/form-data; boundary=${boundary}` },
    body: Buffer.concat(chunks)
  }
}

/** Name=value pairs of a response's Set-Cookie lines, as a Cookie header, over the ones already held. */
function cookieJar(result, before = '') {
  const jar = new Map(before ? before.split('; ').map((c) => [c.slice(0, c.indexOf('=')), c]) : [])
  for (const [name, value] of result.headers) {
    if (name.toLowerCase() !== 'set-cookie') continue
    const cookie = value.split(';')[0]
    const key = cookie.slice(0, cookie.indexOf('='))
    if (/expires=Thu, 01 Jan 1970/i.test(value)) jar.delete(key)
    else jar.set(key, cookie)
  }
  return [...jar.values()].join('; ')
}

/**
 * A request on a connection of its own.
 * `readAs` is the method by which to read the response, where the server was told another one than the request line says.
 * @returns the response (see `readResponse`) and `serverClosed`: whether the server ended the connection after a response
 *   that announced it; or `{ error: code }`.
 */
async function request(where, options) {
  let connection
  try {
    connection = await Connection.open(where)
    connection.write(encodeRequest(options))
    const result = await connection.readResponse(options.readAs ?? options.method)
    const close = result.headers.some(
      ([n, v]) => n.toLowerCase() === 'connection' && /close/i.test(v)
    )
    if (close && result.cut === undefined) {
      const rest = await connection.readToEnd()
      result.serverClosed =
        rest.error ?? (rest.bytes.length === 0 || `with ${rest.bytes.length} further bytes`)
    }
    return result
  } catch (error) {
    return { error: error.code ?? String(error) }
  } finally {
    connection?.destroy()
  }
}

module.exports = { Connection, request, encodeRequest, multipart, cookieJar }
