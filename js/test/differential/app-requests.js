'use strict'
// Requests for applications as people write them: for what is there, with bodies as browsers and programs send them, some of them
// compressed, in ranges and conditions that name what the last answer has given (see `filled` in client.js).

const { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } = require('node:zlib')

function concrete(r, pattern) {
  return (
    pattern
      .replace(/\{([^}]*)\}/g, (_, inner) => (r.chance(0.5) ? inner : ''))
      .replace(/[:*]\w+/g, (p) =>
        p[0] === '*' ? r.pick(['x/y', 'z']) : r.pick(['1', '42', 'tj', 'a%20b', '%C3%A9', 'x.y'])
      )
      .replace(/\/\/+/g, '/') || '/'
  )
}

const latin1 = (text) => Buffer.from(text).toString('latin1')

const CODINGS = {
  gzip: gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  raw: deflateRawSync
}

function bodyFor(r, headers) {
  const [type, text] = r.pick([
    ['application/json', '{"a":1,"b":"ä"}'],
    ['application/json; charset=utf-8', '[1,2,{"x":null}]'],
    ['application/json', '{"broken":'],
    ['application/json', '"string"'],
    ['application/json', ''],
    ['application/json;charset=utf-16', '{}'],
    ['application/json; charset=x-none', '{}'],
    ['application/vnd.api+json', '{"data":[]}'],
    ['application/x-www-form-urlencoded', 'a=1&b%5Bc%5D=2&d[]=3&d[]=4'],
    ['application/x-www-form-urlencoded; charset=iso-8859-1', 'n=%E4&utf8=%26%2310003%3B'],
    ['application/x-www-form-urlencoded', 'a[b][c][d][e][f][g]=deep&x=1&y=2&z=3'],
    ['text/plain', 'plain ä text'],
    ['text/plain; charset=iso-8859-1', 'caf\xe9'],
    ['application/octet-stream', 'bytes\0more'],
    ['multipart/form-data; boundary=x', '--x\r\n\r\n--x--\r\n'],
    [undefined, 'untyped'],
    ['application/json', `{"long":"${'l'.repeat(5000)}"}`],
    ['application/json', `{"long":"${'l'.repeat(120000)}"}`],
    ['text/plain', 't'.repeat(70000)]
  ])
  if (type !== undefined) headers.push(['Content-Type', type])
  let body = latin1(text)
  if (r.chance(0.15)) {
    const name = r.pick(['gzip', 'deflate', 'br', 'raw', 'identity', 'GZIP', 'unknown'])
    const code = CODINGS[name.toLowerCase()]
    if (code) body = code(Buffer.from(body, 'latin1')).toString('latin1')
    if (r.chance(0.1)) body = body.slice(0, -3)
    headers.push(['Content-Encoding', name === 'raw' ? 'deflate' : name])
  }
  if (r.chance(0.2)) {
    headers.push(['Transfer-Encoding', 'chunked'])
    // a small body comes as one chunk, as docs/compatibility.md has it
    const size = Math.max(
      1,
      body.length <= 65536 ? body.length : Math.ceil(body.length / (1 + r.int(3)))
    )
    let out = ''
    for (let at = 0; at < body.length; at += size) {
      const part = body.slice(at, at + size)
      out += `${part.length.toString(16)}\r\n${part}\r\n`
    }
    return `${out}0\r\n\r\n`
  }
  headers.push(['Content-Length', String(body.length)])
  return body
}

