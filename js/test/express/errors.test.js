// The table in lib/errors.js and the page docs/errors.md say the same; errors have the promised
// shape.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { createError, table } = require('../../lib/errors')

const page = fs.readFileSync(path.join(__dirname, '../../../docs/errors.md'), 'utf8')

test('docs/errors.md has exactly the codes, classes, names, statuses and messages of the table', () => {
  const documented = {}
  for (const [, code, type, name, status, message] of page.matchAll(
    /^\| `(RNODE_ERR_\w+)` \| (\w+) \| (\w*) ?\| (\d*) ?\| (.+) \|$/gm
  )) {
    documented[code] = [type, name, status, message.replaceAll('\\`', '`')]
  }

  const actual = {}
  for (const [code, entry] of Object.entries(table)) {
    actual[code] = [entry.type.name, entry.name ?? '', String(entry.status ?? ''), entry.message]
  }

  assert.ok(Object.keys(actual).length > 0)
  assert.deepEqual(documented, actual)
})

test('docs/errors.md explains every code under a heading of its own', () => {
  const headings = [...page.matchAll(/^### `(RNODE_ERR_\w+)`$/gm)].map(([, code]) => code)
  assert.deepEqual(headings, Object.keys(table))
})

test('codes are sorted', () => {
  const codes = Object.keys(table)
  assert.deepEqual(codes, [...codes].sort())
})

test('createError fills the template and sets code, class and name', () => {
  const err = createError('RNODE_ERR_INVALID_SETTING', 'error pages', '"page"', "'x'")
  assert.ok(err instanceof TypeError)
  assert.equal(err.code, 'RNODE_ERR_INVALID_SETTING')
  assert.equal(err.message, 'setting "error pages" must be "page", got \'x\'')
  assert.equal(err.name, 'TypeError')
  assert.equal('status' in err, false)
})

test('createError gives errors with a status the shape of http-errors', () => {
  const err = createError('RNODE_ERR_HANDLER_TIMEOUT', 50)
  assert.deepEqual(
    {
      expose: err.expose,
      message: err.message,
      name: err.name,
      status: err.status,
      statusCode: err.statusCode
    },
    {
      expose: false,
      message: 'The handler did not answer within 50 ms',
      name: 'TimeoutError',
      status: 503,
      statusCode: 503
    }
  )
})

test('the stack begins where createError was called', () => {
  const err = createError('RNODE_ERR_CLIENT_CLOSED')
  assert.match(err.stack.split('\n')[1], /errors\.test\.js/)
})

test('createError does not know other codes', () => {
  assert.throws(() => createError('RNODE_ERR_NO_SUCH'), /unknown error code RNODE_ERR_NO_SUCH/)
  assert.throws(() => createError('toString'), /unknown error code toString/)
})
