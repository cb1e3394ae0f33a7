'use strict'
// The client of generated tests: sends a group of requests over one connection and records the bytes that come back.
// It must not judge or reorder them.

const net = require('node:net')

/** Nothing more for so long counts as no answer. */
const QUIET_MS = 300
/** A client that leaves does so this long after its request, and what follows is waited for so long (ms). */
const SENT_MS = 15
const LEFT_MS = 60

/** Where the first response in `bytes` ends, -1 if it is not whole; `framing` says how. */
function responseEnd(bytes, method, ended) {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0) return -1
  const head = bytes.toString('latin1', 0, headEnd)
  const status = Number(/^HTTP\/1\.\d (\d{3})/.exec(head)?.[1])
  if (Number.isNaN(status)) return -1
  const start = headEnd + 4
  if (status < 200 && status !== 101) {
    const rest = responseEnd(bytes.subarray(start), method, ended)
    return rest < 0 ? -1 : start + rest
  }
  if (method === 'HEAD' || status === 204 || status === 304) return start
  if (/^transfer-encoding:.*chunked$/im.test(head)) {
    let at = start
    for (;;) {
      const line = bytes.indexOf('\r\n', at)
      if (line < 0) return -1
      const size = Number.parseInt(bytes.toString('latin1', at, line), 16)
      if (Number.isNaN(size)) return -1
      at = line + 2 + size + 2
      if (size === 0) {
        const end = bytes.indexOf('\r\n\r\n', line)
        return end < 0 ? -1 : end + 4
      }
      if (at > bytes.length) return -1
    }
  }
  const length = /^content-length: *(\d+)$/im.exec(head)
  if (length !== null) {
    const end = start + Number(length[1])
    return end <= bytes.length ? end : -1
  }
  return ended ? bytes.length : -1
}

/**
 * @param {number} port
 * @param {{ requests: Array<{ bytes: string, method: string }>, pipelined?: boolean, fin?: boolean, quiet?: number,
 *   pieces?: number, leave?: { how: 'destroy'|'reset'|'end', when: 'sent'|'data', cut: number } }} group `bytes` latin1; `pieces`: so many packets per request; `fin`: the client half-closes behind its last request
 * @returns {Promise<{ answers: string[], end: string }>} one text per response, and how the connection ended
 */
function exchange(port, group) {
  const { requests } = group
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const answers = []
    let bytes = Buffer.alloc(0)
    let next = 0
    let ended = false
    /** Pieces of a request are still to be sent: an answer may come before, the next request must not. */
    let sending = false
    let timer
    let left = false
    const finish = (end) => {
      if (left) return
      clearTimeout(timer)
      if (bytes.length !== 0) answers.push(`rest: ${bytes.toString('latin1')}`)
      bytes = Buffer.alloc(0)
      socket.on('close', () => resolve({ answers, end }))
      socket.on('error', () => {})
      socket.destroy()
    }
    const wait = () => {
      clearTimeout(timer)
      timer = setTimeout(finish, group.quiet ?? QUIET_MS, 'quiet')
    }
    const send = () => {
      if (group.pipelined) {
        socket.write(Buffer.from(requests.map((r) => r.bytes).join(''), 'latin1'))
        next = requests.length
        if (group.fin) socket.end()
      } else {
        const data = Buffer.from(filled(requests[next++].bytes, answers.at(-1)), 'latin1')
        const last = next === requests.length
        if (group.leave && last) {
          socket.write(data.subarray(0, data.length - group.leave.cut))
          if (group.leave.when === 'sent' || group.leave.cut > 0) setTimeout(leave, SENT_MS)
          else socket.once('data', leave)
        } else if (!group.pieces) socket.write(data)
        else {
          sending = true
          sendPieces(socket, data, group.pieces, () => {
            sending = false
            take()
          })
        }
        if (last && group.fin && !group.pieces) socket.end()
      }
      wait()
    }
    /** The client goes, and says no more; how much of an answer it has got by then is a matter of time. */
    const leave = () => {
      if (left) return
      left = true
      clearTimeout(timer)
      if (group.leave.how === 'end') socket.end()
      else if (group.leave.how === 'reset') socket.resetAndDestroy()
      else socket.destroy()
      setTimeout(() => {
        socket.destroy()
        resolve({ answers: [], end: 'left' })
      }, LEFT_MS)
    }
    const take = () => {
      if (left) return
      while (answers.length < requests.length) {
        const end = responseEnd(bytes, requests[answers.length].method, ended)
        if (end < 0) break
        answers.push(bytes.toString('latin1', 0, end))
        bytes = bytes.subarray(end)
        if (answers.length === requests.length && !isLast(answers.at(-1)) && !ended)
          return finish('open')
      }
      const goesOn = answers.length > 0 && answers.length === next && next < requests.length
      if (goesOn && !sending && !ended && !isLast(answers.at(-1))) send()
    }
    socket.setNoDelay(true)
    socket.on('connect', send)
    socket.on('data', (chunk) => {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
      wait()
      take()
    })
    socket.on('end', () => {
      ended = true
      take()
      finish('closed')
    })
    socket.on('error', (err) => {
      // what has come before a reset is an answer all the same
      ended = true
      take()
      finish(err.code === 'EPIPE' ? 'ECONNRESET' : err.code)
    })
  })
}

/** Puts into a request what the last answer has given: `{etag}`, `{last-modified}`, `{cookie}`. */
function filled(bytes, answer = '') {
  return bytes.replace(/\{(etag|last-modified|cookie)\}/g, (_, name) => {
    if (name !== 'cookie') return new RegExp(`^${name}: (.*)\r$`, 'im').exec(answer)?.[1] ?? ''
    return [...answer.matchAll(/^Set-Cookie: ([^;\r]*)/gim)].map((one) => one[1]).join('; ')
  })
}

/** Whether a response says that the connection ends behind it. */
function isLast(answer) {
  return /^connection: close$/im.test(answer.split('\r\n\r\n')[0])
}

/** Writes in pieces, a turn of the event loop apart. */
function sendPieces(socket, data, pieces, done) {
  const size = Math.max(1, Math.ceil(data.length / pieces))
  let at = 0
  const go = () => {
    if (socket.destroyed) return
    socket.write(data.subarray(at, at + size))
    at += size
    if (at < data.length) setTimeout(go, 1)
    else done()
  }
  go()
}

module.exports = { exchange }
