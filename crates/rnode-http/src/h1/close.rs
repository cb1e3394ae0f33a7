//! How a connection ends: the client leaves, the socket breaks, the last response is out, the server closes.
//! Each way leaves no invocation open: JavaScript is told once, or has to answer once.

use super::conn::Conn;
use super::state::{Body, Phase, Response};
use super::timeouts::Deadline;
use crate::io_thread::Ctx;
use crate::server::config::flags;
use bytes::BytesMut;
use rnode_bridge::codes::ClientError;
use rnode_bridge::frame::{abort, inbound};

/// Milliseconds a closing connection still reads, so that the client can read the answer before an RST.
pub(super) const LINGER_MS: u64 = 1_000;

impl Conn {
    /// Sends ABORT for the invocation whose turn it is, once.
    pub(super) fn abort(&mut self, reason: u32) {
        self.abort_for(reason, 0);
    }

    /// The same for a connection or a request that is broken, or late: `code` is the index of its [`ClientError`].
    pub(super) fn abort_for(&mut self, reason: u32, code: u32) {
        if self.unseen {
            return;
        }
        if !std::mem::replace(&mut self.aborted, true) {
            self.push_abort(self.turn, reason, code);
        }
    }

    pub(super) fn push_abort(&self, generation: u32, reason: u32, code: u32) {
        let slot = self.slot;
        self.queue()
            .push_with(|buf| inbound::abort(buf, slot, generation, reason, code));
    }

    /// The client sent FIN.
    pub(super) fn ended(&mut self, ctx: &Ctx) {
        self.input_ended = true;
        self.process_input(ctx);
    }

    /// The socket is broken, as the system says.
    pub(super) fn lost_by(&mut self, error: ClientError) {
        self.error = Some(error);
        if self.local.server.config.has(flags::CLIENT_ERROR_LISTENER) {
            self.tell_client_error(error, &[], true);
        }
        self.lost();
    }

    /// The socket is broken: nothing can be read or written any more. ABORT says so, for an answer under way hears of it as
    /// of an error, and not as of a client that has ended.
    pub(super) fn lost(&mut self) {
        self.io = None;
        self.out.clear();
        self.file = None;
        self.report_unwritten();
        self.input = BytesMut::new();
        if self.phase == Phase::Active && self.response != Response::Queued && !self.unseen {
            // JavaScript answers, be it with DESTROY; until then the slot stays, so that its answer finds a slot.
            let error = self.error.unwrap_or(ClientError::ConnectionReset);
            self.abort_open(abort::CLIENT_GONE, error as u32);
            if self.queue().is_closed() {
                self.kill();
            }
        } else {
            self.kill();
        }
    }

    /// Everything is written and nothing more will be: close, lingering where bytes of the client are left unread
    /// (closing over them makes the kernel send RST, and the client may lose the answer).
    pub(super) fn finish_close(&mut self, ctx: &Ctx) {
        self.abort_behind(abort::SERVER_CLOSING);
        let unread = self.linger || !self.input.is_empty() || !matches!(self.body, Body::Complete);
        if self.input_ended || !unread {
            self.kill();
            return;
        }
        if let Some(io) = &self.io {
            io.shutdown_write();
        }
        self.input = BytesMut::new();
        self.dropped = 0;
        self.phase = Phase::Lingering;
        self.linger_until = ctx.now() + LINGER_MS;
    }

    /// Closes as JavaScript asks. An invocation that is open is told, unless it is the one that asks.
    pub(crate) fn destroy(&mut self, reset: bool, ctx: &Ctx) {
        // To a lost connection nothing is answered.
        if self.io.is_some() && self.end_failed(ctx) {
            self.flush(ctx);
            return;
        }
        // What was written before counts as sent, as far as the kernel takes it.
        self.flush(ctx);
        if reset && let Some(io) = &self.io {
            io.reset_on_close();
        }
        self.kill();
    }

    /// Closes at once. Frames that come later find no slot. The connection is dead before anybody is told, so that it is
    /// even if telling fails.
    pub(crate) fn kill(&mut self) {
        let is_open = self.invocation_open();
        self.phase = Phase::Dead;
        self.io = None;
        self.file = None;
        self.out.clear();
        self.input = BytesMut::new();
        self.deadline = Deadline::default();
        self.wake();
        if is_open {
            self.abort(abort::CLIENT_GONE);
        }
        self.abort_behind(abort::CLIENT_GONE);
        self.report_unwritten();
    }

    /// `closeIdleConnections`, and what `close` does first.
    pub(crate) fn close_if_idle(&mut self, ctx: &Ctx) {
        let is_busy = !self.out.is_empty() || !self.input.is_empty() || self.refused;
        if self.phase != Phase::Head || is_busy {
            return;
        }
        if self.requests > 0 {
            self.kill();
        } else if self.local.server.is_closing() {
            // Its first request may be under way: treat it as if it were between two requests.
            self.idle_since = ctx.now();
        }
    }

    /// `closeAllConnections`.
    pub(crate) fn close_now(&mut self) {
        self.abort_open(abort::SERVER_CLOSING, 0);
        self.kill();
    }
}
