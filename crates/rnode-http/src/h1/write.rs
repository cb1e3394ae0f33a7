//! Bytes on the wire: the output queue of a connection, and the lines a response head is made of.
//!
//! Heads and small bodies collect in one buffer, so that a response costs one write; large bodies are queued as they
//! came and written beside it, never copied.

use super::io::Io;
use crate::io_thread::Ctx;
use bytes::Bytes;
use std::collections::VecDeque;
use std::io::{self, IoSlice};

/// Slices given to one vectored write: enough for a window of chunks, each with its size before it, and the end behind them.
const MAX_SLICES: usize = 256;
/// A large body below this size is copied after all: cheaper than a slice of its own.
const COPY_BELOW: usize = 4 << 10;

/// Bytes that wait to be handed to the kernel, in order.
#[derive(Debug, Default)]
pub(crate) struct OutQueue {
    segments: VecDeque<Segment>,
    /// Bytes of the first segment that have left.
    sent: usize,
    /// Bytes ever queued and ever handed to the kernel; their difference is what waits.
    queued: u64,
    written: u64,
}

#[derive(Debug)]
enum Segment {
    Buffer(Vec<u8>),
    Large(Bytes),
    /// A piece of a batch of frames, whose memory is wanted back.
    Part(Bytes),
    /// The first bytes of a buffer that belongs to the thread.
    Chunk(Box<[u8]>, usize),
}

impl Segment {
    fn truncate(&mut self, length: usize) {
        match self {
            Self::Buffer(bytes) => bytes.truncate(length),
            Self::Large(bytes) | Self::Part(bytes) => bytes.truncate(length),
            Self::Chunk(_, end) => *end = length,
        }
    }

    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Buffer(bytes) => bytes,
            Self::Large(bytes) | Self::Part(bytes) => bytes,
            Self::Chunk(buffer, length) => &buffer[..*length],
        }
    }
}

/// What [`OutQueue::flush`] achieved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flush {
    /// Nothing waits any more.
    Done,
    /// The kernel takes no more for now.
    Blocked,
    /// The connection is broken.
    Lost(io::ErrorKind),
}

impl OutQueue {
    pub(crate) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Position after everything queued so far; reached when [`written`](Self::written) gets there.
    pub(crate) fn queued(&self) -> u64 {
        self.queued
    }

    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Bytes that wait to be handed to the kernel.
    pub(crate) fn waiting(&self) -> u64 {
        self.queued - self.written
    }

    /// Lets `f` append to the last buffer.
    pub(crate) fn append<R>(&mut self, ctx: &Ctx, f: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        if !matches!(self.segments.back(), Some(Segment::Buffer(_))) {
            self.segments.push_back(Segment::Buffer(ctx.buffer()));
        }
        let Some(Segment::Buffer(buffer)) = self.segments.back_mut() else {
            unreachable!("a buffer was pushed if there was none");
        };
        let before = buffer.len();
        let result = f(buffer);
        let added = buffer.len() - before;
        self.queued += added as u64;
        if buffer.is_empty() {
            self.segments.pop_back();
        }
        result
    }

    pub(crate) fn push(&mut self, ctx: &Ctx, bytes: &[u8]) {
        self.append(ctx, |buffer| buffer.extend_from_slice(bytes));
    }

    pub(crate) fn push_large(&mut self, ctx: &Ctx, bytes: &Bytes) {
        if bytes.len() < COPY_BELOW {
            return self.push(ctx, bytes);
        }
        self.queued += bytes.len() as u64;
        self.segments.push_back(Segment::Large(bytes.clone()));
    }

    /// Queues `bytes`, which are a part of `batch`; a large one keeps the batch in memory until it has left.
    pub(crate) fn push_part(&mut self, ctx: &Ctx, bytes: &[u8], batch: &Bytes) {
        if bytes.len() < COPY_BELOW {
            return self.push(ctx, bytes);
        }
        self.queued += bytes.len() as u64;
        self.segments
            .push_back(Segment::Part(batch.slice_ref(bytes)));
    }

    /// Gives batches back that a slow client keeps: what is left of them is copied.
    pub(crate) fn release_batches(&mut self) {
        for segment in &mut self.segments {
            if let Segment::Part(bytes) = segment {
                *segment = Segment::Large(Bytes::copy_from_slice(bytes));
            }
        }
    }

    /// Queues the first `length` bytes of a buffer of [`Ctx::file_buffer`].
    pub(crate) fn push_chunk(&mut self, buffer: Box<[u8]>, length: usize) {
        self.queued += length as u64;
        self.segments.push_back(Segment::Chunk(buffer, length));
    }

    /// Hands bytes to the kernel until it takes no more. `more`: further bytes follow at once, so that the kernel need not send a
    /// packet for these alone.
    pub(crate) fn flush(&mut self, io: &Io, more: bool, ctx: &Ctx) -> Flush {
        while let Some(first) = self.segments.front() {
            let first = &first.as_slice()[self.sent..];
            let result = if self.segments.len() == 1 {
                if more {
                    io.try_write_more(first)
                } else {
                    io.try_write(first)
                }
            } else {
                let mut slices = [IoSlice::new(&[]); MAX_SLICES];
                slices[0] = IoSlice::new(first);
                let mut count = 1;
                for (slice, segment) in slices[1..].iter_mut().zip(self.segments.iter().skip(1)) {
                    *slice = IoSlice::new(segment.as_slice());
                    count += 1;
                }
                io.try_write_vectored(&slices[..count])
            };
            match result {
                Ok(0) => return Flush::Lost(io::ErrorKind::BrokenPipe),
                Ok(sent) => self.advance(sent, ctx),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Flush::Blocked,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Flush::Lost(error.kind()),
            }
        }
        Flush::Done
    }

