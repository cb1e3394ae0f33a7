//! The frame layout, written once: word positions, kinds and flags of what crosses the bridge.
//!
//! `docs/internals/frames.md` explains it, `js/lib/native/frames.js` repeats the constants, and the golden bytes
//! in `tests/golden/frames.json` hold both sides to it. Nothing in here allocates except the target buffer.

pub mod answers;
pub mod inbound;
pub mod outbound;

pub use inbound::{InFrame, InFrames, RequestFrame};
pub use outbound::{Body, Command, Commands};

/// Bytes of the four words that open every frame.
pub const HEADER_BYTES: usize = 16;

/// Kinds of frames from an I/O thread to JavaScript.
pub mod inbound_kind {
    #![allow(
        missing_docs,
        reason = "the names are those of docs/internals/frames.md"
    )]
    pub const REQUEST: u32 = 1;
    pub const BODY: u32 = 2;
    pub const BODY_END: u32 = 3;
    pub const ABORT: u32 = 4;
    pub const DRAIN: u32 = 5;
    pub const FINISHED: u32 = 6;
    pub const UPGRADE: u32 = 7;
    pub const CLIENT_ERROR: u32 = 8;
    pub const CONNECTION: u32 = 9;
    pub const CONNECTION_CLOSED: u32 = 10;
    pub const SERVER_CLOSED: u32 = 11;
    pub const SOCKET_TIMEOUT: u32 = 12;
    pub const FILE_RESULT: u32 = 13;
}

/// Kinds of frames from JavaScript to an I/O thread.
pub mod outbound_kind {
    #![allow(
        missing_docs,
        reason = "the names are those of docs/internals/frames.md"
    )]
    pub const RESPOND: u32 = 1;
    pub const HEAD: u32 = 2;
    pub const CHUNK: u32 = 3;
    pub const END: u32 = 4;
    pub const DESTROY: u32 = 5;
    pub const BODY_WANT: u32 = 6;
    pub const INFO: u32 = 7;
    pub const DEADLINE: u32 = 8;
    pub const ERROR_PAGE: u32 = 9;
    pub const RAW: u32 = 10;
    pub const SOCKET_END: u32 = 11;
    pub const WATCH_CLOSE: u32 = 12;
    pub const FILE: u32 = 13;
    pub const BODY_DUMP: u32 = 14;
    pub const HOLD: u32 = 15;
}

/// Flags of REQUEST and UPGRADE.
pub mod request_flags {
    /// The request line said HTTP/1.0.
    pub const HTTP_1_0: u32 = 1;
    /// By what the request says, the connection would stay open.
    pub const KEEP_ALIVE: u32 = 2;
    /// There is no body, or all of it is inline.
    pub const BODY_COMPLETE: u32 = 4;
    /// The framing announces a body: Content-Length above zero, or chunked.
    pub const HAS_BODY: u32 = 8;
    /// The body is chunked.
    pub const CHUNKED: u32 = 16;
    /// `Upgrade` and `Connection: upgrade` are both there.
    pub const UPGRADE: u32 = 32;
    /// `Expect: 100-continue`, not answered yet.
    pub const EXPECT_CONTINUE: u32 = 64;
    /// Another expectation.
    pub const EXPECT_OTHER: u32 = 128;
    /// The connection is encrypted.
    pub const TLS: u32 = 256;
    /// `If-None-Match` or `If-Modified-Since` is there: 304 may be the answer.
    pub const CONDITIONAL: u32 = 512;
    /// The first request of its connection.
    pub const FIRST: u32 = 1024;
    /// The last that `maxRequestsPerSocket` allows: its answer says `Connection: close`.
    pub const LIMIT_REACHED: u32 = 2048;
    /// One more than `maxRequestsPerSocket` allows; only with a `'dropRequest'` listener.
    pub const OVER_LIMIT: u32 = 4096;
}

/// Flag of BODY: the bytes travel beside the frame.
pub const BESIDE: u32 = 1;
/// Flag of CONNECTION: closed at once, since `maxConnections` were open; it has no slot.
pub const CONNECTION_DROPPED: u32 = 1;
/// Flag of CONNECTION_CLOSED: the client had sent FIN.
pub const CONNECTION_ENDED: u32 = 1;

