'use strict'
// The private state of native-backed messages, servers and sockets, named in
// one place. A message without kSlot is a foreign one (Node's own server).

const names = [
  // requests
  'kSlot', // I/O thread << 24 | slot index; undefined on foreign messages
  'kGeneration',
  'kFlags', // REQUEST flags
  'kHead', // the latin1 head string of the frame, null for none
  'kParts', // kHead cut at its separators, made on first use
  'kPorts', // remote port | local port << 16
  'kInlineBody', // Buffer with the whole body, null, or undefined once taken
  'kHeaders', // joined headers object, made on first use
  'kDistinct',
  'kTrailerParts',
  'kTrailers',
  'kTrailersDistinct',
  'kSocket',
  'kServer',
  'kResponse', // the response made with it
  'kController', // AbortController behind req.signal
  'kAbortReason',
  'kDeadlineMs',
  'kReading', // body state once the stream is asked for
  'kStream', // true once Readable's constructor has run
  // responses
  'kRequest', // the request made with it, whatever the program puts into `req`
  'kState',
  'kSpecial', // bits for headers that decide framing
  'kHeaderList', // flat: lower-case name, name as given, value
  'kNeedDrain',
  'kUniqueHeaders',
  'kSentLength',
  'kStreamOut', // what a streamed response keeps
  'kFile', // what Rust was asked for, until it has answered
  'kEndCallbacks', // of end(), where they are no listeners
  'kBody', // body whose Content-Length and ETag are left to Rust, with
  'kEncoding',
  'kEtagFn',
  'kFixed', // the head that writeHead has fixed
  'kHeaderText', // behind _header
  'kNext', // the answer that waits for this one's 'finish'
  'kFollower', // the answer of the same tick that finishes behind this one
  'kEpoch', // the tick in which the answer was sent
  'kTold', // how far its events are
  'kDestroyed',
  'kClosed',
  // sockets
  'kWroteIn', // generation of the last request that bytes were written beside
  // servers
  'kId',
  'kHandler',
  'kClasses', // of its handler's messages
  'kConfigure',
  'kDefaultDeadline'
]

for (const name of names) exports[name] = Symbol(`rnode.${name.slice(1)}`)

/** On the root of native prototypes: itself. All copies of this package know it. */
exports.kRoot = Symbol.for('rnode.root')
