//! Large parts of request bodies: read into memory that goes to JavaScript as it is, beside its frame.
//!
//! Small parts are copied into frames as everywhere else. What is left of a chunked body once its framing is out is moved
//! together, so that many small chunks are one part.

use super::chunked::Chunked;
use super::conn::{Conn, READ_AHEAD};
use super::parse::Limits;
use super::state::{Body, Phase};
use crate::io_thread::Ctx;
use crate::slabs::SLAB;
use bytes::{BufMut, BytesMut};
use rnode_bridge::codes::ClientError;
use rnode_bridge::frame::inbound;
use std::task::{Context, Poll};

/// Body bytes that travel beside their frame instead of being copied into it, from this size on.
const LARGE_BODY: usize = 16 << 10;
/// Parts below this share of a slab are copied into memory of their own: one that a program keeps would keep the slab.
const LEAST_SHARE: usize = 8;
/// What a first read of the socket leaves of a long body: all it has brought but a head of usual size.
const NEARLY_FULL: usize = READ_AHEAD - (4 << 10);

impl Conn {
    /// JavaScript reads a long body and is behind, or may come to read it: what was read ahead would be copied once more. As long as
    /// nobody has asked and the input has room, reading goes on, since the end of the connection is seen by it alone.
    pub(super) fn waits_for_credit(&self) -> bool {
        let is_long = match self.body {
            Body::Complete => false,
            Body::Length(left) => left >= LARGE_BODY as u64,
            Body::Chunked(_) => true,
        };
        let is_asked =
            self.body_asked || self.phase == Phase::Active && self.input.len() >= NEARLY_FULL;
        is_long && is_asked && self.credit == 0 && !self.body_dump
    }

    /// How much of a body may be taken at once, if JavaScript waits for a large part of it.
    fn large_part(&self) -> Option<usize> {
        let left = match self.body {
            Body::Complete => return None,
            Body::Length(left) => left,
            Body::Chunked(_) => u64::MAX,
        };
        let deliver = match self.phase {
            Phase::Active => !self.body_dump,
            Phase::Draining => !self.body_dump && self.body_asked,
            _ => false,
        };
        let most = left.min(self.credit).min(SLAB as u64) as usize;
        (deliver && most >= LARGE_BODY).then_some(most)
    }

    /// Hands over what was read ahead of a body, in the memory where it is.
    pub(super) fn give_ahead(&mut self, ctx: &Ctx) {
        let is_framed = matches!(self.body, Body::Chunked(_));
        if self.input.len() < LARGE_BODY || is_framed || self.refused {
            return;
        }
        if let Some(most) = self.large_part() {
            let bytes = self.input.split_to(most.min(self.input.len()));
            self.take_large(bytes, ctx);
        }
    }

    /// Reads a large part of the body. `None`, with nothing done, if that is not what comes next.
    pub(super) fn poll_large(&mut self, cx: &mut Context<'_>, ctx: &Ctx) -> Option<Poll<()>> {
        if !self.input.is_empty() {
            return None;
        }
        let most = self.large_part()?;
        let io = self.io.as_mut()?;
        let bytes = {
            let mut slabs = ctx.slabs.borrow_mut();
            let room = slabs.room(most);
            let read = io.poll_read_buf(cx, &mut room.limit(most));
            if room.len() >= SLAB / LEAST_SHARE {
                Ok(room.split())
            } else if room.len() >= LARGE_BODY {
                let own = BytesMut::from(&room[..]);
                room.clear();
                Ok(own)
            } else {
                let few = &mut ctx.read_buffer.borrow_mut()[..room.len()];
                few.copy_from_slice(room);
                room.clear();
                Err(read)
            }
        };
        match bytes {
            Ok(bytes) => {
                self.note_activity(ctx);
                ctx.note_strain();
                self.take_large(bytes, ctx);
                Some(Poll::Ready(()))
            }
            Err(read) => Some(self.read_result(&read, &ctx.read_buffer.borrow(), ctx)),
        }
    }

    /// Takes what was read while the body was under way.
    fn take_large(&mut self, mut bytes: BytesMut, ctx: &Ctx) {
        let limits = self.limits();
        let (done, rest, error) = match &mut self.body {
            Body::Complete => return,
            Body::Length(left) => {
                *left -= bytes.len() as u64;
                (*left == 0, BytesMut::new(), None)
            }
            Body::Chunked(decoder) => {
                let gathered = gather(decoder, &mut bytes, limits);
                let rest = bytes.split_off(gathered.consumed);
                bytes.truncate(gathered.length);
                (gathered.done, rest, gathered.error)
            }
        };
        if !bytes.is_empty() {
            if self.reads_own_body() {
                self.deadline.touch();
            }
            self.credit -= bytes.len() as u64;
            let (slot, generation, queue) = (self.slot, self.generation, self.queue());
            if bytes.len() >= LARGE_BODY {
                queue.push_body(slot, generation, bytes);
            } else {
                queue.push_with(|buf| inbound::body(buf, slot, generation, &bytes));
            }
        }
        if done {
            self.body_done(true, ctx);
        }
        if let Some(error) = error {
            self.fail(error, &rest, ctx);
        } else if !rest.is_empty() {
            self.received(&rest, ctx);
        }
    }

    /// Hands over body bytes that were read elsewhere.
    pub(super) fn give_body(&self, bytes: &[u8], ctx: &Ctx) {
        let (slot, generation, queue) = (self.slot, self.generation, self.queue());
        if bytes.len() < LARGE_BODY {
            queue.push_with(|buf| inbound::body(buf, slot, generation, bytes));
            return;
        }
        let mut slabs = ctx.slabs.borrow_mut();
        let room = slabs.room(bytes.len());
        room.extend_from_slice(bytes);
        queue.push_body(slot, generation, room.split());
    }
}

/// What [`gather`] has come to.
struct Gathered {
    /// Bytes of data at the front.
    length: usize,
    /// Bytes that were decoded.
    consumed: usize,
    /// The body has ended.
    done: bool,
    /// What is wrong with the bytes behind those that were decoded.
    error: Option<ClientError>,
}

/// Decodes what was read of a chunked body and moves the data together at the front.
fn gather(decoder: &mut Chunked, bytes: &mut [u8], limits: Limits) -> Gathered {
    let mut gathered = Gathered {
        length: 0,
        consumed: 0,
        done: false,
        error: None,
    };
    while gathered.consumed < bytes.len() && !gathered.done {
        let at = gathered.consumed;
        match decoder.decode(&bytes[at..], usize::MAX, limits) {
            Ok(step) => {
                let data = at + step.data.start..at + step.data.end;
                let length = data.len();
                if data.start != gathered.length {
                    bytes.copy_within(data, gathered.length);
                }
                gathered.length += length;
                gathered.consumed += step.consumed;
                gathered.done = step.done;
            }
            Err(error) => {
                gathered.error = Some(error);
                break;
            }
        }
    }
    gathered
}