/// Reasons of ABORT.
pub mod abort {
    /// The client sent FIN or RST. The slot waits for JavaScript's answer.
    pub const CLIENT_GONE: u32 = 1;
    /// The handler deadline passed; the I/O thread has answered and the invocation is complete.
    pub const DEADLINE: u32 = 2;
    /// The server closes all connections, or this one with an earlier answer; the invocation is complete.
    pub const SERVER_CLOSING: u32 = 3;
    /// The request body is broken; 400 has been sent where no head was, and the invocation is complete.
    pub const BODY_BROKEN: u32 = 4;
    /// The request took too long to arrive; the invocation is complete.
    pub const REQUEST_TIMEOUT: u32 = 5;
    /// Destroyed by JavaScript. Used on that side only.
    pub const DESTROYED: u32 = 6;
    /// The response head could not be written as asked; 500 has been sent and the invocation is complete.
    pub const REFUSED: u32 = 7;
    /// A request behind this one is broken or late: the connection ends once JavaScript has answered, be it with DESTROY.
    pub const PIPELINE_BROKEN: u32 = 8;
}

/// What became of a FILE: word 4 of FILE_RESULT.
pub mod file_result {
    /// Answered; every byte has been handed over to the kernel or is queued for it.
    pub const SENT: u32 = 0;
    /// Not found, and the options pass that on: the next layer's turn.
    pub const FALLTHROUGH: u32 = 1;
    /// An error for `next(err)`, told as JSON.
    pub const FAILED: u32 = 2;
    /// Nothing was decided: JavaScript answers.
    pub const DECLINED: u32 = 3;
    /// The path is a folder; only with [`SEND`](super::file_flags::SEND).
    pub const DIRECTORY: u32 = 4;
    /// The file is there; only with [`LOCATE`](super::file_flags::LOCATE).
    pub const FOUND: u32 = 5;
    /// The head of a file that is sent in pieces is queued; only with [`REPORT`](super::file_flags::REPORT), and SENT or ABORT follows.
    pub const BEGUN: u32 = 6;
    /// The head is decided, nothing has been sent; only with [`HOLD`](super::file_flags::HOLD).
    pub const HELD: u32 = 7;
}

/// Flags of FILE.
pub mod file_flags {
    /// Nothing follows the head, whatever method the request was sent with.
    pub const HEAD: u32 = 1;
    /// As `send` answers: a folder is reported, and nothing is passed on.
    pub const SEND: u32 = 2;
    /// SENT, or BEGUN before it, tells status and header lines.
    pub const REPORT: u32 = 4;
    /// A file that is found is reported, not sent.
    pub const LOCATE: u32 = 8;
    /// The head is told and the file kept; nothing is sent before a RESPOND with [`HELD`](super::response_flags::HELD).
    pub const HOLD: u32 = 16;
}

/// Flags of RESPOND, HEAD and ERROR_PAGE.
pub mod response_flags {
    /// Compute a weak ETag over the body.
    pub const ETAG_WEAK: u32 = 1;
    /// Compute a strong ETag over the body.
    pub const ETAG_STRONG: u32 = 2;
    /// Evaluate the request's conditions and answer 304 if the client's copy is fresh.
    pub const FRESH: u32 = 4;
    /// Write no `Date` line.
    pub const NO_DATE: u32 = 8;
    /// Send FINISHED once the response has left, or cannot leave any more.
    pub const NOTIFY: u32 = 16;
    /// The connection closes after this response.
    pub const CLOSE: u32 = 32;
    /// The lines hold a `Connection` header; add none.
    pub const CONNECTION_SET: u32 = 64;
    /// Add `Content-Length`.
    pub const LENGTH: u32 = 128;
    /// The body is framed in chunks.
    pub const CHUNKED: u32 = 256;
    /// Write the `Transfer-Encoding: chunked` line (implies [`CHUNKED`]).
    pub const ADD_TE: u32 = 512;
    /// Nothing follows the head, whatever comes.
    pub const NO_BODY: u32 = 1024;
    /// The lines hold `ETag` or `Last-Modified`.
    pub const VALIDATORS: u32 = 2048;
    /// The end of the connection ends the body.
    pub const UNFRAMED: u32 = 4096;
    /// With [`LENGTH`]: the line follows `Keep-Alive`, where Node puts a length it made itself.
    pub const LENGTH_LAST: u32 = 8192;
    /// RESPOND: the body is the file that was kept for this request, told by SENT once it has left. The lines hold its length.
    pub const HELD: u32 = 16384;
}

/// CHUNK: send DRAIN when all queued bytes have been handed to the kernel.
pub const CHUNK_WANT_DRAIN: u32 = 1;
/// CHUNK and RAW: the flags from here on are a 16-bit mark that DRAIN repeats.
pub const CHUNK_MARK_SHIFT: u32 = 8;
/// DESTROY: not only some of the bytes queued last but the whole response is taken back.
pub const ALL_OF_RESPONSE: u32 = 0x7fff_ffff;
/// END: send FINISHED, as [`response_flags::NOTIFY`].
pub const END_NOTIFY: u32 = 16;
/// Flag of END after RAW: the connection ends with this response.
pub const END_CLOSE: u32 = 32;
/// Flag of END: the response was written by RAW frames, head included.
pub const END_RAW: u32 = 64;

