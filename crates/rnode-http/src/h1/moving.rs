//! A connection between two requests that goes to another I/O thread, because its own is at its limit (see `balance`). It becomes
//! a new connection there, in another slot; JavaScript is told nothing, and so those stay that JavaScript watches.

use super::conn::{Conn, ConnTask};
use super::io::Addresses;
use super::state::{Body, Phase};
use crate::io_thread::Ctx;
use crate::server::accept::Accepted;

/// Requests for which a connection does not become direct where it has come to: it was moved because of load.
const NOT_DIRECT: u32 = 64;

/// What a connection brings along.
#[derive(Debug)]
pub(crate) struct Moved {
    addresses: Addresses,
    requests: u32,
    /// What its thread had done of the server's calls to close connections.
    closes: u64,
}

impl Conn {
    /// Gives the socket to another thread, if it is time for that. What waits in it to be read goes along. True if it is gone: so is this
    /// connection.
    pub(super) fn moves(&mut self, ctx: &Ctx) -> bool {
        let Some(to) = ctx.balance.receiver() else {
            return false;
        };
        // What JavaScript was told comes first there, before the next request, which comes by another thread.
        if !self.is_at_rest() || !self.queue().push_gathered() {
            return false;
        }
        let Some(io) = self.io.take() else {
            return false;
        };
        let accepted: Accepted = match io.into_accepted() {
            Ok(accepted) => accepted,
            Err(_) => {
                self.lost();
                return true;
            }
        };
        ctx.balance.gave();
        let moved = Moved {
            addresses: (*self.addresses).clone(),
            requests: self.requests,
            closes: self.local.closes.get(),
        };
        self.local.server.pass_on(to, accepted, moved);
        self.moved = true;
        self.kill();
        true
    }

    /// Between two requests, with nothing owed to anybody.
    fn is_at_rest(&self) -> bool {
        self.phase == Phase::Head
            && self.requests > 0
            && self.direct == 0
            && self.input.is_empty()
            && self.out.is_empty()
            && self.file.is_none()
            && self.file_held.is_none()
            && self.file_report.is_none()
            && self.notify.is_empty()
            && self.drain_wanted.is_none()
            && self.failed.is_none()
            && self.error.is_none()
            && matches!(self.body, Body::Complete)
            && self.behind.is_empty()
            && !self.watched
            && !self.head_begun
            && !self.held
            && !self.last
            && !self.recheck
            && !self.stalled
            && !self.wait_flush
            && !self.input_ended
            && !self.close_after
            && !self.linger
            && !self.refused
            && !self.deadline.is_set()
            && !self.local.server.is_closing()
    }
}

impl ConnTask {
    /// Makes a connection that has just begun go on as the one that it was. False if it was to be closed meanwhile.
    pub(crate) fn go_on(&self, moved: Moved, ctx: &Ctx) -> bool {
        let mut conn = self.conn();
        if conn.local.server.closes() != moved.closes {
            return false;
        }
        conn.addresses = std::rc::Rc::new(moved.addresses);
        conn.requests = moved.requests;
        conn.direct_from = moved.requests.saturating_add(NOT_DIRECT);
        conn.head_start = 0;
        conn.idle_since = ctx.now();
        true
    }
}
