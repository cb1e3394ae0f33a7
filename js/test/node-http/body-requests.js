'use strict'

// Requests with bodies, for the tests that read them. It must not hold cases.

const crypto = require('node:crypto')

const SMALL = 'small body'
const LARGE = Buffer.alloc(3_000_000, 'abcdefghijklmnopqrstuvwxyz0123456789')
const digest = (buffer) => crypto.createHash('sha1').update(buffer).digest('hex')

/** A request with its body as a whole. */
const post = (body, options = {}) => ({ method: 'POST', path: '/', body, ...options })
/** A request whose body comes in these chunks, followed by trailer lines. */
const chunked = (parts, trailers = '') => ({
  method: 'POST',
  path: '/',
  headers: { 'Transfer-Encoding': 'chunked', ...(trailers ? { Trailer: 'X-Sum, X-Again' } : {}) },
  body: Buffer.concat([
    ...parts.flatMap((p) => [
      Buffer.from(`${Buffer.byteLength(p).toString(16)}\r\n`),
      Buffer.from(p),
      Buffer.from('\r\n')
    ]),
    Buffer.from(`0\r\n${trailers}\r\n`)
  ])
})

module.exports = { LARGE, SMALL, chunked, digest, post }
