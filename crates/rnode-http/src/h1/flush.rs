//! Handing queued bytes to the kernel, and what waits for their leaving. What is queued is decided in `respond`.

use super::conn::Conn;
use super::file::{CHUNKS_PER_TURN, Step};
use super::state::Phase;
use super::write::Flush;
use crate::io_thread::Ctx;
use rnode_bridge::codes::ClientError;
use rnode_bridge::frame::inbound;
use std::io::ErrorKind;
use std::sync::atomic::Ordering::Relaxed;

impl Conn {
    /// Hands queued bytes to the kernel, and does what waited for that.
    pub(super) fn flush(&mut self, ctx: &Ctx) -> Flush {
        let mut chunks = 0;
        loop {
            let result = self.flush_queue(ctx);
            if result != Flush::Done {
                return result;
            }
            if self.file.is_none() {
                self.all_written(ctx);
                return result;
            }
            if chunks == CHUNKS_PER_TURN {
                // The client takes all at once: the others' turn.
                self.wake();
                return result;
            }
            match self.file_step(ctx) {
                Step::Queued => chunks += 1,
                Step::Waiting => return result,
                Step::Blocked => return Flush::Blocked,
                Step::Lost => return Flush::Lost(ErrorKind::NotConnected),
            }
        }
    }

    fn flush_queue(&mut self, ctx: &Ctx) -> Flush {
        let Some(io) = &self.io else {
            return Flush::Lost(ErrorKind::NotConnected);
        };
        if self.out.is_empty() {
            return Flush::Done;
        }
        let before = self.out.written();
        let result = self.out.flush(io, self.file.is_some(), ctx);
        if self.out.written() != before {
            self.taken = self.taken.wrapping_add(1);
            if self.local.server.config.socket_timeout.load(Relaxed) != 0 {
                self.activity = ctx.now();
            }
            self.report_written();
        }
        if let Flush::Lost(kind) = result {
            self.lost_by(match kind {
                ErrorKind::BrokenPipe => ClientError::WritePipe,
                ErrorKind::TimedOut => ClientError::ReadTimedOut,
                _ => ClientError::WriteReset,
            });
        }
        result
    }

    /// Nothing waits for the kernel any more.
    fn all_written(&mut self, ctx: &Ctx) {
        if let Some(mark) = self.drain_wanted.take() {
            let (slot, generation) = (self.slot, self.turn);
            self.queue()
                .push_with(|buf| inbound::drain(buf, slot, generation, mark));
        }
        if std::mem::take(&mut self.wait_flush) {
            self.recheck = true;
        }
        if self.close_after && !matches!(self.phase, Phase::Lingering | Phase::Dead) {
            self.finish_close(ctx);
        }
    }

    /// Asks for FINISHED once everything queued so far has left.
    pub(super) fn notify_at_end(&mut self) {
        self.notify.push_back((self.out.queued(), self.turn));
        if self.io.is_none() {
            self.report_unwritten();
        } else {
            self.report_written();
        }
    }

    fn report_written(&mut self) {
        let written = self.out.written();
        while self.notify.front().is_some_and(|(end, _)| *end <= written) {
            if let Some((_, generation)) = self.notify.pop_front() {
                let slot = self.slot;
                self.queue()
                    .push_with(|buf| inbound::finished(buf, slot, generation, true));
            }
        }
    }

    pub(super) fn report_unwritten(&mut self) {
        while let Some((_, generation)) = self.notify.pop_front() {
            let slot = self.slot;
            self.queue()
                .push_with(|buf| inbound::finished(buf, slot, generation, false));
        }
    }

    /// Called once per batch of frames that touched this connection.
    pub(crate) fn after_batch(&mut self, ctx: &Ctx) {
        self.touched = false;
        self.flush(ctx);
        // What was pipelined is not for whoever has a loan.
        if self.recheck && self.phase != Phase::Dead && !ctx.is_lent() {
            self.recheck = false;
            self.process_input(ctx);
            self.flush(ctx);
        }
        self.note_rest();
        // An answer without JavaScript may have let the next request be taken, and that one's the one after it.
        let needs_task = self.phase == Phase::Dead
            || self.recheck
            || !self.out.is_empty()
            || self.file.as_ref().is_some_and(|file| !file.reading)
            || self.deadline.needs_task()
            || (self.wants_read() && !self.read_armed);
        if needs_task {
            self.wake();
        }
    }
}
