//! FILE: answers from the file system. What to answer is decided in `files`; here it is put on the wire, a chunk at a time.
//!
//! The thread never waits for a disk if it can know: a path that was not asked for lately is looked up on a blocking thread,
//! and bytes that are not in the page cache are read there. Those that are go from there to the socket (`sendfile`).

use super::conn::Conn;
use super::io::Io;
use super::respond::general_lines;
use super::state::{Phase, Response, ResponseBody};
use super::write;
use crate::blocks::lines_are_safe;
use crate::files::{
    Body, Failure, FileAnswer, OpenFile, Outcome, Preset, Request, StaticLocated, StaticOptions,
    StaticRequest, cache, interned_options, locate_static, send, serve_static,
};
use crate::io_thread::Ctx;
use rnode_bridge::frame::outbound::FileFrame;
use rnode_bridge::frame::{abort, file_flags, file_result, inbound};
use std::fs::File;
use std::io;
use std::sync::Arc;
#[cfg(target_os = "linux")]
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

/// Bytes read at once; the next are read when these have left.
pub(crate) const FILE_CHUNK: usize = 128 << 10;
/// Bytes given to one `sendfile`.
#[cfg(target_os = "linux")]
const SEND_CHUNK: u64 = 512 << 10;
/// Chunks a connection writes before it is the others' turn.
pub(super) const CHUNKS_PER_TURN: usize = 8;

/// Lines that send takes off a 304.
const NOT_IN_304: [&[u8]; 5] = [
    b"content-encoding",
    b"content-language",
    b"content-length",
    b"content-range",
    b"content-type",
];

/// The part of a file that has not been queued yet.
#[derive(Debug)]
pub(super) struct FileBody {
    file: Arc<OpenFile>,
    offset: u64,
    left: u64,
    /// The connection ends with this response.
    close: bool,
    /// A blocking thread reads the next chunk.
    pub(super) reading: bool,
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
pub(super) enum Step {
    /// Bytes were queued or sent, or the response is over.
    Queued,
    /// A blocking thread reads.
    Waiting,
    /// The kernel takes no more for now.
    Blocked,
    /// The connection is broken.
    Lost,
}

/// A FILE frame that outlives its batch.
struct Ask {
    options: Arc<StaticOptions>,
    status: u16,
    flags: u32,
    lines: Vec<u8>,
    path: Vec<u8>,
    original_url: Vec<u8>,
    headers: Vec<u8>,
}

impl Ask {
    fn decide(&self) -> Decision {
        let frame = FileFrame {
            flags: self.flags,
            options: 0,
            status: u32::from(self.status),
            lines: &self.lines,
            path: &self.path,
            original_url: &self.original_url,
            headers: &self.headers,
        };
        decide(&self.options, &frame, self.status)
    }
}

/// What a FILE comes to.
enum Decision {
    Outcome(Outcome),
    /// LOCATE: the path of the file.
    Found(String),
}

fn decide(options: &StaticOptions, frame: &FileFrame<'_>, status: u16) -> Decision {
    let has = |flag: u32| frame.flags & flag != 0;
    let mut request = Request {
        method: if has(file_flags::HEAD) {
            b"HEAD"
        } else {
            b"GET"
        },
        ..Request::default()
    };
    let mut parts = frame.headers.split(|byte| *byte == b'\n');
    while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
        let value = Some(value);
        match name {
            b"if-match" => request.if_match = value,
            b"if-none-match" => request.if_none_match = value,
            b"if-modified-since" => request.if_modified_since = value,
            b"if-unmodified-since" => request.if_unmodified_since = value,
            b"if-range" => request.if_range = value,
            b"range" => request.range = value,
            b"cache-control" => request.cache_control = value,
            b"accept-encoding" => request.accept_encoding = value,
            _ => {}
        }
    }
    let preset = Preset::of_lines(frame.lines, status);
    if has(file_flags::SEND) {
        let outcome = send(&options.send, frame.path, &request, &preset, cache());
        return Decision::Outcome(outcome);
    }
    if options.send.root.is_none() {
        return Decision::Outcome(Outcome::Decline);
    }
    let request = StaticRequest {
        path: frame.path,
        original_url: frame.original_url,
        request,
    };
    Decision::Outcome(if has(file_flags::LOCATE) {
        match locate_static(options, &request, cache()) {
            StaticLocated::Found(found) => return Decision::Found(found.path),
            StaticLocated::Done(outcome) => outcome,
        }
    } else {
        serve_static(options, &request, &preset, cache())
    })
}

