// The command line of the benchmark programs: `--name=value` and `--flag`, the same names everywhere.
// It must not know what an option does.

import os from 'node:os'

const number = (name, text, least) => {
  const value = Number(text)
  if (!Number.isFinite(value) || value < least)
    throw new Error(`--${name}=${text} is not a number of at least ${least}`)
  return value
}

const list = (text) => text.split(',').filter((part) => part !== '')

/** Every option: its default and how its text is read. */
const all = {
  scenarios: { read: list, help: 'names, separated by commas (default: all)' },
  servers: { read: list, help: 'names, separated by commas (default: all that are available)' },
  rounds: { default: 5, least: 1, help: 'rounds; medians are taken over them' },
  duration: { default: 3, least: 0.1, help: 'seconds of load per server and round' },
  warmup: { default: 2, least: 0, help: 'seconds of load before the first round' },
  connections: { default: 64, least: 1, help: 'keep-alive connections of the load generator' },
  'load-threads': { default: 1, least: 1, help: 'threads of the load generator' },
  load: { read: String, help: 'wrk or autocannon (default: wrk if it is installed)' },
  node: {
    read: String,
    help: 'another Node binary, or a major version to get from npm (24); run.mjs takes several (20,24)'
  },
  'io-threads': {
    least: 1,
    help: 'I/O threads of axum, nginx and rnode (default: 2, and rnode as it comes)'
  },
  fresh: { flag: true, help: 'start a new server process for every round' },
  out: { read: String, help: 'result file' },
  'no-write': { flag: true, help: 'write no result file' },
  'no-build': { flag: true, help: 'do not build, use what is there' },
  count: { least: 1, help: 'how many (connections, requests or starts, by program)' },
  minutes: { default: 20, least: 1, help: 'minutes of load per server' },
  rate: { default: 2000, least: 1, help: 'requests per second' },
  pauses: { read: list, help: 'milliseconds between the requests of one connection, several' },
  runs: { default: 15, least: 1, help: 'process starts per server' }
}

/**
 * Reads the command line.
 * @param {string[]} names the options the program has
 * @param {Record<string, unknown>} [defaults] defaults of this program
 * @param {string} [usage] first line of --help
 * @returns {{ options: Record<string, any>, rest: string[] }} rest: what does not start with `--`
 */
export function parseOptions(names, defaults = {}, usage = '') {
  const options = {}
  const rest = []
  for (const name of names)
    options[name] = defaults[name] ?? all[name].default ?? (all[name].flag ? false : undefined)
  for (const arg of process.argv.slice(2)) {
    if (arg === '--') continue
    if (arg === '--help' || arg === '-h') {
      console.log(usage)
      for (const name of names) {
        const value =
          options[name] === undefined || options[name] === false ? '' : ` [${options[name]}]`
        console.log(`  --${name}${all[name].flag ? '' : '='}`.padEnd(20) + all[name].help + value)
      }
      process.exit(0)
    }
    if (!arg.startsWith('--')) {
      rest.push(arg)
      continue
    }
    const [, name, text] = /^--([^=]+)(?:=(.*))?$/s.exec(arg) ?? []
    if (!names.includes(name)) throw new Error(`unknown option ${arg}; --help lists them`)
    const option = all[name]
    if (option.flag) options[name] = true
    else if (text === undefined || text === '')
      throw new Error(`--${name} needs a value: --${name}=…`)
    else options[name] = option.read ? option.read(text) : number(name, text, option.least)
  }
  return { options, rest }
}

/** Ends a program: errors go to stderr without a stack, exit code 1; DEBUG=1 shows the stack. */
export function main(program) {
  program().then(
    (code) => {
      process.exitCode = code ?? 0
    },
    (error) => {
      console.error(process.env.DEBUG ? error : `bench: ${error.message}`)
      process.exitCode = 1
    }
  )
}

/** The default number of workers for axum and nginx: half of the machine, at most 2, for the load and the JS thread need cores. */
export const defaultIoThreads = Math.max(1, Math.min(2, Math.floor(os.availableParallelism() / 2)))
