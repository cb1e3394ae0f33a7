// Opens keep-alive connections, sends one request on each, reads the answer and keeps the connection idle.
// A process of its own per few thousand connections: their buffers must not be on the measured side, and a process may
// have too few files. Arguments: port, count. Sends { open } when all are idle, { closed } for each that the server ends.

import net from 'node:net'

const [port, count] = process.argv.slice(2).map(Number)
const request = Buffer.from('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')

/** One connection, resolved when its answer has arrived. */
function open() {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(request))
    let head = ''
    const onData = (chunk) => {
      head += chunk.toString('latin1')
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      const length = Number(/content-length: *(\d+)/i.exec(head)?.[1])
      if (head.length < end + 4 + length) return
      socket.off('data', onData)
      socket.off('error', reject)
      socket.on('data', () => process.send({ error: 'data on an idle connection' }))
      socket.on('error', () => {})
      socket.on('close', () => process.connected && process.send({ closed: 1 }))
      resolve()
    }
    socket.on('data', onData)
    socket.on('error', reject)
  })
}

try {
  // Some at a time: a burst of thousands would overflow the accept queue.
  let left = count
  const worker = async () => {
    while (left-- > 0) await open()
  }
  await Promise.all(Array.from({ length: 64 }, worker))
  process.send({ open: count })
} catch (error) {
  process.send({ error: error.message })
}
process.on('disconnect', () => process.exit(0))