impl<'a> Preset<'a> {
    /// What header lines have set.
    pub(super) fn of_lines(lines: &'a [u8], status: u16) -> Self {
        let set = |name: &[u8]| write::find_line(lines, name);
        Self {
            status,
            accept_ranges: set(b"accept-ranges").is_some(),
            cache_control: set(b"cache-control").is_some(),
            content_type: set(b"content-type").is_some(),
            content_encoding: set(b"content-encoding").is_some(),
            last_modified: set(b"last-modified"),
            etag: set(b"etag"),
        }
    }
}

impl Conn {
    /// Answers with a file, or tells JavaScript why not.
    pub(super) fn file(&mut self, frame: &FileFrame<'_>, ctx: &Ctx) {
        let Some(options) = interned_options(frame.options) else {
            return self.file_result(file_result::DECLINED, &[]);
        };
        let status = u16::try_from(frame.status)
            .ok()
            .filter(|status| (200..1000).contains(status));
        let (Some(status), true) = (status, lines_are_safe(frame.lines)) else {
            return self.refuse_head(0, ctx);
        };
        let mut frame = *frame;
        if self.request.is_head {
            frame.flags |= file_flags::HEAD;
        }
        self.response = Response::Filing;
        let told = file_flags::SEND | file_flags::REPORT;
        if frame.flags & told == told && self.client_has_left() {
            // The answer to ABORT ends the connection; the file is not looked at.
            self.abort(abort::CLIENT_GONE);
            return;
        }
        let number = frame.options;
        let key = ctx.lookups.borrow().key(number, frame.path);
        if ctx.lookups.borrow().is_quick(number, key, ctx.recent()) {
            let started = Instant::now();
            let decision = decide(&options, &frame, status);
            ctx.looked(number, key, started.elapsed());
            self.file_asked(decision, frame.flags, frame.lines, ctx);
            return;
        }
        let ask = Ask {
            options,
            status,
            flags: frame.flags,
            lines: frame.lines.to_vec(),
            path: frame.path.to_vec(),
            original_url: frame.original_url.to_vec(),
            headers: frame.headers.to_vec(),
        };
        self.run_blocking(
            ctx,
            move || {
                let started = Instant::now();
                (ask.decide(), ask, started.elapsed())
            },
            move |conn, result, ctx| match result {
                Some((decision, ask, took)) => {
                    ctx.now();
                    ctx.looked(number, key, took);
                    conn.file_asked(decision, ask.flags, &ask.lines, ctx);
                }
                None => conn.file_result(file_result::DECLINED, &[]),
            },
        );
    }

    /// Whether FIN or RST is here, be it unread behind the request. Under Node it is read before a file can be opened, so
    /// who waits for `res.sendFile` hears of it; the order in which this thread meets frame and event must not decide that.
    fn client_has_left(&self) -> bool {
        self.aborted || self.input_ended || self.io.as_ref().is_none_or(Io::is_ended)
    }

