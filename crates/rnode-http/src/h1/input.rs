//! From the socket to frames: heads are dispatched, bodies go to `body`, errors are answered.
//!
//! Bytes are taken where they were read; what cannot be taken yet (no credit, a response still due, a full queue)
//! stays in the connection's input. Nothing here waits.

use super::body::INLINE_BODY;
use super::chunked::Chunked;
use super::close::LINGER_MS;
use super::conn::Conn;
use super::io::{Addresses, Detached};
use super::parse::{self, Expect, Framing, Head, Span};
use super::pipeline::Exchange;
use super::state::{Body, Phase, Request, Response, Stored};
use super::write::Flush;
use crate::error_page::Mode;
use crate::io_thread::Ctx;
use crate::plan;
use crate::server::config::flags;
use rnode_bridge::codes::ClientError;
use rnode_bridge::frame::{RequestFrame, abort, request_flags, response_flags};
use std::sync::atomic::Ordering::Relaxed;

/// Bytes of answers that may wait for the client while further requests of it are taken.
const WRITE_AHEAD: u64 = 256 << 10;

impl Conn {
    /// Takes what it can from the front of `data` and returns how many bytes that were.
    pub(super) fn take_input(&mut self, data: &[u8], ctx: &Ctx) -> usize {
        let mut at = 0;
        while at < data.len() {
            let rest = &data[at..];
            let taken = match self.phase {
                _ if self.refused => rest.len(),
                Phase::Head if self.close_after => {
                    self.linger = true;
                    rest.len()
                }
                Phase::Head => self.take_head(rest, ctx),
                Phase::Active | Phase::Draining if !matches!(self.body, Body::Complete) => {
                    self.take_body(rest, ctx)
                }
                Phase::Active if self.takes_more() => self.take_head(rest, ctx),
                Phase::Active if self.failed.is_some() => rest.len(),
                Phase::Active | Phase::Draining => 0,
                Phase::Lingering | Phase::Dead => rest.len(),
            };
            if taken == 0 {
                break;
            }
            at += taken;
        }
        if !self.queue().push_gathered() {
            self.kill();
        }
        at
    }

    fn take_head(&mut self, data: &[u8], ctx: &Ctx) -> usize {
        // What native layers may answer does not wait for JavaScript. What they leave goes into the full queue after all: one
        // request of a connection, whose next one waits.
        let may_be_native = self.phase == Phase::Head && self.front_goes_on();
        if !may_be_native && self.wait_for_queue() {
            return 0;
        }
        if self.out.waiting() > WRITE_AHEAD {
            // Answers of native layers: a client that asks on and reads none of them must wait.
            self.wait_flush = true;
            return 0;
        }
        let skipped = parse::skip_line_ends(data);
        if skipped == data.len() {
            return skipped;
        }
        let data = &data[skipped..];
        let limits = self.limits();
        let mut spans = ctx.spans.borrow_mut();
        match parse::parse(data, limits, &mut self.progress, &mut spans) {
            Ok(Some(head)) => match self.dispatch(data, &head, &spans, ctx) {
                Some(taken) => skipped + taken,
                None => 0,
            },
            Ok(None) => {
                if !std::mem::replace(&mut self.head_begun, true) {
                    self.head_start = ctx.now();
                    self.idle_since = 0;
                }
                skipped
            }
            Err(error) => {
                drop(spans);
                self.fail(error, data, ctx);
                skipped + data.len()
            }
        }
    }

    /// Whether native layers stand at the front of the stack; asked only while the queue is full.
    fn front_goes_on(&self) -> bool {
        self.queue().is_full()
            && self
                .local
                .with_routes(|_, lines| lines.is_some())
                .unwrap_or(false)
    }

