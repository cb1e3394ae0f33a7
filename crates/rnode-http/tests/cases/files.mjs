// Writes files.json: what the real npm packages send and serve-static answer, over a real socket, on a small tree of files.
// src/files/tests.rs makes the same tree and must give the same answers.
// Run it with `node crates/rnode-http/tests/cases/files.mjs` (`--check` only compares). No case has an answer written by hand.

import { createHash } from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { put } from '../../../../js/scripts/generated.mjs'

const require = createRequire(import.meta.url)
const send = require('send')
const serveStatic = require('serve-static')

const file = new URL('files.json', import.meta.url)

// [path, text or number of bytes, modification time in ms]; a number makes bytes 0, 1, … 250, 0, … ; null is a folder,
// an array holds the target of a symbolic link.
const tree = [
  ['index.html', '<h1>root</h1>\n', 1577934245678],
  ['hello.txt', 'Hello, file!\n', 1577934245678],
  ['empty.txt', '', 1577934245000],
  ['nums.txt', '0123456789', 1600000000999],
  ['big.bin', 100_000, 1500000000001],
  ['edge.bin', 65_536, 1500000000500],
  ['over.bin', 65_537, 1500000000499],
  ['old.txt', 'before the epoch', -86_400_123],
  ['page.html', '<p>page</p>', 1577934245678],
  ['page.htm', '<p>other page</p>', 1577934245678],
  ['noext', 'no extension', 1577934245678],
  ['dot.', 'ends in a dot', 1577934245678],
  ['thing.html', null],
  ['thing.txt', 'the thing', 1577934245678],
  ['docs', null],
  ['docs/index.html', '<p>docs</p>', 1577934245678],
  ['docs/a.json', '{"a":1}', 1577934245678],
  ['docs/deep', null],
  ['docs/deep/b.css', 'b{}', 1577934245678],
  ['docs.html', '<p>a file beside a folder</p>', 1577934245678],
  ['sub', null],
  ['sub/index.htm', '<p>htm</p>', 1577934245678],
  ['emptydir', null],
  ['dirindex', null],
  ['dirindex/index.html', null],
  ['dirindex/index.htm', '<p>second index</p>', 1577934245678],
  ['.hidden', 'hidden', 1577934245678],
  ['.well', null],
  ['.well/known.txt', 'known', 1577934245678],
  ['.well/index.html', '<p>well</p>', 1577934245678],
  ['docs/.env', 'SECRET=1', 1577934245678],
  ['with space.txt', 'space', 1577934245678],
  ['é.txt', 'e acute', 1577934245678],
  ['a%b.txt', 'percent', 1577934245678],
  ['semi;colon.css', 'a{}', 1577934245678],
  ['back\\slash.txt', 'backslash', 1577934245678],
  ['UPPER.HTML', '<P>', 1577934245678],
  ['app.js', 'let a', 1577934245678],
  ['image.svg', '<svg/>', 1577934245678],
  ['weird.unknownext', '?', 1577934245678],
  ['a.tar.gz', 'gz', 1577934245678],
  ['..double', 'two dots', 1577934245678],
  ['link.txt', ['hello.txt']],
  ['linkdir', ['docs']],
  ['broken.txt', ['nowhere']],
  ['loop', ['loop']],
]

function bytesOf(content) {
  return typeof content === 'number' ? Buffer.from(Array.from({ length: content }, (_, i) => i % 251)) : Buffer.from(content)
}

function makeTree(root) {
  for (const [name, content, mtime] of tree) {
    const at = path.join(root, name)
    if (content === null) fs.mkdirSync(at)
    else if (Array.isArray(content)) fs.symlinkSync(content[0], at)
    else {
      fs.writeFileSync(at, bytesOf(content))
      // As a Date: a negative number would mean "now".
      fs.utimesSync(at, new Date(mtime), new Date(mtime))
    }
  }
}

const staticOptions = [
  {},
  { fallthrough: false },
  { index: false },
  { index: ['index.htm', 'index.html'] },
  { index: ['nope.html'], fallthrough: false },
  { redirect: false },
  { redirect: false, fallthrough: false },
  { dotfiles: 'allow' },
  { dotfiles: 'deny' },
  { dotfiles: 'deny', fallthrough: false },
  { dotfiles: 'ignore', fallthrough: false },
  { extensions: ['html', 'txt'] },
  { extensions: ['txt', 'html'], fallthrough: false },
  { maxAge: 86_400_000 },
  { maxAge: 1999, immutable: true },
  { maxAge: 1e15 },
  { cacheControl: false, etag: false },
  { etag: false },
  { lastModified: false },
  { etag: false, lastModified: false },
  { acceptRanges: false },
  { start: 3 },
  { start: 2, end: 5 },
  { end: 4 },
  { start: 50_000, end: 1_000_000 },
]

