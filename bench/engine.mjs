// node bench/engine.mjs [--rounds=5] [--seconds=3]
// The HTTP/1.1 engine without JavaScript (crates/rnode-http/examples/hello_frames) against bare axum on hyper, one I/O
// thread each, in turns: CPU per request of all threads. Needs `wrk` and Linux (/proc). Decision 0002 cites it.

import { execFileSync, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const root = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '..')
const option = (name, fallback) =>
  Number(process.argv.find((arg) => arg.startsWith(`--${name}=`))?.split('=')[1] ?? fallback)
const rounds = option('rounds', 5)
const seconds = option('seconds', 3)

const cargo = (...args) =>
  execFileSync('cargo', args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
cargo('build', '--release', '-p', 'rnode-http', '--example', 'hello_frames')
cargo('build', '--release', '-p', 'rnode-bench-axum')
const { target_directory: target } = JSON.parse(
  cargo('metadata', '--format-version=1', '--no-deps')
)

const servers = {
  own: { command: path.join(target, 'release/examples/hello_frames'), args: ['1'] },
  axum: {
    command: path.join(target, 'release/rnode-bench-axum'),
    args: ['hello-json'],
    env: { BENCH_IO_THREADS: '1' }
  }
}

/** CPU time of all threads of a process, in µs. */
function cpu(pid) {
  const tasks = readdirSync(`/proc/${pid}/task`)
  const ns = tasks.map((id) =>
    Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8').split(' ')[0])
  )
  return ns.reduce((sum, value) => sum + value, 0) / 1000
}

function load(port, duration) {
  const out = execFileSync('wrk', ['-t1', '-c64', `-d${duration}s`, `http://127.0.0.1:${port}/`], {
    encoding: 'utf8'
  })
  return Number(/(\d+) requests in/.exec(out)[1])
}

async function measure({ command, args, env }) {
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit']
  })
  const port = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.stdout.once('data', (text) => resolve(/\d{4,5}/.exec(String(text))[0]))
  })
  try {
    const answer = await (await fetch(`http://127.0.0.1:${port}/`)).json()
    if (answer.hello !== 'world') throw new Error(`wrong answer: ${JSON.stringify(answer)}`)
    load(port, 1)
    const before = cpu(child.pid)
    const requests = load(port, seconds)
    return { cpu: (cpu(child.pid) - before) / requests, rate: requests / seconds }
  } finally {
    child.kill()
  }
}

const results = Object.fromEntries(Object.keys(servers).map((name) => [name, []]))
for (let round = 0; round < rounds; round++) {
  for (const [name, server] of Object.entries(servers)) results[name].push(await measure(server))
}
const median = (list) => list.sort((a, b) => a - b)[list.length >> 1]
for (const [name, list] of Object.entries(results)) {
  const micros = median(list.map((r) => r.cpu)).toFixed(2)
  console.log(
    `${name}: ${micros} µs of CPU per request, ${Math.round(median(list.map((r) => r.rate)))} requests/s`
  )
}
