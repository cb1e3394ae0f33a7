'use strict'

// Runs every program of ./programs on real Express and on the target (RNODE_TARGET, see lib/targets.js), each side in a
// child process, sends both the same requests and compares what came back. It must not know any package: what is
// special about one stands in its program.
//
// Environment: RNODE_TARGET, RNODE_ALIAS=1 (see lib/targets.js), RNODE_ONLY=cors,ws (programs to run),
// RNODE_WRITE_RESULTS=1 (update results.json after a complete run), RNODE_PRINT=1 (show what Express answered).

const assert = require('node:assert')
const { fork } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { describe, test, after } = require('node:test')
const { inspect } = require('node:util')
const rawHttp = require('./lib/raw-http')
const { settle, differences } = require('./lib/compare')
const { TARGET } = require('./lib/targets')

const PROGRAMS = path.join(__dirname, 'programs')
const SIDE_LIMIT_MS = 60_000
const UNTIL_LIMIT_MS = 10_000
const only = process.env.RNODE_ONLY?.split(',')
const results = []

/** Settles every response inside a value, however deep; Buffers outside of responses become text. */
function settleAll(value, program) {
  if (Buffer.isBuffer(value)) return settle({ headers: [], body: value }).body
  if (Array.isArray(value)) return value.map((one) => settleAll(one, program))
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value.headers) && 'status' in value) {
    const settled = settle(value, program.volatile)
    return program.normalize ? program.normalize(settled) : settled
  }
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, settleAll(v, program)]))
}

/** Runs a program on one side. @returns {Promise<{ answers: object, collected: object }>} rejects with the child's output. */
async function runSide(program, file, target) {
  const child = fork(path.join(__dirname, 'side.js'), [file, target], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      ...process.env,
      NODE_ENV: 'production',
      TZ: 'UTC',
      // An installed target finds view engines beside itself; the one of this repository lies elsewhere.
      NODE_PATH: path.join(__dirname, 'node_modules'),
      NODE_NO_WARNINGS: '1',
      ...program.env
    },
    execArgv: program.execArgv ?? []
  })
  // Sending to a child that has just died fails here; its exit is reported by `dead`.
  child.on('error', () => {})
  let output = ''
  child.stdout.on('data', (d) => {
    output += d
  })
  child.stderr.on('data', (d) => {
    output += d
  })
  const exited = new Promise((resolve) =>
    child.once('exit', (code, signal) => resolve({ code, signal }))
  )
  const message = (name) =>
    new Promise((resolve, reject) => {
      const listen = (m) => {
        if (m.failed) reject(new Error(m.failed))
        else if (name in m) {
          child.off('message', listen)
          resolve(m[name])
        }
      }
      child.on('message', listen)
    })
  const timer = setTimeout(() => child.kill('SIGKILL'), program.limit ?? SIDE_LIMIT_MS)
  const dead = exited.then(({ code, signal }) => {
    throw new Error(`the process ended early (code ${code}, signal ${signal})`)
  })
  dead.catch(() => {})
  try {
    const { port, tls } = await Promise.race([message('ready'), dead])
    const where = { port, tls }
    const client = {
      ...rawHttp,
      where,
      port,
      baseUrl: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
      request: (options) => rawHttp.request(where, options),
      open: () => rawHttp.Connection.open(where),
      /** Resolves when the program has logged `count` observations under a channel; rejects after 10 s. */
      until(channel, count) {
        const reached = message('reached').then(() => 'reached')
        child.send({ until: { channel, count } })
        const late = new Promise((_, reject) => {
          const timer = setTimeout(
            () => reject(new Error(`${count} observations on ${channel} did not come`)),
            UNTIL_LIMIT_MS
          )
          reached.finally(() => clearTimeout(timer)).catch(() => {})
        })
        return Promise.race([reached, late])
      }
    }
    const answers = {}
    const put = (label, value) => {
      let key = label
      for (let n = 2; key in answers; n++) key = `${label} #${n}`
      answers[key] = value
    }
    const unforeseen = []
    let requestsDone = 0
    const exchange = (async () => {
      for (const one of program.requests ?? []) {
        if (typeof one === 'function') put(one.name, await one(client))
        else {
          const answer = await client.request(one)
          requestsDone++
          if (program.awaits) await client.until(program.awaits, requestsDone)
          const status = answer.status ?? answer.error
          if (status !== (one.expect ?? 200))
            unforeseen.push(
              `${one.method ?? 'GET'} ${one.path}: ${status} instead of ${one.expect ?? 200}`
            )
          put(one.name ?? `${one.method ?? 'GET'} ${one.path ?? '/'}`, answer)
        }
      }
      if (program.transcript) put('transcript', await program.transcript(client.baseUrl, client))
    })()
    await Promise.race([exchange, dead])
    // A program that fails on Express itself in a way its author did not foresee compares nothing.
    if (target === 'express' && unforeseen.length > 0)
      throw new Error(`unforeseen on Express:\n  ${unforeseen.join('\n  ')}`)
    const collecting = message('collected')
    child.send('finish')
    const collected = await Promise.race([collecting, dead])
    return settleAll({ answers, ...collected }, program)
  } catch (error) {
    throw new Error(
      `on ${target}: ${error.stack ?? error}\n--- output of the process ---\n${output.slice(-6000)}`
    )
  } finally {
    clearTimeout(timer)
    child.kill()
    await exited
  }
}

