//! What a connection does while it is direct: it is read, and answered, by a JavaScript thread that has the I/O thread's loan.
//! Nothing here, and nothing that it calls, may need the runtime: such a request is left in the input for the task.

use super::conn::Conn;
use super::io::Io;
use super::parse::{Expect, Framing, Head};
use super::state::{Body, Phase};
use crate::io_thread::Ctx;
use crate::plan;
use std::io::ErrorKind;
use std::sync::atomic::Ordering::Relaxed;

/// Requests for which a connection is not direct after one that cannot be.
const PENALTY: u32 = 64;
/// Times that a socket is read in one go.
const READINGS: usize = 4;

impl Conn {
    /// Lets the JavaScript thread watch the socket. False, with nothing changed, if that is not the time for it.
    pub(crate) fn go_direct(&mut self, serial: u32) -> bool {
        let Some(set) = self.local.server.direct() else {
            return false;
        };
        let is_at_rest = self.direct == 0
            && self.phase == Phase::Head
            && self.input.is_empty()
            && self.out.is_empty()
            && self.read_armed
            && !self.head_begun
            && !self.recheck
            && !self.input_ended
            && !self.close_after
            && !self.local.server.is_closing();
        if !is_at_rest || set.is_closed() || self.requests < self.direct_from {
            return false;
        }
        let Some(io) = self.io.take() else {
            return false;
        };
        let Ok(accepted) = io.into_accepted() else {
            self.lost();
            return false;
        };
        let io = self.io.insert(Io::Direct(accepted));
        if set.add(&*io, self.slot, serial).is_err() {
            // The task takes the socket as it is.
            self.wake();
            return false;
        }
        self.direct = serial;
        true
    }

    /// Called by the task, which is polled for a direct connection only when something unusual happens.
    pub(super) fn take_back(&mut self) {
        self.leave_direct();
        if let Some(io) = self.io.take_if(|io| matches!(io, Io::Direct(_))) {
            self.read_armed = false;
            match io.into_accepted().and_then(Io::from_accepted) {
                Ok(io) => self.io = Some(io),
                Err(_) => self.lost(),
            }
        }
    }

    /// The connection is direct no more, whatever became of its socket.
    pub(super) fn leave_direct(&mut self) {
        if std::mem::take(&mut self.direct) == 0 {
            return;
        }
        if let Some(set) = self.local.server.direct() {
            if let Some(io) = &self.io {
                set.remove(io);
            }
            set.forget();
        }
    }

    pub(crate) fn is_idle_for(&self, now: u64, ms: u64) -> bool {
        self.phase == Phase::Head && now.saturating_sub(self.idle_since) > ms
    }

    /// Whether somebody with a loan may do what frames ask.
    pub(crate) fn takes_direct_answers(&self) -> bool {
        // Chunks of a file are read with the runtime's help.
        self.direct != 0 && self.file.is_none()
    }

    /// Reads and does what can be done; the task does the rest.
    pub(crate) fn direct_readable(&mut self, ended: bool, ctx: &Ctx) {
        if !self.takes_direct_answers() {
            return self.wake();
        }
        // An edge is told once: what it may stand for is read to its end, or left to the task.
        let is_read = (0..READINGS).any(|_| self.wants_read() && !self.read_direct(ended, ctx));
        self.flush(ctx);
        if !self.input.is_empty() {
            self.recheck = true;
            self.direct_from = self.requests.saturating_add(PENALTY);
        }
        let is_unusual = ended
            || !is_read
            || self.recheck
            || self.stalled
            || self.phase == Phase::Dead
            || !self.out.is_empty()
            || self.deadline.needs_task()
            || !matches!(self.body, Body::Complete);
        if is_unusual {
            self.wake();
        }
    }

    /// Reads once. Returns whether there may be more.
    fn read_direct(&mut self, ended: bool, ctx: &Ctx) -> bool {
        let Some(io) = &self.io else {
            return false;
        };
        let mut buffer = ctx.read_buffer.borrow_mut();
        match io.try_read(&mut buffer) {
            Ok(0) => {
                drop(buffer);
                self.ended(ctx);
                self.wake();
                false
            }
            Ok(length) => {
                self.received(&buffer[..length], ctx);
                ended || length == buffer.len()
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            Err(error) if error.kind() == ErrorKind::Interrupted => true,
            Err(_) => {
                drop(buffer);
                self.read_failed();
                false
            }
        }
    }

    /// A request that neither the runtime nor an I/O thread is needed for.
    pub(super) fn is_plain(&self, data: &[u8], head: &Head, ctx: &Ctx) -> bool {
        let is_whole = match head.framing {
            Framing::None => true,
            Framing::Length(length) => length <= (data.len() - head.length) as u64,
            Framing::Chunked => false,
        };
        let config = &self.local.server.config;
        let is_simple = is_whole
            && head.expect == Expect::Nothing
            && !head.upgrade
            && head.method.as_str() != "CONNECT"
            && config.handler_deadline.load(Relaxed) == 0;
        is_simple
            && self.local.with_routes(|table, lines| {
                // Native layers may have to look for a file.
                let target = &data[head.url.0..head.url.1];
                let plan = |lines| {
                    plan::plan(
                        table,
                        Some(lines),
                        head.method,
                        target,
                        &mut ctx.plan.borrow_mut(),
                    )
                };
                lines
                    .and_then(plan)
                    .is_some_and(|planned| planned.front.is_some())
            }) != Some(true)
    }
}
