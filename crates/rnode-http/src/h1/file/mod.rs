//! FILE: answers from the file system. What to answer is decided in `files`; here it is put on the wire: `decide` asks,
//! `body` sends the bytes a chunk at a time, `error` tells JavaScript what went wrong.
//!
//! The thread never waits for a disk if it can know: a path that was not asked for lately is looked up on a blocking thread,
//! and bytes that are not in the page cache are read there. Those that are go from there to the socket (`sendfile`).

mod body;
mod decide;
mod error;

pub(crate) use body::FILE_CHUNK;
pub(super) use body::{CHUNKS_PER_TURN, FileBody, Step};

use super::conn::Conn;
use super::io::Io;
use super::respond::general_lines;
use super::state::{Phase, Response};
use super::write;
use crate::files::{FileAnswer, Outcome, interned_options};
use crate::io_thread::Ctx;
use crate::lines::lines_are_safe;
use decide::{Ask, Decision, decide};
use error::failure_json;
use rnode_bridge::frame::outbound::FileFrame;
use rnode_bridge::frame::{abort, file_flags, file_result, inbound};
use std::time::Instant;

/// Lines that send takes off a 304.
const NOT_IN_304: [&[u8]; 5] = [
    b"content-encoding",
    b"content-language",
    b"content-length",
    b"content-range",
    b"content-type",
];

impl Conn {
    /// Answers with a file, or tells JavaScript why not.
    pub(in crate::h1) fn file(&mut self, frame: &FileFrame<'_>, ctx: &Ctx) {
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
    pub(in crate::h1) fn run_blocking<T: Send + 'static>(
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
    pub(in crate::h1) fn file_result(&mut self, result: u32, error: &[u8]) {
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

    pub(in crate::h1) fn file_decided(&mut self, outcome: Outcome, lines: &[u8], ctx: &Ctx) {
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
}
