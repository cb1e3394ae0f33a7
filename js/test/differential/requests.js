'use strict'
// Random requests for a generated program: paths that could reach its routes, in many spellings, and
// headers and bodies that its handlers look at. It must not make what depends on the time of day.

/** Segments of paths, here and in programs. */
const WORDS = ['a', 'b', 'admin', 'x', 'Ab', 'é', 'a-b', 'a.b', '%41']

/** Paths that could reach something, joined along the tree. */
function* targets(tree, before = '') {
  for (const one of tree.layers) {
    const paths = one.path === undefined ? [''] : [one.path].flat()
    for (const path of paths) {
      const text = typeof path === 'string' ? path : '/re'
      yield before + text
      if (one.node) yield* targets(one.node, before + (text === '/' ? '' : text))
    }
  }
}

/** A concrete path for a pattern. */
function concrete(r, pattern) {
  return pattern
    .replace(/\{([^}]*)\}/g, (_, inner) => (r.chance(0.5) ? inner : ''))
    .replace(/[:*](?:"[^"]*"|\w+)/g, (p) =>
      p.startsWith('*')
        ? r.pick(['one', 'one/two', 'a%2fb'])
        : r.pick([
            '1',
            'abc',
            'a%20b',
            '%E2%98%83',
            'é',
            '__proto__',
            'a%2fb',
            '%ff',
            '%zz',
            'constructor'
          ])
    )
    .replace(/\/\/+/g, '/')
}

