//! Responses that this side makes by itself: refusals, the answer after a deadline, error pages, 500 for a head that cannot be sent.
//! They take the same way to the wire as those of JavaScript.

use super::conn::Conn;
use super::state::Body;
use crate::error_page;
use crate::io_thread::Ctx;
use rnode_bridge::Body as FrameBody;
use rnode_bridge::frame::abort;
use rnode_bridge::frame::outbound::ResponseHead;
use rnode_bridge::frame::response_flags as flags;

impl Conn {
    /// A response that this side makes: without a body, framed as Node frames `res.end()`.
    pub(super) fn internal_response(
        &mut self,
        status: u16,
        lines: &'static [u8],
        extra: u32,
        ctx: &Ctx,
    ) {
        let head = ResponseHead {
            flags: flags::ADD_TE | extra,
            status: u32::from(status),
            lines,
            reason: b"",
        };
        self.dump_body();
        self.respond(&head, FrameBody::Inline(b""), ctx);
    }

    /// 503, when the handler deadline has passed.
    pub(super) fn deadline_answer(&mut self, ctx: &Ctx) {
        let close = if !self.reads_own_body() || matches!(self.body, Body::Complete) {
            0
        } else {
            flags::CLOSE
        };
        let head = ResponseHead {
            flags: close,
            status: 503,
            lines: b"",
            reason: b"",
        };
        self.dump_body();
        self.error_page(&head, b"Service Unavailable", ctx);
    }

    pub(super) fn error_page(&mut self, head: &ResponseHead<'_>, message: &[u8], ctx: &Ctx) {
        let status = u16::try_from(head.status)
            .ok()
            .filter(|status| (400..600).contains(status))
            .unwrap_or(500);
        let mode = self.local.server.config.error_pages();
        let accept = self
            .request
            .stored
            .as_ref()
            .and_then(|stored| stored.accept.as_deref());
        let accept = accept.map(String::from_utf8_lossy);
        let page = error_page::render(
            mode,
            status,
            &String::from_utf8_lossy(message),
            accept.as_deref(),
        );
        let mut lines = Vec::with_capacity(head.lines.len() + 256);
        lines.extend_from_slice(head.lines);
        for (name, value) in [
            ("Content-Security-Policy", page.csp),
            ("X-Content-Type-Options", "nosniff"),
            ("Content-Type", page.content_type),
        ] {
            lines.extend_from_slice(name.as_bytes());
            lines.extend_from_slice(b": ");
            lines.extend_from_slice(value.as_bytes());
            lines.extend_from_slice(b"\r\n");
        }
        if page.vary_accept {
            lines.extend_from_slice(b"Vary: Accept\r\n");
        }
        let keep = flags::NO_DATE | flags::NOTIFY | flags::CLOSE | flags::CONNECTION_SET;
        let head = ResponseHead {
            flags: head.flags & keep | flags::LENGTH,
            status: u32::from(status),
            lines: &lines,
            ..*head
        };
        self.respond(&head, FrameBody::Inline(&page.body), ctx);
    }

    /// A head that would let somebody else write on the wire: 500 instead of it.
    pub(super) fn refuse_head(&mut self, flag: u32, ctx: &Ctx) {
        crate::log::line("a response head held bytes that cannot be sent; answered 500");
        let head = ResponseHead {
            flags: flags::CLOSE | flag & flags::NOTIFY,
            status: 500,
            lines: b"",
            reason: b"",
        };
        self.abort(abort::REFUSED);
        self.error_page(&head, b"Internal Server Error", ctx);
    }
}
