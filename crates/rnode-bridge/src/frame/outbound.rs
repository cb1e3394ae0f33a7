//! Frames from JavaScript to an I/O thread: a decoder that trusts nothing, and encoders for tests and other executors.
//!
//! JavaScript writes these bytes, so every length is checked; a malformed frame is an error and never a panic.

use super::{
    FrameError, HEADER_BYTES, begin, finish, outbound_kind as kind, put, split_first, word,
};
use bytes::Bytes;

/// Body bytes of a RESPOND, CHUNK or RAW.
#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    /// Inside the frame.
    Inline(&'a [u8]),
    /// Inside a frame of a batch that may be kept: [`Bytes::slice_ref`] copies no bytes.
    Part(&'a [u8], &'a Bytes),
    /// Posted beside the frame; cloning it copies no bytes.
    Large(&'a Bytes),
}

impl Body<'_> {
    /// The bytes, wherever they are.
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Self::Inline(bytes) | Self::Part(bytes, _) => bytes,
            Self::Large(bytes) => bytes,
        }
    }
}

/// Head of a response: RESPOND, HEAD and ERROR_PAGE share it.
#[derive(Debug, Clone, Copy)]
pub struct ResponseHead<'a> {
    /// [`response_flags`](super::response_flags).
    pub flags: u32,
    /// Status code as JavaScript gave it, not checked.
    pub status: u32,
    /// Interned header block that opens the lines, 0 for none.
    pub block: u32,
    /// Header lines, `Name: value\r\n` each, not checked.
    pub lines: &'a [u8],
    /// Reason phrase; empty for the standard one. Not checked.
    pub reason: &'a [u8],
}

/// A file to answer with: FILE.
#[derive(Debug, Clone, Copy)]
pub struct FileFrame<'a> {
    /// [`file_flags`](super::file_flags).
    pub flags: u32,
    /// Number of the interned options.
    pub options: u32,
    /// `res.statusCode`, not checked.
    pub status: u32,
    /// Header lines already set, `Name: value\r\n` each, not checked.
    pub lines: &'a [u8],
    /// Path of `req.url`, without the query, latin1.
    pub path: &'a [u8],
    /// `req.originalUrl`, latin1.
    pub original_url: &'a [u8],
    /// Request headers that matter, `name\nvalue\n` each, names in lower case.
    pub headers: &'a [u8],
}

/// What JavaScript asks of a connection.
#[derive(Debug, Clone, Copy)]
#[allow(
    missing_docs,
    reason = "the names are those of docs/internals/frames.md"
)]
pub enum Kind<'a> {
    Respond {
        head: ResponseHead<'a>,
        body: Body<'a>,
    },
    Head {
        head: ResponseHead<'a>,
    },
    Chunk {
        /// DRAIN is wanted, and names this mark.
        drain: Option<u16>,
        body: Body<'a>,
    },
    End {
        notify: bool,
        /// With `raw`: the connection ends with this response.
        close: bool,
        /// The response was written by RAW frames.
        raw: bool,
        trailers: &'a [u8],
    },
    Destroy {
        reset: bool,
        /// Bytes queued last that are not to be sent; [`ALL_OF_RESPONSE`](super::ALL_OF_RESPONSE) goes back to its head.
        take_back: u32,
    },
    BodyWant {
        credit: u32,
    },
    Info {
        bytes: &'a [u8],
    },
    /// Milliseconds, 0 = off.
    Deadline {
        ms: u32,
    },
    ErrorPage {
        head: ResponseHead<'a>,
        message: &'a [u8],
    },
    Raw {
        /// As for [`Chunk`](Self::Chunk).
        drain: Option<u16>,
        body: Body<'a>,
    },
    SocketEnd,
    /// CONNECTION_CLOSED is wanted, even if the generation is an earlier one of the connection.
    WatchClose {
        server: u32,
    },
    File(FileFrame<'a>),
    BodyDump,
    Hold {
        /// No further request of the connection is wanted for now.
        hold: bool,
    },
}

/// One decoded frame.
#[derive(Debug, Clone, Copy)]
pub struct Command<'a> {
    /// Slot word.
    pub slot: u32,
    /// Generation the sender knew.
    pub generation: u32,
    /// What to do.
    pub kind: Kind<'a>,
}

/// Iterates over the frames of a slice; ends after the first malformed one.
#[derive(Debug, Clone)]
pub struct Commands<'a> {
    rest: &'a [u8],
    batch: Option<&'a Bytes>,
}

