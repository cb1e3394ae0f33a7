'use strict'

// What the addon offers without I/O threads: its exports, the constants shared with JavaScript, patterns, plan words, pages and tags.
// Serving is in serving.test.js, how environments end in environments.test.js.

const assert = require('node:assert')
const fs = require('node:fs')
const http = require('node:http')
const path = require('node:path')
const { describe, test } = require('node:test')
const etag = require('etag')
const pathToRegexp = require('path-to-regexp')
const addon = require('../../lib/native')
const { CODES } = require('../../lib/native/client-error')
const F = require('../../lib/native/frames')
const { GET, frame, routes, planWords } = require('./raw')
const golden = require('../../../crates/rnode-bridge/tests/golden/frames.json')

describe('exports', () => {
  test('are these', () => {
    assert.deepStrictEqual(
      Object.keys(addon).sort(),
      [
        ...[
          'closeFd',
          'compileTable',
          'internFileOptions',
          'listen',
          'matchPattern',
          'panicForTest'
        ],
        ...[
          'parsePattern',
          'plan',
          'post',
          'postLarge',
          'ref',
          'renderErrorPage',
          'rest',
          'serverAddress'
        ],
        ...['isAhead', 'outbox', 'postOutbox', 'takeBody'],
        'serverAdopt',
        ...['serverClose', 'serverCloseAll', 'serverCloseIdle', 'serverConnections', 'serverDrop'],
        ...['serverBusy', 'serverWatch'],
        ...[
          'serverSet',
          'serverSetFront',
          'serverSetTable',
          'serverSocket',
          'start',
          'stats',
          'strongEtag',
          'take',
          'uncaught',
          'unref',
          'weakEtag'
        ]
      ].sort()
    )
  })

  test('wrong arguments throw a TypeError', () => {
    for (const name of Object.keys(addon)) {
      // take no arguments
      if (['ref', 'unref', 'rest', 'stats', 'panicForTest', 'outbox'].includes(name)) continue
      // takes any, since anything can be thrown
      if (name !== 'uncaught') {
        assert.throws(() => addon[name](Symbol('wrong')), TypeError, name)
      }
      assert.throws(() => addon[name](), TypeError, name)
    }
  })
})

describe('constants on both sides', () => {
  for (const { direction, name, hex, fields } of golden.frames) {
    test(`${direction} ${name}`, () => {
      const { kind, slot, generation, words } = frame(new Uint8Array(Buffer.from(hex, 'hex')))
      assert.strictEqual(kind, F[name.split(' ')[0]])
      assert.strictEqual(words[0], hex.length / 2)
      assert.deepStrictEqual(
        [kind, slot, generation],
        [fields.kind, fields.slot, fields.generation]
      )
    })
  }

  test('error codes', () => {
    assert.deepStrictEqual(CODES, golden.clientErrors)
  })

  test('numbers of kinds, flags and reasons', () => {
    const { METHODS, METHOD_INDEX, nativeLayer, NATIVE_STATIC, ...numbers } = F
    assert.deepStrictEqual(numbers, Object.assign({}, ...Object.values(golden.numbers)))
  })

  test('no number that is used is undefined', () => {
    const lib = path.join(__dirname, '../../lib')
    const files = fs.readdirSync(lib, { recursive: true }).filter((name) => name.endsWith('.js'))
    const used = files.flatMap((name) => {
      const text = fs.readFileSync(path.join(lib, name), 'utf8')
      if (!/\bF = require\('[./]+frames'\)/.test(text)) return []
      return [...text.matchAll(/\bF\.(\w+)/g)].map(([, number]) => [name, number])
    })
    assert.ok(used.length > 100)
    assert.deepStrictEqual(
      used.filter(([, number]) => F[number] === undefined),
      []
    )
  })

  test('methods', () => {
    const unknown = http.METHODS.filter((method) => !F.METHODS.includes(method))
    assert.deepStrictEqual(unknown, [])
    const layers = F.METHODS.map((method) => ({ paths: ['/'], end: true, methods: [method] }))
    const table = addon.compileTable(routes(...layers))
    for (const index of F.METHODS.keys()) {
      // Express lets HEAD and OPTIONS into routes of every method
      if (['HEAD', 'OPTIONS'].includes(F.METHODS[index])) continue
      assert.deepStrictEqual(planWords(table, '/', index), [index], F.METHODS[index])
    }
    assert.throws(() => addon.plan(table, F.METHODS.length, '/', new Int32Array(8)), RangeError)
  })
})

describe('patterns', () => {
  test('keys in order of appearance', () => {
    assert.deepStrictEqual(addon.parsePattern('/:b/*a/:"c d"', false, false, true), [
      'b',
      'a',
      'c d'
    ])
    assert.deepStrictEqual(addon.parsePattern('/', false, false, true), [])
  })

  for (const text of [
    '/a+',
    '/:',
    '/*',
    '/{a',
    '/a}',
    '/:"a',
    '/(x)',
    '/[x]',
    '/a?',
    '/!',
    '/a\\'
  ]) {
    test(`error text of ${text}`, () => {
      assert.throws(
        () => pathToRegexp.parse(text),
        ({ message }) => {
          assert.strictEqual(addon.parsePattern(text, false, false, true), message)
          assert.throws(() => addon.matchPattern(text, false, false, true, '/'), {
            name: 'TypeError',
            message
          })
          return true
        }
      )
    })
  }

  test('match positions count UTF-16 units', () => {
    const words = addon.matchPattern('/:a/*b', false, false, true, '/😀é%20/x/y')
    assert.deepStrictEqual(words, [11, 2, 0 | (1 << 24), 1, 6, 1 | (2 << 24), 8, 3])
    assert.strictEqual(addon.matchPattern('/a', true, false, true, '/A'), null)
    assert.deepStrictEqual(addon.matchPattern('/a', false, false, true, '/A'), [2, 0])
    assert.deepStrictEqual(addon.matchPattern('/a', false, false, false, '/a/b'), [2, 0])
    assert.strictEqual(addon.matchPattern('/a', false, true, true, '/a/'), null)
  })
})