/** Other spellings of a path (the router and a middleware must agree on what each is). */
function spelling(r, path) {
  const at = r.int(path.length || 1)
  const code = path.charCodeAt(at)
  return r.weighted([
    [14, () => path],
    [2, () => path.toUpperCase()],
    [2, () => `${path}/`],
    [1, () => `/${path}`],
    [1, () => path.replace(/\/([^/]*)$/, '//$1')],
    [
      1,
      () =>
        code < 128 && code !== 47
          ? `${path.slice(0, at)}%${code.toString(16)}${path.slice(at + 1)}`
          : path
    ],
    [1, () => `${path};v=1`],
    [1, () => `/.${path}`],
    [1, () => `/x/..${path}`],
    [1, () => `${path}%2f`],
    [1, () => `${path}%00`],
    [1, () => `http://h${path}`],
    [1, () => `${path}?`],
    [1, () => `${path}#f`],
    [1, () => `${path}\\`],
    [1, () => `${path}/more`],
    [1, () => `${path.slice(0, -1)}%25${path.slice(-1)}`],
    [0.5, () => path.replace(/\//g, '%2F')],
    [0.5, () => path.replace(/^\//, '')],
    [0.5, () => `${path}%`],
    [0.3, () => '*']
  ])()
}

const utf8 = (text) => Buffer.from(text).toString('latin1')

function request(r, paths, file) {
  let path = r.chance(0.85)
    ? concrete(r, r.pick(paths))
    : `/${r.times(1 + r.int(3), () => r.pick(WORDS)).join('/')}`
  if (file && r.chance(0.2))
    path = r.pick([
      '/hello.txt',
      '/static/hello.txt',
      '/',
      '/sub',
      '/sub/',
      '/.hidden',
      '/none',
      '/page',
      '/large.txt',
      '/static/%2e%2e/x',
      '/a/index.html',
      '/static'
    ])
  path = spelling(r, path)
  if (r.chance(0.25))
    path += `${path.includes('?') ? '&' : '?'}${r.pick(['q=1', 'a[b]=c&a[d]=e', 'a=1&a=2', '__proto__=x', 'callback=cb', 'callback=a.b[0]&cb=x', '', 'x=%zz', 'é=ü', 'a[]=1&a[]=2', 'b=%00'])}`
  const method = r.weighted([
    [10, 'GET'],
    [4, 'POST'],
    [2, 'HEAD'],
    [1, 'OPTIONS'],
    [1, 'PUT'],
    [1, 'DELETE'],
    [0.5, 'PATCH'],
    [0.3, 'PROPFIND'],
    [0.2, 'QUERY']
  ])
  const headers = [
    ['Host', r.pick(['example.test', 'a.b.example.test:80', '[::1]:3000', 'example.test:'])]
  ]
  const maybe = (p, name, values) => {
    if (r.chance(p)) headers.push([name, r.pick(values)])
  }
  maybe(0.1, 'Accept', [
    'text/html',
    'application/json',
    'text/*;q=0.1, application/json',
    'image/png',
    '*/*'
  ])
  maybe(0.08, 'If-None-Match', [
    '*',
    '"x"',
    'W/"5-qvTGHdzF6KLavt4PO0gs2a6pQ00"',
    '"tag"',
    'W/"weak", "tag"'
  ])
  maybe(0.05, 'If-Modified-Since', [
    'Thu, 01 Jan 1970 00:00:00 GMT',
    'Fri, 31 Dec 2038 00:00:00 GMT',
    'nonsense'
  ])
  maybe(0.06, 'Range', [
    'bytes=0-3',
    'bytes=-2',
    'bytes=5-',
    'bytes=100000-',
    'bytes=0-1,3-4',
    'items=1',
    'bytes=x',
    `bytes=${'0-0,'.repeat(50)}1-1`
  ])
  maybe(0.03, 'If-Range', ['"x"', 'Thu, 01 Jan 1970 00:00:00 GMT'])
  maybe(0.03, 'Cache-Control', ['no-cache', 'max-age=0'])
  maybe(0.05, 'X-Forwarded-For', ['1.2.3.4, 5.6.7.8', '127.0.0.1'])
  maybe(0.05, 'X-Forwarded-Proto', ['https', 'https, http'])
  maybe(0.05, 'X-Forwarded-Host', ['proxy.test', 'a.test:81, b.test'])
  maybe(0.05, 'X-Requested-With', ['XMLHttpRequest'])
  maybe(0.05, 'Cookie', ['a=b; c=d', '__proto__=1'])
  maybe(0.03, '__proto__', ['x'])
  maybe(0.03, 'Expect', ['100-continue', 'other'])
  maybe(0.03, 'TE', ['trailers'])
  let body = ''
  const hasBody =
    method === 'POST' || method === 'PUT' || method === 'PATCH' ? r.chance(0.8) : r.chance(0.05)
  if (hasBody) {
    body = r.pick([
      '{"a":1}',
      '{"__proto__":{"x":1}}',
      '[1,2',
      '"str"',
      '',
      'a=1&b=2',
      'a[b]=c&__proto__[x]=1',
      'plain é',
      '[]',
      '  {"s":2}',
      '{"long":"'.padEnd(3000, 'l').concat('"}')
    ])
    maybe(0.9, 'Content-Type', [
      'application/json',
      'application/json',
      'application/json; charset=utf-8',
      'application/json; charset=latin1',
      'application/x-www-form-urlencoded',
      'text/plain',
      'text/plain; charset=utf-16le',
      'application/octet-stream',
      'nonsense',
      'application/vnd.api+json'
    ])
    maybe(0.04, 'Content-Encoding', ['gzip', 'identity', 'deflate', 'weird'])
  }
  body = utf8(body)
  if (hasBody) {
    if (r.chance(0.25)) {
      headers.push(['Transfer-Encoding', 'chunked'])
      const cut = r.int(body.length + 1)
      body = `${[body.slice(0, cut), body.slice(cut)]
        .filter((c) => c !== '')
        .map((c) => `${c.length.toString(16)}\r\n${c}\r\n`)
        .join('')}0\r\n${r.chance(0.2) ? 'X-Trail: er\r\n' : ''}\r\n`
    } else headers.push(['Content-Length', String(body.length)])
  }
  const version = r.chance(0.05) ? '1.0' : '1.1'
  if (version === '1.0' && r.chance(0.5)) headers.push(['Connection', 'keep-alive'])
  return { method, path: utf8(path), headers, body, version }
}

/** The bytes of a request. */
function encode({ method, path, headers, body, version }, close) {
  const lines = close
    ? [...headers.filter(([n]) => n !== 'Connection'), ['Connection', 'close']]
    : headers
  return `${method} ${path} HTTP/${version}\r\n${lines.map(([n, v]) => `${n}: ${v}\r\n`).join('')}\r\n${body}`
}

function groups(r, paths, count, file) {
  return r.times(count, () => {
    const requests = r.times(1 + r.int(3), () => request(r, paths, file))
    const pipelined = r.chance(0.15)
    // what comes behind a message that ends the connection is an error
    if (pipelined) for (const one of requests.slice(0, -1)) one.version = '1.1'
    return { requests, pipelined, pieces: r.chance(0.1) ? 2 + r.int(3) : 0, close: r.chance(0.5) }
  })
}

module.exports = { encode, groups, targets, WORDS }
