//! Request bodies: delivered against credit, or dropped; what is inline is decoded here too. What is read straight into memory for
//! JavaScript is in `large`.
//!
//! What cannot be taken yet stays in the connection's input. When a body is read at all is decided in `input`.

use super::chunked::Chunked;
use super::conn::{Conn, READ_AHEAD};
use super::parse::{self, TrailerCounts};
use super::state::{Body, Phase};
use crate::io_thread::Ctx;
use rnode_bridge::codes::ClientError;
use rnode_bridge::frame::inbound;

/// Largest body that travels inside its request frame.
pub(super) const INLINE_BODY: usize = 64 << 10;
/// Largest BODY frame.
const BODY_FRAME: u64 = 64 << 10;

impl Conn {
    /// Decodes a chunked body that is whole within `data` and fits the frame. Trailers have no place in a request
    /// frame, so a body with trailers streams.
    pub(super) fn whole_chunked(&self, data: &[u8], out: &mut Vec<u8>) -> Option<usize> {
        let (mut decoder, limits, mut at) = (Chunked::new(), self.limits(), 0);
        while at < data.len() {
            // An error is met again, and answered, when the body streams.
            let step = decoder.decode(&data[at..], INLINE_BODY, limits).ok()?;
            out.extend_from_slice(&data[at..][step.data]);
            at += step.consumed;
            if out.len() > INLINE_BODY {
                return None;
            }
            if step.done {
                return decoder.trailer_lines().is_empty().then_some(at);
            }
        }
        None
    }

    /// After FIN: looks whether the input holds what is left of the body. What is missing will never come.
    pub(super) fn rest_of_body(&self) -> Result<(), ClientError> {
        self.rest_in(&self.input)?
            .map(|_| ())
            .ok_or(ClientError::InvalidEofState)
    }

    /// How many bytes of `data` are what is left of the body, framing included; `None` if it goes on behind them.
    fn rest_in(&self, data: &[u8]) -> Result<Option<usize>, ClientError> {
        match &self.body {
            Body::Complete => Ok(Some(0)),
            Body::Length(left) => Ok(usize::try_from(*left)
                .ok()
                .filter(|left| data.len() >= *left)),
            Body::Chunked(decoder) => {
                let (mut decoder, limits, mut at) = ((**decoder).clone(), self.limits(), 0);
                while at < data.len() {
                    let step = decoder.decode(&data[at..], INLINE_BODY, limits)?;
                    at += step.consumed;
                    if step.done {
                        return Ok(Some(at));
                    }
                }
                Ok(None)
            }
        }
    }

    /// Under Node a short body is in its request's buffer, asked for or not: what is pipelined behind it does not wait for a reader.
    fn lend_credit(&mut self, data: &[u8]) {
        let is_unasked = self.phase == Phase::Active && !self.body_asked && !self.body_dump;
        // What is longer is not looked through: the rest of the body, and a packet behind it.
        if !is_unasked || self.credit != 0 || data.len() > 4 * UNASKED {
            return;
        }
        // An error is met again, and answered, when the body is read.
        if let Ok(Some(rest)) = self.rest_in(data)
            && rest <= UNASKED
            && rest < data.len()
        {
            self.credit = rest as u64;
        }
    }

    pub(super) fn take_body(&mut self, data: &[u8], ctx: &Ctx) -> usize {
        self.lend_credit(data);
        let deliver = !self.body_dump && (self.phase == Phase::Active || self.body_asked);
        let credit = if deliver { self.credit } else { BODY_FRAME };
        let limits = self.limits();
        let (consumed, bytes, done) = match &mut self.body {
            Body::Complete => return 0,
            Body::Length(left) => {
                let length = (*left).min(data.len() as u64).min(credit).min(BODY_FRAME);
                *left -= length;
                (length as usize, 0..length as usize, *left == 0)
            }
            Body::Chunked(decoder) => {
                match decoder.decode(data, credit.min(BODY_FRAME) as usize, limits) {
                    Ok(step) => (step.consumed, step.data, step.done),
                    Err(error) => {
                        self.fail(error, data, ctx);
                        return data.len();
                    }
                }
            }
        };
        let bytes = &data[bytes];
        if !bytes.is_empty() {
            if self.reads_own_body() {
                self.deadline.touch();
            }
            if deliver {
                self.credit -= bytes.len() as u64;
                self.give_body(bytes, ctx);
            } else {
                self.dropped += bytes.len();
                if self.phase == Phase::Draining && self.dropped > super::respond::DRAIN_LIMIT {
                    // Reading on would serve nobody; the response is out or on its way.
                    self.close_after = true;
                    self.flush(ctx);
                    return data.len();
                }
            }
        }
        if done {
            self.body_done(deliver, ctx);
        }
        consumed
    }

    pub(super) fn body_done(&mut self, deliver: bool, ctx: &Ctx) {
        let body = std::mem::replace(&mut self.body, Body::Complete);
        self.head_begun = false;
        if deliver {
            let mut trailers = Vec::new();
            if let Body::Chunked(decoder) = &body {
                // Each line was checked when it was read.
                let _ = parse::trailers(
                    decoder.trailer_lines(),
                    self.limits(),
                    &mut TrailerCounts::default(),
                    &mut trailers,
                );
            }
            let (slot, generation) = (self.slot, self.generation);
            // Behind it there may be requests in the same bytes, or in what the socket has already.
            self.queue()
                .gather(|buf| inbound::body_end(buf, slot, generation, &trailers));
        }
        if self.phase == Phase::Draining {
            self.next_request(ctx);
        }
    }
}

/// What is left of a body that is handed over though nobody has asked for it, if requests follow it: the high-water mark of a
/// request under Node 20.
const UNASKED: usize = 16 << 10;

/// Keeps the read-ahead bound and the inline bound in step: a body that fits the frame must fit the input.
const _: () = assert!(INLINE_BODY <= READ_AHEAD);
