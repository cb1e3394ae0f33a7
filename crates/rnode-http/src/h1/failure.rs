//! Requests that are none, or late: what Node answers to them, or the hand-over to `'clientError'`. The connection ends either way.
//! It must not use error pages: what Node answers here is a head alone.

use super::conn::Conn;
use super::state::{Body, Phase, Response};
use crate::io_thread::Ctx;
use crate::server::config::flags;
use rnode_bridge::codes::ClientError;
use rnode_bridge::frame::abort;
use rnode_bridge::frame::inbound::ClientErrorFrame;

impl Conn {
    /// A broken or late request: answers as Node does (or hands the socket to `'clientError'`) and closes.
    pub(super) fn fail(&mut self, error: ClientError, packet: &[u8], ctx: &Ctx) {
        if self.has_client_error_listener() {
            return self.refer(error, packet);
        }
        let is_first = self.behind.is_empty() && !matches!(self.body, Body::Complete);
        if self.phase == Phase::Active && !is_first && self.response != Response::Queued {
            return self.fail_behind(error, packet);
        }
        self.fail_now(error, packet, ctx);
    }

    /// The same, whatever answers are due.
    pub(super) fn fail_now(&mut self, error: ClientError, packet: &[u8], ctx: &Ctx) {
        if self.has_client_error_listener() {
            return self.refer(error, packet);
        }
        let silent = self.phase != Phase::Head
            && !matches!(self.response, Response::Awaited | Response::Filing);
        if self.phase != Phase::Head {
            let reason = match error {
                ClientError::RequestTimeout => abort::REQUEST_TIMEOUT,
                _ => abort::BODY_BROKEN,
            };
            self.abort_for(reason, error as u32);
        }
        self.deadline.stop();
        self.response = Response::Queued;
        self.body = Body::Complete;
        self.body_dump = true;
        self.head_start = 0;
        self.idle_since = 0;
        self.error = Some(error);
        if !silent {
            let answer: &[u8] = match error {
                ClientError::HeaderOverflow => {
                    b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n"
                }
                ClientError::ChunkExtensionsOverflow => {
                    b"HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\n\r\n"
                }
                ClientError::RequestTimeout => {
                    b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"
                }
                _ => b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
            };
            self.out.push(ctx, answer);
        }
        self.phase = Phase::Head;
        self.close_after = true;
        self.linger = true;
    }

    fn has_client_error_listener(&self) -> bool {
        self.local.server.config.has(flags::CLIENT_ERROR_LISTENER) && self.io.is_some()
    }

    /// A listener to `'clientError'` decides: it writes, ends or destroys. A request under way can still be answered, as under Node.
    fn refer(&mut self, error: ClientError, packet: &[u8]) {
        self.refused = true;
        self.body = Body::Complete;
        self.body_dump = true;
        self.head_start = 0;
        self.idle_since = 0;
        self.tell_client_error(error, packet, false);
    }

    /// Sends CLIENT_ERROR. JavaScript holds the connection's socket from here on, so it is told of its end, too.
    pub(super) fn tell_client_error(&mut self, error: ClientError, packet: &[u8], gone: bool) {
        self.watched = true;
        let frame = ClientErrorFrame {
            slot: self.slot,
            generation: self.turn,
            server: self.local.server.id,
            code: error as u32,
            first_generation: self.first_generation,
            gone,
            remote: (self.addresses.remote.as_bytes(), self.addresses.remote_port),
            local: (self.addresses.local.as_bytes(), self.addresses.local_port),
            packet,
        };
        self.queue().push_with(|buf| frame.encode(buf));
    }
}