function request(r, known, isFirst) {
  const [pattern, verb] = r.pick(known)
  let path = concrete(r, pattern)
  if (r.chance(0.06))
    path = r.pick([`${path}/`, path.toUpperCase(), `/none${path}`, `${path}/more`])
  if (r.chance(0.25))
    path += r.pick([
      '?q=1',
      '?a[b]=c&a[d]=e',
      '?callback=cb',
      '?cb=x&n=ä',
      '?a=1&a=2',
      '?',
      '?x=%zz'
    ])
  const method =
    verb !== undefined && r.chance(0.8)
      ? verb
      : r.pick(['GET', 'GET', 'HEAD', 'POST', 'OPTIONS', 'PUT', 'DELETE'])
  const headers = [['Host', r.pick(['example.test', 'a.b.example.test:8080', '127.0.0.1'])]]
  const maybe = (p, name, values) => {
    if (r.chance(p)) headers.push([name, r.pick(values)])
  }
  maybe(0.2, 'Accept', [
    'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8',
    'application/json',
    'text/*;q=0.3, application/json;q=0.2',
    'image/png',
    'none/none',
    '*/*;q=0'
  ])
  maybe(0.1, 'Accept-Language', ['de-DE,de;q=0.9,en;q=0.5', '*', 'fr;q=0'])
  maybe(0.1, 'Accept-Encoding', ['gzip, deflate, br', 'identity;q=0', '*;q=0.1'])
  maybe(0.05, 'Accept-Charset', ['utf-8', 'iso-8859-1;q=0.5, *;q=0.1'])
  if (!isFirst) {
    maybe(0.25, 'If-None-Match', ['{etag}', '{etag}', '"x", {etag}', '*', 'W/{etag}'])
    maybe(0.15, 'If-Modified-Since', [
      '{last-modified}',
      'Thu, 01 Jan 1970 00:00:00 GMT',
      'nonsense'
    ])
    maybe(0.05, 'If-Match', ['{etag}', '"x"', '*'])
    maybe(0.05, 'If-Unmodified-Since', ['{last-modified}', 'Thu, 01 Jan 1970 00:00:00 GMT'])
    maybe(0.08, 'If-Range', ['{etag}', '{last-modified}', '"x"'])
    maybe(0.15, 'Cookie', ['{cookie}', '{cookie}; more=1'])
  }
  maybe(0.15, 'Range', [
    'bytes=0-9',
    'bytes=-5',
    'bytes=5-',
    'bytes=0-0,-1',
    'bytes=999999-',
    'bytes=3-1',
    'chars=0-1',
    'bytes=0-5,6-9'
  ])
  maybe(0.05, 'Cache-Control', ['no-cache', 'max-age=0', 'no-store'])
  maybe(0.1, 'X-Forwarded-For', ['1.2.3.4', '9.9.9.9, 5.6.7.8', '::ffff:1.2.3.4, fc00::1', 'bad'])
  maybe(0.08, 'X-Forwarded-Proto', ['https', 'https, http', ''])
  maybe(0.08, 'X-Forwarded-Host', ['proxy.test:81', 'a.b.c.test, d.test'])
  maybe(0.05, 'X-Requested-With', ['XMLHttpRequest', 'xmlhttprequest'])
  maybe(0.05, 'Referer', ['http://from.test/page'])
  maybe(0.05, 'Expect', ['100-continue', '100-Continue'])
  maybe(0.05, 'Cookie', ['a=s%3Av.bad; b=%zz; c="q"', 'j=j%3A%7B%22x%22%3A1%7D'])
  let body = ''
  const takesBody = ['POST', 'PUT', 'PATCH', 'DELETE'].includes(method)
  if (takesBody ? r.chance(0.85) : r.chance(0.03)) body = bodyFor(r, headers)
  const version = r.chance(0.06) ? '1.0' : '1.1'
  if (version === '1.0' && headers.some(([name]) => name === 'Transfer-Encoding'))
    return request(r, known, isFirst)
  maybe(version === '1.0' ? 0.5 : 0.08, 'Connection', ['keep-alive', 'Keep-Alive, TE', 'close'])
  return {
    method,
    path: latin1(path),
    headers: headers.map(([n, v]) => [n, latin1(v)]),
    body,
    version
  }
}

/** The same once more, with what the last answer has given. */
function again(r, one, known) {
  const other = request(r, known, false)
  const headers = [
    ...other.headers.filter(([name]) => !/^(?:content|transfer)/i.test(name)),
    ...one.headers.filter(([name]) => /^(?:content|transfer)/i.test(name))
  ]
  return {
    ...one,
    headers,
    version: '1.1',
    method: one.method === 'GET' && r.chance(0.2) ? 'HEAD' : one.method
  }
}

module.exports = { again, request }
