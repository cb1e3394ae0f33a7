//! Encoders, for tests and executors that are not JavaScript. They check nothing; the product's frames are written by
//! `js/lib/native`.

use super::{FileFrame, ResponseHead};
use crate::frame::{
    begin, bytes_frame, chunk_flags, end_flags, finish, outbound_kind as kind, put, word_frame,
};

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
    for value in [head.status, head.lines.len() as u32, message.len() as u32] {
        put(buf, value);
    }
    buf.extend_from_slice(head.lines);
    buf.extend_from_slice(message.as_bytes());
    finish(buf, start);
}

/// Appends a CHUNK frame with its data inline.
pub fn chunk(buf: &mut Vec<u8>, slot: u32, generation: u32, want_drain: bool, data: &[u8]) {
    let flags = drain_flag(want_drain);
    bytes_frame(buf, kind::CHUNK, flags, slot, generation, data);
}

/// Appends the frame part of a CHUNK whose `length` bytes are posted beside it.
pub fn chunk_large(buf: &mut Vec<u8>, slot: u32, generation: u32, want_drain: bool, length: usize) {
    let flags = drain_flag(want_drain);
    word_frame(buf, kind::CHUNK, flags, slot, generation, length as u32);
}

fn drain_flag(want_drain: bool) -> u32 {
    if want_drain {
        chunk_flags::WANT_DRAIN
    } else {
        0
    }
}

/// Appends an END frame; `trailers` are lines.
pub fn end(buf: &mut Vec<u8>, slot: u32, generation: u32, notify: bool, trailers: &[u8]) {
    let flags = if notify { end_flags::NOTIFY } else { 0 };
    bytes_frame(buf, kind::END, flags, slot, generation, trailers);
}

/// Appends a DESTROY frame.
pub fn destroy(buf: &mut Vec<u8>, slot: u32, generation: u32, reset: bool) {
    word_frame(buf, kind::DESTROY, 0, slot, generation, u32::from(reset));
}

/// Appends a DESTROY frame that takes bytes back: [`ALL_OF_RESPONSE`](crate::frame::special::ALL_OF_RESPONSE), or those queued last.
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
    let flags = end_flags::RAW | if close { end_flags::CLOSE } else { 0 };
    bytes_frame(buf, kind::END, flags, slot, generation, b"");
}

/// Appends a RAW frame.
pub fn raw(buf: &mut Vec<u8>, slot: u32, generation: u32, bytes: &[u8]) {
    bytes_frame(buf, kind::RAW, 0, slot, generation, bytes);
}

/// Appends a SOCKET_END frame; `wait` for the client's own end.
pub fn socket_end(buf: &mut Vec<u8>, slot: u32, generation: u32, wait: bool) {
    let flags = if wait {
        crate::frame::special::WAIT_FOR_CLIENT
    } else {
        0
    };
    let start = begin(buf, kind::SOCKET_END, flags, slot, generation);
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

/// Appends a PROGRESS_ASK frame.
pub fn progress_ask(buf: &mut Vec<u8>, slot: u32, generation: u32) {
    word_frame(buf, kind::PROGRESS_ASK, 0, slot, generation, 0);
}
