//! A decoder of inbound frames. JavaScript, which reads them on the request path, has its own; this one checks every length.

use crate::frame::{
    FrameError, HEADER_BYTES, inbound_kind as kind, padded, special, split_first, word,
};

/// One decoded inbound frame.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "the fields are the words of docs/internals/frames.md"
)]
pub enum InFrame<'a> {
    Request {
        slot: u32,
        generation: u32,
        flags: u32,
        server: u32,
        method: u32,
        url: &'a [u8],
        head: &'a [u8],
        plan_version: u32,
        plan: Vec<u32>,
        body: &'a [u8],
        remote_port: u16,
        local_port: u16,
        /// `Some` for UPGRADE.
        fd: Option<i32>,
    },
    Body {
        slot: u32,
        generation: u32,
        bytes: &'a [u8],
        /// Bytes that travel beside the frame; then `bytes` is empty.
        beside: usize,
    },
    BodyEnd {
        slot: u32,
        generation: u32,
        trailers: &'a [u8],
        /// The next frame is of the same bytes: JOINED.
        is_joined: bool,
    },
    Abort {
        slot: u32,
        generation: u32,
        reason: u32,
        code: u32,
    },
    Drain {
        slot: u32,
        generation: u32,
        mark: u32,
    },
    Finished {
        slot: u32,
        generation: u32,
        delivered: bool,
    },
    ClientError {
        slot: u32,
        generation: u32,
        server: u32,
        code: u32,
        first_generation: u32,
        gone: bool,
        remote_port: u16,
        local_port: u16,
        addresses: &'a [u8],
        packet: &'a [u8],
    },
    Connection {
        slot: u32,
        generation: u32,
        server: u32,
        remote_port: u16,
        local_port: u16,
        addresses: &'a [u8],
    },
    ConnectionClosed {
        slot: u32,
        generation: u32,
        server: u32,
        /// Index of its error, plus one; 0 = none.
        error: u32,
    },
    ServerClosed {
        server: u32,
    },
    ServerBusy {
        server: u32,
    },
    SocketTimeout {
        slot: u32,
        generation: u32,
        server: u32,
    },
    Progress {
        slot: u32,
        generation: u32,
        count: u32,
        wait: bool,
    },
    FileResult {
        slot: u32,
        generation: u32,
        result: u32,
        error: &'a [u8],
    },
}

/// Iterates over the whole frames of a slice; stops after the first error.
#[derive(Debug, Clone)]
pub struct InFrames<'a> {
    rest: &'a [u8],
}

impl<'a> InFrames<'a> {
    /// Starts at the first byte of `bytes`, which must be a frame's first.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'a> Iterator for InFrames<'a> {
    type Item = Result<InFrame<'a>, FrameError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let result = split_first(self.rest).and_then(|(frame, rest)| {
            self.rest = rest;
            decode(frame)
        });
        if result.is_err() {
            self.rest = &[];
        }
        Some(result)
    }
}

fn part(frame: &[u8], at: usize, length: u32) -> Result<&[u8], FrameError> {
    let end = at
        .checked_add(length as usize)
        .ok_or(FrameError::BadLength)?;
    frame.get(at..end).ok_or(FrameError::BadLength)
}

fn decode(frame: &[u8]) -> Result<InFrame<'_>, FrameError> {
    let w = |index| word(frame, index);
    let (slot, generation) = (w(2)?, w(3)?);
    let head_word = w(1)?;
    Ok(match head_word & 0xff {
        code @ (kind::REQUEST | kind::UPGRADE) => {
            let upgrade = code == kind::UPGRADE;
            let head_at = HEADER_BYTES + 32 + if upgrade { 4 } else { 0 };
            let head = part(frame, head_at, w(7)?)?;
            let plan_at = padded(head_at + head.len());
            let plan_words = w(9)?;
            let plan_bytes = part(
                frame,
                plan_at,
                plan_words.checked_mul(4).ok_or(FrameError::BadLength)?,
            )?;
            let plan = (0..plan_words as usize)
                .map(|i| word(plan_bytes, i))
                .collect::<Result<_, _>>()?;
            let body = part(frame, plan_at + plan_bytes.len(), w(10)?)?;
            let url = part(head, 0, w(6)?)?;
            InFrame::Request {
                slot,
                generation,
                flags: head_word >> 8,
                server: w(4)?,
                method: w(5)?,
                url,
                head,
                plan_version: w(8)?,
                plan,
                body,
                remote_port: (w(11)? & 0xffff) as u16,
                local_port: (w(11)? >> 16) as u16,
                fd: if upgrade { Some(w(12)? as i32) } else { None },
            }
        }
        kind::BODY => {
            let is_beside = head_word >> 8 & special::BESIDE != 0;
            InFrame::Body {
                slot,
                generation,
                bytes: if is_beside {
                    &[]
                } else {
                    part(frame, 20, w(4)?)?
                },
                beside: if is_beside { w(4)? as usize } else { 0 },
            }
        }
        kind::BODY_END => InFrame::BodyEnd {
            slot,
            generation,
            trailers: part(frame, 20, w(4)?)?,
            is_joined: head_word >> 8 & special::JOINED != 0,
        },
        kind::ABORT => InFrame::Abort {
            slot,
            generation,
            reason: w(4)?,
            code: w(5)?,
        },
        kind::DRAIN => InFrame::Drain {
            slot,
            generation,
            mark: w(4)?,
        },
        kind::FINISHED => InFrame::Finished {
            slot,
            generation,
            delivered: w(4)? == 1,
        },
        kind::CLIENT_ERROR => InFrame::ClientError {
            slot,
            generation,
            server: w(4)?,
            code: w(5)?,
            first_generation: w(6)?,
            gone: (head_word >> 8) & special::SOCKET_GONE != 0,
            remote_port: (w(8)? & 0xffff) as u16,
            local_port: (w(8)? >> 16) as u16,
            addresses: part(frame, 40, w(9)?)?,
            packet: part(frame, 40 + w(9)? as usize, w(7)?)?,
        },
        kind::CONNECTION => InFrame::Connection {
            slot,
            generation,
            server: w(4)?,
            remote_port: (w(5)? & 0xffff) as u16,
            local_port: (w(5)? >> 16) as u16,
            addresses: part(frame, 28, w(6)?)?,
        },
        kind::CONNECTION_CLOSED => InFrame::ConnectionClosed {
            slot,
            generation,
            server: w(4)?,
            error: w(5)?,
        },
        kind::SERVER_CLOSED => InFrame::ServerClosed { server: w(4)? },
        kind::SERVER_BUSY => InFrame::ServerBusy { server: w(4)? },
        kind::SOCKET_TIMEOUT => InFrame::SocketTimeout {
            slot,
            generation,
            server: w(4)?,
        },
        kind::PROGRESS => InFrame::Progress {
            slot,
            generation,
            count: w(4)?,
            wait: head_word >> 8 & special::BYTES_WAIT != 0,
        },
        kind::FILE_RESULT => InFrame::FileResult {
            slot,
            generation,
            result: w(4)?,
            error: part(frame, 24, w(5)?)?,
        },
        other => return Err(FrameError::UnknownKind(other as u8)),
    })
}
