// What the package exports, and that the prototypes have what Express' have: names, kinds, argument
// counts.
'use strict'

const { ours, theirs } = require('../helpers/differential')
const assert = require('node:assert/strict')
const path = require('node:path')
const { test } = require('node:test')
const { pathToFileURL } = require('node:url')

const expressLib = path.join(path.dirname(require.resolve('express')), 'lib')

test('exports what Express exports, and timeout', () => {
  assert.deepEqual(Object.keys(ours).sort(), [...Object.keys(theirs), 'timeout'].sort())
  for (const key of Object.keys(theirs)) assert.equal(typeof ours[key], typeof theirs[key], key)
})

test('exported functions have the names and argument counts of Express', () => {
  for (const key of ['json', 'raw', 'static', 'text', 'urlencoded', 'Router', 'Route']) {
    assert.deepEqual(
      [ours[key].name, ours[key].length],
      [theirs[key].name, theirs[key].length],
      key
    )
  }
})

test('index.mjs exports the same by name, and the function as default', async () => {
  const module = await import(pathToFileURL(path.join(__dirname, '../../index.mjs')))
  assert.equal(module.default, ours)
  assert.deepEqual(Object.keys(module).sort(), [...Object.keys(ours), 'default'].sort())
  for (const key of Object.keys(ours)) assert.equal(module[key], ours[key], key)
})

for (const name of ['application', 'request', 'response']) {
  test(`express.${name} has every property of Express'`, () => {
    const shape = (object, key) => {
      const { get, value, enumerable, configurable } = Object.getOwnPropertyDescriptor(object, key)
      const fn = get ?? value
      return { kind: get ? 'getter' : typeof value, length: fn.length, enumerable, configurable }
    }

    const keys = Object.keys(theirs[name])
    assert.ok(keys.length > 15)
    for (const key of keys) {
      assert.ok(Object.hasOwn(ours[name], key), `${key} is missing`)
      assert.deepEqual(shape(ours[name], key), shape(theirs[name], key), key)
    }
  })

  test(`express.${name} adds only what is documented`, () => {
    const added = Object.keys(ours[name]).filter((key) => !Object.hasOwn(theirs[name], key))
    assert.deepEqual(added, name === 'request' ? ['signal'] : [])
  })
}

test("paths into the package resolve where Express' do, and only there", () => {
  const resolve = (name, inner) => {
    try {
      return [path.extname(require.resolve(name + inner))]
    } catch (err) {
      return err.code
    }
  }
  const files = ['application', 'express', 'request', 'response', 'utils', 'view']
  const there = ['', '/index', '/index.js', '/package', '/package.json', '/LICENSE']
  for (const file of files) there.push(`/lib/${file}`, `/lib/${file}.js`)
  const others = ['/lib', '/lib/router', '/lib/router/layer', '/lib/router/index.js', '/nope.js']
  others.push('/lib/middleware/init', '/lib/middleware/query.js')
  for (const inner of [...there, ...others]) {
    const expected = resolve('express', inner)
    assert.equal(Array.isArray(expected), there.includes(inner), inner)
    assert.deepEqual(resolve('rnode-server', inner), expected, inner)
  }
  assert.equal(require('rnode-server/index.js'), ours)
  assert.equal(require('rnode-server/index'), ours)
  for (const file of ['application', 'request', 'response']) {
    assert.equal(require(`rnode-server/lib/${file}`), ours[file])
    assert.equal(require(`rnode-server/lib/${file}.js`), ours[file])
  }
})

test("lib/utils exports what Express' lib/utils does", () => {
  const theirUtils = require(path.join(expressLib, 'utils'))
  const ourUtils = require('../../lib/utils')
  assert.deepEqual(Object.keys(ourUtils).sort(), Object.keys(theirUtils).sort())
  assert.deepEqual(ourUtils.methods, theirUtils.methods)

  for (const type of [
    'html',
    'text/html',
    'text/html; level=1;q=0.5',
    'x/y;a=b=c; d ;e=f',
    'unknown',
    ' a/b ;q=x'
  ]) {
    assert.deepEqual(ourUtils.normalizeType(type), theirUtils.normalizeType(type), type)
  }
  for (const type of ['text/html', 'text/html; charset=latin1', 'a/b; x="y z"', '', undefined]) {
    assert.equal(ourUtils.setCharset(type, 'utf-8'), theirUtils.setCharset(type, 'utf-8'), type)
  }
  for (const body of ['', 'hello', 'ü', Buffer.from([0, 255])]) {
    assert.equal(ourUtils.etag(body, 'utf8'), theirUtils.etag(body, 'utf8'))
    assert.equal(ourUtils.wetag(body, 'utf8'), theirUtils.wetag(body, 'utf8'))
  }
})

test('an app is a function of three arguments, an EventEmitter, with prototypes of its own', () => {
  for (const express of [ours, theirs]) {
    const app = express()
    assert.equal(typeof app, 'function')
    assert.equal(app.length, 3)
    assert.equal(app.name, 'app')
    assert.equal(typeof app.emit, 'function')
    assert.equal(Object.getPrototypeOf(app.request), express.request)
    assert.equal(Object.getPrototypeOf(app.response), express.response)
    assert.equal(app.request.app, app)
    assert.ok(app.request instanceof require('node:http').IncomingMessage)
    assert.ok(app.response instanceof require('node:http').ServerResponse)
    assert.ok(app.router instanceof express.Router)
    assert.equal(app.router, app.router)
  }
})
