//! HOLD: files whose head JavaScript writes. What `files` has decided is told, the bytes are kept until a RESPOND says HELD; `respond`
//! then puts them behind the head. Nothing is sent here.

use super::conn::Conn;
use crate::files::{FileAnswer, Outcome};
use crate::io_thread::Ctx;
use rnode_bridge::frame::file_result;

impl Conn {
    /// HOLD: tells the head that an answer would have, and keeps the file for it. A redirect is JavaScript's.
    pub(super) fn file_held(&mut self, outcome: Outcome, lines: &[u8], ctx: &Ctx) {
        let told = |status: u16, headers: &[u8], answer: Option<&FileAnswer>| {
            let place = answer.map_or((0, 0, ""), |a| (a.offset, a.len, &*a.path));
            let mut payload = status.to_string().into_bytes();
            payload.extend_from_slice(b"\r\n");
            payload.extend_from_slice(headers);
            payload
                .extend_from_slice(format!("\n{}\n{}\n{}", place.0, place.1, place.2).as_bytes());
            payload
        };
        match outcome {
            Outcome::File(answer) => {
                let payload = told(answer.status, answer.headers.as_bytes(), Some(&answer));
                self.file_held = (!answer.body.is_empty()).then(|| Box::new(answer.body));
                self.file_result(file_result::HELD, &payload);
            }
            Outcome::NotModified { headers } => {
                let payload = told(304, headers.as_bytes(), None);
                self.file_result(file_result::HELD, &payload);
            }
            Outcome::Redirect(_) => self.file_result(file_result::DECLINED, &[]),
            other => self.file_decided(other, lines, ctx),
        }
    }
}
