//! A decoder that trusts nothing: JavaScript writes these bytes, so every length is checked, and a malformed frame is an
//! error and never a panic. It allocates nothing.

use super::{Body, Command, FileFrame, Kind, ResponseHead};
use crate::frame::{
    FrameError, HEADER_BYTES, chunk_flags, end_flags, outbound_kind as kind, split_first, word,
};
use bytes::Bytes;

/// Iterates over the frames of a slice; ends after the first malformed one.
#[derive(Debug, Clone)]
pub struct Commands<'a> {
    rest: &'a [u8],
    batch: Option<&'a Bytes>,
}

impl<'a> Commands<'a> {
    /// Starts at the first byte of `bytes`, which must be a frame's first.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            batch: None,
        }
    }

    /// The same for bytes that may be kept: bodies are [`Body::Part`].
    pub fn batch(batch: &'a Bytes) -> Self {
        Self {
            rest: batch,
            batch: Some(batch),
        }
    }

    /// Decodes one RESPOND, CHUNK or RAW whose body was posted beside it.
    ///
    /// # Errors
    /// As the iterator; also if `head` is another kind, holds more than one frame, or states another body length.
    pub fn large(head: &'a [u8], body: &'a Bytes) -> Result<Command<'a>, FrameError> {
        let (frame, rest) = split_first(head)?;
        if !rest.is_empty() {
            return Err(FrameError::BadLength);
        }
        decode(frame, None, Some(body))
    }
}

impl<'a> Iterator for Commands<'a> {
    type Item = Result<Command<'a>, FrameError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let result = split_first(self.rest).and_then(|(frame, rest)| {
            self.rest = rest;
            decode(frame, self.batch, None)
        });
        if result.is_err() {
            self.rest = &[];
        }
        Some(result)
    }
}

/// Cuts contiguous parts off a frame, in order.
struct Parts<'a> {
    frame: &'a [u8],
    batch: Option<&'a Bytes>,
    at: usize,
}

impl<'a> Parts<'a> {
    fn next(&mut self, length: u32) -> Result<&'a [u8], FrameError> {
        let end = self
            .at
            .checked_add(length as usize)
            .ok_or(FrameError::BadLength)?;
        let part = self.frame.get(self.at..end).ok_or(FrameError::BadLength)?;
        self.at = end;
        Ok(part)
    }

    fn body(&mut self, length: u32, beside: Option<&'a Bytes>) -> Result<Body<'a>, FrameError> {
        match beside {
            None => {
                let bytes = self.next(length)?;
                Ok(match self.batch {
                    None => Body::Inline(bytes),
                    Some(batch) => Body::Part(bytes, batch),
                })
            }
            Some(bytes) if bytes.len() == length as usize => Ok(Body::Large(bytes)),
            Some(_) => Err(FrameError::BadLength),
        }
    }
}

fn decode<'a>(
    frame: &'a [u8],
    batch: Option<&'a Bytes>,
    beside: Option<&'a Bytes>,
) -> Result<Command<'a>, FrameError> {
    let w = |index| word(frame, index);
    let kind_word = w(1)?;
    let flags = kind_word >> 8;
    let code = kind_word & 0xff;
    if beside.is_some() && !matches!(code, kind::RESPOND | kind::CHUNK | kind::RAW) {
        return Err(FrameError::BadLength);
    }
    let parts = |words: usize| Parts {
        frame,
        batch,
        at: HEADER_BYTES + words * 4,
    };
    let head = |lines, reason| {
        Ok(ResponseHead {
            flags,
            status: w(4)?,
            lines,
            reason,
        })
    };
    let decoded = match code {
        kind::RESPOND => {
            let mut parts = parts(4);
            let reason = parts.next(w(6)?)?;
            let lines = parts.next(w(5)?)?;
            let body = parts.body(w(7)?, beside)?;
            Kind::Respond {
                head: head(lines, reason)?,
                body,
            }
        }
        kind::HEAD => {
            let mut parts = parts(3);
            let reason = parts.next(w(6)?)?;
            let lines = parts.next(w(5)?)?;
            Kind::Head {
                head: head(lines, reason)?,
            }
        }
        kind::CHUNK => Kind::Chunk {
            drain: drain_mark(flags),
            body: parts(1).body(w(4)?, beside)?,
        },
        kind::END => Kind::End {
            notify: flags & end_flags::NOTIFY != 0,
            close: flags & end_flags::CLOSE != 0,
            raw: flags & end_flags::RAW != 0,
            trailers: parts(1).next(w(4)?)?,
        },
        kind::DESTROY => {
            let word = w(4)?;
            Kind::Destroy {
                reset: word & 1 != 0,
                take_back: word >> 1,
            }
        }
        kind::BODY_WANT => Kind::BodyWant { credit: w(4)? },
        kind::INFO => Kind::Info {
            bytes: parts(1).next(w(4)?)?,
        },
        kind::DEADLINE => Kind::Deadline { ms: w(4)? },
        kind::ERROR_PAGE => {
            let mut parts = parts(3);
            let lines = parts.next(w(5)?)?;
            let message = parts.next(w(6)?)?;
            Kind::ErrorPage {
                head: head(lines, b"")?,
                message,
            }
        }
        kind::RAW => Kind::Raw {
            drain: drain_mark(flags),
            body: parts(1).body(w(4)?, beside)?,
        },
        kind::SOCKET_END => Kind::SocketEnd {
            wait: flags & crate::frame::special::WAIT_FOR_CLIENT != 0,
        },
        kind::WATCH_CLOSE => Kind::WatchClose { server: w(4)? },
        kind::FILE => {
            let mut parts = parts(6);
            Kind::File(FileFrame {
                flags,
                options: w(4)?,
                status: w(5)?,
                lines: parts.next(w(6)?)?,
                path: parts.next(w(7)?)?,
                original_url: parts.next(w(8)?)?,
                headers: parts.next(w(9)?)?,
            })
        }
        kind::BODY_DUMP => Kind::BodyDump,
        kind::HOLD => Kind::Hold { hold: w(4)? != 0 },
        kind::PROGRESS_ASK => Kind::ProgressAsk,
        other => return Err(FrameError::UnknownKind(other as u8)),
    };
    Ok(Command {
        slot: w(2)?,
        generation: w(3)?,
        kind: decoded,
    })
}

/// The mark of a CHUNK or RAW that asks for DRAIN.
fn drain_mark(flags: u32) -> Option<u16> {
    (flags & chunk_flags::WANT_DRAIN != 0).then_some((flags >> chunk_flags::MARK_SHIFT) as u16)
}