    /// Starts an invocation. `None`: not yet, earlier output has to leave first.
    fn dispatch(&mut self, data: &[u8], head: &Head, spans: &[Span], ctx: &Ctx) -> Option<usize> {
        let local = self.local.clone();
        let config = &local.server.config;
        if ctx.is_lent() && !self.is_plain(data, head, ctx) {
            return None;
        }
        let is_connect = head.method.as_str() == "CONNECT";
        let takes_over = is_connect || head.upgrade && config.has(flags::UPGRADE_LISTENER);
        let refusal = self.refusal(head, config);
        let is_behind = self.phase == Phase::Active;
        if is_behind && (takes_over || refusal.is_some() || head.expect != Expect::Nothing) {
            // What is written, or given away, without JavaScript's answer: at its turn.
            return None;
        }
        if takes_over && self.flush(ctx) != Flush::Done {
            // The socket is given away: what is queued must have left it. The task comes back once it has.
            self.wait_flush = true;
            return None;
        }
        if self.phase != Phase::Head && !is_behind {
            return Some(data.len());
        }
        if is_connect && !config.has(flags::CONNECT_LISTENER) {
            self.kill();
            return Some(data.len());
        }

        self.generation = ctx.slots.borrow_mut().advance(self.index);
        self.requests = self.requests.saturating_add(1);
        if !self.head_begun {
            // Only a request whose body is still to come needs to know when it began.
            self.head_start = if head.framing == Framing::None {
                0
            } else {
                ctx.now()
            };
        }
        self.idle_since = 0;
        self.last = !head.keep_alive;
        self.credit = 0;
        self.body_asked = false;
        self.body_dump = false;
        self.dropped = 0;
        let request = Request {
            is_head: head.method == rnode_router::Method::HEAD,
            is_get: head.method == rnode_router::Method::GET,
            http10: head.http10,
            keep_alive: head.keep_alive,
            number: self.requests,
            stored: self.store(data, head, spans),
        };

        let addresses = self.addresses.clone();
        let mut frame = self.request_frame(&addresses, data, head, &request);
        let has_native = (request.is_get || request.is_head)
            && !is_behind
            && head.framing == Framing::None
            && head.expect == Expect::Nothing
            && frame.flags & request_flags::OVER_LIMIT == 0;
        if is_behind {
            self.behind
                .push_back(Exchange::new(self.generation, request));
        } else {
            self.turn = self.generation;
            self.aborted = false;
            self.unseen = false;
            self.file_report = None;
            self.file_held = None;
            self.response = Response::Awaited;
            self.request = request;
        }
        if takes_over {
            frame.flags |= request_flags::UPGRADE_ASKED | request_flags::BODY_COMPLETE;
            frame.body = &data[head.length..];
            self.hand_over(&frame, data, spans);
            return Some(data.len());
        }
        self.phase = Phase::Active;
        let mut taken = head.length;
        let rest = &data[head.length..];
        let mut scratch = ctx.scratch.borrow_mut();
        match head.framing {
            Framing::None => self.body = Body::Complete,
            Framing::Length(length) => match usize::try_from(length) {
                Ok(length) if length <= rest.len() && length <= INLINE_BODY => {
                    self.body = Body::Complete;
                    frame.body = &rest[..length];
                    taken += length;
                }
                _ => self.body = Body::Length(length),
            },
            Framing::Chunked => {
                scratch.clear();
                match self.whole_chunked(rest, &mut scratch) {
                    Some(length) => {
                        self.body = Body::Complete;
                        frame.body = &scratch;
                        taken += length;
                    }
                    None => self.body = Body::Chunked(Box::new(Chunked::new())),
                }
            }
        }
        if matches!(self.body, Body::Complete) {
            frame.flags |= request_flags::BODY_COMPLETE;
            self.head_begun = false;
        }

        if let Some((status, lines, flags)) = refusal {
            drop(scratch);
            self.internal_response(status, lines, flags, ctx);
            return Some(taken);
        }
        if head.expect == Expect::Continue {
            if config.has(flags::CHECK_CONTINUE) {
                frame.flags |= request_flags::EXPECT_CONTINUE;
            } else {
                self.out.push(ctx, b"HTTP/1.1 100 Continue\r\n\r\n");
            }
        } else if head.expect == Expect::Other {
            frame.flags |= request_flags::EXPECT_OTHER;
        }

        let mut plan = ctx.plan.borrow_mut();
        let planned = local
            .with_routes(|table, lines| {
                // Only these requests are answered by native layers, and none that has a body still to be read.
                let lines = lines.filter(|_| has_native);
                plan::plan(table, lines, head.method, frame.url, &mut plan)
            })
            .flatten();
        let mut deadline = config.handler_deadline.load(Relaxed);
        if let Some(planned) = &planned {
            frame.plan_version = planned.version;
            frame.plan = &plan;
            deadline = planned.deadline_ms.unwrap_or(deadline);
        }
        if let Some(exchange) = self.behind.back_mut() {
            exchange.deadline_ms = deadline;
        } else if deadline != 0 {
            self.deadline.set(deadline);
        }
        if let Some(planned) = &planned {
            match self.run_front(data, spans, head, &frame, planned, ctx) {
                Some(at) => {
                    frame.plan = &plan[at..];
                    if at != 0 {
                        frame.flags |= request_flags::PASSED;
                    }
                }
                None => return Some(taken),
            }
        }
        let may_be_followed = taken < data.len() && matches!(self.body, Body::Complete);
        self.give_request(&frame, data, spans, may_be_followed);
        Some(taken)
    }

