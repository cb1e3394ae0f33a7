//! What a connection does while it is direct: it is read, and answered, by a JavaScript thread that has the I/O thread's loan.
//! Nothing here, and nothing that it calls, may need the runtime: such a request is left in the input for the task.

use super::conn::Conn;
use super::front::pass_at_once;
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

/// What a look at the socket has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// There may be more.
    More,
    /// That was all.
    Done,
    /// There was nothing.
    Nothing,
}

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
            && !self.refused
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

    /// Something has come that the JavaScript thread has not found the time to read.
    pub(super) fn has_unread(&self) -> bool {
        self.direct != 0 && self.io.as_ref().is_some_and(Io::has_input)
    }

    pub(crate) fn is_idle_for(&self, now: u64, ms: u64) -> bool {
        self.phase == Phase::Head && now.saturating_sub(self.idle_since) > ms
    }

    /// Whether somebody with a loan may do what frames ask.
    pub(crate) fn takes_direct_answers(&self) -> bool {
        // Chunks of a file are read with the runtime's help, also of one that is kept for a head to come.
        self.direct != 0 && self.file.is_none() && self.file_held.is_none()
    }

    /// Reads and does what can be done; the task does the rest. False if there was nothing to read.
    pub(crate) fn direct_readable(&mut self, ended: bool, ctx: &Ctx) -> bool {
        if !self.takes_direct_answers() {
            self.wake();
            return true;
        }
        let mut found = false;
        // An edge is told once: what it may stand for is read to its end, or left to the task.
        let is_read = (0..READINGS).any(|_| {
            if !self.wants_read() {
                return false;
            }
            let reading = self.read_direct(ended, ctx);
            found |= reading != Reading::Nothing;
            reading != Reading::More
        });
        self.flush(ctx);
        if !self.input.is_empty() {
            self.recheck = true;
            self.direct_from = self.requests.saturating_add(PENALTY);
        }
        let is_unusual = ended
            || !is_read
            || self.recheck
            || self.refused
            || self.stalled
            || self.phase == Phase::Dead
            || !self.out.is_empty()
            || self.deadline.needs_task()
            || !matches!(self.body, Body::Complete);
        if is_unusual {
            self.wake();
        }
        found || is_unusual
    }

    fn read_direct(&mut self, ended: bool, ctx: &Ctx) -> Reading {
        let Some(io) = &self.io else {
            return Reading::Done;
        };
        let mut buffer = ctx.read_buffer.borrow_mut();
        match io.try_read(&mut buffer) {
            Ok(0) => {
                drop(buffer);
                self.ended(ctx);
                self.wake();
                Reading::Done
            }
            Ok(length) => {
                self.received(&buffer[..length], ctx);
                if ended || length == buffer.len() {
                    Reading::More
                } else {
                    Reading::Done
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Reading::Nothing,
            Err(error) if error.kind() == ErrorKind::Interrupted => Reading::More,
            Err(error) => {
                drop(buffer);
                self.read_failed(&error);
                Reading::Done
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
        is_simple && !self.may_be_native(data, head, ctx)
    }

    /// Whether native layers may answer, or may have to look for a file on a disk to know.
    fn may_be_native(&self, data: &[u8], head: &Head, ctx: &Ctx) -> bool {
        let is_head = head.method == rnode_router::Method::HEAD;
        if head.framing != Framing::None
            || !(is_head || head.method == rnode_router::Method::GET)
            || self.phase != Phase::Head
        {
            return false;
        }
        let passes = self.local.with_routes(|table, lines| {
            let url = &data[head.url.0..head.url.1];
            let mut words = ctx.plan.borrow_mut();
            let planned = plan::plan(table, Some(lines?), head.method, url, &mut words)?;
            Some(pass_at_once(&planned.front.as_ref()?.0, url, is_head))
        });
        passes.flatten() == Some(false)
    }
}
