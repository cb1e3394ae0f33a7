//! Frames from an I/O thread to JavaScript: encoders used on the request path, and a decoder for tests and other readers.
//!
//! Encoders append one whole frame to the target; they never fail and never allocate anything else.

use super::{
    FrameError, HEADER_BYTES, begin, bytes_frame, finish, inbound_kind as kind, pad, padded, put,
    special, split_first, word, word_frame,
};
use crate::codes::ClientError;

/// Everything a REQUEST (or UPGRADE) frame says, borrowed from the read buffer.
#[derive(Debug, Clone, Copy, Default)]
pub struct RequestFrame<'a> {
    /// Slot word of the connection.
    pub slot: u32,
    /// Generation of the slot for this request.
    pub generation: u32,
    /// [`request_flags`](super::request_flags).
    pub flags: u32,
    /// The server's id.
    pub server: u32,
    /// Index of the method in the router's list of methods.
    pub method: u32,
    /// Request target as received, latin1.
    pub url: &'a [u8],
    /// Remote address, latin1, empty on a Unix socket.
    pub remote: &'a [u8],
    /// Local address, latin1, empty on a Unix socket.
    pub local: &'a [u8],
    /// Remote port, 0 on a Unix socket.
    pub remote_port: u16,
    /// Local port, 0 on a Unix socket.
    pub local_port: u16,
    /// Version of the route table that made the plan, 0 without a plan.
    pub plan_version: u32,
    /// The plan's words.
    pub plan: &'a [u32],
    /// Inline body; for UPGRADE the bytes read after the head.
    pub body: &'a [u8],
}

impl RequestFrame<'_> {
    /// Appends a REQUEST frame. `headers` gives names as received and trimmed values, none holding a line feed.
    pub fn encode<'h>(
        &self,
        buf: &mut Vec<u8>,
        headers: impl Iterator<Item = (&'h [u8], &'h [u8])>,
    ) {
        self.write(buf, kind::REQUEST, None, headers);
    }

    /// Appends an UPGRADE frame with the file descriptor that now belongs to JavaScript (−1 for none).
    pub fn encode_upgrade<'h>(
        &self,
        buf: &mut Vec<u8>,
        fd: i32,
        headers: impl Iterator<Item = (&'h [u8], &'h [u8])>,
    ) {
        self.write(buf, kind::UPGRADE, Some(fd), headers);
    }

    fn write<'h>(
        &self,
        buf: &mut Vec<u8>,
        kind: u32,
        fd: Option<i32>,
        headers: impl Iterator<Item = (&'h [u8], &'h [u8])>,
    ) {
        let start = begin(buf, kind, self.flags, self.slot, self.generation);
        let words = [
            self.server,
            self.method,
            self.url.len() as u32,
            0, // head length, known once the head is written
            self.plan_version,
            self.plan.len() as u32,
            self.body.len() as u32,
            u32::from(self.remote_port) | u32::from(self.local_port) << 16,
        ];
        let mut bytes = [0u8; 32];
        for (slot, value) in bytes.chunks_exact_mut(4).zip(words) {
            slot.copy_from_slice(&value.to_le_bytes());
        }
        buf.extend_from_slice(&bytes);
        if let Some(fd) = fd {
            put(buf, fd as u32);
        }
        let head = buf.len();
        buf.extend_from_slice(self.url);
        buf.push(b'\n');
        buf.extend_from_slice(self.remote);
        buf.push(b'\n');
        buf.extend_from_slice(self.local);
        for (name, value) in headers {
            buf.push(b'\n');
            buf.extend_from_slice(name);
            buf.push(b'\n');
            buf.extend_from_slice(value);
        }
        let head_length = (buf.len() - head) as u32;
        buf[start + 28..start + 32].copy_from_slice(&head_length.to_le_bytes());
        pad(buf, start);
        for &value in self.plan {
            put(buf, value);
        }
        buf.extend_from_slice(self.body);
        finish(buf, start);
    }
}

/// Appends a BODY frame.
pub fn body(buf: &mut Vec<u8>, slot: u32, generation: u32, bytes: &[u8]) {
    bytes_frame(buf, kind::BODY, 0, slot, generation, bytes);
}

/// Appends a BODY frame whose `length` bytes travel beside it (see `JsQueue::push_body`).
pub fn body_beside(buf: &mut Vec<u8>, slot: u32, generation: u32, length: u32) {
    word_frame(buf, kind::BODY, special::BESIDE, slot, generation, length);
}