    /// Runs `work` on a blocking thread and `done` on this one, if the request is still the same then. `None` for work
    /// that has panicked.
    pub(super) fn run_blocking<T: Send + 'static>(
        &self,
        ctx: &Ctx,
        work: impl FnOnce() -> T + Send + 'static,
        done: impl FnOnce(&mut Self, Option<T>, &Ctx) + 'static,
    ) {
        let Some(ctx) = ctx.me.upgrade() else {
            return;
        };
        let (index, turn) = (self.index, self.turn);
        let task = tokio::task::spawn_blocking(work);
        tokio::task::spawn_local(async move {
            let result = task.await.ok();
            ctx.resume(index, turn, |conn| done(conn, result, &ctx));
        });
    }

    /// Reports what became of the file. After anything but BEGUN and SENT, JavaScript answers.
    pub(super) fn file_result(&mut self, result: u32, error: &[u8]) {
        if result != file_result::SENT && result != file_result::BEGUN {
            self.response = Response::Awaited;
        }
        if self.unseen {
            return;
        }
        let (slot, generation) = (self.slot, self.turn);
        self.queue()
            .push_with(|buf| inbound::file_result(buf, slot, generation, result, error));
    }

    /// A FILE has been decided.
    fn file_asked(&mut self, decision: Decision, flags: u32, lines: &[u8], ctx: &Ctx) {
        if self.phase != Phase::Active || self.response != Response::Filing {
            return;
        }
        match decision {
            Decision::Found(path) => self.file_result(file_result::FOUND, path.as_bytes()),
            Decision::Outcome(outcome) if flags & file_flags::HOLD != 0 => {
                self.file_held(outcome, lines, ctx);
            }
            Decision::Outcome(outcome) => {
                self.file_report = (flags & file_flags::REPORT != 0).then(Vec::new);
                self.file_decided(outcome, lines, ctx);
            }
        }
    }

    pub(super) fn file_decided(&mut self, outcome: Outcome, lines: &[u8], ctx: &Ctx) {
        // Somebody else may have answered meanwhile: a deadline, or the end of the connection.
        if self.phase != Phase::Active || self.response != Response::Filing {
            return;
        }
        match outcome {
            Outcome::File(answer) => self.file_answer(answer, lines, ctx),
            Outcome::NotModified { headers } => {
                let close = self.file_head(304, lines, &NOT_IN_304, headers.as_bytes(), false, ctx);
                self.file_sent(close, ctx);
            }
            Outcome::Redirect(redirect) => {
                let lines = redirect.headers.set_over(lines);
                let close = self.file_head(301, &lines, &[], &[], true, ctx);
                if let Some(report) = &mut self.file_report {
                    report.extend_from_slice(redirect.headers.as_bytes());
                }
                // serve-static writes it whatever `req.method` says; only a true HEAD has no body.
                if !self.request.is_head {
                    self.out.push(ctx, &redirect.body);
                }
                self.file_sent(close, ctx);
            }
            Outcome::Fallthrough => self.file_result(file_result::FALLTHROUGH, &[]),
            Outcome::Failed(failure) => {
                self.file_result(file_result::FAILED, failure_json(&failure).as_bytes());
            }
            Outcome::Directory => self.file_result(file_result::DIRECTORY, &[]),
            Outcome::Decline | Outcome::MethodNotAllowed { .. } => {
                self.file_result(file_result::DECLINED, &[]);
            }
        }
    }

    fn file_answer(&mut self, answer: FileAnswer, lines: &[u8], ctx: &Ctx) {
        let own = answer.headers.as_bytes();
        let close = self.file_head(answer.status, lines, &[], own, true, ctx);
        self.file_body(answer.body, close, ctx);
    }

    /// Sends the bytes of a file behind a head.
    pub(super) fn file_body(&mut self, body: Body, close: bool, ctx: &Ctx) {
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

    /// Queues a head; returns whether the connection ends with this response.
    fn file_head(
        &mut self,
        status: u16,
        lines: &[u8],
        without: &[&[u8]],
        own: &[u8],
        has_length: bool,
        ctx: &Ctx,
    ) -> bool {
        if let Some(report) = &mut self.file_report {
            report.extend_from_slice(status.to_string().as_bytes());
            report.extend_from_slice(b"\r\n");
            report.extend_from_slice(own);
        }
        let persistence = self.persistence(0, false, has_length);
        let config = &self.local.server.config;
        self.out.append(ctx, |out| {
            write::status_line(out, status, b"");
            write::copy_without(lines, without, out);
            out.extend_from_slice(own);
            general_lines(out, 0, &persistence, config, ctx);
            out.extend_from_slice(b"\r\n");
        });
        persistence.close
    }

    fn file_sent(&mut self, close: bool, ctx: &Ctx) {
        self.file = None;
        self.file_reported();
        self.complete(close, false, ctx);
    }

    fn file_reported(&mut self) {
        let report = self.file_report.take().unwrap_or_default();
        self.file_result(file_result::SENT, &report);
    }

    /// Queues the next chunk of the file, which must be there.
    pub(super) fn file_step(&mut self, ctx: &Ctx) -> Step {
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

/// The error of a FILE_RESULT: what JavaScript makes an error of http-errors from.
fn failure_json(failure: &Failure) -> String {
    let pairs = |lines: &crate::files::Lines| {
        lines
            .iter()
            .map(|(name, value)| serde_json::json!([name, value]))
            .collect::<Vec<_>>()
    };
    let cause = failure.cause.as_ref().map(|cause| {
        serde_json::json!({
            "message": cause.message(),
            "errno": cause.errno,
            "code": cause.code,
            "syscall": cause.syscall,
            "path": cause.path,
        })
    });
    serde_json::json!({
        "status": failure.status,
        "headers": pairs(&failure.headers),
        "errorHeaders": pairs(&failure.error_headers),
        "cause": cause,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::failure_json;
    use crate::files::Failure;

    #[test]
    fn errors_as_json() {
        let failure = Failure {
            status: 416,
            headers: crate::files::Lines::default(),
            error_headers: crate::files::Lines::default(),
            cause: None,
        };
        assert_eq!(
            failure_json(&failure),
            r#"{"cause":null,"errorHeaders":[],"headers":[],"status":416}"#
        );
    }
}
