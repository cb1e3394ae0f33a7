// req.query where nothing needs decoding has a short way of its own: what it gives must be querystring.parse's, and what it
// declines must not be its to give. Targets are made from a fixed seed.
'use strict'

const { differential } = require('../helpers/differential')
const { Random } = require('../differential/random')
const { plainQuery } = require('../../lib/query')
const assert = require('node:assert/strict')
const querystring = require('node:querystring')
const { test } = require('node:test')
const parseUrl = require('parseurl')

const expected = (url) => querystring.parse(parseUrl({ url }).query)

const taken = [
  '/',
  '/path',
  '/?',
  '/?a=1',
  '/a?page=2&sort=desc&fields=name,email',
  '/?a=',
  '/?a=b=c',
  '/?a=1&',
  '/?a=/../?b',
  '/?__proto__=1&constructor=2&toString=3',
  '/?1=b&0=a',
  '/?a[b]=c&a[d]=e',
  '/?caf\u00e9=\u00ff',
  `/?${'n'.repeat(100)}=1`,
  `/?${Array.from({ length: 16 }, (_, i) => `n${i}=${i}`).join('&')}`
]
const declined = [
  '/?a',
  '/?=1',
  '/?a&b=1',
  '/?&a=1',
  '/?a=1&&b=2',
  '/?a=1&a=2',
  '/?a=%41',
  '/?%41=1',
  '/?a=b+c',
  '/?a=b c',
  '/?a=1#b',
  '/a#?b=1',
  'http://h.test/?a=1',
  '?a=1',
  '*',
  '',
  `/?${Array.from({ length: 17 }, (_, i) => `n${i}=${i}`).join('&')}`
]

test('plain ones are taken apart as by querystring', () => {
  // twice: the second time the names are known
  for (const url of [...taken, ...taken]) {
    const query = plainQuery(url)
    assert.deepStrictEqual(query, expected(url), url)
    assert.equal(Object.getPrototypeOf(query), Object.getPrototypeOf(expected(url)))
    assert.deepEqual(Object.keys(query), Object.keys(expected(url)))
  }
})

test('others are declined', () => {
  for (const url of declined) assert.equal(plainQuery(url), undefined, url)
})

test('so are all, once querystring.unescape is another', (t) => {
  t.mock.method(querystring, 'unescape', (text) => text.toUpperCase())
  assert.equal(plainQuery('/?a=b'), undefined)
})

test('every one is its own', () => {
  plainQuery('/?a=1').b = 2
  assert.deepEqual({ ...plainQuery('/?a=1') }, { a: '1' })
})

test('names with the same place in the memory are not mixed up', () => {
  // the same length, first and last letter
  for (const name of ['abcd', 'axyd', 'abcd', 'a--d', 'axyd']) {
    assert.deepEqual({ ...plainQuery(`/?${name}=1`) }, { [name]: '1' })
  }
})

test('whatever is taken is what querystring gives', () => {
  const random = new Random(20261121)
  const pieces = [
    'a',
    'b',
    'ab',
    '=',
    '&',
    '=',
    '&',
    '1',
    '?',
    '/',
    '%41',
    '+',
    '[',
    ']',
    '__proto__'
  ]
  let count = 0
  for (let i = 0; i < 20000; i++) {
    let url = '/p?'
    for (let n = random.int(13); n > 0; n--) url += random.pick(pieces)
    const query = plainQuery(url)
    if (query === undefined) continue
    count++
    assert.deepStrictEqual(query, expected(url), url)
  }
  assert.ok(count > 500, `${count} were plain`)
})

differential(
  'req.query',
  (express) => {
    const app = express()
    const answer = (req, res) => res.send([req.query, Object.keys(req.query)])
    const rewritten = (req, _res, next) => {
      req.url = '/rewritten?z=1&y=2'
      next()
    }
    app.use('/mounted', answer)
    app.use('/rewrite', rewritten)
    app.use(answer)
    return app
  },
  [...taken, ...declined]
    .filter((url) => url.startsWith('/') && !/[#\s\u0080-\u{10ffff}]/u.test(url))
    .flatMap((path) => [{ path }, { path: `/mounted${path}` }, { path: `/rewrite${path}` }])
)