impl<'a> Commands<'a> {
    /// Starts at the first byte of `bytes`, which must be a frame's first.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            batch: None,
        }
    }

    /// The same for bytes that may be kept: bodies are [`Body::Part`].
    pub fn batch(batch: &'a Bytes) -> Self {
        Self {
            rest: batch,
            batch: Some(batch),
        }
    }

    /// Decodes one RESPOND, CHUNK or RAW whose body was posted beside it.
    ///
    /// # Errors
    /// As the iterator; also if `head` is another kind, holds more than one frame, or states another body length.
    pub fn large(head: &'a [u8], body: &'a Bytes) -> Result<Command<'a>, FrameError> {
        let (frame, rest) = split_first(head)?;
        if !rest.is_empty() {
            return Err(FrameError::BadLength);
        }
        decode(frame, None, Some(body))
    }
}

impl<'a> Iterator for Commands<'a> {
    type Item = Result<Command<'a>, FrameError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let result = split_first(self.rest).and_then(|(frame, rest)| {
            self.rest = rest;
            decode(frame, self.batch, None)
        });
        if result.is_err() {
            self.rest = &[];
        }
        Some(result)
    }
}

/// Cuts contiguous parts off a frame, in order.
struct Parts<'a> {
    frame: &'a [u8],
    batch: Option<&'a Bytes>,
    at: usize,
}

impl<'a> Parts<'a> {
    fn next(&mut self, length: u32) -> Result<&'a [u8], FrameError> {
        let end = self
            .at
            .checked_add(length as usize)
            .ok_or(FrameError::BadLength)?;
        let part = self.frame.get(self.at..end).ok_or(FrameError::BadLength)?;
        self.at = end;
        Ok(part)
    }

    fn body(&mut self, length: u32, beside: Option<&'a Bytes>) -> Result<Body<'a>, FrameError> {
        match beside {
            None => {
                let bytes = self.next(length)?;
                Ok(match self.batch {
                    None => Body::Inline(bytes),
                    Some(batch) => Body::Part(bytes, batch),
                })
            }
            Some(bytes) if bytes.len() == length as usize => Ok(Body::Large(bytes)),
            Some(_) => Err(FrameError::BadLength),
        }
    }
}

fn decode<'a>(
    frame: &'a [u8],
    batch: Option<&'a Bytes>,
    beside: Option<&'a Bytes>,
) -> Result<Command<'a>, FrameError> {
    let w = |index| word(frame, index);
    let kind_word = w(1)?;
    let flags = kind_word >> 8;
    let code = kind_word & 0xff;
    if beside.is_some() && !matches!(code, kind::RESPOND | kind::CHUNK | kind::RAW) {
        return Err(FrameError::BadLength);
    }
    let parts = |words: usize| Parts {
        frame,
        batch,
        at: HEADER_BYTES + words * 4,
    };
    let decoded = match code {
        kind::RESPOND => {
            let mut parts = parts(5);
            let reason = parts.next(w(7)?)?;
            let lines = parts.next(w(6)?)?;
            let body = parts.body(w(8)?, beside)?;
            Kind::Respond {
                head: ResponseHead {
                    flags,
                    status: w(4)?,
                    block: w(5)?,
                    lines,
                    reason,
                },
                body,
            }
        }
        kind::HEAD => {
            let mut parts = parts(4);
            let reason = parts.next(w(7)?)?;
            let lines = parts.next(w(6)?)?;
            Kind::Head {
                head: ResponseHead {
                    flags,
                    status: w(4)?,
                    block: w(5)?,
                    lines,
                    reason,
                },
            }
        }
        kind::CHUNK => Kind::Chunk {
            drain: drain_mark(flags),
            body: parts(1).body(w(4)?, beside)?,
        },
        kind::END => Kind::End {
            notify: flags & super::END_NOTIFY != 0,
            close: flags & super::END_CLOSE != 0,
            raw: flags & super::END_RAW != 0,
            trailers: parts(1).next(w(4)?)?,
        },
        kind::DESTROY => {
            let word = w(4)?;
            Kind::Destroy {
                reset: word & 1 != 0,
                take_back: word >> 1,
            }
        }
        kind::BODY_WANT => Kind::BodyWant { credit: w(4)? },
        kind::INFO => Kind::Info {
            bytes: parts(1).next(w(4)?)?,
        },
        kind::DEADLINE => Kind::Deadline { ms: w(4)? },
        kind::ERROR_PAGE => {
            let mut parts = parts(4);
            let lines = parts.next(w(6)?)?;
            let message = parts.next(w(7)?)?;
            Kind::ErrorPage {
                head: ResponseHead {
                    flags,
                    status: w(4)?,
                    block: w(5)?,
                    lines,
                    reason: b"",
                },
                message,
            }
        }
        kind::RAW => Kind::Raw {
            drain: drain_mark(flags),
            body: parts(1).body(w(4)?, beside)?,
        },
        kind::SOCKET_END => Kind::SocketEnd,
        kind::WATCH_CLOSE => Kind::WatchClose { server: w(4)? },
        kind::FILE => {
            let mut parts = parts(6);
            Kind::File(FileFrame {
                flags,
                options: w(4)?,
                status: w(5)?,
                lines: parts.next(w(6)?)?,
                path: parts.next(w(7)?)?,
                original_url: parts.next(w(8)?)?,
                headers: parts.next(w(9)?)?,
            })
        }
        kind::BODY_DUMP => Kind::BodyDump,
        kind::HOLD => Kind::Hold { hold: w(4)? != 0 },
        other => return Err(FrameError::UnknownKind(other as u8)),
    };
    Ok(Command {
        slot: w(2)?,
        generation: w(3)?,
        kind: decoded,
    })
}

