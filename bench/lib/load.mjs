// Puts load on a server and counts: wrk where it is installed, else autocannon in a process of its own.
// Both are closed loops: every connection sends its next request when the answer has come. Latencies are therefore
// those of a saturated server; latency.mjs measures below saturation.
//
// A result is { requests, seconds, rps, p50, p95, p99, max, errors, generator }, latencies in ms; errors counts answers
// other than 2xx/3xx (of a scenario that `isRefused`: those answers), failed connections, broken reads and writes, and timeouts.

import { execFile } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { benchRoot } from './process.mjs'
import { which } from './tools.mjs'

const run = promisify(execFile)

/** Which generator will be used. @param {string | undefined} wanted 'wrk' or 'autocannon' */
export function chooseGenerator(wanted) {
  if (wanted === 'autocannon') return 'autocannon'
  if (wanted !== undefined && wanted !== 'wrk')
    throw new Error(`--load=${wanted}: neither wrk nor autocannon`)
  if (which('wrk')) return 'wrk'
  if (wanted === 'wrk') throw new Error('wrk is not installed (Debian: apt-get install wrk)')
  return 'autocannon'
}

// A Lua long string with a level of brackets that the text does not contain.
function luaString(text) {
  let level = 1
  while (text.includes(`]${'='.repeat(level)}]`)) level++
  // The first newline of a long string is dropped: write one.
  return `[${'='.repeat(level)}[\n${text}]${'='.repeat(level)}]`
}

/** The script for wrk: the request, and one line of JSON when it is done. No per-request Lua runs. */
function wrkScript({ method = 'GET', headers = {}, body, isRefused = false }) {
  const lines = [`wrk.method = ${luaString(method)}`]
  for (const [name, value] of Object.entries(headers))
    lines.push(`wrk.headers[ ${luaString(name)} ] = ${luaString(value)}`)
  if (body !== undefined) lines.push(`wrk.body = ${luaString(body)}`)
  lines.push(`
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\\nRESULT {"requests":%d,"us":%d,"p50":%d,"p95":%d,"p99":%d,"max":%d,"errors":%d}\\n',
    summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(95), latency:percentile(99), latency.max,
    e.connect + e.read + e.write + e.timeout + ${isRefused ? 'summary.requests - e.status' : 'e.status'}))
end`)
  return lines.join('\n')
}

async function wrk({ port, scenario, seconds, connections, threads }) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'rnode-bench-wrk-'))
  try {
    const script = path.join(directory, 'request.lua')
    fs.writeFileSync(script, wrkScript(scenario))
    const args = [
      `-t${Math.min(threads, connections)}`,
      `-c${connections}`,
      `-d${Math.max(1, Math.ceil(seconds))}s`
    ]
    args.push('--timeout', '10s', '-s', script, `http://127.0.0.1:${port}${scenario.path}`)
    const { stdout, stderr } = await run('wrk', args, { timeout: (seconds + 30) * 1000 })
    const match = /^RESULT (.*)$/m.exec(stdout)
    if (!match) throw new Error(`wrk printed no result: ${stderr.trim() || stdout}`)
    const result = JSON.parse(match[1])
    const took = result.us / 1e6
    return {
      requests: result.requests,
      seconds: took,
      rps: result.requests / took,
      p50: result.p50 / 1000,
      p95: result.p95 / 1000,
      p99: result.p99 / 1000,
      max: result.max / 1000,
      errors: result.errors,
      generator: 'wrk'
    }
  } finally {
    fs.rmSync(directory, { recursive: true, force: true })
  }
}

async function autocannon({ port, scenario, seconds, connections }) {
  const { path: target, method, headers, body, isRefused } = scenario
  const request = {
    url: `http://127.0.0.1:${port}${target}`,
    method,
    headers,
    body,
    isRefused,
    seconds,
    connections
  }
  const program = path.join(benchRoot, 'lib', 'autocannon-process.mjs')
  const { stdout } = await run(process.execPath, [program, JSON.stringify(request)], {
    timeout: (seconds + 30) * 1000
  })
  return { ...JSON.parse(stdout), generator: 'autocannon' }
}

/**
 * Loads a server.
 * @param {'wrk' | 'autocannon'} generator
 * @param {{ port: number, scenario: object, seconds: number, connections: number, threads: number }} options
 *   wrk takes whole seconds and at least one: it rounds up
 */
export function load(generator, options) {
  return generator === 'wrk' ? wrk(options) : autocannon(options)
}
