// Fills in what node:http answers to the cases of framing.json: `node oracle.mjs` rewrites the file.
// Run it with the Node whose behaviour is the reference (20); it must not change the cases themselves.

import { readFileSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'

const file = new URL('framing.json', import.meta.url)
const SENTINEL = 'GET /sentinel HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
const suite = JSON.parse(readFileSync(file, 'utf8'))

function bytes(testCase) {
  const parts = Array.isArray(testCase.raw) ? testCase.raw : [testCase.raw]
  const text = parts.map((part) => (typeof part === 'string' ? part : part.repeat.repeat(part.times))).join('')
  const end = testCase.end === 'fin' || testCase.nosentinel ? '' : SENTINEL
  return Buffer.from(text + end, 'latin1')
}

// Statuses of all responses in `text`; their bodies are framed by length, chunks or the end.
function statuses(text, head) {
  const found = []
  let first = head
  while (text.length > 0) {
    const end = text.indexOf('\r\n\r\n')
    const lines = text.slice(0, end)
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(lines)[1])
    text = text.slice(end + 4)
    if (status < 200) continue
    found.push(status)
    const length = /\r\ncontent-length: (\d+)/i.exec(lines)
    if (first) {
      first = false
    } else if (length) {
      text = text.slice(Number(length[1]))
    } else if (/\r\ntransfer-encoding: chunked/i.test(lines)) {
      text = text.slice(text.indexOf('0\r\n\r\n') + 5)
    } else if (/^HTTP\/1\.1 (400|408|413|431)/.test(lines)) {
      // Node's own error answers have no body.
    } else {
      text = ''
    }
  }
  return found
}

function run(testCase) {
  return new Promise((resolve) => {
    const requests = []
    const server = http.createServer((req, res) => {
      let body = ''
      const answer = () => {
        if (req.url !== '/sentinel') requests.push([req.method, req.url, body])
        res.setHeader('Content-Length', 2)
        res.end('ok')
      }
      // Answered at once where it can be: what Node does with the next bytes depends on it.
      if (!('content-length' in req.headers || 'transfer-encoding' in req.headers)) return answer()
      req.setEncoding('latin1')
      req.on('data', (data) => {
        body += data
      })
      req.on('error', () => {})
      req.on('end', answer)
    })
    server.listen(0, () => {
      const socket = net.connect({ port: server.address().port, allowHalfOpen: true })
      let text = ''
      socket.setEncoding('latin1')
      socket.on('data', (data) => {
        text += data
      })
      socket.on('error', () => {})
      socket.on('end', () => socket.end())
      socket.on('close', () => {
        clearTimeout(timer)
        server.close()
        server.closeAllConnections()
        resolve({ node: statuses(text, testCase.head), requests })
      })
      socket.write(bytes(testCase))
      const timer = setTimeout(() => socket.end(), testCase.end === 'fin' ? 100 : 1500)
    })
  })
}

const done = []
for (let at = 0; at < suite.cases.length; at += 16) {
  done.push(...(await Promise.all(suite.cases.slice(at, at + 16).map(run))))
}
suite.node = process.version
suite.cases = suite.cases.map((testCase, at) => {
  const { node, requests, ...rest } = testCase
  return { ...rest, ...done[at] }
})
const lines = suite.cases.map((testCase) => `    ${JSON.stringify(testCase)}`).join(',\n')
const { cases, ...head } = suite
const text = `${JSON.stringify(head, null, 2).replace(/\n}$/, '')},\n  "cases": [\n${lines}\n  ]\n}\n`
// Control and high characters stay escaped, so that the file is plain ASCII.
const ascii = text.replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
writeFileSync(file, ascii)
console.log(`${suite.cases.length} cases, ${process.version}`)
