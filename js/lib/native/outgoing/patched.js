'use strict'
// Whether somebody has replaced methods of Node's responses for the whole process, as agents do, before this package was loaded
// or since. Then every response is Node's own from the start, so that these methods see what they would see there.

const { nodesOwn } = require('../nodes-own')
const { NodeProto } = require('./proto')

/** Methods that agents wrap, and what stands in Node's own text of them but not in that of a wrapper. */
const MARKS = {
  writeHead: 'ERR_HTTP_INVALID_STATUS_CODE',
  _implicitHeader: 'this.writeHead(',
  write: 'write_(',
  end: 'write_(',
  setHeader: 'ERR_HTTP_HEADERS_SENT',
  removeHeader: 'kOutHeaders',
  appendHeader: 'kOutHeaders',
  flushHeaders: '_implicitHeader'
}

/** A method as Node has it, null if it is somebody else's already. */
function nodes(name) {
  return nodesOwn(NodeProto[name], MARKS[name])
}

const writeHead = nodes('writeHead')
const _implicitHeader = nodes('_implicitHeader')
const write = nodes('write')
const end = nodes('end')
const setHeader = nodes('setHeader')
const removeHeader = nodes('removeHeader')
const appendHeader = nodes('appendHeader')
const flushHeaders = nodes('flushHeaders')

/** Asked for every response: no loop. */
function isPatched() {
  return (
    NodeProto.writeHead !== writeHead ||
    NodeProto._implicitHeader !== _implicitHeader ||
    NodeProto.write !== write ||
    NodeProto.end !== end ||
    NodeProto.setHeader !== setHeader ||
    NodeProto.removeHeader !== removeHeader ||
    NodeProto.appendHeader !== appendHeader ||
    NodeProto.flushHeaders !== flushHeaders
  )
}

module.exports = { isPatched }
