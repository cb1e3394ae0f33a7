'use strict'
// Values that random steps are made of: right ones, odd ones and wrong ones, in the form that interpret.js reads. It must not
// make anything by chance, nor hold what depends on the time of day.

const TEXTS = [
  '',
  'x',
  'hello',
  'häß ☃ 😀',
  '<script>"&\'</script>',
  '{"a":1}',
  'a\r\nb',
  'x'.repeat(999),
  'y'.repeat(1000)
]
const VALUES = [
  null,
  true,
  false,
  0,
  42,
  -1.5,
  '',
  'text',
  { $undefined: 1 },
  { $nan: 1 },
  { $big: '12' },
  { $symbol: 's' },
  { $circular: 1 },
  [],
  [1, 'b', null],
  {},
  { a: 1, b: [2, { c: '<é>&' }] },
  { $date: 0 },
  { $map: [] },
  { $regexp: 'a.b' },
  { $buffer: 'bytes\xff\0' },
  { $bytes: [1, 2, 3] },
  { $repeat: 'long ', times: 20000 }
]
const STATUSES = [
  200, 201, 202, 203, 204, 205, 206, 226, 300, 304, 400, 404, 418, 499, 500, 503, 599, 600, 999
]
const ODD_STATUSES = [
  99,
  1000,
  0,
  -1,
  '200',
  '404',
  'abc',
  200.5,
  null,
  { $undefined: 1 },
  100,
  101,
  199,
  304.0,
  { $nan: 1 }
]
const NAMES = [
  'X-A',
  'x-a',
  'X-B',
  'Content-Type',
  'content-type',
  'Set-Cookie',
  'Vary',
  'Link',
  'Cache-Control',
  'ETag',
  'Location',
  'X-Powered-By',
  '__proto__',
  'constructor',
  'toString'
]
const FRAMING = [
  'Content-Length',
  'Transfer-Encoding',
  'Connection',
  'Date',
  'Keep-Alive',
  'Trailer',
  'Last-Modified',
  'Content-Encoding',
  'Expect',
  'Upgrade'
]
const BAD_NAMES = ['', 'bad name', 'bad:name', 'x\r\ny', 'é', null, 5, { $undefined: 1 }]
const HEADER_VALUES = [
  'v',
  '',
  'a, b',
  'text/html',
  'text/plain; charset=latin1',
  'application/json',
  'x'.repeat(300),
  5,
  0,
  true,
  ['a', 'b'],
  ['one'],
  [],
  '"tag"',
  'W/"weak"',
  ' spaced ',
  'no-cache'
]
const BAD_VALUES = [
  'a\r\nInjected: yes',
  'a\nb',
  'nul\0',
  '☃',
  { $undefined: 1 },
  null,
  { a: 1 },
  ['ok', 'bad\r\n'],
  { $symbol: 'v' }
]
const FRAMING_VALUES = [
  '0',
  '5',
  5,
  '3',
  'chunked',
  'close',
  'keep-alive',
  'Thu, 01 Jan 1970 00:00:00 GMT',
  'timeout=9',
  'X-Trailer',
  'gzip',
  'identity'
]
const TYPES = [
  'html',
  '.html',
  'json',
  'text/plain',
  'png',
  'nothing-known',
  'application/xml',
  'txt',
  'text/html; charset=utf-16',
  '',
  'a/b/c',
  '/',
  'bin',
  'js'
]
const URLS = [
  '/there',
  'http://a.example/?q=1#f',
  '/a b',
  '/ä',
  'back',
  '..',
  '//host/x',
  'http://a.com\\@b.com',
  '/%',
  '/%zz',
  '/<script>',
  '/a\r\nX: y',
  'javascript:alert(1)',
  '',
  '/"x"',
  '/☃'
]
const COOKIES = ['c', 'a-b', '__proto__', 'bad name', 'x;y', 'ü']
const FILES = [
  'public/hello.txt',
  'public/large.txt',
  'public/index.html',
  'public/data.json',
  'public/style.css',
  'public',
  'public/none.txt',
  'public/.hidden',
  'public/sub'
]
const FILE_NAMES = [
  'hello.txt',
  '/hello.txt',
  'sub',
  '../public/hello.txt',
  'none',
  '.hidden',
  'sub/../hello.txt',
  'he%6clo.txt',
  'a\0b',
  'ü.txt',
  '',
  'page.html',
  'index.html/'
]

module.exports = {
  TEXTS,
  VALUES,
  STATUSES,
  ODD_STATUSES,
  NAMES,
  FRAMING,
  BAD_NAMES,
  HEADER_VALUES,
  BAD_VALUES,
  FRAMING_VALUES,
  TYPES,
  URLS,
  COOKIES,
  FILES,
  FILE_NAMES
}
