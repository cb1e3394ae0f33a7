'use strict'

// What the programs with WebSockets share. It must not know what is said on them.

/** Messages of a WebSocket, one per call: strings for text, Buffers for binary, `error …` for an error. */
function messagesOf(ws) {
  const messages = []
  const waiters = []
  const put = (value) => (waiters.length > 0 ? waiters.shift()(value) : messages.push(value))
  ws.on('message', (data, binary) => put(binary ? data : data.toString()))
  ws.on('error', (error) => put(`error ${error.message}`))
  return () =>
    messages.length > 0
      ? Promise.resolve(messages.shift())
      : new Promise((resolve) => waiters.push(resolve))
}

module.exports = { messagesOf }
