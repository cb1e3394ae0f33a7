// node bench/stringify.mjs [--rounds=15] [--duration=0.3] [--node=…]
// What a schema could save in res.json: JSON.stringify against functions that fast-json-stringify generates from a schema, on
// the answers of three scenarios. Alternating, medians. Must not be read as a server's speed: nothing is sent.

import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { median } from './lib/measure.mjs'
import { main, parseOptions } from './lib/options.mjs'
import { format, table } from './lib/table.mjs'
import { ensurePackages, findNode } from './lib/tools.mjs'

const string = { type: 'string' }
const integer = { type: 'integer' }
const object = (properties) => ({ type: 'object', properties })
const array = (items) => ({ type: 'array', items })

/** Answers with the schema a user would write for them. */
const cases = {
  'hello (17 bytes)': { value: { hello: 'world' }, schema: object({ hello: string }) },
  'article (1.3 KB, mostly text)': {
    value: {
      id: '42',
      title: 'On the analytical engine',
      author: { name: 'Ada Lovelace', url: 'https://example.com/ada' },
      tags: ['engines', 'mathematics', 'history'],
      comments: Array.from({ length: 7 }, (_, i) => ({
        id: i,
        author: `reader-${i}`,
        text: 'The engine has no pretensions whatever to originate anything. It can do whatever we know how to order it to perform.'
      })),
      next: '/api/articles/43'
    },
    schema: object({
      id: string,
      title: string,
      author: object({ name: string, url: string }),
      tags: array(string),
      comments: array(object({ id: integer, author: string, text: string })),
      next: string
    })
  },
  'rows (100 x 6 numbers and flags)': {
    value: Array.from({ length: 100 }, (_, i) => ({
      id: i,
      price: i * 3,
      stock: i % 7,
      sold: i * i,
      active: i % 2 === 0,
      rank: 100 - i
    })),
    schema: array(
      object({
        id: integer,
        price: integer,
        stock: integer,
        sold: integer,
        active: { type: 'boolean' },
        rank: integer
      })
    )
  }
}

/** Nanoseconds a call takes, over `seconds`. */
function time(serialize, value, seconds) {
  let calls = 0
  const until = performance.now() + seconds * 1000
  const began = process.hrtime.bigint()
  while (performance.now() < until) {
    for (let i = 0; i < 100; i++) if (serialize(value).length === 0) throw new Error('empty')
    calls += 100
  }
  return Number(process.hrtime.bigint() - began) / calls
}

main(async () => {
  const { options } = parseOptions(['rounds', 'duration', 'node'], { rounds: 15, duration: 0.3 })
  ensurePackages()
  const node = await findNode(options.node)
  if (node.binary !== process.execPath) {
    const args = process.argv.slice(2).filter((arg) => !arg.startsWith('--node'))
    const { status } = spawnSync(node.binary, [fileURLToPath(import.meta.url), ...args], {
      stdio: 'inherit'
    })
    return status ?? 1
  }
  const compile = createRequire(import.meta.url)('fast-json-stringify')
  const rows = []
  for (const [name, { value, schema }] of Object.entries(cases)) {
    const generated = compile(schema)
    if (generated(value) !== JSON.stringify(value)) throw new Error(`${name}: the texts differ`)
    const taken = { plain: [], generated: [] }
    for (let round = 0; round < options.rounds; round++) {
      taken.plain.push(time(JSON.stringify, value, options.duration))
      taken.generated.push(time(generated, value, options.duration))
    }
    const [plain, own] = [median(taken.plain), median(taken.generated)].map((ns) => ns / 1000)
    rows.push([name, format(plain), format(own), `${format(plain / own)}x`])
  }
  console.log(`\nSerializing, µs a call, Node ${node.version.slice(1)}\n`)
  console.log(table(['answer', 'JSON.stringify', 'with a schema', 'gain'], rows))
})
