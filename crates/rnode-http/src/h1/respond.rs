//! From frames to the socket: what JavaScript asks of a connection, and whole responses, finished as Node and Express would
//! finish them.
//!
//! Nothing here trusts a frame: lines are checked before they are written, bytes beyond a promised length are not
//! written, and a frame that does not fit the state of the response is dropped.

use super::conn::Conn;
use super::state::{Body, Phase, Response};
use super::write::{self, OutQueue};
use crate::files::Body as FileBytes;
use crate::finish::{etag, is_fresh};
use crate::io_thread::Ctx;
use crate::lines::lines_are_safe;
use crate::server::ServerConfig;
use rnode_bridge::Body as FrameBody;
use rnode_bridge::frame::outbound::{Kind, ResponseHead};
use rnode_bridge::frame::{response_flags as flags, special};
use std::sync::atomic::Ordering::Relaxed;

/// Most of an unread request body that is read and dropped to keep the connection.
pub(super) const DRAIN_LIMIT: usize = 1 << 20;

/// Lines that a 304 must not have (what Express takes out).
const NOT_IN_304: [&[u8]; 3] = [b"content-type", b"content-length", b"transfer-encoding"];

/// What the connection does after a response, and what the head says about it.
pub(super) struct Persistence {
    pub(super) close: bool,
    /// `Connection: close`. Node's head knows neither that the server is closing nor that the client has sent FIN: it
    /// says keep-alive, and the connection ends all the same. At `maxRequestsPerSocket` it is the other way round.
    announce_close: bool,
}

impl Conn {
    /// Does what one frame asks. `generation` is that of a request which is not over, or the last one; only SOCKET_END, and a RAW that
    /// has nothing but a wish for DRAIN, may be older.
    pub(crate) fn command(&mut self, kind: &Kind<'_>, generation: u32, ctx: &Ctx) {
        match *kind {
            Kind::Raw { drain, body } if body.as_slice().is_empty() => {
                if let Some(mark) = drain {
                    self.want_drain(generation, mark);
                }
            }
            _ if generation != self.turn => self.command_behind(kind, generation, ctx),
            Kind::Respond { head, body } => {
                if self.awaits_response() {
                    self.respond(&head, body, ctx);
                }
            }
            Kind::Head { head } => {
                if self.awaits_response() {
                    self.stream_head(&head, ctx);
                }
            }
            Kind::Chunk { drain, body } => self.chunk(drain, body, ctx),
            Kind::End {
                notify,
                close,
                raw,
                trailers,
            } => {
                if raw {
                    self.raw_end(close, notify, ctx);
                } else {
                    self.end(notify, trailers, ctx);
                }
            }
            Kind::Destroy { reset, take_back } => {
                // JavaScript knows: no ABORT.
                self.aborted = true;
                let of_response = self.out.queued() - self.head_at;
                self.out
                    .take_back(if take_back == special::ALL_OF_RESPONSE {
                        of_response
                    } else {
                        u64::from(take_back).min(of_response)
                    });
                self.destroy(reset, ctx);
            }
            Kind::BodyWant { .. } | Kind::BodyDump => {
                // With others behind it, its body has been read.
                if self.reads_own_body() {
                    self.body_command(kind);
                }
            }
            Kind::Info { bytes } => {
                if self.awaits_response() {
                    self.out.push(ctx, bytes);
                }
            }
            Kind::Deadline { ms } => {
                if self.awaits_response() {
                    self.deadline.set(ms);
                }
            }
            Kind::ErrorPage { head, message } => {
                if self.awaits_response() {
                    self.error_page(&head, message, ctx);
                }
            }
            Kind::File(ref frame) => {
                if self.awaits_response() {
                    self.file(frame, ctx);
                }
            }
            Kind::Raw { drain, body } => self.raw(drain, body, ctx),
            Kind::Hold { hold } => self.hold(hold),
            Kind::SocketEnd { wait } => self.end_writing(wait),
            // The thread handles them: they are for any generation.
            Kind::WatchClose { .. } | Kind::ProgressAsk => {}
        }
    }

    /// SOCKET_END of the request whose turn it is, whose answer ends with the connection.
    pub(super) fn end_writing(&mut self, wait: bool) {
        self.aborted = true;
        self.linger |= wait;
        self.response = Response::Queued;
        self.file = None;
        self.close_after = true;
    }

    /// BODY_WANT and BODY_DUMP, of the request whose body is being read.
    pub(super) fn body_command(&mut self, kind: &Kind<'_>) {
        if let Kind::BodyWant { credit } = *kind {
            self.credit = self.credit.saturating_add(u64::from(credit));
            self.body_asked = true;
        } else {
            self.body_dump = true;
            self.close_if_too_much_is_left();
        }
        self.recheck = true;
    }

    /// What is left of the body may be read and dropped.
    pub(super) fn dump_body(&mut self) {
        self.body_dump |= self.reads_own_body();
    }