// The same options go to `send`, but for serve-static's own two; and there is one without a root.
const own = ['fallthrough', 'redirect']
const sendOptions = staticOptions.filter((o) => !own.some((name) => name in o))

// Bytes above 0x7f are not among them: Node's parser answers them with 400.
const names = [
  ...['/', '', '/hello.txt', '/empty.txt', '/nums.txt', '/big.bin', '/edge.bin', '/over.bin', '/old.txt', '/page.html', '/page'],
  ...['/noext', '/dot.', '/thing', '/docs', '/docs/', '/docs/a.json', '/docs/deep', '/docs/deep/b.css', '/docs.html', '/sub'],
  ...['/sub/', '/emptydir', '/emptydir/', '/dirindex', '/dirindex/', '/.hidden', '/.well', '/.well/', '/.well/known.txt'],
  ...['/docs/.env', '/with%20space.txt', '/%C3%A9.txt', '/a%25b.txt', '/a%b.txt', '/semi;colon.css', '/back%5Cslash.txt'],
  ...['/UPPER.HTML', '/app.js', '/image.svg', '/weird.unknownext', '/a.tar.gz', '/..double', '/link.txt', '/linkdir', '/linkdir/'],
  ...['/broken.txt', '/loop', '/loop/', '/missing', '/missing.txt', '/missing/', '/hello.txt/', '/hello.txt/x', '/hello.txt%2f'],
  ...['/docs%2f', '/docs%2Fa.json', '/docs//a.json', '//docs/a.json', '//docs', '///docs//deep', '/docs/./a.json', '/docs/../hello.txt'],
  ...['/../hello.txt', '/docs/../../hello.txt', '/..', '/../', '/%2e%2e/%2e%2e/etc/passwd', '/%2e%2e%2fhello.txt', '/..%2f..%2fetc'],
  ...['/..%5chello.txt', '/..\\hello.txt', '/docs\\..\\hello.txt', '/docs/..%5c..%5chello.txt', '/%2e/hello.txt', '/.', '/./', '/docs/..'],
  ...['/...', '/....//hello.txt', '/%00', '/hello.txt%00.html', '/%', '/%zz', '/%c3', '/%ff', '/%c0%ae%c0%ae/', '/%ed%a0%80', '/%f0%9f%98%80'],
  ...[`/${'a'.repeat(300)}`, `/${'a/'.repeat(2500)}x`, '/hello.txt?a=1', '/docs?a=b/c&d=%20', '/docs?', '/docs/?x', '/docs%20', '/%64ocs'],
  ...['/hello.txt%20', '/HELLO.TXT', '/noext.', '/index.html', '/index', '/dirindex/index.html', '/*', '/~', '/docs/~root', '/con', '/%2f%2fdocs'],
]

const tag = (size, mtime) => `W/"${size.toString(16)}-${mtime.toString(16)}"`
const helloTag = tag(13, 1577934245678)
const numsTag = tag(10, 1600000000999)
const before = 'Thu, 02 Jan 2020 03:04:04 GMT'
const exact = 'Thu, 02 Jan 2020 03:04:05 GMT'
const after = 'Fri, 01 Jan 2100 00:00:00 GMT'

