//! The states of a connection and what it keeps of a request.
//! Data only: what leads from one to the other is in `conn`, `input`, `respond` and `close`.

use super::chunked::Chunked;

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Waits for a request head, or for the rest of one.
    Head,
    /// Invocations run, one or several. Without a socket: the connection is lost and JavaScript has not answered yet.
    Active,
    /// The response is queued, the request body is not read to its end yet.
    Draining,
    /// The last byte is written and FIN sent; what still comes is dropped.
    Lingering,
    /// Over: the task ends at its next poll.
    Dead,
}

/// The part of the request body that has not been taken off the input.
#[derive(Debug)]
pub(super) enum Body {
    Complete,
    Length(u64),
    Chunked(Box<Chunked>),
}

/// How far the response of the current invocation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Response {
    Awaited,
    /// A file is looked for.
    Filing,
    Streaming(ResponseBody),
    Queued,
}

/// How the body of a streamed response is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResponseBody {
    Chunked,
    /// Bytes that Content-Length still promises.
    Length(u64),
    Unframed,
    Nothing,
    /// Chunks of a file, counted where they are read.
    File,
    /// JavaScript writes every byte itself, head and framing included.
    Raw,
}

/// What the response needs to know of its request.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub(super) is_head: bool,
    pub(super) is_get: bool,
    pub(super) http10: bool,
    pub(super) keep_alive: bool,
    /// Which of the connection's requests it is, from 1.
    pub(super) number: u32,
    pub(super) stored: Option<Box<Stored>>,
}

/// Request headers that are only kept where one of them is there.
#[derive(Debug, Default)]
pub(super) struct Stored {
    pub(super) if_none_match: Option<Vec<u8>>,
    pub(super) if_modified_since: Option<Vec<u8>>,
    pub(super) cache_control: Option<Vec<u8>>,
    pub(super) accept: Option<Vec<u8>>,
}