function versionOf(name) {
  try {
    return JSON.parse(
      fs.readFileSync(path.join(__dirname, 'node_modules', name, 'package.json'), 'utf8')
    ).version
  } catch {
    throw new Error(
      `the ecosystem's packages are not installed: run "npm ci" in js/test/ecosystem (missing: ${name})`
    )
  }
}

function record(program, pass, note) {
  for (const name of program.packages) {
    results.push({
      package: name,
      version: versionOf(name),
      program: program.name,
      node: Number(process.versions.node.split('.')[0]),
      pass,
      note
    })
  }
}

describe('ecosystem', { concurrency: 3 }, () => {
  for (const entry of fs.readdirSync(PROGRAMS).sort()) {
    if (!entry.endsWith('.js')) continue
    const file = path.join(PROGRAMS, entry)
    const program = require(file)
    if (only && !only.includes(program.name)) continue
    test(program.name, async () => {
      for (const name of program.packages) versionOf(name)
      try {
        const [expected, actual] = await Promise.all([
          runSide(program, file, 'express'),
          runSide(program, file, TARGET)
        ])
        if (process.env.RNODE_PRINT === '1')
          console.log(inspect(expected, { depth: 8, breakLength: 160, maxStringLength: 400 }))
        program.check?.(expected)
        const found = differences(expected, actual)
        if (found.length > 0)
          assert.fail(`${found.length} differences from Express:\n  ${found.join('\n  ')}`)
        record(program, true, program.note ?? '')
      } catch (error) {
        record(
          program,
          false,
          String(error.message).split('\n').slice(0, 2).join(' ').trim().slice(0, 300)
        )
        throw error
      }
    })
  }

  after(() => {
    if (process.env.RNODE_WRITE_RESULTS !== '1') return
    assert.notStrictEqual(
      TARGET,
      'express',
      'results of Express compared with itself are not results'
    )
    assert.ok(!only, 'results are written by complete runs only')
    const file = path.join(__dirname, 'results.json')
    const major = Number(process.versions.node.split('.')[0])
    const before = fs.existsSync(file)
      ? JSON.parse(fs.readFileSync(file, 'utf8')).filter((r) => r.node !== major)
      : []
    const key = (r) => `${r.package} ${r.program} ${String(r.node).padStart(3, '0')}`
    const all = [...before, ...results].sort((a, b) => (key(a) < key(b) ? -1 : 1))
    fs.writeFileSync(file, `${JSON.stringify(all, null, 2)}\n`)
  })
})