/// Appends a BODY_END frame; `trailers` is `Name\nvalue\n…` without the last line feed.
pub fn body_end(buf: &mut Vec<u8>, slot: u32, generation: u32, trailers: &[u8]) {
    bytes_frame(buf, kind::BODY_END, 0, slot, generation, trailers);
}

/// Appends an ABORT frame with a reason of [`abort`](super::abort). `code` says what was wrong with the
/// request: an index of [`CLIENT_ERROR_CODES`](crate::codes::CLIENT_ERROR_CODES); 0 with the other reasons.
pub fn abort(buf: &mut Vec<u8>, slot: u32, generation: u32, reason: u32, code: u32) {
    let start = begin(buf, kind::ABORT, 0, slot, generation);
    put(buf, reason);
    put(buf, code);
    finish(buf, start);
}

/// Appends a DRAIN frame. `mark`: that of the last frame which asked for it.
pub fn drain(buf: &mut Vec<u8>, slot: u32, generation: u32, mark: u16) {
    word_frame(buf, kind::DRAIN, 0, slot, generation, u32::from(mark));
}

/// Appends a FINISHED frame: `delivered` if all bytes were handed to the kernel.
pub fn finished(buf: &mut Vec<u8>, slot: u32, generation: u32, delivered: bool) {
    word_frame(
        buf,
        kind::FINISHED,
        0,
        slot,
        generation,
        u32::from(delivered),
    );
}

/// What a CLIENT_ERROR frame says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClientErrorFrame<'a> {
    /// Slot word of the connection.
    pub slot: u32,
    /// Of the request whose turn it is, or was.
    pub generation: u32,
    /// The server's id.
    pub server: u32,
    /// Index in [`CLIENT_ERROR_CODES`](crate::codes::CLIENT_ERROR_CODES).
    pub code: u32,
    /// The first generation of the connection: what is older in this slot is another's.
    pub first_generation: u32,
    /// The socket is broken.
    pub gone: bool,
    /// Remote address and port, empty and 0 on a Unix socket.
    pub remote: (&'a [u8], u16),
    /// Local address and port, likewise.
    pub local: (&'a [u8], u16),
    /// The bytes at fault.
    pub packet: &'a [u8],
}

impl ClientErrorFrame<'_> {
    /// Appends the frame.
    pub fn encode(&self, buf: &mut Vec<u8>) {
        let flags = if self.gone { special::SOCKET_GONE } else { 0 };
        let start = begin(buf, kind::CLIENT_ERROR, flags, self.slot, self.generation);
        put(buf, self.server);
        put(buf, self.code);
        put(buf, self.first_generation);
        put(buf, self.packet.len() as u32);
        put(
            buf,
            u32::from(self.remote.1) | u32::from(self.local.1) << 16,
        );
        put(buf, (self.remote.0.len() + 1 + self.local.0.len()) as u32);
        buf.extend_from_slice(self.remote.0);
        buf.push(b'\n');
        buf.extend_from_slice(self.local.0);
        buf.extend_from_slice(self.packet);
        finish(buf, start);
    }
}

/// Appends a CONNECTION frame.
pub fn connection(
    buf: &mut Vec<u8>,
    slot: u32,
    generation: u32,
    server: u32,
    (remote, remote_port): (&[u8], u16),
    (local, local_port): (&[u8], u16),
) {
    let start = begin(buf, kind::CONNECTION, 0, slot, generation);
    connection_payload(buf, server, (remote, remote_port), (local, local_port));
    finish(buf, start);
}

/// Appends a CONNECTION frame for one that was closed at once, since `maxConnections` were open.
pub fn connection_dropped(
    buf: &mut Vec<u8>,
    server: u32,
    remote: (&[u8], u16),
    local: (&[u8], u16),
) {
    let start = begin(buf, kind::CONNECTION, special::CONNECTION_DROPPED, 0, 0);
    connection_payload(buf, server, remote, local);
    finish(buf, start);
}

fn connection_payload(
    buf: &mut Vec<u8>,
    server: u32,
    (remote, remote_port): (&[u8], u16),
    (local, local_port): (&[u8], u16),
) {
    put(buf, server);
    put(buf, u32::from(remote_port) | u32::from(local_port) << 16);
    put(buf, (remote.len() + 1 + local.len()) as u32);
    buf.extend_from_slice(remote);
    buf.push(b'\n');
    buf.extend_from_slice(local);
}