    pub(super) fn awaits_response(&self) -> bool {
        self.phase == Phase::Active && self.response == Response::Awaited
    }

    /// Queues a whole response.
    pub(super) fn respond(&mut self, head: &ResponseHead<'_>, body: FrameBody<'_>, ctx: &Ctx) {
        let Some((status, lines)) = checked(head) else {
            return self.refuse_head(head.flags, ctx);
        };
        let held = self.file_held.take();
        if held.is_none() && head.flags & flags::HELD != 0 {
            return self.refuse_head(head.flags, ctx);
        }
        let held = held.filter(|_| head.flags & flags::HELD != 0);
        let bytes = body.as_slice();
        let mut scratch = ctx.scratch.borrow_mut();
        scratch.clear();
        if head.flags & flags::ETAG_WEAK != 0 {
            etag::weak(bytes, &mut scratch);
        } else if head.flags & flags::ETAG_STRONG != 0 {
            etag::strong(bytes, &mut scratch);
        }
        let tag = scratch.as_slice();
        let fresh = head.flags & flags::FRESH != 0 && self.is_fresh(status, lines, tag, head.flags);
        let status = if fresh { 304 } else { status };
        let bodiless =
            self.request.is_head || head.flags & flags::NO_BODY != 0 || forbids_body(status);
        // Node counts a length it makes itself neither for HEAD nor for HTTP/1.0: there the end of the connection
        // ends the body.
        let own_length = head.flags & flags::LENGTH_LAST != 0;
        let unframed = !bodiless
            && (head.flags & flags::UNFRAMED != 0
                || self.request.http10 && (own_length || head.flags & flags::ADD_TE != 0));
        let chunked = !bodiless && !unframed && head.flags & (flags::CHUNKED | flags::ADD_TE) != 0;
        let has_length = !own_length
            && (head.flags & flags::LENGTH != 0
                || self.request.http10 && write::find_line(lines, b"content-length").is_some());
        let persistence = self.persistence(head.flags, unframed, has_length);
        let config = &self.local.server.config;
        self.out.append(ctx, |out| {
            write::status_line(out, status, if fresh { b"" } else { head.reason });
            if fresh {
                write::copy_without(lines, &NOT_IN_304, out);
            } else {
                out.extend_from_slice(lines);
            }
            if head.flags & flags::LENGTH != 0 && !own_length && !forbids_body(status) {
                write::content_length(out, bytes.len());
            }
            if !tag.is_empty() {
                out.extend_from_slice(b"ETag: ");
                out.extend_from_slice(tag);
                out.extend_from_slice(b"\r\n");
            }
            general_lines(out, head.flags, &persistence, config, ctx);
            if head.flags & flags::LENGTH != 0 && own_length && !bodiless && !unframed {
                write::content_length(out, bytes.len());
            }
            if head.flags & flags::ADD_TE != 0 && chunked {
                out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
            }
            out.extend_from_slice(b"\r\n");
        });
        drop(scratch);
        if let Some(file) = held {
            self.file_report = None;
            let file = if bodiless { FileBytes::Empty } else { *file };
            return self.file_body(file, persistence.close, ctx);
        }
        if !bodiless {
            queue_body(&mut self.out, chunked, body, ctx);
            if chunked {
                self.out.push(ctx, b"0\r\n\r\n");
            }
        }
        self.complete(persistence.close, head.flags & flags::NOTIFY != 0, ctx);
    }

    /// The response is queued: what comes next on this connection?
    pub(super) fn complete(&mut self, close: bool, notify: bool, ctx: &Ctx) {
        self.response = Response::Queued;
        self.file_held = None;
        self.deadline.stop();
        self.request.stored = None;
        if notify {
            self.notify_at_end();
        }
        if self.io.is_none() {
            return self.kill();
        }
        if close || self.refused {
            self.close_after = true;
            return;
        }
        if let Some(next) = self.behind.pop_front() {
            return self.take_turn(next);
        }
        self.phase = Phase::Draining;
        if matches!(self.body, Body::Complete) {
            self.next_request(ctx);
        } else {
            if !self.body_asked {
                // Nobody reads it: Node drops the rest of a body that was not consumed.
                self.body_dump = true;
            }
            self.recheck = true;
            self.close_if_too_much_is_left();
        }
    }

    fn close_if_too_much_is_left(&mut self) {
        if self.phase == Phase::Draining && self.body_dump && self.is_much_left() {
            self.close_after = true;
        }
    }

    /// Response queued and request read: the connection is idle, or goes on with what was pipelined.
    pub(super) fn next_request(&mut self, ctx: &Ctx) {
        self.phase = Phase::Head;
        if self.end_failed(ctx) {
            return;
        }
        self.idle_since = ctx.now();
        if !self.head_begun {
            self.head_start = 0;
        }
        if !self.input.is_empty() || self.input_ended {
            self.recheck = true;
        }
    }

