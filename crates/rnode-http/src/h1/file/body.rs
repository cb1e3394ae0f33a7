//! The bytes of a file behind a head: from the page cache to the socket, or read on a blocking thread, a chunk at a time.
//! Holds one chunk in memory at the most, and decides nothing about the answer.

use crate::files::{Body, OpenFile};
use crate::h1::conn::Conn;
use crate::h1::state::{Response, ResponseBody};
use crate::io_thread::Ctx;
use rnode_bridge::frame::file_result;
use std::fs::File;
use std::io;
use std::sync::Arc;
#[cfg(target_os = "linux")]
use std::sync::atomic::Ordering::Relaxed;

/// Bytes read at once; the next are read when these have left.
pub(crate) const FILE_CHUNK: usize = 128 << 10;
/// Bytes given to one `sendfile`.
#[cfg(target_os = "linux")]
const SEND_CHUNK: u64 = 512 << 10;
/// Chunks a connection writes before it is the others' turn.
pub(in crate::h1) const CHUNKS_PER_TURN: usize = 8;

/// The part of a file that has not been queued yet.
#[derive(Debug)]
pub(in crate::h1) struct FileBody {
    file: Arc<OpenFile>,
    offset: u64,
    left: u64,
    /// The connection ends with this response.
    close: bool,
    /// A blocking thread reads the next chunk.
    pub(in crate::h1) reading: bool,
    /// The file system knows no `sendfile`.
    copy: bool,
}

#[cfg(target_os = "linux")]
impl FileBody {
    /// Whether the next `length` bytes are in the page cache, as far as their first and last page tell: what lies between two
    /// pages that are there was read ahead with them as a rule. A file of one chunk that was there a second ago is believed to be
    /// there still; if it is not, the thread waits for that one chunk.
    fn is_cached(&self, length: u64) -> bool {
        let is_short = self.offset + self.left <= SEND_CHUNK;
        if is_short && self.file.was_resident() {
            return true;
        }
        let cached =
            |offset| matches!(read_cached(self.file.file(), &mut [0], offset), Some(Ok(1)));
        let found = cached(self.offset) && cached(self.offset + length - 1);
        if found && is_short && self.offset == 0 {
            self.file.is_resident();
        }
        found
    }
}

/// What a look at the file has brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::h1) enum Step {
    /// Bytes were queued or sent, or the response is over.
    Queued,
    /// A blocking thread reads.
    Waiting,
    /// The kernel takes no more for now.
    Blocked,
    /// The connection is broken.
    Lost,
}

impl Conn {
    /// Sends the bytes of a file behind a head.
    pub(in crate::h1) fn file_body(&mut self, body: Body, close: bool, ctx: &Ctx) {
        match body {
            Body::Empty => self.file_sent(close, ctx),
            Body::Bytes(bytes) => {
                self.out.push_large(ctx, &bytes);
                self.file_sent(close, ctx);
            }
            Body::File { file, offset, len } => {
                ctx.close_idle_files();
                self.deadline.stop();
                self.response = Response::Streaming(ResponseBody::File);
                self.file = Some(Box::new(FileBody {
                    file,
                    offset,
                    left: len,
                    close,
                    reading: false,
                    copy: false,
                }));
                // whoever looks at a response whose client has left sees the head
                if let Some(report) = self.file_report.take() {
                    self.file_result(file_result::BEGUN, &report);
                }
            }
        }
    }

    /// Queues the next chunk of the file, which must be there.
    pub(in crate::h1) fn file_step(&mut self, ctx: &Ctx) -> Step {
        let Some(body) = &mut self.file else {
            return Step::Queued;
        };
        if body.reading {
            return Step::Waiting;
        }
        #[cfg(target_os = "linux")]
        if let Some(step) = self.file_send(ctx) {
            return step;
        }
        let Some(body) = &mut self.file else {
            return Step::Queued;
        };
        let mut buffer = ctx.file_buffer();
        let want = chunk_length(body.left);
        match read_cached(body.file.file(), &mut buffer[..want], body.offset) {
            Some(result) => {
                self.file_read(&result, buffer, ctx);
                Step::Queued
            }
            None => {
                body.reading = true;
                let (file, offset) = (body.file.clone(), body.offset);
                self.run_blocking(
                    ctx,
                    move || {
                        let result = read_at(file.file(), &mut buffer[..want], offset);
                        (result, buffer)
                    },
                    |conn, result, ctx| match result {
                        Some((result, buffer)) => {
                            if let Some(body) = &mut conn.file {
                                body.reading = false;
                                conn.file_read(&result, buffer, ctx);
                            }
                        }
                        None => conn.kill(),
                    },
                );
                Step::Waiting
            }
        }
    }

    /// Sends bytes that are in the page cache; `None` if they must be read first.
    #[cfg(target_os = "linux")]
    fn file_send(&mut self, ctx: &Ctx) -> Option<Step> {
        let (Some(body), Some(io)) = (&mut self.file, &self.io) else {
            return Some(Step::Lost);
        };
        let length = body.left.min(SEND_CHUNK);
        if body.copy || !self.out.is_empty() || !body.is_cached(length) {
            return None;
        }
        match io.try_send_file(body.file.file(), body.offset, length as usize) {
            // Cut since the look at its last byte: reading will tell.
            Ok(0) => None,
            Ok(sent) => {
                body.offset += sent as u64;
                body.left -= sent as u64;
                self.taken = self.taken.wrapping_add(1);
                let (over, close) = (body.left == 0, body.close);
                if self.local.server.config.socket_timeout.load(Relaxed) != 0 {
                    self.activity = ctx.now();
                }
                if over {
                    self.file_sent(close, ctx);
                }
                Some(Step::Queued)
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => Some(Step::Blocked),
                io::ErrorKind::Interrupted => Some(Step::Queued),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported => {
                    body.copy = true;
                    None
                }
                _ => {
                    self.lost();
                    Some(Step::Lost)
                }
            },
        }
    }

    fn file_read(&mut self, result: &io::Result<usize>, buffer: Box<[u8]>, ctx: &Ctx) {
        let Some(body) = &mut self.file else {
            return;
        };
        let close = body.close;
        match result {
            &Ok(length) if length > 0 => {
                body.offset += length as u64;
                body.left -= length as u64;
                let over = body.left == 0;
                self.out.push_chunk(buffer, length);
                if over {
                    self.file_sent(close, ctx);
                }
            }
            // It is shorter than it was, or cannot be read: the promised length cannot be kept.
            Ok(_) | Err(_) => {
                self.file = None;
                self.file_reported();
                self.cut(ctx);
            }
        }
    }
}

fn chunk_length(left: u64) -> usize {
    left.min(FILE_CHUNK as u64) as usize
}

/// Reads what is in the page cache; `None` if a disk would have to be waited for, or the system cannot tell.
#[cfg(target_os = "linux")]
fn read_cached(file: &File, buffer: &mut [u8], offset: u64) -> Option<io::Result<usize>> {
    use rustix::io::{Errno, ReadWriteFlags, preadv2};
    let mut slices = [io::IoSliceMut::new(buffer)];
    match preadv2(file, &mut slices, offset, ReadWriteFlags::NOWAIT) {
        Ok(length) => Some(Ok(length)),
        Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INTR | Errno::INVAL) => None,
        Err(error) => Some(Err(error.into())),
    }
}

#[cfg(not(target_os = "linux"))]
fn read_cached(_file: &File, _buffer: &mut [u8], _offset: u64) -> Option<io::Result<usize>> {
    None
}

fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    use std::os::unix::fs::FileExt;
    loop {
        match file.read_at(buffer, offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
