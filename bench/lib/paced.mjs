// Load at a fixed rate, by the Rust generator of bench/axum (wrk and autocannon cannot do it precisely).
// It must not decide at which rates, nor what the figures mean.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { buildAxum } from './tools.mjs'

const run = promisify(execFile)

/**
 * @param {{ port: number, path: string, rate: number, connections: number, seconds: number, warmup: number }} options
 * @returns {Promise<{ rate: number, requests: number, seconds: number, missed: number, badStatus: number,
 *   p50: number, p95: number, p99: number, p999: number, max: number }>} latencies in µs from the moment each request
 *   was due; missed: due requests that had no answer 2 s after the end
 */
export async function paced({ port, path, rate, connections, seconds, warmup }) {
  const args = [port, path, Math.round(rate), connections, seconds, warmup].map(String)
  const { stdout } = await run(buildAxum().load, args, { timeout: (seconds + warmup + 30) * 1000 })
  return JSON.parse(stdout)
}