/// Appends a RESPOND frame with its body inline.
pub fn respond(
    buf: &mut Vec<u8>,
    slot: u32,
    generation: u32,
    head: &ResponseHead<'_>,
    body: &[u8],
) {
    let start = respond_words(buf, slot, generation, head, body.len());
    buf.extend_from_slice(body);
    finish(buf, start);
}

/// Appends the frame part of a RESPOND whose `body_length` bytes are posted beside it.
pub fn respond_large(
    buf: &mut Vec<u8>,
    slot: u32,
    generation: u32,
    head: &ResponseHead<'_>,
    body_length: usize,
) {
    let start = respond_words(buf, slot, generation, head, body_length);
    finish(buf, start);
}

fn respond_words(
    buf: &mut Vec<u8>,
    slot: u32,
    generation: u32,
    head: &ResponseHead<'_>,
    body: usize,
) -> usize {
    let start = begin(buf, kind::RESPOND, head.flags, slot, generation);
    for value in [
        head.status,
        head.block,
        head.lines.len() as u32,
        head.reason.len() as u32,
        body as u32,
    ] {
        put(buf, value);
    }
    buf.extend_from_slice(head.reason);
    buf.extend_from_slice(head.lines);
    start
}

/// Appends a HEAD frame.
pub fn head(buf: &mut Vec<u8>, slot: u32, generation: u32, head: &ResponseHead<'_>) {
    let start = begin(buf, kind::HEAD, head.flags, slot, generation);
    for value in [
        head.status,
        head.block,
        head.lines.len() as u32,
        head.reason.len() as u32,
    ] {
        put(buf, value);
    }
    buf.extend_from_slice(head.reason);
    buf.extend_from_slice(head.lines);
    finish(buf, start);
}

/// Appends an ERROR_PAGE frame; `head.reason` is not sent.
pub fn error_page(
    buf: &mut Vec<u8>,
    slot: u32,
    generation: u32,
    head: &ResponseHead<'_>,
    message: &str,
) {
    let start = begin(buf, kind::ERROR_PAGE, head.flags, slot, generation);
    for value in [
        head.status,
        head.block,
        head.lines.len() as u32,
        message.len() as u32,
    ] {
        put(buf, value);
    }
    buf.extend_from_slice(head.lines);
    buf.extend_from_slice(message.as_bytes());
    finish(buf, start);
}

/// The mark of a CHUNK or RAW that asks for DRAIN.
fn drain_mark(flags: u32) -> Option<u16> {
    (flags & super::CHUNK_WANT_DRAIN != 0).then_some((flags >> super::CHUNK_MARK_SHIFT) as u16)
}

/// Appends a CHUNK frame with its data inline.
pub fn chunk(buf: &mut Vec<u8>, slot: u32, generation: u32, want_drain: bool, data: &[u8]) {
    let flags = if want_drain {
        super::CHUNK_WANT_DRAIN
    } else {
        0
    };
    bytes_frame(buf, kind::CHUNK, flags, slot, generation, data);
}

