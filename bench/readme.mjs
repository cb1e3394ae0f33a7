// node bench/readme.mjs [result.json] [--check]
// Fills the block between bench:begin and bench:end of the README from a result file of run.mjs (without a name: from the
// one that the block names). --check changes nothing and fails if the block is not what its file says. Must not measure.

import fs from 'node:fs'
import path from 'node:path'
import { put } from '../js/scripts/generated.mjs'
import { main } from './lib/options.mjs'
import { benchRoot } from './lib/process.mjs'
import { goalsOf, summaryTable } from './lib/summary.mjs'

const root = path.join(benchRoot, '..')
const readme = path.join(root, 'README.md')
const [BEGIN, END] = ['<!-- bench:begin -->', '<!-- bench:end -->']

/** The block for a result. `file` is relative to the root. */
function block(result, file) {
  const { machine, settings, command, date } = result
  const page = file.replace(/\.json$/, '.md')
  const parts = [
    `\`${command.replace(/^node \S*run\.mjs/, 'npm run bench --')}\`, ${date.slice(0, 10)}, ${machine.cpu}, ${machine.cores} ` +
      `shared cores, \`${settings.generator}\` with ${settings.connections} connections, medians of ${settings.rounds} rounds of ` +
      `${settings.duration} s. Every figure of the run is in [${page}](${page}), how it was taken in ` +
      '[bench/README.md](bench/README.md). CPU per request in µs: JavaScript thread / all threads (nginx and axum: all threads).'
  ]
  for (const run of result.runs) {
    const goals = goalsOf(run)
    const missed = goals.filter(({ met }) => !met)
    parts.push('', summaryTable(run), '')
    const lines = missed.map(
      ({ scenario, of, reached, wanted, note }) =>
        `- ${scenario}, ${of}: ${reached}; the goal is ${wanted}${note ? ` (${note})` : ''}.`
    )
    parts.push(
      `${goals.length - missed.length} of ${goals.length} [goals](bench/goals.js) are met.`
    )
    if (lines.length > 0) parts.push('Not met:', '', ...lines)
  }
  return parts.join('\n')
}

main(async () => {
  const args = process.argv.slice(2)
  const text = fs.readFileSync(readme, 'utf8')
  const [before, rest] = text.split(BEGIN)
  const [current, after] = rest?.split(END) ?? []
  if (after === undefined) throw new Error(`README.md has no ${BEGIN} … ${END}`)
  const named = /\((bench\/results\/[\w.-]+)\.md\)/.exec(current)
  const given = args.find((arg) => !arg.startsWith('--'))
  const file = given ? path.relative(root, path.resolve(given)) : named && `${named[1]}.json`
  if (!file) throw new Error('name a result file of run.mjs: the README names none')
  const result = JSON.parse(fs.readFileSync(path.join(root, file), 'utf8'))
  const wanted = `${before}${BEGIN}\n\n${block(result, file)}\n\n${END}${after}`
  put(readme, wanted)
  return process.exitCode ?? 0
})