const conditions = [
  { 'if-none-match': helloTag },
  { 'if-none-match': helloTag.slice(2) },
  { 'if-none-match': `"x", ${numsTag} , ${helloTag}` },
  { 'if-none-match': '*' },
  { 'if-none-match': '"nope"' },
  { 'if-none-match': helloTag, 'cache-control': 'no-cache' },
  { 'if-none-match': helloTag, 'cache-control': 'max-age=0' },
  { 'if-none-match': '"nope"', 'if-modified-since': after },
  { 'if-modified-since': before },
  { 'if-modified-since': exact },
  { 'if-modified-since': after },
  { 'if-modified-since': 'Thursday, 02-Jan-20 03:04:05 GMT' },
  { 'if-modified-since': 'rubbish' },
  { 'if-match': helloTag },
  { 'if-match': '"nope"' },
  { 'if-match': '*' },
  { 'if-match': ',' },
  { 'if-match': helloTag, 'if-none-match': helloTag },
  { 'if-match': helloTag, 'if-unmodified-since': before },
  { 'if-unmodified-since': before },
  { 'if-unmodified-since': exact },
  { 'if-unmodified-since': after },
  { 'if-unmodified-since': 'rubbish' },
  { 'if-match': '"nope"', range: 'bytes=0-1' },
]
const ranges = [
  ...['0-0', '0-4', '3-', '-3', '0-', '-0', '-10', '-11', '-1000000', '9-9', '10-', '5-2', '0-1000000', '99999-', '65535-65536', '65536-'],
  ...['0-1,2-3', '0-1,5-6', '5-6,0-1', '0-5,3-8', '4-,0-3', '0-1,', '-', 'x', '', ' 1 - 2 ', '1-2, 3-4', '0-0,100000-', '18446744073709551616-'],
].map((r) => ({ range: `bytes=${r}` }))
const moreRanges = [
  { range: 'items=0-1' },
  { range: 'bytes' },
  { range: 'Bytes=0-1' },
  ...[helloTag, numsTag, `"x", ${numsTag}`, '"nope"', before, exact, after, 'rubbish', 'Sun, 13 Sep 2020 12:26:40 GMT'].flatMap((ifRange) => [
    { range: 'bytes=2-4', 'if-range': ifRange },
    { range: 'bytes=500-', 'if-range': ifRange },
  ]),
  { range: 'bytes=0-1', 'if-none-match': numsTag },
  { range: 'bytes=0-1', 'if-modified-since': before },
]

// Status and headers that are on the response before send sees it.
const presets = [
  { status: 201 },
  { status: 404 },
  { status: 304 },
  { headers: { 'Content-Type': 'x/y' } },
  { headers: { 'Cache-Control': 'private', 'Accept-Ranges': 'none' } },
  { headers: { ETag: '"mine"' } },
  { headers: { 'Last-Modified': after } },
  { headers: { 'Last-Modified': before, ETag: '"mine"' } },
  { headers: { 'Content-Encoding': 'br', 'X-Other': '1' } },
]

let state = 11
const below = (n) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return Math.floor((state / 2 ** 32) * n)
}
const pick = (list) => list[below(list.length)]

const plans = []
const plan = (kind, options, url, more = {}) => plans.push({ kind, options, method: 'GET', url, mount: '', headers: {}, preset: {}, ...more })

const common = ['/hello.txt', '/nums.txt', '/empty.txt', '/big.bin', '/docs', '/docs/', '/page', '/thing', '/.hidden', '/.well/', '/missing', '/', '/dirindex/', '/sub/', '/loop', '/../x']
for (const name of names) {
  if (name) plan('static', {}, name)
  plan('static', { fallthrough: false }, name || '/m', { mount: name ? '' : '/m' })
  plan('static', { fallthrough: false, dotfiles: 'allow', extensions: ['html', 'txt'] }, `/m/nt${name}`, { mount: '/m/nt' })
  plan('send', {}, name || '/', { bare: !name })
  plan('send', { root: null }, name || '/')
}
for (const options of staticOptions) for (const name of common) plan('static', options, name)
for (const options of sendOptions) for (const name of common) plan('send', options, name)
for (const headers of [...conditions, ...ranges, ...moreRanges]) {
  for (const name of ['/hello.txt', '/nums.txt']) {
    plan('static', {}, name, { headers })
    plan('static', pick(staticOptions), name, { headers, method: pick(['GET', 'HEAD']) })
    plan('send', pick(sendOptions), name, { headers, preset: pick(presets) })
  }
  plan('send', {}, pick(['/big.bin', '/empty.txt', '/edge.bin', '/over.bin']), { headers })
}
for (const preset of presets) for (const headers of [{}, conditions[0], conditions[3], conditions[9], ranges[1]]) plan('send', {}, '/hello.txt', { headers, preset })
for (const method of ['HEAD', 'POST', 'DELETE', 'OPTIONS']) {
  for (const name of ['/hello.txt', '/docs', '/missing', '/empty.txt', '/big.bin']) {
    plan('static', {}, name, { method })
    plan('static', { fallthrough: false }, name, { method })
    plan('send', {}, name, { method })
  }
}
for (let i = 0; i < 600; i++) {
  const kind = pick(['static', 'send'])
  const url = pick(below(2) ? common : names) || '/'
  const headers = Object.assign({}, ...Array.from({ length: below(4) }, () => pick([...conditions, ...ranges, ...moreRanges])))
  const preset = below(4) ? {} : pick(presets)
  const options = kind === 'send' ? { ...pick(sendOptions), ...pick(sendOptions) } : { ...pick(staticOptions), ...pick(staticOptions) }
  // An end before the start makes send write negative lengths.
  if (options.end < options.start) delete options.start
  plan(kind, options, url, { headers, preset, method: below(5) ? 'GET' : 'HEAD' })
}

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'files-cases-'))
const root = path.join(scratch, 'root')
fs.mkdirSync(root)
makeTree(root)

