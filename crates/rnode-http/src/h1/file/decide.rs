//! What a FILE frame comes to: the frame in the words of `files`, which decides. Touches the disk and nothing of the
//! connection, so that it can run on a blocking thread.

use crate::files::{
    Outcome, Preset, Request, StaticLocated, StaticOptions, StaticRequest, cache, locate_static,
    send, serve_static,
};
use crate::h1::write;
use rnode_bridge::frame::file_flags;
use rnode_bridge::frame::outbound::FileFrame;
use std::sync::Arc;

/// A FILE frame that outlives its batch.
pub(super) struct Ask {
    pub(super) options: Arc<StaticOptions>,
    pub(super) status: u16,
    pub(super) flags: u32,
    pub(super) lines: Vec<u8>,
    pub(super) path: Vec<u8>,
    pub(super) original_url: Vec<u8>,
    pub(super) headers: Vec<u8>,
}

impl Ask {
    pub(super) fn decide(&self) -> Decision {
        let frame = FileFrame {
            flags: self.flags,
            options: 0,
            status: u32::from(self.status),
            lines: &self.lines,
            path: &self.path,
            original_url: &self.original_url,
            headers: &self.headers,
        };
        decide(&self.options, &frame, self.status)
    }
}

/// What a FILE comes to.
pub(super) enum Decision {
    Outcome(Outcome),
    /// LOCATE: the path of the file.
    Found(String),
}

pub(super) fn decide(options: &StaticOptions, frame: &FileFrame<'_>, status: u16) -> Decision {
    let has = |flag: u32| frame.flags & flag != 0;
    let mut request = Request {
        method: if has(file_flags::HEAD) {
            b"HEAD"
        } else {
            b"GET"
        },
        ..Request::default()
    };
    let mut parts = frame.headers.split(|byte| *byte == b'\n');
    while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
        let value = Some(value);
        match name {
            b"if-match" => request.if_match = value,
            b"if-none-match" => request.if_none_match = value,
            b"if-modified-since" => request.if_modified_since = value,
            b"if-unmodified-since" => request.if_unmodified_since = value,
            b"if-range" => request.if_range = value,
            b"range" => request.range = value,
            b"cache-control" => request.cache_control = value,
            b"accept-encoding" => request.accept_encoding = value,
            _ => {}
        }
    }
    let preset = Preset::of_lines(frame.lines, status);
    if has(file_flags::SEND) {
        let outcome = send(&options.send, frame.path, &request, &preset, cache());
        return Decision::Outcome(outcome);
    }
    if options.send.root.is_none() {
        return Decision::Outcome(Outcome::Decline);
    }
    let request = StaticRequest {
        path: frame.path,
        original_url: frame.original_url,
        request,
    };
    Decision::Outcome(if has(file_flags::LOCATE) {
        match locate_static(options, &request, cache()) {
            StaticLocated::Found(found) => return Decision::Found(found.path),
            StaticLocated::Done(outcome) => outcome,
        }
    } else {
        serve_static(options, &request, &preset, cache())
    })
}

impl<'a> Preset<'a> {
    /// What header lines have set.
    pub(in crate::h1) fn of_lines(lines: &'a [u8], status: u16) -> Self {
        let set = |name: &[u8]| write::find_line(lines, name);
        Self {
            status,
            accept_ranges: set(b"accept-ranges").is_some(),
            cache_control: set(b"cache-control").is_some(),
            content_type: set(b"content-type").is_some(),
            content_encoding: set(b"content-encoding").is_some(),
            last_modified: set(b"last-modified"),
            etag: set(b"etag"),
        }
    }
}
