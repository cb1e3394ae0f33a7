'use strict'
// The errors of the 'clientError' event: codes and texts of Node's HTTP parser for
// a packet that is no request. The list has the order of rnode-bridge's codes.rs.

const os = require('node:os')

const CODES = [
  ['HPE_INVALID_METHOD', 'Invalid method encountered'],
  ['HPE_INVALID_URL', 'Invalid characters in url'],
  ['HPE_INVALID_VERSION', 'Invalid HTTP version'],
  ['HPE_INVALID_HEADER_TOKEN', 'Invalid header token'],
  ['HPE_INVALID_CONTENT_LENGTH', 'Invalid character in Content-Length'],
  ['HPE_UNEXPECTED_CONTENT_LENGTH', 'Content-Length is not allowed here'],
  ['HPE_INVALID_TRANSFER_ENCODING', 'Request has invalid `Transfer-Encoding`'],
  ['HPE_INVALID_CHUNK_SIZE', 'Invalid character in chunk size'],
  ['HPE_HEADER_OVERFLOW', 'Header overflow'],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 'Chunk extensions overflow'],
  ['HPE_LF_EXPECTED', 'Missing expected LF after header value'],
  ['HPE_CR_EXPECTED', 'Missing expected CR after header value'],
  ['HPE_INVALID_CONSTANT', 'Expected HTTP/'],
  ['HPE_INVALID_EOF_STATE', 'Invalid EOF state'],
  ['ECONNRESET', 'read ECONNRESET'],
  ['ERR_HTTP_REQUEST_TIMEOUT', 'Request timeout'],
  ['HPE_UNEXPECTED_SPACE', 'Unexpected space after start line'],
  ['HPE_INVALID_TRAILER', 'Invalid trailer'],
  ['HPE_STRICT', 'Expected LF after CR'],
  ['HPE_INVALID_CHUNK_SIZE', 'Chunk size overflow'],
  ['HPE_CR_EXPECTED', 'Missing expected CR after chunk size'],
  ['HPE_CR_EXPECTED', 'Missing expected CR after chunk data'],
  ['HPE_CR_EXPECTED', 'Missing expected CR after chunk extension name'],
  ['HPE_CR_EXPECTED', 'Missing expected CR after chunk extension value'],
  ['HPE_STRICT', 'Expected LF after chunk size'],
  ['HPE_STRICT', 'Expected LF after chunk data'],
  ['HPE_STRICT', 'Expected LF after headers'],
  ['HPE_STRICT', 'Invalid character in chunk extensions'],
  ['HPE_STRICT', 'Invalid character in chunk extensions name'],
  ['HPE_STRICT', 'Invalid character in chunk extensions value'],
  ['HPE_STRICT', 'Invalid character in chunk extensions quoted value'],
  ['HPE_STRICT', 'Invalid character in chunk extensions quote value'],
  ['HPE_STRICT', 'Invalid quoted-pair in chunk extensions quoted value'],
  ['HPE_INVALID_HEADER_TOKEN', 'Invalid header field char'],
  ['HPE_INVALID_HEADER_TOKEN', 'Invalid header value char'],
  ['HPE_INVALID_HEADER_TOKEN', 'Unexpected whitespace after header value'],
  ['ECONNRESET', 'write ECONNRESET'],
  ['EPIPE', 'write EPIPE'],
  ['ETIMEDOUT', 'read ETIMEDOUT']
]

/** The codes above that are the system's. */
const SYSTEM = /^E(CONNRESET|PIPE|TIMEDOUT)$/

const LENGTH_AND_CODING = "Transfer-Encoding can't be present with Content-Length"

/**
 * @param {number} index on the wire
 * @param {Buffer} [rawPacket] the bytes read, where they are known
 * @returns {Error} with code, bytesParsed, reason and rawPacket, as Node's
 */
function clientError(index, rawPacket) {
  const [code, reason] = CODES[index] ?? ['HPE_INTERNAL', 'Unknown parser error']
  const isParser = code.startsWith('HPE_')
  // the connection ended within a message: Node's error tells nothing of a packet
  const isCut = code === 'HPE_INVALID_EOF_STATE'
  const hasBoth =
    code === 'HPE_INVALID_TRANSFER_ENCODING' && /^content-length:/im.test(rawPacket?.latin1Slice())
  const text = hasBoth ? LENGTH_AND_CODING : reason
  const err = new Error(isCut ? 'Parse Error' : isParser ? `Parse Error: ${text}` : text)
  const isSystem = SYSTEM.test(code)
  if (isSystem) err.errno = -os.constants.errno[code]
  err.code = code
  if (isSystem) err.syscall = reason.slice(0, reason.indexOf(' '))
  if (isParser) {
    err.bytesParsed = isCut ? 0 : rawPacket?.length
    err.reason = text
    err.rawPacket = isCut ? undefined : rawPacket
  }
  return err
}

/** Whether the error is one of a message that the client's FIN has cut off. */
const isCutOff = (err) => err.code === 'HPE_INVALID_EOF_STATE'

module.exports = { clientError, isCutOff, CODES: CODES.map(([code]) => code) }
