//! Reading a connection's socket, and keeping what cannot be taken yet. What bytes mean is in `input`; when to read, in `conn`.

use super::conn::Conn;
use super::state::Phase;
use crate::io_thread::Ctx;
use bytes::Buf;
use rnode_bridge::codes::ClientError;
use std::io::{self, ErrorKind};
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

/// Bytes a closing connection still reads and drops.
const LINGER_BYTES: usize = 512 << 10;

impl Conn {
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, ctx: &Ctx) -> Poll<()> {
        if let Some(poll) = self.poll_large(cx, ctx) {
            return poll;
        }
        let Some(io) = &mut self.io else {
            return Poll::Pending;
        };
        let mut buffer = ctx.read_buffer.borrow_mut();
        let result = io.poll_read(cx, &mut buffer);
        self.read_result(&result, &buffer, ctx)
    }

    /// What a look at the socket has come to; what it has given is at the front of `buffer`.
    pub(super) fn read_result(
        &mut self,
        result: &Poll<io::Result<usize>>,
        buffer: &[u8],
        ctx: &Ctx,
    ) -> Poll<()> {
        match result {
            Poll::Pending => {
                self.read_armed = true;
                return Poll::Pending;
            }
            Poll::Ready(Ok(0)) => self.ended(ctx),
            Poll::Ready(Ok(length)) => self.received(&buffer[..*length], ctx),
            Poll::Ready(Err(error)) => self.read_failed(error),
        }
        Poll::Ready(())
    }

    pub(super) fn read_failed(&mut self, error: &io::Error) {
        self.lost_by(match error.kind() {
            ErrorKind::TimedOut => ClientError::ReadTimedOut,
            _ => ClientError::ConnectionReset,
        });
    }

    pub(super) fn note_activity(&mut self, ctx: &Ctx) {
        if self.local.server.config.socket_timeout.load(Relaxed) != 0 {
            self.activity = ctx.now();
        }
    }

    pub(super) fn received(&mut self, data: &[u8], ctx: &Ctx) {
        self.note_activity(ctx);
        if self.phase == Phase::Lingering {
            self.dropped += data.len();
            if self.dropped > LINGER_BYTES {
                self.kill();
            }
        } else if self.input.is_empty() {
            let taken = self.take_input(data, ctx);
            if taken < data.len() {
                self.input.extend_from_slice(&data[taken..]);
            }
        } else {
            self.input.extend_from_slice(data);
            self.process_input(ctx);
        }
    }

    /// Takes what can be taken of the bytes held back.
    pub(super) fn process_input(&mut self, ctx: &Ctx) {
        if !self.input.is_empty() {
            self.give_ahead(ctx);
            let mut input = std::mem::take(&mut self.input);
            let taken = self.take_input(&input, ctx);
            if taken < input.len() {
                input.advance(taken);
                self.input = input;
            }
        }
        if self.input_ended {
            self.check_ended(ctx);
        }
    }
}