/// Appends a CONNECTION_CLOSED frame; `ended` if the client had sent FIN, `error` if that was what the connection ended with.
pub fn connection_closed(
    buf: &mut Vec<u8>,
    slot: u32,
    generation: u32,
    server: u32,
    ended: bool,
    error: Option<ClientError>,
) {
    let flags = if ended { special::CONNECTION_ENDED } else { 0 };
    let start = begin(buf, kind::CONNECTION_CLOSED, flags, slot, generation);
    put(buf, server);
    put(buf, error.map_or(0, |error| error as u32 + 1));
    finish(buf, start);
}

/// Appends a SERVER_CLOSED frame.
pub fn server_closed(buf: &mut Vec<u8>, server: u32) {
    word_frame(buf, kind::SERVER_CLOSED, 0, 0, 0, server);
}

/// Appends a SERVER_BUSY frame.
pub fn server_busy(buf: &mut Vec<u8>, server: u32) {
    word_frame(buf, kind::SERVER_BUSY, 0, 0, 0, server);
}

/// Appends a SOCKET_TIMEOUT frame.
pub fn socket_timeout(buf: &mut Vec<u8>, slot: u32, generation: u32, server: u32) {
    word_frame(buf, kind::SOCKET_TIMEOUT, 0, slot, generation, server);
}

/// Appends a FILE_RESULT frame: `result` of [`file_result`](super::file_result), and the error as JSON for a failure.
pub fn file_result(buf: &mut Vec<u8>, slot: u32, generation: u32, result: u32, error: &[u8]) {
    let start = begin(buf, kind::FILE_RESULT, 0, slot, generation);
    put(buf, result);
    put(buf, error.len() as u32);
    buf.extend_from_slice(error);
    finish(buf, start);
}

/// One decoded inbound frame. JavaScript has its own decoder; this one serves tests and other executors.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "the fields are the words of docs/internals/frames.md"
)]
pub enum InFrame<'a> {
    Request {
        slot: u32,
        generation: u32,
        flags: u32,
        server: u32,
        method: u32,
        url: &'a [u8],
        head: &'a [u8],
        plan_version: u32,
        plan: Vec<u32>,
        body: &'a [u8],
        remote_port: u16,
        local_port: u16,
        /// `Some` for UPGRADE.
        fd: Option<i32>,
    },
    Body {
        slot: u32,
        generation: u32,
        bytes: &'a [u8],
        /// Bytes that travel beside the frame; then `bytes` is empty.
        beside: usize,
    },
    BodyEnd {
        slot: u32,
        generation: u32,
        trailers: &'a [u8],
        /// The next frame is of the same bytes: JOINED.
        is_joined: bool,
    },
    Abort {
        slot: u32,
        generation: u32,
        reason: u32,
        code: u32,
    },
    Drain {
        slot: u32,
        generation: u32,
        mark: u32,
    },
    Finished {
        slot: u32,
        generation: u32,
        delivered: bool,
    },
    ClientError {
        slot: u32,
        generation: u32,
        server: u32,
        code: u32,
        first_generation: u32,
        gone: bool,
        remote_port: u16,
        local_port: u16,
        addresses: &'a [u8],
        packet: &'a [u8],
    },
    Connection {
        slot: u32,
        generation: u32,
        server: u32,
        remote_port: u16,
        local_port: u16,
        addresses: &'a [u8],
    },
    ConnectionClosed {
        slot: u32,
        generation: u32,
        server: u32,
        /// Index of its error, plus one; 0 = none.
        error: u32,
    },
    ServerClosed {
        server: u32,
    },
    ServerBusy {
        server: u32,
    },
    SocketTimeout {
        slot: u32,
        generation: u32,
        server: u32,
    },
    FileResult {
        slot: u32,
        generation: u32,
        result: u32,
        error: &'a [u8],
    },
}

/// Iterates over the whole frames of a slice; stops after the first error.
#[derive(Debug, Clone)]
pub struct InFrames<'a> {
    rest: &'a [u8],
}

