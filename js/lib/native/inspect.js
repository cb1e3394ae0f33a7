'use strict'
// What util.inspect (console.log, a debugger's hover) shows of a native-backed message: the fields that Node's own message
// has, in Node's order, then what the program has put there; not the state behind them. Loaded when somebody looks.

const { IncomingMessage } = require('node:http')
const { own } = require('./likeness')
const { kRequest, kSlot, kStream } = require('./symbols')
const { kOutHeaders, sample: response } = require('./outgoing/proto')
const { hasList, listOf, nodeHeaders } = require('./outgoing/headers')

const request = new IncomingMessage(null)
const symbolOf = (message, name) =>
  Object.getOwnPropertySymbols(message).find((symbol) => symbol.description === name)
const kHeaders = symbolOf(request, 'kHeaders')
const kHeadersCount = symbolOf(request, 'kHeadersCount')

/** One view for each message, so that messages that lead to each other end as circular ones do. */
const views = new WeakMap()

/**
 * @param {object} message  request or response
 * @returns {object} what to show in its place; a foreign message itself
 */
function viewOf(message) {
  if (message[kSlot] === undefined) return message
  const sample = message[kRequest] === undefined ? request : response
  let view = views.get(message)
  if (view === undefined) views.set(message, (view = Object.create(Object.getPrototypeOf(sample))))
  for (const key of Reflect.ownKeys(sample)) own(view, key, shownOf(message, key, sample))
  // fields that Express makes, and that are accessors here
  if (message.originalUrl !== undefined) {
    for (const key of ['res', '_parsedUrl']) own(view, key, message[key])
  }
  for (const key of Reflect.ownKeys(message)) {
    if (isShown(message, key)) own(view, key, message[key])
  }
  return view
}

function isShown(message, key) {
  if (typeof key === 'symbol' && key.description?.startsWith('rnode.')) return false
  return Object.getOwnPropertyDescriptor(message, key).enumerable
}

function shownOf(message, key, sample) {
  // a look must not make the stream
  if (key === '_readableState' && message[kStream] !== true) return sample[key]
  if (key === kHeaders && sample === request) return message.headers
  if (key === kHeadersCount && sample === request) return message.rawHeaders.length
  if (key === kOutHeaders && sample === response && hasList(message)) {
    const list = listOf(message)
    return list.length === 0 ? null : nodeHeaders(list)
  }
  return message[key] ?? sample[key]
}

module.exports = { viewOf }