    fn advance(&mut self, sent: usize, ctx: &Ctx) {
        self.written += sent as u64;
        self.sent += sent;
        while let Some(first) = self.segments.front() {
            let length = first.as_slice().len();
            if self.sent < length {
                return;
            }
            self.sent -= length;
            match self.segments.pop_front() {
                Some(Segment::Buffer(buffer)) => ctx.recycle(buffer),
                Some(Segment::Chunk(buffer, _)) => ctx.recycle_file_buffer(buffer),
                Some(Segment::Large(_) | Segment::Part(_)) | None => {}
            }
        }
    }

    /// Forgets the `count` bytes queued last, as far as they have not left.
    pub(crate) fn take_back(&mut self, count: u64) {
        let mut left = count.min(self.queued - self.written) as usize;
        self.queued -= left as u64;
        while left > 0
            && let Some(last) = self.segments.back_mut()
        {
            let length = last.as_slice().len();
            if length > left {
                last.truncate(length - left);
                return;
            }
            left -= length;
            self.segments.pop_back();
        }
        if self.segments.is_empty() {
            self.sent = 0;
        }
    }

    /// Forgets what waits.
    pub(crate) fn clear(&mut self) {
        self.segments = VecDeque::new();
        self.sent = 0;
    }
}

/// Appends `HTTP/1.1 <status> <reason>\r\n`; an empty `reason` stands for Node's text of the status.
pub(crate) fn status_line(out: &mut Vec<u8>, status: u16, reason: &[u8]) {
    if status == 200 && reason.is_empty() {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        return;
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    decimal(out, u64::from(status));
    out.push(b' ');
    if reason.is_empty() {
        out.extend_from_slice(
            crate::error_page::reason(status)
                .unwrap_or("unknown")
                .as_bytes(),
        );
    } else {
        out.extend_from_slice(reason);
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends `Content-Length: <length>\r\n`.
pub(crate) fn content_length(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(b"Content-Length: ");
    decimal(out, length as u64);
    out.extend_from_slice(b"\r\n");
}

/// Appends a number in decimal.
pub(crate) fn decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends `<length in hex>\r\n`, which opens a chunk.
pub(crate) fn chunk_size(out: &mut Vec<u8>, length: usize) {
    let mut digits = [0u8; 16];
    let (mut at, mut number) = (digits.len(), length);
    loop {
        at -= 1;
        digits[at] = b"0123456789abcdef"[number & 15];
        number >>= 4;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
    out.extend_from_slice(b"\r\n");
}

/// The value of the first line called `name` among `lines`, without white space around it.
pub(crate) fn find_line<'a>(lines: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    each_line(lines).find_map(|line| {
        let value = value_of(line, name)?;
        Some(value.trim_ascii())
    })
}

/// Appends `lines` without those called by one of `names`.
pub(crate) fn copy_without(lines: &[u8], names: &[&[u8]], out: &mut Vec<u8>) {
    for line in each_line(lines) {
        if !names.iter().any(|name| value_of(line, name).is_some()) {
            out.extend_from_slice(line);
        }
    }
}

fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = line.split_at_checked(name.len())?;
    if !head.eq_ignore_ascii_case(name) {
        return None;
    }
    rest.strip_prefix(b":")
}

fn each_line(lines: &[u8]) -> impl Iterator<Item = &[u8]> {
    lines.split_inclusive(|byte| *byte == b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for number in [0, 9, 10, 65_535, u64::MAX] {
            let mut out = Vec::new();
            decimal(&mut out, number);
            assert_eq!(out, number.to_string().as_bytes());
        }
        for number in [0, 1, 15, 16, 65_536, usize::MAX] {
            let mut out = Vec::new();
            chunk_size(&mut out, number);
            assert_eq!(out, format!("{number:x}\r\n").as_bytes());
        }
    }

    #[test]
    fn lines_by_name() {
        let lines = b"A: 1\r\nContent-Type: x\r\ncontent-type:y\r\nContent-TypeX: z\r\n";
        assert_eq!(find_line(lines, b"content-type"), Some(&b"x"[..]));
        assert_eq!(find_line(lines, b"b"), None);
        let mut out = Vec::new();
        copy_without(lines, &[b"content-type"], &mut out);
        assert_eq!(out, b"A: 1\r\nContent-TypeX: z\r\n");
    }

    #[test]
    fn status_lines() {
        let mut out = Vec::new();
        status_line(&mut out, 200, b"");
        status_line(&mut out, 404, b"");
        status_line(&mut out, 299, b"");
        status_line(&mut out, 200, b"Fine");
        assert_eq!(
            out,
            b"HTTP/1.1 200 OK\r\nHTTP/1.1 404 Not Found\r\nHTTP/1.1 299 unknown\r\nHTTP/1.1 200 Fine\r\n"
        );
    }
}