/// Appends the frame part of a CHUNK whose `length` bytes are posted beside it.
pub fn chunk_large(buf: &mut Vec<u8>, slot: u32, generation: u32, want_drain: bool, length: usize) {
    let flags = if want_drain {
        super::CHUNK_WANT_DRAIN
    } else {
        0
    };
    word_frame(buf, kind::CHUNK, flags, slot, generation, length as u32);
}

/// Appends an END frame; `trailers` are lines.
pub fn end(buf: &mut Vec<u8>, slot: u32, generation: u32, notify: bool, trailers: &[u8]) {
    let flags = if notify { super::END_NOTIFY } else { 0 };
    bytes_frame(buf, kind::END, flags, slot, generation, trailers);
}

/// Appends a DESTROY frame.
pub fn destroy(buf: &mut Vec<u8>, slot: u32, generation: u32, reset: bool) {
    word_frame(buf, kind::DESTROY, 0, slot, generation, u32::from(reset));
}

/// Appends a DESTROY frame that takes bytes back: [`ALL_OF_RESPONSE`](super::ALL_OF_RESPONSE), or those queued last.
pub fn destroy_taking_back(buf: &mut Vec<u8>, slot: u32, generation: u32, bytes: u32) {
    word_frame(buf, kind::DESTROY, 0, slot, generation, bytes << 1);
}

/// Appends a BODY_WANT frame.
pub fn body_want(buf: &mut Vec<u8>, slot: u32, generation: u32, credit: u32) {
    word_frame(buf, kind::BODY_WANT, 0, slot, generation, credit);
}

/// Appends an INFO frame.
pub fn info(buf: &mut Vec<u8>, slot: u32, generation: u32, bytes: &[u8]) {
    bytes_frame(buf, kind::INFO, 0, slot, generation, bytes);
}

/// Appends a DEADLINE frame.
pub fn deadline(buf: &mut Vec<u8>, slot: u32, generation: u32, ms: u32) {
    word_frame(buf, kind::DEADLINE, 0, slot, generation, ms);
}

/// Appends an END frame for a response that was written by RAW frames; `close` ends the connection with it.
pub fn raw_end(buf: &mut Vec<u8>, slot: u32, generation: u32, close: bool) {
    let flags = super::END_RAW | if close { super::END_CLOSE } else { 0 };
    bytes_frame(buf, kind::END, flags, slot, generation, b"");
}

/// Appends a RAW frame.
pub fn raw(buf: &mut Vec<u8>, slot: u32, generation: u32, bytes: &[u8]) {
    bytes_frame(buf, kind::RAW, 0, slot, generation, bytes);
}

/// Appends a SOCKET_END frame.
pub fn socket_end(buf: &mut Vec<u8>, slot: u32, generation: u32) {
    let start = begin(buf, kind::SOCKET_END, 0, slot, generation);
    finish(buf, start);
}

/// Appends a WATCH_CLOSE frame.
pub fn watch_close(buf: &mut Vec<u8>, slot: u32, generation: u32, server: u32) {
    word_frame(buf, kind::WATCH_CLOSE, 0, slot, generation, server);
}

/// Appends a FILE frame.
pub fn file(buf: &mut Vec<u8>, slot: u32, generation: u32, file: &FileFrame<'_>) {
    let start = begin(buf, kind::FILE, file.flags, slot, generation);
    let parts = [file.lines, file.path, file.original_url, file.headers];
    put(buf, file.options);
    put(buf, file.status);
    for part in parts {
        put(buf, part.len() as u32);
    }
    for part in parts {
        buf.extend_from_slice(part);
    }
    finish(buf, start);
}

/// Appends a BODY_DUMP frame.
pub fn body_dump(buf: &mut Vec<u8>, slot: u32, generation: u32) {
    let start = begin(buf, kind::BODY_DUMP, 0, slot, generation);
    finish(buf, start);
}

/// Appends a HOLD frame.
pub fn hold(buf: &mut Vec<u8>, slot: u32, generation: u32, hold: bool) {
    word_frame(buf, kind::HOLD, 0, slot, generation, u32::from(hold));
}

fn bytes_frame(buf: &mut Vec<u8>, kind: u32, flags: u32, slot: u32, generation: u32, bytes: &[u8]) {
    let start = begin(buf, kind, flags, slot, generation);
    put(buf, bytes.len() as u32);
    buf.extend_from_slice(bytes);
    finish(buf, start);
}

fn word_frame(buf: &mut Vec<u8>, kind: u32, flags: u32, slot: u32, generation: u32, value: u32) {
    let start = begin(buf, kind, flags, slot, generation);
    put(buf, value);
    finish(buf, start);
}