describe('plans', () => {
  const DETAIL = 1 << 24
  const SUB = 2 << 24
  const ASK = 4 << 24
  const RUN = 8 << 24

  test('words are those of frames.md', () => {
    const table = addon.compileTable(
      routes(
        [
          { paths: ['/'], end: false },
          { paths: ['/admin'], end: false, child: 1 },
          { paths: [null], end: true, methods: ['GET'], ask: true },
          { paths: ['/x', '/:id/*rest'], end: true, methods: ['GET'] },
          { paths: ['/never'], end: true, methods: ['GET'] }
        ],
        [{ paths: ['/:page'], end: true, methods: ['GET'] }]
      )
    )
    assert.deepStrictEqual(planWords(table, '/admin/ü%20'), [
      ...[0],
      ...[1 | DETAIL | SUB, 6, 0, 6, ...[0 | DETAIL, 5, 1, 0 | (1 << 24), 1, 4]],
      ...[2 | ASK],
      ...[3 | DETAIL, 11, (1 << 16) | 2, 0, 1, 5, 1 | (3 << 24), 7, 4]
    ])
    assert.deepStrictEqual(planWords(table, '/x'), [0, 2 | ASK, 3])
    assert.deepStrictEqual(planWords(table, '/x', F.METHOD_INDEX.POST), [0])
  })

  test('layers that follow each other and need no test are a run', () => {
    const use = { paths: ['/'], end: false }
    const route = { paths: ['/x'], end: true, methods: ['GET'] }
    const table = addon.compileTable(routes([use, use, use, route, use, route, use, use]))
    assert.deepStrictEqual(planWords(table, '/'), [0 | RUN, 3, 4, 6 | RUN, 2])
    assert.deepStrictEqual(planWords(table, '/x'), [0 | RUN, 3, 3, 4, 5, 6 | RUN, 2])
  })

  test('a plan that does not fit is told by its length and leaves the words alone', () => {
    const table = addon.compileTable(routes({ paths: ['/:id'], end: true, methods: ['GET'] }))
    const out = new Int32Array(5).fill(-7)
    assert.strictEqual(addon.plan(table, GET, '/1', out), -6)
    assert.deepStrictEqual([...out], [-7, -7, -7, -7, -7])
    assert.strictEqual(addon.plan(table, GET, '/1', new Int32Array(6)), 6)
    assert.strictEqual(addon.plan(table, GET, '/1/2', new Int32Array(0)), 0)
  })

  // Around the first size of the buffer that strings are read into, with characters of 1 to 4 bytes and lone surrogates.
  test('pathnames of every length', () => {
    const table = addon.compileTable(routes({ paths: ['/:id'], end: true, methods: ['GET'] }))
    for (const character of ['a', 'é', '€', '😀', '\ud800']) {
      for (let count = 1; count < 700; count++) {
        const words = planWords(table, `/${character.repeat(count)}`)
        assert.deepStrictEqual(words.slice(-2), [1, character.length * count])
      }
    }
  })

  test('what is no table throws its text', () => {
    assert.throws(() => addon.compileTable('{}'), TypeError)
    assert.throws(() => addon.compileTable(routes({ paths: ['/a+'], end: true })), {
      name: 'TypeError',
      message:
        'router 0, layer 0: Unexpected + at index 2: /a+; visit https://git.new/pathToRegexpError for info'
    })
    for (const box of [{}, null, 1]) {
      assert.throws(() => addon.plan(box, GET, '/', new Int32Array(8)), TypeError)
    }
  })
})

describe('pages and tags', () => {
  test('tags are those of the etag package', () => {
    for (const body of ['', 'a', '€😀', 'x'.repeat(100_000)]) {
      assert.strictEqual(addon.weakEtag(body), etag(body, { weak: true }))
      assert.strictEqual(addon.strongEtag(Buffer.from(body)), etag(body))
    }
  })

  test('error pages', () => {
    const page = addon.renderErrorPage('page', 404, 'Cannot GET /<x>', undefined)
    assert.match(page.body, /Cannot GET \/&lt;x&gt;/)
    assert.strictEqual(page.contentType, 'text/html; charset=utf-8')
    assert.match(page.csp, /^default-src 'none'; style-src 'sha256-/)
    assert.strictEqual(page.varyAccept, false)
    const express = addon.renderErrorPage('express', 404, 'Cannot GET /<x>', 'application/json')
    assert.match(express.body, /<pre>Cannot GET \/&lt;x&gt;<\/pre>/)
    assert.strictEqual(express.csp, "default-src 'none'")
    const json = addon.renderErrorPage('negotiate', 404, 'é', 'application/json')
    assert.deepStrictEqual(JSON.parse(json.body), { error: { status: 404, message: 'é' } })
    assert.strictEqual(json.varyAccept, true)
    assert.throws(() => addon.renderErrorPage('other', 404, '', undefined), TypeError)
  })
})