impl<'a> InFrames<'a> {
    /// Starts at the first byte of `bytes`, which must be a frame's first.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'a> Iterator for InFrames<'a> {
    type Item = Result<InFrame<'a>, FrameError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let result = split_first(self.rest).and_then(|(frame, rest)| {
            self.rest = rest;
            decode(frame)
        });
        if result.is_err() {
            self.rest = &[];
        }
        Some(result)
    }
}

fn part(frame: &[u8], at: usize, length: u32) -> Result<&[u8], FrameError> {
    let end = at
        .checked_add(length as usize)
        .ok_or(FrameError::BadLength)?;
    frame.get(at..end).ok_or(FrameError::BadLength)
}

fn decode(frame: &[u8]) -> Result<InFrame<'_>, FrameError> {
    let w = |index| word(frame, index);
    let (slot, generation) = (w(2)?, w(3)?);
    let head_word = w(1)?;
    Ok(match head_word & 0xff {
        code @ (kind::REQUEST | kind::UPGRADE) => {
            let upgrade = code == kind::UPGRADE;
            let head_at = HEADER_BYTES + 32 + if upgrade { 4 } else { 0 };
            let head = part(frame, head_at, w(7)?)?;
            let plan_at = padded(head_at + head.len());
            let plan_words = w(9)?;
            let plan_bytes = part(
                frame,
                plan_at,
                plan_words.checked_mul(4).ok_or(FrameError::BadLength)?,
            )?;
            let plan = (0..plan_words as usize)
                .map(|i| word(plan_bytes, i))
                .collect::<Result<_, _>>()?;
            let body = part(frame, plan_at + plan_bytes.len(), w(10)?)?;
            let url = part(head, 0, w(6)?)?;
            InFrame::Request {
                slot,
                generation,
                flags: head_word >> 8,
                server: w(4)?,
                method: w(5)?,
                url,
                head,
                plan_version: w(8)?,
                plan,
                body,
                remote_port: (w(11)? & 0xffff) as u16,
                local_port: (w(11)? >> 16) as u16,
                fd: if upgrade { Some(w(12)? as i32) } else { None },
            }
        }
        kind::BODY => {
            let is_beside = head_word >> 8 & special::BESIDE != 0;
            InFrame::Body {
                slot,
                generation,
                bytes: if is_beside {
                    &[]
                } else {
                    part(frame, 20, w(4)?)?
                },
                beside: if is_beside { w(4)? as usize } else { 0 },
            }
        }
        kind::BODY_END => InFrame::BodyEnd {
            slot,
            generation,
            trailers: part(frame, 20, w(4)?)?,
            is_joined: head_word >> 8 & special::JOINED != 0,
        },
        kind::ABORT => InFrame::Abort {
            slot,
            generation,
            reason: w(4)?,
            code: w(5)?,
        },
        kind::DRAIN => InFrame::Drain {
            slot,
            generation,
            mark: w(4)?,
        },
        kind::FINISHED => InFrame::Finished {
            slot,
            generation,
            delivered: w(4)? == 1,
        },
        kind::CLIENT_ERROR => InFrame::ClientError {
            slot,
            generation,
            server: w(4)?,
            code: w(5)?,
            first_generation: w(6)?,
            gone: (head_word >> 8) & special::SOCKET_GONE != 0,
            remote_port: (w(8)? & 0xffff) as u16,
            local_port: (w(8)? >> 16) as u16,
            addresses: part(frame, 40, w(9)?)?,
            packet: part(frame, 40 + w(9)? as usize, w(7)?)?,
        },
        kind::CONNECTION => InFrame::Connection {
            slot,
            generation,
            server: w(4)?,
            remote_port: (w(5)? & 0xffff) as u16,
            local_port: (w(5)? >> 16) as u16,
            addresses: part(frame, 28, w(6)?)?,
        },
        kind::CONNECTION_CLOSED => InFrame::ConnectionClosed {
            slot,
            generation,
            server: w(4)?,
            error: w(5)?,
        },
        kind::SERVER_CLOSED => InFrame::ServerClosed { server: w(4)? },
        kind::SERVER_BUSY => InFrame::ServerBusy { server: w(4)? },
        kind::SOCKET_TIMEOUT => InFrame::SocketTimeout {
            slot,
            generation,
            server: w(4)?,
        },
        kind::FILE_RESULT => InFrame::FileResult {
            slot,
            generation,
            result: w(4)?,
            error: part(frame, 24, w(5)?)?,
        },
        other => return Err(FrameError::UnknownKind(other as u8)),
    })
}
