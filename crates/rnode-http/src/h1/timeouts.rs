//! The clocks of a connection: coarse ones that a sweep over the slot table reads, and the handler deadline, which is precise.
//! It must not decide what a late client is told: `failure` and `fallback` do.

use super::conn::Conn;
use super::io::{Departure, Io};
use super::state::{Body, Phase, Response};
use crate::io_thread::Ctx;
use bytes::BytesMut;
use rnode_bridge::codes::ClientError;
use rnode_bridge::frame::{abort, inbound};
use std::pin::Pin;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Context;
use std::time::{Duration, Instant};
use tokio::time::Sleep;

/// Time for a handler to send its head.
///
/// The timer is lazy: it stays armed when a deadline moves away (the next request's is later anyway) and looks at the
/// true one when it fires. So a deadline per request costs one clock reading, not a timer.
#[derive(Debug, Default)]
pub(super) struct Deadline {
    ms: u32,
    at: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    armed: Option<Instant>,
}

impl Deadline {
    /// Starts the clock; 0 stops it.
    pub(super) fn set(&mut self, ms: u32) {
        self.ms = ms;
        self.restart();
    }

    pub(super) fn is_set(&self) -> bool {
        self.at.is_some()
    }

    /// Starts the clock again, if it runs.
    pub(super) fn restart(&mut self) {
        self.at =
            (self.ms != 0).then(|| Instant::now() + Duration::from_millis(u64::from(self.ms)));
    }

    /// Body bytes have come: the handler has something new to work on.
    pub(super) fn touch(&mut self) {
        if self.at.is_some() {
            self.restart();
        }
    }

    pub(super) fn stop(&mut self) {
        self.ms = 0;
        self.at = None;
    }

    /// The task must be polled to arm the timer.
    pub(super) fn needs_task(&self) -> bool {
        self.at
            .is_some_and(|at| self.armed.is_none_or(|armed| armed > at))
    }

    /// Returns true once the deadline has passed.
    fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(at) = self.at else {
            return false;
        };
        loop {
            if self.armed.is_none_or(|armed| armed > at) {
                let until = tokio::time::Instant::from_std(at);
                match &mut self.timer {
                    Some(timer) => timer.as_mut().reset(until),
                    none => *none = Some(Box::pin(tokio::time::sleep_until(until))),
                }
                self.armed = Some(at);
            }
            let Some(timer) = &mut self.timer else {
                return false;
            };
            if timer.as_mut().poll(cx).is_pending() {
                return false;
            }
            self.armed = None;
            if Instant::now() >= at {
                self.stop();
                return true;
            }
        }
    }
}

impl Conn {
    /// Answers 503 when the handler deadline has passed.
    pub(super) fn poll_deadline(&mut self, cx: &mut Context<'_>, ctx: &Ctx) {
        if self.deadline.poll(cx)
            && self.phase == Phase::Active
            && matches!(self.response, Response::Awaited | Response::Filing)
        {
            self.abort(abort::DEADLINE);
            self.deadline_answer(ctx);
        }
    }

    /// A client that has asked for more than is taken is not read: nothing else tells that it has left.
    fn look_for_departure(&mut self) {
        let is_full = self.phase == Phase::Active
            && matches!(self.body, Body::Complete)
            && !self.wants_read()
            && !self.input_ended
            && !self.stalled;
        if !is_full {
            return;
        }
        match self.io.as_ref().and_then(Io::departure) {
            Some(Departure::Broken) => self.lost_by(ClientError::ConnectionReset),
            Some(Departure::Ended) => {
                self.input_ended = true;
                self.input = BytesMut::new();
                self.abort_open(abort::CLIENT_GONE, 0);
            }
            None => {}
        }
    }

    /// Called by the thread's sweep, every quarter of a second.
    pub(crate) fn check_timeouts(&mut self, now: u64, ctx: &Ctx) {
        self.out.release_batches();
        self.look_for_departure();
        let config = &self.local.server.config;
        let over = |since: u64, limit: u32| {
            since != 0 && limit != 0 && now.saturating_sub(since) >= u64::from(limit)
        };
        let request_timeout = config.request_timeout.load(Relaxed);
        let socket_timeout = config.socket_timeout.load(Relaxed);
        if self.refused && self.input_ended && now >= self.linger_until {
            return self.kill();
        }
        match self.phase {
            Phase::Head if self.stalled => {}
            Phase::Head => {
                let keep_alive = config.keep_alive_timeout.load(Relaxed);
                let buffer = config.keep_alive_timeout_buffer.load(Relaxed);
                if keep_alive != 0
                    && over(self.idle_since, keep_alive.saturating_add(buffer))
                    && self.input.is_empty()
                {
                    return if self.has_unread() {
                        self.wake()
                    } else {
                        self.kill()
                    };
                }
                if over(self.head_start, config.headers_timeout.load(Relaxed))
                    || over(self.head_start, request_timeout)
                {
                    self.fail(ClientError::RequestTimeout, &[], ctx);
                    self.flush(ctx);
                    return self.wake();
                }
            }
            Phase::Active | Phase::Draining => {
                // Node counts the time in which the handler does not read, too.
                let is_late = if matches!(self.body, Body::Complete) {
                    // a head behind a request that is not answered yet
                    self.head_begun
                        && self.takes_more()
                        && (over(self.head_start, config.headers_timeout.load(Relaxed))
                            || over(self.head_start, request_timeout))
                } else {
                    over(self.head_start, request_timeout)
                };
                if is_late {
                    self.fail(ClientError::RequestTimeout, &[], ctx);
                    self.flush(ctx);
                    return self.wake();
                }
            }
            Phase::Lingering => {
                if now >= self.linger_until {
                    return self.kill();
                }
            }
            Phase::Dead => return self.wake(),
        }
        // Node's server sets keepAliveTimeout in its place.
        let is_kept = self.phase == Phase::Head
            && self.idle_since != 0
            && config.keep_alive_timeout.load(Relaxed) != 0;
        let is_quiet = !is_kept && over(self.activity, socket_timeout) && !self.has_unread();
        if self.phase != Phase::Dead && self.io.is_some() && is_quiet {
            self.activity = now;
            let (slot, generation, server) = (self.slot, self.turn, &self.local.server);
            server
                .queue
                .push_with(|buf| inbound::socket_timeout(buf, slot, generation, server.id));
        }
    }
}