    /// Hands a request to JavaScript. If others may follow from the same bytes they go together: their handlers run in one turn,
    /// as under Node, whose parser comes to them all before it returns.
    pub(super) fn give_request(
        &mut self,
        frame: &RequestFrame<'_>,
        data: &[u8],
        spans: &[Span],
        may_be_followed: bool,
    ) {
        self.unseen = false;
        self.introduced = true;
        let headers = spans.iter().map(|span| (span.name(data), span.value(data)));
        let encode = |buf: &mut Vec<u8>| frame.encode(buf, headers);
        let given = if may_be_followed {
            self.queue().gather(encode)
        } else {
            self.queue().push_with(encode)
        };
        if !given {
            // Nobody is there to answer any more.
            self.kill();
        }
    }

    /// The parts of a frame that are the connection's.
    pub(super) fn bare_frame<'a>(&self, addresses: &'a Addresses) -> RequestFrame<'a> {
        RequestFrame {
            slot: self.slot,
            generation: self.generation,
            server: self.local.server.id,
            remote: addresses.remote.as_bytes(),
            local: addresses.local.as_bytes(),
            remote_port: addresses.remote_port,
            local_port: addresses.local_port,
            ..RequestFrame::default()
        }
    }

    fn request_frame<'a>(
        &self,
        addresses: &'a Addresses,
        data: &'a [u8],
        head: &Head,
        request: &Request,
    ) -> RequestFrame<'a> {
        let mut flags = 0;
        if head.http10 {
            flags |= request_flags::HTTP_1_0;
        }
        if head.keep_alive {
            flags |= request_flags::KEEP_ALIVE;
        }
        match head.framing {
            Framing::None => {}
            Framing::Length(_) => flags |= request_flags::HAS_BODY,
            Framing::Chunked => flags |= request_flags::HAS_BODY | request_flags::CHUNKED_BODY,
        }
        if head.upgrade {
            flags |= request_flags::UPGRADE_ASKED;
        }
        if request
            .stored
            .as_ref()
            .is_some_and(|s| s.if_none_match.is_some() || s.if_modified_since.is_some())
        {
            flags |= request_flags::CONDITIONAL;
        }
        if !self.introduced {
            flags |= request_flags::FIRST;
        }
        let limit = self
            .local
            .server
            .config
            .max_requests_per_socket
            .load(Relaxed);
        if limit != 0 && self.requests >= limit {
            flags |= if self.requests == limit {
                request_flags::LIMIT_REACHED
            } else {
                request_flags::OVER_LIMIT
            };
        }
        RequestFrame {
            flags,
            method: head.method.index(),
            url: &data[head.url.0..head.url.1],
            ..self.bare_frame(addresses)
        }
    }

    /// What Node answers by itself to the next request instead of calling the handler.
    fn refusal(
        &self,
        head: &Head,
        config: &crate::server::ServerConfig,
    ) -> Option<(u16, &'static [u8], u32)> {
        if head.http10 {
            return None;
        }
        if !head.has_host && config.has(flags::REQUIRE_HOST) {
            let flags = response_flags::CONNECTION_SET | response_flags::CLOSE;
            return Some((400, b"Connection: close\r\n", flags));
        }
        let limit = config.max_requests_per_socket.load(Relaxed);
        if limit != 0 && self.requests >= limit && !config.has(flags::DROP_REQUEST_LISTENER) {
            return Some((503, b"", 0));
        }
        if head.expect == Expect::Other && !config.has(flags::CHECK_EXPECTATION) {
            return Some((417, b"", 0));
        }
        None
    }

    fn store(&self, data: &[u8], head: &Head, spans: &[Span]) -> Option<Box<Stored>> {
        let negotiates = self.local.server.config.error_pages() == Mode::Negotiate;
        if !head.conditional && !negotiates {
            return None;
        }
        let joined = |name: &[u8]| {
            let mut values = spans
                .iter()
                .filter(|span| span.name(data).eq_ignore_ascii_case(name));
            let mut value = values.next()?.value(data).to_vec();
            // Node keeps the first of this one and joins the others.
            if name != b"if-modified-since" {
                for further in values {
                    value.extend_from_slice(b", ");
                    value.extend_from_slice(further.value(data));
                }
            }
            Some(value)
        };
        Some(Box::new(Stored {
            if_none_match: joined(b"if-none-match"),
            if_modified_since: joined(b"if-modified-since"),
            cache_control: joined(b"cache-control"),
            accept: if negotiates { joined(b"accept") } else { None },
        }))
    }

    /// Gives the socket to JavaScript; the slot is free afterwards.
    fn hand_over(&mut self, frame: &RequestFrame<'_>, data: &[u8], spans: &[Span]) {
        let headers = spans.iter().map(|span| (span.name(data), span.value(data)));
        self.give_socket(|buf, fd| frame.encode_upgrade(buf, fd, headers));
    }

    /// Takes the socket out of the runtime and pushes the frame that names its descriptor. It is closed again if the
    /// frame is not taken.
    pub(super) fn give_socket(&mut self, encode: impl FnOnce(&mut Vec<u8>, i32)) {
        self.leave_direct();
        if let Some(socket) = self.io.take().and_then(|io| Detached::new(io).ok())
            && self
                .local
                .server
                .queue
                .push_with(|buf| encode(buf, socket.fd()))
        {
            socket.release();
        }
        self.kill();
    }

    /// FIN was read and everything before it has been looked at.
    pub(super) fn check_ended(&mut self, ctx: &Ctx) {
        match self.phase {
            Phase::Dead => {}
            _ if self.refused && self.invocation_open() => self.abort_open(abort::CLIENT_GONE, 0),
            // The listener to 'clientError' may be about to answer.
            _ if self.refused => self.linger_until = ctx.now() + LINGER_MS,
            Phase::Head if self.stalled || self.recheck || self.wait_flush => {}
            Phase::Head if self.input.is_empty() => {
                self.close_after = true;
                self.flush(ctx);
            }
            Phase::Head => {
                let input = std::mem::take(&mut self.input);
                self.fail(ClientError::InvalidEofState, &input, ctx);
            }
            Phase::Active | Phase::Draining => {
                if matches!(self.body, Body::Complete) {
                    self.abort_open(abort::CLIENT_GONE, 0);
                } else if let Err(error) = self.rest_of_body() {
                    self.fail(error, &[], ctx);
                } else if self.phase == Phase::Active && !self.body_asked && !self.body_dump {
                    // Under Node a short body is in the request's buffer, asked for or not, and the end of the connection is
                    // seen behind it: a handler that waits for that must hear of it.
                    self.credit = self.input.len() as u64;
                    self.process_input(ctx);
                }
            }
            Phase::Lingering => self.kill(),
        }
    }
}