    /// Express' `req.fresh`: GET or HEAD, a status that 304 can stand for, and conditions that say so.
    fn is_fresh(&self, status: u16, lines: &[u8], tag: &[u8], flag: u32) -> bool {
        let Some(stored) = &self.request.stored else {
            return false;
        };
        if !(self.request.is_get || self.request.is_head)
            || !((200..300).contains(&status) || status == 304)
        {
            return false;
        }
        let listed = |name: &[u8]| {
            if flag & flags::VALIDATORS != 0 {
                write::find_line(lines, name)
            } else {
                None
            }
        };
        let etag = if tag.is_empty() {
            listed(b"etag")
        } else {
            Some(tag)
        };
        is_fresh(
            stored.if_none_match.as_deref(),
            stored.if_modified_since.as_deref(),
            stored.cache_control.as_deref(),
            etag,
            listed(b"last-modified"),
        )
    }

    /// Node's rules (`_storeHeader`): a connection persists if the request allows it and the response is delimited.
    pub(super) fn persistence(&self, flag: u32, unframed: bool, has_length: bool) -> Persistence {
        let too_much_left =
            self.is_much_left() && self.reads_own_body() && (self.body_dump || !self.body_asked);
        self.persistence_if(too_much_left, flag, unframed, has_length)
    }

    /// The same for a response that is only begun: what is left of the body may yet be read.
    pub(super) fn stream_persistence(
        &self,
        flag: u32,
        unframed: bool,
        has_length: bool,
    ) -> Persistence {
        let too_much_left = self.is_much_left() && self.reads_own_body() && self.body_dump;
        self.persistence_if(too_much_left, flag, unframed, has_length)
    }

    /// More than is read and dropped.
    fn is_much_left(&self) -> bool {
        matches!(self.body, Body::Length(left) if left > DRAIN_LIMIT as u64)
    }

    fn persistence_if(
        &self,
        too_much_left: bool,
        flag: u32,
        unframed: bool,
        has_length: bool,
    ) -> Persistence {
        let config = &self.local.server.config;
        let limit = config.max_requests_per_socket.load(Relaxed);
        let last = flag & flags::CLOSE != 0
            || unframed
            || !self.request.keep_alive
            || self.request.http10 && !has_length
            || too_much_left;
        Persistence {
            close: last || self.ends_here(),
            announce_close: last || limit != 0 && self.request.number >= limit,
        }
    }

    /// Whether no further request is expected once this one is answered, although the two could go on.
    pub(super) fn ends_here(&self) -> bool {
        self.behind.is_empty()
            && (self.local.server.is_closing()
                || self.input_ended && self.input.is_empty() && self.failed.is_none())
    }
}

/// Status and lines, if both may be written.
pub(super) fn checked<'a>(head: &ResponseHead<'a>) -> Option<(u16, &'a [u8])> {
    let status = u16::try_from(head.status)
        .ok()
        .filter(|status| (100..1000).contains(status))?;
    let reason_is_safe = !head
        .reason
        .iter()
        .any(|byte| matches!(byte, b'\r' | b'\n' | 0));
    (reason_is_safe && lines_are_safe(head.lines)).then_some((status, head.lines))
}

pub(super) fn forbids_body(status: u16) -> bool {
    status == 204 || status == 304 || status < 200
}

/// `Date`, `Connection` and `Keep-Alive`.
pub(super) fn general_lines(
    out: &mut Vec<u8>,
    flag: u32,
    persistence: &Persistence,
    config: &ServerConfig,
    ctx: &Ctx,
) {
    if flag & flags::NO_DATE == 0 {
        out.extend_from_slice(b"Date: ");
        out.extend_from_slice(ctx.date.borrow_mut().now());
        out.extend_from_slice(b"\r\n");
    }
    if flag & flags::CONNECTION_SET != 0 {
        return;
    }
    if persistence.announce_close {
        out.extend_from_slice(b"Connection: close\r\n");
        return;
    }
    out.extend_from_slice(b"Connection: keep-alive\r\n");
    let timeout = config.keep_alive_timeout.load(Relaxed);
    if timeout != 0 {
        out.extend_from_slice(b"Keep-Alive: timeout=");
        write::decimal(out, u64::from(timeout / 1000));
        let limit = config.max_requests_per_socket.load(Relaxed);
        if limit != 0 {
            out.extend_from_slice(b", max=");
            write::decimal(out, u64::from(limit));
        }
        out.extend_from_slice(b"\r\n");
    }
}

pub(super) fn queue_body(out: &mut OutQueue, chunked: bool, body: FrameBody<'_>, ctx: &Ctx) {
    let length = body.as_slice().len();
    if length == 0 {
        return;
    }
    if chunked {
        out.append(ctx, |buffer| write::chunk_size(buffer, length));
    }
    match body {
        FrameBody::Inline(bytes) => out.push(ctx, bytes),
        FrameBody::Part(bytes, batch) => out.push_part(ctx, bytes, batch),
        FrameBody::Large(bytes) => out.push_large(ctx, bytes),
    }
    if chunked {
        out.push(ctx, b"\r\n");
    }
}
