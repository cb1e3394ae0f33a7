//! Pipelined requests: what is kept of those whose turn to be answered has not come, and how the turn passes.
//!
//! Requests are handed to JavaScript as soon as they are read; the answers go out in the order of the requests. JavaScript
//! holds an answer back until its turn, so nothing here keeps a byte of one: a frame that comes before its time is a bug.

use super::conn::Conn;
use super::state::{Body, Phase, Request, Response};
use crate::io_thread::Ctx;
use crate::log;
use rnode_bridge::codes::ClientError;
use rnode_bridge::frame::abort;
use rnode_bridge::frame::outbound::Kind;
use std::collections::VecDeque;

/// Requests of one connection that JavaScript may have at once, the one whose turn it is included.
const MAX_EXCHANGES: usize = 16;

/// A request whose answer must wait for those before it. Its body is that of the connection: only the last has one to come.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) generation: u32,
    pub(super) request: Request,
    /// Time for the handler, from its turn on; 0 for none.
    pub(super) deadline_ms: u32,
    /// ABORT was sent.
    aborted: bool,
}

impl Exchange {
    pub(super) fn new(generation: u32, request: Request) -> Self {
        Self {
            generation,
            request,
            deadline_ms: 0,
            aborted: false,
        }
    }
}

/// Exchanges in the order of their requests. Without any it is one word: idle connections pay no more.
#[derive(Debug, Default)]
#[expect(
    clippy::box_collection,
    reason = "a queue of its own is four words, in every connection"
)]
pub(super) struct Behind(Option<Box<VecDeque<Exchange>>>);

impl Behind {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |exchanges| exchanges.len())
    }

    pub(super) fn push_back(&mut self, exchange: Exchange) {
        self.0.get_or_insert_default().push_back(exchange);
    }

    pub(super) fn pop_front(&mut self) -> Option<Exchange> {
        let exchanges = self.0.as_mut()?;
        let first = exchanges.pop_front();
        if exchanges.is_empty() {
            self.0 = None;
        }
        first
    }

    pub(super) fn back_mut(&mut self) -> Option<&mut Exchange> {
        self.0.as_mut()?.back_mut()
    }

    fn find(&mut self, generation: u32) -> Option<&mut Exchange> {
        let mut exchanges = self.0.as_mut()?.iter_mut();
        exchanges.find(|exchange| exchange.generation == generation)
    }

    fn has(&self, generation: u32) -> bool {
        let mut exchanges = self.0.iter().flat_map(|exchanges| exchanges.iter());
        exchanges.any(|exchange| exchange.generation == generation)
    }

    /// The first that has not been told of the end, which is noted.
    fn next_to_abort(&mut self) -> Option<u32> {
        let mut exchanges = self.0.as_mut()?.iter_mut();
        let exchange = exchanges.find(|exchange| !exchange.aborted)?;
        exchange.aborted = true;
        Some(exchange.generation)
    }
}

/// A request behind others was broken or late: what the connection ends with once they are over.
#[derive(Debug)]
pub(super) struct Failure {
    error: ClientError,
    packet: Vec<u8>,
}

impl Conn {
    /// Whether another request may be taken although an answer is due.
    pub(super) fn takes_more(&self) -> bool {
        self.response != Response::Queued
            && !self.unseen
            && !self.close_after
            && !self.refused
            && !self.held
            && !self.last
            && self.failed.is_none()
            && self.behind.len() + 1 < MAX_EXCHANGES
            && !self.local.server.is_closing()
    }

    /// Whether the body that is being read belongs to the request whose turn it is.
    pub(super) fn reads_own_body(&self) -> bool {
        self.behind.is_empty()
    }

    /// Whether `generation` is that of a request that JavaScript may still answer.
    pub(crate) fn has_exchange(&self, generation: u32) -> bool {
        self.turn == generation || self.behind.has(generation)
    }

    /// The answer before is queued: the next request's turn.
    pub(super) fn take_turn(&mut self, next: Exchange) {
        self.turn = next.generation;
        self.request = next.request;
        self.aborted = next.aborted;
        self.file_report = None;
        self.file_held = None;
        self.response = Response::Awaited;
        self.deadline.set(next.deadline_ms);
        if self.behind.is_empty() {
            self.held = false;
        }
        self.recheck |= !self.input.is_empty() || self.input_ended;
    }

    /// Stops or goes on taking further requests, as the answers that JavaScript holds back ask for.
    pub(super) fn hold(&mut self, hold: bool) {
        self.held = hold && !self.behind.is_empty();
        self.recheck |= !hold;
    }

    /// A frame for a request whose turn has not come.
    pub(super) fn command_behind(&mut self, kind: &Kind<'_>, generation: u32, ctx: &Ctx) {
        let is_last = generation == self.generation;
        match *kind {
            Kind::BodyWant { .. } | Kind::BodyDump => {
                if is_last {
                    self.body_command(kind);
                }
            }
            Kind::Deadline { ms } => {
                if let Some(exchange) = self.behind.find(generation) {
                    exchange.deadline_ms = ms;
                }
            }
            Kind::Hold { hold } => self.hold(hold),
            Kind::Destroy { reset, .. } => self.destroy(reset, ctx),
            // By a request that had been answered: the one whose turn has come since is not answered any more.
            Kind::SocketEnd { wait } if !self.behind.has(generation) => {
                if self.invocation_open() {
                    self.abort_for(abort::SERVER_CLOSING, 0);
                }
                self.end_writing(wait);
            }
            // The connection has ended, or ends with an answer before it, which JavaScript cannot know yet.
            _ if self.phase != Phase::Active || self.response == Response::Queued => {}
            _ => {
                log::line("an answer came before its turn; the connection was closed");
                self.kill();
            }
        }
    }

    /// True while JavaScript has something to lose of the request whose turn it is: an answer that is due, or an unread body.
    pub(super) fn invocation_open(&self) -> bool {
        match self.phase {
            Phase::Active => self.response != Response::Queued,
            Phase::Draining => self.body_asked && !self.body_dump,
            _ => false,
        }
    }

    /// Ends the requests whose turn will not come any more.
    pub(super) fn abort_behind(&mut self, reason: u32) {
        while let Some(exchange) = self.behind.pop_front() {
            if !exchange.aborted {
                self.push_abort(exchange.generation, reason, 0);
            }
        }
    }

    /// Tells JavaScript of the end of every request that it has not answered.
    pub(super) fn abort_open(&mut self, reason: u32, code: u32) {
        if self.invocation_open() {
            self.abort_for(reason, code);
        }
        while let Some(generation) = self.behind.next_to_abort() {
            self.push_abort(generation, reason, code);
        }
    }

    /// A request is broken or late while others before it wait for their answers. As under Node, those that are answered in
    /// the turn in which they came are heard; then the connection ends.
    pub(super) fn fail_behind(&mut self, error: ClientError, packet: &[u8]) {
        self.failed = Some(Box::new(Failure {
            error,
            packet: packet.to_vec(),
        }));
        self.body = Body::Complete;
        self.linger = true;
        self.abort_open(abort::PIPELINE_BROKEN, error as u32);
    }

    /// Ends the connection as [`fail_behind`](Self::fail_behind) has found it. False if nothing is broken.
    pub(super) fn end_failed(&mut self, ctx: &Ctx) -> bool {
        let Some(failed) = self.failed.take() else {
            return false;
        };
        self.behind = Behind::default();
        self.fail_now(failed.error, &failed.packet, ctx);
        true
    }
}