const hide = (text) => text.replaceAll(root, '{root}')
const headersOf = (res) => res.getRawHeaderNames().map((name) => [name, String(res.getHeader(name))])

/** Runs the case's middleware; `note` is told what it asks of the next layer. */
function answer(job, req, res, note) {
  const { kind, options, preset, mount } = job
  res.statusCode = preset.status ?? 200
  for (const [name, value] of Object.entries(preset.headers ?? {})) res.setHeader(name, value)
  const failed = (err) => ({
    error: { status: err.status, message: hide(err.message), expose: err.expose, ...(err.code && { code: err.code, errno: err.errno, syscall: err.syscall }) },
    errorHeaders: Object.entries(err.headers ?? {}),
    headers: headersOf(res),
  })
  const stop = (result) => {
    note(result)
    res.destroy()
  }
  if (kind === 'static') {
    req.originalUrl = req.url
    const rest = req.url.slice(mount.length)
    req.url = rest.startsWith('/') ? rest : `/${rest}`
    serveStatic(root, options)(req, res, (err) => stop(err ? failed(err) : { next: true }))
    return
  }
  const url = job.bare ? '' : options.root === null ? encodeURI(root) + req.url : req.url
  const stream = send(req, url.split('?')[0], options.root === null ? { dotfiles: 'allow' } : { root, ...options })
  stream.on('error', (err) => stop(failed(err)))
  stream.on('directory', () => stop({ directory: true }))
  stream.pipe(res)
}

const jobs = new Map()
const server = http.createServer((req, res) => {
  const job = jobs.get(req.headers['x-job'])
  res.sendDate = false
  answer(job, req, res, (result) => {
    job.result = result
  })
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))

function request(job, id) {
  return new Promise((resolve, reject) => {
    const headers = { ...job.headers, 'x-job': id }
    const req = http.request({ port: server.address().port, host: '127.0.0.1', method: job.method, path: job.url, headers, agent: false }, (res) => {
      const hash = createHash('sha1')
      let length = 0
      res.on('data', (chunk) => {
        length += chunk.length
        hash.update(chunk)
      })
      res.on('end', () => {
        const lines = []
        for (let i = 0; i < res.rawHeaders.length; i += 2) {
          if (!/^(connection|keep-alive|transfer-encoding)$/i.test(res.rawHeaders[i])) lines.push([res.rawHeaders[i], res.rawHeaders[i + 1]])
        }
        resolve({ status: res.statusCode, headers: lines, length, sha1: hash.digest('hex') })
      })
      res.on('error', reject)
    })
    req.on('error', (err) => (job.result ? resolve(job.result) : reject(new Error(`${job.method} ${job.url}: ${err.message}`))))
    req.end()
  })
}

// Cases, options, headers and results repeat: each is kept once, and a case is a row of numbers.
const table = () => {
  const rows = new Map()
  return Object.assign((value) => {
    const text = JSON.stringify(value)
    if (!rows.has(text)) rows.set(text, rows.size)
    return rows.get(text)
  }, { rows })
}
const tables = { options: table(), headers: table(), presets: table(), results: table() }
const rows = new Set()
for (const [i, job] of plans.entries()) {
  jobs.set(String(i), job)
  const result = await request(job, String(i))
  const kind = job.bare ? 'bare' : job.kind
  rows.add(
    JSON.stringify([kind, tables.options(job.options), job.method, job.mount, job.url, tables.headers(job.headers), tables.presets(job.preset), tables.results(result)]),
  )
}
server.close()
fs.rmSync(scratch, { recursive: true })

const list = (texts) => `[\n${[...texts].join(',\n')}\n]`
const made = `{
"versions": ${JSON.stringify({ send: require('send/package.json').version, 'serve-static': require('serve-static/package.json').version })},
"tree": ${list(tree.map(([name, content, mtime = null]) => JSON.stringify([name, content, mtime])))},
${Object.entries(tables).map(([name, { rows: kept }]) => `"${name}": ${list(kept.keys())},`).join('\n')}
"cases": ${list(rows)}
}
`
put(file, made)
console.log(`${rows.size} cases, ${tables.results.rows.size} different answers`)
