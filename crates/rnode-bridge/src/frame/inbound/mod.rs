//! Frames from an I/O thread to JavaScript: the encoders, used on the request path. `decode` reads the frames for tests and
//! other executors.
//!
//! Encoders append one whole frame to the target; they never fail and never allocate anything else.

mod decode;

pub use decode::{InFrame, InFrames};

use super::{begin, bytes_frame, finish, inbound_kind as kind, pad, put, special, word_frame};
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

/// Appends a PROGRESS frame: how often the kernel has taken bytes of the connection, wrapping, and whether some still `wait`.
pub fn progress(buf: &mut Vec<u8>, slot: u32, generation: u32, count: u32, wait: bool) {
    let flags = if wait { special::BYTES_WAIT } else { 0 };
    word_frame(buf, kind::PROGRESS, flags, slot, generation, count);
}

/// Appends a FILE_RESULT frame: `result` of [`file_result`](super::file_result), and the error as JSON for a failure.
pub fn file_result(buf: &mut Vec<u8>, slot: u32, generation: u32, result: u32, error: &[u8]) {
    let start = begin(buf, kind::FILE_RESULT, 0, slot, generation);
    put(buf, result);
    put(buf, error.len() as u32);
    buf.extend_from_slice(error);
    finish(buf, start);
}