/// Index bits of a slot word; the I/O thread is above them.
pub const SLOT_INDEX_BITS: u32 = 24;
/// Connections one I/O thread can hold.
pub const MAX_SLOTS: usize = 1 << SLOT_INDEX_BITS;
/// I/O threads a pool can hold.
pub const MAX_IO_THREADS: usize = 256;

/// `w2` of a frame: I/O thread and index of the connection in its slot table.
pub const fn slot_word(io: u8, index: u32) -> u32 {
    (io as u32) << SLOT_INDEX_BITS | index
}

/// The I/O thread of a slot word.
pub const fn slot_io(slot: u32) -> u8 {
    (slot >> SLOT_INDEX_BITS) as u8
}

/// The index of a slot word.
pub const fn slot_index(slot: u32) -> u32 {
    slot & ((1 << SLOT_INDEX_BITS) - 1)
}

/// `n` rounded up to a multiple of four.
pub const fn padded(n: usize) -> usize {
    (n + 3) & !3
}

/// Why bytes are not a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameError {
    /// Fewer bytes than the length word or the part lengths ask for.
    Truncated,
    /// The length word is not a multiple of four, below the header, or below its parts.
    BadLength,
    /// No such kind.
    UnknownKind(u8),
}

impl std::fmt::Display for FrameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Truncated => f.write_str("frame is truncated"),
            Self::BadLength => f.write_str("frame has an impossible length"),
            Self::UnknownKind(kind) => write!(f, "unknown frame kind {kind}"),
        }
    }
}

impl std::error::Error for FrameError {}

/// Reads word `index` of `frame`; the caller has checked the length.
pub(crate) fn word(frame: &[u8], index: usize) -> Result<u32, FrameError> {
    frame
        .get(index * 4..index * 4 + 4)
        .and_then(|bytes| bytes.try_into().ok())
        .map(u32::from_le_bytes)
        .ok_or(FrameError::Truncated)
}

pub(crate) fn put(buf: &mut Vec<u8>, word: u32) {
    buf.extend_from_slice(&word.to_le_bytes());
}

/// Opens a frame: the length word is written by [`finish`].
pub(crate) fn begin(buf: &mut Vec<u8>, kind: u32, flags: u32, slot: u32, generation: u32) -> usize {
    debug_assert!(buf.len().is_multiple_of(4), "frames start on a word");
    let start = buf.len();
    let mut words = [0u8; HEADER_BYTES];
    words[4..8].copy_from_slice(&(kind | flags << 8).to_le_bytes());
    words[8..12].copy_from_slice(&slot.to_le_bytes());
    words[12..16].copy_from_slice(&generation.to_le_bytes());
    buf.extend_from_slice(&words);
    start
}

/// Pads the frame that began at `start` and writes its length.
pub(crate) fn finish(buf: &mut Vec<u8>, start: usize) {
    pad(buf, start);
    let length = (buf.len() - start) as u32;
    buf[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

pub(crate) fn pad(buf: &mut Vec<u8>, start: usize) {
    let length = padded(buf.len() - start);
    buf.resize(start + length, 0);
}

/// Splits the first whole frame off `bytes`.
///
/// # Errors
/// [`FrameError::Truncated`] or [`FrameError::BadLength`] where the length word cannot be right.
pub fn split_first(bytes: &[u8]) -> Result<(&[u8], &[u8]), FrameError> {
    let length = word(bytes, 0)? as usize;
    if length < HEADER_BYTES || !length.is_multiple_of(4) {
        return Err(FrameError::BadLength);
    }
    if bytes.len() < length {
        return Err(FrameError::Truncated);
    }
    Ok(bytes.split_at(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slot_words_round_trip() {
        let slot = slot_word(255, (1 << 24) - 1);
        assert_eq!(slot, u32::MAX);
        assert_eq!((slot_io(slot), slot_index(slot)), (255, (1 << 24) - 1));
        let slot = slot_word(3, 7);
        assert_eq!((slot_io(slot), slot_index(slot)), (3, 7));
    }

    #[test]
    fn split_rejects_impossible_lengths() {
        assert_eq!(split_first(&[]), Err(FrameError::Truncated));
        assert_eq!(split_first(&[12, 0, 0, 0]), Err(FrameError::BadLength));
        assert_eq!(split_first(&[18, 0, 0, 0]), Err(FrameError::BadLength));
        assert_eq!(split_first(&[16, 0, 0, 0, 1]), Err(FrameError::Truncated));
        assert_eq!(split_first(&[0xff; 4]), Err(FrameError::BadLength));
        assert_eq!(
            split_first(&[0xfc, 0xff, 0xff, 0xff, 0]),
            Err(FrameError::Truncated)
        );
    }
}
