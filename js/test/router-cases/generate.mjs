// Writes the case files of this folder: patterns and route tables, with what path-to-regexp and Express do with them.
// Seeded, so a run without changes in generate/ or in those packages changes nothing:
//   node js/test/router-cases/generate.mjs   (--check only compares)
// Expectations come from the real libraries only (run.js), never from this project.

import { put } from '../../scripts/generated.mjs'
import { ERRORS, GRAMMAR } from './generate/grammar.mjs'
import { EVERY, ROUTE, STRICT } from './generate/options.mjs'
import { randomPatterns } from './generate/random-patterns.mjs'
import { allTables } from './generate/tables.mjs'
import { runPattern } from './run.js'

/** One case per line keeps diffs readable. */
function write(file, about, name, items) {
  const lines = items.map((item) => `    ${JSON.stringify(item)}`).join(',\n')
  put(
    new URL(file, import.meta.url),
    `{\n  "about": ${JSON.stringify(about)},\n  ${JSON.stringify(name)}: [\n${lines}\n  ]\n}\n`
  )
}

const grammar = []
for (const [path, paths] of Object.entries(GRAMMAR)) {
  for (const options of EVERY)
    grammar.push({ path, ...options, ...runPattern({ path, ...options }, paths) })
}
write('grammar.json', 'every construct of the path grammar, by hand', 'patterns', grammar)

const errors = ERRORS.map((path) => ({
  path,
  ...ROUTE,
  ...runPattern({ path, ...ROUTE }, ['/a', '/'])
}))
errors.push(
  ...['/a+/', '/:/', '//', '/*/'].map((path) => ({
    path,
    ...STRICT,
    ...runPattern({ path, ...STRICT }, ['/'])
  }))
)
write(
  'errors.json',
  'patterns that are refused, and some just inside the limits',
  'patterns',
  errors
)

write(
  'random-patterns.json',
  'patterns and paths from a seeded generator',
  'patterns',
  randomPatterns()
)
write('tables.json', 'route tables: which handlers a request meets', 'tables', await allTables())
