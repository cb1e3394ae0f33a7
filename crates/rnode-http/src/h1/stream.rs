//! Responses in pieces: their head, their chunks or raw bytes, and their end. Whole ones are in `respond`.

use super::conn::Conn;
use super::respond::{checked, forbids_body, general_lines, queue_body};
use super::state::{Phase, Response, ResponseBody};
use super::write;
use crate::io_thread::Ctx;
use crate::lines::lines_are_safe;
use rnode_bridge::Body as FrameBody;
use rnode_bridge::frame::outbound::ResponseHead;
use rnode_bridge::frame::response_flags as flags;

impl Conn {
    /// Queues the head of a response whose body follows in chunks.
    pub(super) fn stream_head(&mut self, head: &ResponseHead<'_>, ctx: &Ctx) {
        let Some((status, lines)) = checked(head) else {
            return self.refuse_head(head.flags, ctx);
        };
        let bodiless =
            self.request.is_head || head.flags & flags::NO_BODY != 0 || forbids_body(status);
        let length = write::find_line(lines, b"content-length").map(|value| {
            std::str::from_utf8(value)
                .ok()
                .and_then(|text| text.parse::<u64>().ok())
                .unwrap_or(0)
        });
        let framing = if bodiless {
            ResponseBody::Nothing
        } else if head.flags & flags::UNFRAMED != 0
            || self.request.http10 && head.flags & flags::ADD_TE != 0
        {
            ResponseBody::Unframed
        } else if head.flags & (flags::CHUNKED | flags::ADD_TE) != 0 {
            ResponseBody::Chunked
        } else if let Some(length) = length {
            ResponseBody::Length(length)
        } else {
            ResponseBody::Unframed
        };
        let unframed = framing == ResponseBody::Unframed;
        let persistence = self.stream_persistence(head.flags, unframed, length.is_some());
        self.head_at = self.out.queued();
        let config = &self.local.server.config;
        self.out.append(ctx, |out| {
            write::status_line(out, status, head.reason);
            out.extend_from_slice(lines);
            general_lines(out, head.flags, &persistence, config, ctx);
            if head.flags & flags::ADD_TE != 0 && framing == ResponseBody::Chunked {
                out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
            }
            out.extend_from_slice(b"\r\n");
        });
        self.deadline.stop();
        self.response = Response::Streaming(framing);
        self.close_at_end = persistence.close;
        if head.flags & flags::NOTIFY != 0 {
            self.notify_streamed = true;
        }
    }

    pub(super) fn chunk(&mut self, drain: Option<u16>, body: FrameBody<'_>, ctx: &Ctx) {
        let Response::Streaming(framing) = self.response else {
            return;
        };
        let length = body.as_slice().len();
        if self.io.is_some() && length > 0 {
            match framing {
                ResponseBody::Chunked => queue_body(&mut self.out, true, body, ctx),
                ResponseBody::Unframed => queue_body(&mut self.out, false, body, ctx),
                ResponseBody::Nothing | ResponseBody::Raw | ResponseBody::File => {}
                ResponseBody::Length(left) => match left.checked_sub(length as u64) {
                    Some(left) => {
                        self.response = Response::Streaming(ResponseBody::Length(left));
                        queue_body(&mut self.out, false, body, ctx);
                    }
                    // More than Content-Length promised: the excess would be read as the next response.
                    None => return self.cut(ctx),
                },
            }
        }
        // Reported by the flush that ends the batch.
        self.drain_wanted = drain.or(self.drain_wanted);
    }

    pub(super) fn end(&mut self, notify: bool, trailers: &[u8], ctx: &Ctx) {
        let Response::Streaming(framing) = self.response else {
            return;
        };
        match framing {
            ResponseBody::Chunked => self.out.append(ctx, |out| {
                out.extend_from_slice(b"0\r\n");
                if lines_are_safe(trailers) {
                    out.extend_from_slice(trailers);
                }
                out.extend_from_slice(b"\r\n");
            }),
            ResponseBody::File => return,
            // Of what comes for a lost connection nothing is counted.
            ResponseBody::Length(left) if left > 0 && self.io.is_some() => return self.cut(ctx),
            ResponseBody::Length(_)
            | ResponseBody::Unframed
            | ResponseBody::Nothing
            | ResponseBody::Raw => {}
        }
        let notify = notify || std::mem::take(&mut self.notify_streamed);
        self.complete(self.close_at_end, notify, ctx);
    }

    /// Bytes of a response that JavaScript frames itself, or of a program that writes to the socket.
    pub(super) fn raw(&mut self, drain: Option<u16>, body: FrameBody<'_>, ctx: &Ctx) {
        let open = if self.phase == Phase::Active {
            // After an answer of the I/O thread's own (a deadline's 503) further bytes would be a second one.
            match self.response {
                Response::Awaited => {
                    self.deadline.stop();
                    self.close_at_end = false;
                    self.response = Response::Streaming(ResponseBody::Raw);
                }
                // Begun by HEAD: from here on JavaScript writes what is on the wire.
                Response::Streaming(framing) if framing != ResponseBody::File => {
                    self.response = Response::Streaming(ResponseBody::Raw);
                }
                _ => {}
            }
            self.response == Response::Streaming(ResponseBody::Raw)
        } else {
            !self.aborted
        };
        if open && self.io.is_some() && !self.close_after {
            queue_body(&mut self.out, false, body, ctx);
        }
        self.drain_wanted = drain.or(self.drain_wanted);
    }

    /// The end of a response that was written by RAW frames.
    pub(super) fn raw_end(&mut self, close: bool, notify: bool, ctx: &Ctx) {
        let is_streaming =
            matches!(self.response, Response::Streaming(framing) if framing != ResponseBody::File);
        if self.awaits_response() || is_streaming {
            let close = close || is_streaming && self.close_at_end || self.ends_here();
            self.complete(close, notify, ctx);
        }
    }

    /// The response broke its own promise of a length: what was promised is written, then the connection ends, so that
    /// the client sees a cut response and not a wrong one.
    pub(super) fn cut(&mut self, ctx: &Ctx) {
        crate::log::line(
            "a response did not have the length that its Content-Length said; the connection was closed",
        );
        self.dump_body();
        self.complete(true, false, ctx);
    }
}
