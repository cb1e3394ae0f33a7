//! Frames from JavaScript to an I/O thread: what they say. `decode` reads them, `encode` writes them for tests and other
//! executors.
//!
//! JavaScript writes these bytes: nothing in here is checked but the lengths.

mod decode;
mod encode;

pub use decode::Commands;
pub use encode::{
    body_dump, body_want, chunk, chunk_large, deadline, destroy, destroy_taking_back, end,
    error_page, file, head, hold, info, progress_ask, raw, raw_end, respond, respond_large,
    socket_end, watch_close,
};

use bytes::Bytes;

/// Body bytes of a RESPOND, CHUNK or RAW.
#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    /// Inside the frame.
    Inline(&'a [u8]),
    /// Inside a frame of a batch that may be kept: [`Bytes::slice_ref`] copies no bytes.
    Part(&'a [u8], &'a Bytes),
    /// Posted beside the frame; cloning it copies no bytes.
    Large(&'a Bytes),
}

impl Body<'_> {
    /// The bytes, wherever they are.
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Self::Inline(bytes) | Self::Part(bytes, _) => bytes,
            Self::Large(bytes) => bytes,
        }
    }
}

/// Head of a response: RESPOND, HEAD and ERROR_PAGE share it.
#[derive(Debug, Clone, Copy)]
pub struct ResponseHead<'a> {
    /// [`response_flags`](super::response_flags).
    pub flags: u32,
    /// Status code as JavaScript gave it, not checked.
    pub status: u32,
    /// Header lines, `Name: value\r\n` each, not checked.
    pub lines: &'a [u8],
    /// Reason phrase; empty for the standard one. Not checked.
    pub reason: &'a [u8],
}

/// A file to answer with: FILE.
#[derive(Debug, Clone, Copy)]
pub struct FileFrame<'a> {
    /// [`file_flags`](super::file_flags).
    pub flags: u32,
    /// Number of the interned options.
    pub options: u32,
    /// `res.statusCode`, not checked.
    pub status: u32,
    /// Header lines already set, `Name: value\r\n` each, not checked.
    pub lines: &'a [u8],
    /// Path of `req.url`, without the query, latin1.
    pub path: &'a [u8],
    /// `req.originalUrl`, latin1.
    pub original_url: &'a [u8],
    /// Request headers that matter, `name\nvalue\n` each, names in lower case.
    pub headers: &'a [u8],
}

/// What JavaScript asks of a connection.
#[derive(Debug, Clone, Copy)]
#[allow(
    missing_docs,
    reason = "the names are those of docs/internals/frames.md"
)]
pub enum Kind<'a> {
    Respond {
        head: ResponseHead<'a>,
        body: Body<'a>,
    },
    Head {
        head: ResponseHead<'a>,
    },
    Chunk {
        /// DRAIN is wanted, and names this mark.
        drain: Option<u16>,
        body: Body<'a>,
    },
    End {
        notify: bool,
        /// With `raw`: the connection ends with this response.
        close: bool,
        /// The response was written by RAW frames.
        raw: bool,
        trailers: &'a [u8],
    },
    Destroy {
        reset: bool,
        /// Bytes queued last that are not to be sent; [`ALL_OF_RESPONSE`](super::special::ALL_OF_RESPONSE) goes back to its head.
        take_back: u32,
    },
    BodyWant {
        credit: u32,
    },
    Info {
        bytes: &'a [u8],
    },
    /// Milliseconds, 0 = off.
    Deadline {
        ms: u32,
    },
    ErrorPage {
        head: ResponseHead<'a>,
        message: &'a [u8],
    },
    Raw {
        /// As for [`Chunk`](Self::Chunk).
        drain: Option<u16>,
        body: Body<'a>,
    },
    /// `wait`: the client's own end is waited for, for a second at most.
    SocketEnd {
        wait: bool,
    },
    /// CONNECTION_CLOSED is wanted, even if the generation is an earlier one of the connection.
    WatchClose {
        server: u32,
    },
    File(FileFrame<'a>),
    BodyDump,
    Hold {
        /// No further request of the connection is wanted for now.
        hold: bool,
    },
    /// PROGRESS is wanted, even if the generation is an earlier one of the connection.
    ProgressAsk,
}

/// One decoded frame.
#[derive(Debug, Clone, Copy)]
pub struct Command<'a> {
    /// Slot word.
    pub slot: u32,
    /// Generation the sender knew.
    pub generation: u32,
    /// What to do.
    pub kind: Kind<'a>,
}
