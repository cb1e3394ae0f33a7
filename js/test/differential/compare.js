'use strict'
// Runs one generated program on two servers, one after the other, and tells where they differ. It must not know why.

const http = require('node:http')
const { encode } = require('./generate')
const { build, Trace } = require('./interpret')
const { exchange } = require('./client')

/** How an app gets its sockets: Express on Node's server, ours on its own. */
const onNode = (app) => http.createServer(app).listen(0, '127.0.0.1')
const native = (app) => app.listen(0, '127.0.0.1')

/** What may differ between two runs of the same program. */
function settled(text) {
  // frames of a stack differ with the files, and the length of the page with them
  if (/(?:<br> &nbsp; &nbsp;|\n {4})at /.test(text))
    text = text.replace(/^Content-Length: \d+\r$/gm, 'Content-Length: <length>\r')
  return (
    text
      .replace(/^Date: .*GMT\r$/gm, 'Date: <date>\r')
      .replace(/Require stack:.*/s, '<stack>')
      .replace(/^(X-Response-Time|X-Took): \d+(ms)?\r$/gm, '$1: <time>\r')
      .replace(/^(h\d*: .*"(?:X-Response-Time|X-Took)",)"\d+(?:ms)?"/gm, '$1<time>')
      // a file that finds another answer there: on what it comes first is a matter of the disk
      .replace(
        /(callback \w+ )Error\[\w*\]\((?:Request aborted|Can't set headers after they are sent\.)\)/g,
        '$1<too late>'
      )
      .replace(/(Expires)=[^;\r]*GMT/gi, '$1=<date>')
      .replace(/(?:<br> &nbsp; &nbsp;|\n {4})at .*?(?=<\/pre>|$)/gs, '<frames>')
  )
}

/** A long chunked body as one chunk: where a stream is cut goes by how much the kernel has given at once. */
function joined(answer) {
  if (answer.length < 60_000) return answer
  const from = answer.search(/^Transfer-Encoding: chunked\r$/im)
  const start = from === -1 ? -1 : answer.indexOf('\r\n\r\n', from)
  if (start === -1) return answer
  let body = ''
  for (let at = start + 4; at < answer.length; ) {
    const line = answer.indexOf('\r\n', at)
    const size = Number.parseInt(answer.slice(at, line), 16)
    if (!(size > 0)) return `${answer.slice(0, start + 4)}${body}${answer.slice(at)}`
    body += answer.slice(line + 2, line + 2 + size)
    at = line + 2 + size + 2
  }
  return answer.slice(0, start + 4) + body
}

/** Turns of the event loop, until nothing more is observed. */
async function rest(trace) {
  for (let quiet = 0, last = -1; quiet < 3; ) {
    await new Promise((resolve) => setTimeout(resolve, 1))
    quiet = trace.count === last ? quiet + 1 : 0
    last = trace.count
  }
}

/**
 * @param {Function} express
 * @param {function(Function): object} listen
 * @param {object} program
 * @param {{ quiet?: number }} [options] ms without a byte that count as no answer
 * @returns {Promise<object[]>} a record per connection
 */
async function run(express, listen, { app, groups }, options = {}) {
  const trace = new Trace()
  const uncaught = (err) => trace.note('uncaught', String(err?.message ?? err))
  const { error } = console
  console.error = (first) => trace.note('console.error', String(first).split('\n')[0])
  process.on('uncaughtException', uncaught)
  process.on('unhandledRejection', uncaught)
  const warning = (w) => trace.note('warning', w.name)
  process.on('warning', warning)
  let server
  try {
    const built = build(express, trace, app)
    server = listen(built)
    if (!server.listening) await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address()
    const records = []
    for (const group of groups) {
      const last = group.requests.length - 1
      const from = trace.requests.length
      trace.stray = []
      const { answers, end } = await exchange(port, {
        ...group,
        ...options,
        requests: group.requests.map((r, i) => ({
          method: r.method,
          bytes: encode(r, group.close && i === last)
        }))
      })
      await rest(trace)
      const traces = trace.requests.slice(from).map((list) => list.map(settled))
      const stray = trace.stray.map(settled)
      if (group.pipelined) {
        // they run side by side: which one is first to see something depends on how long a file takes
        traces.sort((a, b) => (String(a) < String(b) ? -1 : 1))
        stray.sort()
      }
      records.push({
        pipelined: group.pipelined,
        isBroken: group.pipelined && group.requests.some(({ path }) => path === ''),
        answers: answers.map(settled).map(joined),
        // a reset is what the kernel makes of an end with bytes that nobody has read
        end: end === 'ECONNRESET' ? 'closed' : end,
        traces,
        stray
      })
    }
    return records
  } catch (err) {
    return [{ failed: `${err.name}: ${err.message}` }]
  } finally {
    console.error = error
    if (server) {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    }
    process.off('uncaughtException', uncaught)
    process.off('unhandledRejection', uncaught)
    process.off('warning', warning)
  }
}

/** Parts of a record, in the order in which they tell most. */
const PARTS = ['failed', 'answers', 'end', 'traces', 'stray']

/** Where two records differ first, as text; null if they do not. */
function difference(ours, theirs) {
  if (ours.length !== theirs.length) return `ours: ${brief(ours)}\nnode: ${brief(theirs)}`
  for (let i = 0; i < ours.length; i++) {
    const [mine, reference] = comparable(ours[i], theirs[i])
    for (const part of PARTS) {
      const at = firstDifference(mine[part], reference[part])
      if (at === null) continue
      return `connection ${i}, ${part} ${at.path}\n  ours: ${brief(at.mine)}\n  node: ${brief(at.reference)}`
    }
  }
  return null
}

/** What is thrown where nobody catches, and ends a process that has no listener for that, where this package answers. */
const LATE_HEADERS = 'uncaught Cannot remove headers after they are sent to the client'
const ANSWERED = [LATE_HEADERS, 'uncaught Invalid status code: NaN']

/**
 * What two records must have in common: all, but for what docs/compatibility.md tells of.
 * - Express' final handler throws if somebody has answered while it waited for the request's end: the answers are the same.
 * - Behind a parse error Node drops the answers of the same packet that are not written yet, and an exception that nobody
 *   catches leaves its parser in the middle of one: the answers that it gives must be ours.
 * - A malformed message means nothing, nor what comes with bytes that are no request, of which Node drops the answers before it too.
 */
function comparable(mine, reference) {
  const uncaught = (record) => record.stray?.find((one) => one.startsWith('uncaught'))
  const thrown = uncaught(reference)
  if (isMalformed(reference)) return [{}, {}]
  if (thrown === LATE_HEADERS && !mine.pipelined) return [answersOf(mine), answersOf(reference)]
  if (mine.pipelined && (mine.isBroken || isRefused(mine)) && isCut(reference)) {
    const given = reference.answers?.join('').replace(/^rest: /, '') ?? ''
    const all = mine.answers?.join('').replaceAll('rest: ', '') ?? ''
    return [{ answers: [all.slice(0, given.length)] }, { answers: [given] }]
  }
  const isCutOff = thrown !== undefined && [uncaught(mine), ...ANSWERED].includes(thrown)
  if (isCutOff || (mine.pipelined && (isRefused(mine) || isRefused(reference)))) {
    const given = isRefused(reference) ? reference.answers.slice(0, -1) : reference.answers
    return [{ answers: mine.answers?.slice(0, given.length) }, { answers: given }]
  }
  return [mine, reference]
}

const answersOf = ({ answers }) => ({ answers })

/** The last answer is not whole. */
const isCut = ({ answers }) => answers?.at(-1)?.startsWith('rest: ') === true

/** The last answer is one of the server's own, to bytes that are no request. */
function isRefused({ answers }) {
  return /^(?:HTTP\/1.1 100 Continue\r\n\r\n)?HTTP\/1.1 4\d\d [\w ]+\r\nConnection: close\r\n/.test(
    answers?.at(-1)
  )
}

/**
 * The last message promises more than what comes, of a connection that goes on, or its chunks are not as long as they say:
 * no client makes anything of it.
 */
function isMalformed({ answers, end }) {
  const last = answers?.at(-1) ?? ''
  const rest = /^rest: HTTP\/1\.1 (?!1|204|304).*?\r\n\r\n/s.exec(last)
  if (rest === null) return false
  const body = last.slice(rest[0].length)
  if (/^Transfer-Encoding: chunked\r$/im.test(rest[0])) return hasWrongChunk(body)
  const length = /^Content-Length: (\d+)\r$/im.exec(rest[0])
  return end === 'quiet' && length !== null && body.length < Number(length[1])
}

function hasWrongChunk(body) {
  for (let at = 0; ; ) {
    const line = body.indexOf('\r\n', at)
    if (line === -1) return false
    const size = Number.parseInt(body.slice(at, line), 16)
    at = line + 2 + size
    if (Number.isNaN(size) || (at < body.length && body[at] !== '\r')) return true
    if (at >= body.length) return body.endsWith('\r\n0\r\n\r\n')
    at += 2
  }
}

function firstDifference(mine, reference, path = '') {
  if (Array.isArray(mine) && Array.isArray(reference)) {
    for (let i = 0; i < Math.max(mine.length, reference.length); i++) {
      const found = firstDifference(mine[i], reference[i], `${path}[${i}]`)
      if (found !== null) return found
    }
    return null
  }
  return mine === reference ? null : { mine, reference, path }
}

const brief = (v) => {
  const text = JSON.stringify(v) ?? 'undefined'
  return text.length > 1200 ? `${text.slice(0, 600)} … ${text.slice(-500)}` : text
}

/** Patience of the runs that a program gets before a difference counts. */
const PATIENCE = [undefined, undefined, undefined, 2000]

/**
 * Runs both and compares. What a program does may depend on what is done first, a file that is read or a timer: a difference
 * counts if no run here has come to what any run there has.
 */
async function compare(ours, theirs, program) {
  const expected = []
  const actual = []
  let found = null
  for (const quiet of PATIENCE) {
    const options = quiet === undefined ? {} : { quiet }
    expected.push(await run(theirs, onNode, program, options))
    actual.push(await run(ours, native, program, options))
    for (const one of actual) {
      for (const other of expected) {
        if (one !== actual.at(-1) && other !== expected.at(-1)) continue
        found = difference(one, other)
        if (found === null) return null
      }
    }
  }
  return found
}

module.exports = { compare, run, difference, native, onNode }
