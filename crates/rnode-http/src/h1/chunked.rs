//! The chunked transfer coding of a request (RFC 9112 section 7.1), as strict as Node's parser.
//!
//! A push decoder: it is given bytes and says how many it took and which of them are data. It buffers only trailer
//! lines, within the header size limit; chunk extensions are checked, bounded and dropped.

use super::parse::{self, Limits, TrailerCounts};
use super::syntax::is_token;
use rnode_bridge::codes::ClientError;
use std::ops::Range;

/// All chunk extensions of one message together (Node's bound).
const MAX_EXTENSIONS: usize = 16 << 10;

/// Decoder of one message body.
#[derive(Debug, Clone)]
pub(crate) struct Chunked {
    state: State,
    remaining: u64,
    extensions: usize,
    trailers: Vec<u8>,
    /// Where the trailer line begins that is being read.
    trailer_line: usize,
    counts: TrailerCounts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    SizeStart,
    Size,
    /// After `;`
    ExtensionNameStart,
    ExtensionName,
    ExtensionValueStart,
    ExtensionValue,
    Quoted,
    QuotedPair,
    QuotedEnd,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    TrailerStart,
    Trailer,
    EndLf,
    Done,
}

/// What one call of [`Chunked::decode`] did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Bytes taken from the front of the input.
    pub(crate) consumed: usize,
    /// Which of them are body data; possibly empty.
    pub(crate) data: Range<usize>,
    /// The body has ended; what follows belongs to the next request.
    pub(crate) done: bool,
}

impl Chunked {
    pub(crate) fn new() -> Self {
        Self {
            state: State::SizeStart,
            remaining: 0,
            extensions: 0,
            trailers: Vec::new(),
            trailer_line: 0,
            counts: TrailerCounts::default(),
        }
    }

    /// Whole trailer lines, without the empty line that ends them.
    pub(crate) fn trailer_lines(&self) -> &[u8] {
        &self.trailers
    }

    /// Takes bytes up to the end of one piece of data (of `max_data` bytes at most), of the body, or of the input.
    /// With `max_data` 0 it stops in front of data.
    pub(crate) fn decode(
        &mut self,
        input: &[u8],
        max_data: usize,
        limits: Limits,
    ) -> Result<Step, ClientError> {
        let mut at = 0;
        while at < input.len() {
            if self.state == State::Data {
                let length = self.remaining.min((input.len() - at).min(max_data) as u64) as usize;
                self.remaining -= length as u64;
                if self.remaining == 0 {
                    self.state = State::DataCr;
                }
                return Ok(Step {
                    consumed: at + length,
                    data: at..at + length,
                    done: false,
                });
            }
            self.byte(input[at], limits)?;
            at += 1;
            if self.state == State::Done {
                return Ok(Step {
                    consumed: at,
                    data: 0..0,
                    done: true,
                });
            }
        }
        Ok(Step {
            consumed: at,
            data: 0..0,
            done: false,
        })
    }

    fn byte(&mut self, byte: u8, limits: Limits) -> Result<(), ClientError> {
        use State::{
            Data, DataCr, DataLf, Done, EndLf, ExtensionName, ExtensionNameStart, ExtensionValue,
            ExtensionValueStart, Quoted, QuotedEnd, QuotedPair, Size, SizeLf, SizeStart, Trailer,
            TrailerStart,
        };
        self.state = match (self.state, byte) {
            (SizeStart | Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = u64::from((byte as char).to_digit(16).expect("matched as a hex digit"));
                let before = if self.state == Size {
                    self.remaining
                } else {
                    0
                };
                if before >> 60 != 0 {
                    return Err(ClientError::ChunkSizeOverflow);
                }
                self.remaining = before << 4 | digit;
                Size
            }
            (Size, b'\r') => SizeLf,
            (Size, b';') => ExtensionNameStart,
            (Size, b'\n') => return Err(ClientError::CrAfterChunkSize),
            (SizeStart | Size, _) => return Err(ClientError::InvalidChunkSize),

            // Node takes the grammar lightly here: names and values may be empty, but not all of an extension.
            (ExtensionNameStart | ExtensionName, byte) if is_token(byte) => {
                self.extension(ExtensionName)?
            }
            (ExtensionNameStart | ExtensionName, b'=') => self.extension(ExtensionValueStart)?,
            (
                ExtensionNameStart | ExtensionName | ExtensionValueStart | ExtensionValue
                | QuotedEnd,
                b';',
            ) => self.extension(ExtensionNameStart)?,
            (ExtensionName | ExtensionValueStart | ExtensionValue | QuotedEnd, b'\r') => SizeLf,
            (ExtensionValueStart, b'"') => self.extension(Quoted)?,
            (ExtensionValueStart | ExtensionValue, byte) if is_token(byte) => {
                self.extension(ExtensionValue)?
            }
            (Quoted, b'"') => self.extension(QuotedEnd)?,
            (Quoted, b'\\') => self.extension(QuotedPair)?,
            (Quoted | QuotedPair, b'\t' | 0x20..=0x7e | 0x80..=0xff) => self.extension(Quoted)?,
            (ExtensionName, b'\n') => return Err(ClientError::CrAfterExtensionName),
            (ExtensionValueStart | ExtensionValue | QuotedEnd, b'\n') => {
                return Err(ClientError::CrAfterExtensionValue);
            }
            (ExtensionNameStart, _) => return Err(ClientError::Extension),
            (ExtensionName, _) => return Err(ClientError::ExtensionName),
            (ExtensionValueStart | ExtensionValue, _) => return Err(ClientError::ExtensionValue),
            (Quoted, _) => return Err(ClientError::ExtensionQuoted),
            (QuotedPair, _) => return Err(ClientError::ExtensionQuotedPair),
            (QuotedEnd, _) => return Err(ClientError::ExtensionQuotedEnd),

            (SizeLf, b'\n') => {
                if self.remaining == 0 {
                    TrailerStart
                } else {
                    Data
                }
            }
            (DataCr, b'\r') => DataLf,
            (DataLf, b'\n') => SizeStart,
            (TrailerStart, b'\r') => EndLf,
            (EndLf, b'\n') => Done,
            (TrailerStart, b'\n') => return Err(ClientError::HeaderFieldChar),
            (TrailerStart | Trailer, _) => {
                self.trailers.push(byte);
                let start = self.trailer_line;
                if self.trailers.len() - start > limits.size
                    || self.trailers.len() > limits.size.saturating_mul(parse::RAW_PER_COUNTED)
                {
                    return Err(ClientError::HeaderOverflow);
                }
                if byte == b'\n' {
                    // Each line is judged when it ends, not when the body does.
                    let line = &self.trailers[start..];
                    parse::trailers(line, limits, &mut self.counts, &mut Vec::new())?;
                    self.trailer_line = self.trailers.len();
                    TrailerStart
                } else {
                    Trailer
                }
            }
            (SizeLf, _) => return Err(ClientError::LfAfterChunkSize),
            (DataCr, b'\n') => return Err(ClientError::CrAfterChunkData),
            (DataCr | DataLf, _) => return Err(ClientError::LfAfterChunkData),
            (EndLf, _) => return Err(ClientError::LfAfterHeaders),
            (Data | Done, _) => return Err(ClientError::Strict),
        };
        Ok(())
    }

    fn extension(&mut self, next: State) -> Result<State, ClientError> {
        self.extensions += 1;
        if self.extensions > MAX_EXTENSIONS {
            Err(ClientError::ChunkExtensionsOverflow)
        } else {
            Ok(next)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        size: 16_384,
        count: 2_000,
        refuse_excess: false,
    };

    fn run(input: &[u8], step: usize) -> Result<(Vec<u8>, bool, usize), ClientError> {
        let (mut decoder, mut out, mut used) = (Chunked::new(), Vec::new(), 0);
        for piece in input.chunks(step) {
            let mut rest = piece;
            while !rest.is_empty() {
                let step = decoder.decode(rest, usize::MAX, LIMITS)?;
                out.extend_from_slice(&rest[step.data.clone()]);
                used += step.consumed;
                if step.done {
                    return Ok((out, true, used));
                }
                rest = &rest[step.consumed..];
            }
        }
        Ok((out, false, used))
    }

    #[test]
    fn decodes_split_at_every_length() {
        let body = b"5;a=b;c=\"d;\\\"\"\r\nhello\r\n6\r\n world\r\n0\r\nX-A: 1\r\nY:\r\n\r\nNEXT";
        for step in 1..body.len() {
            let (data, done, used) = run(body, step).expect("valid");
            assert_eq!(
                (data.as_slice(), done, used),
                (&b"hello world"[..], true, body.len() - 4),
                "step {step}"
            );
        }
    }

    #[test]
    fn rejects_what_node_rejects() {
        for bad in [
            &b"\r\n"[..],
            b"zz\r\n",
            b"+5\r\n",
            b"0x5\r\nhello\r\n",
            b"5 \r\nhello\r\n",
            b" 5\r\nhello\r\n",
            b"5\nhello\r\n",
            b"5\r\rhello",
            b"5;\r\nhello\r\n",
            b"5; a\r\nhello\r\n",
            b"5;a\nhello\r\n",
            b"5\r\nhelloX",
            b"5\r\nhello\n",
            b"5\r\nhello\r\r",
            b"11111111111111111\r\n",
            b"0\r\n\n",
            b"0\r\n\rX",
            b"0\r\nA : b\r\n\r\n",
            b"0\r\nA: b\n\r\n",
            b"0\r\n A: b\r\n\r\n",
        ] {
            for step in [1, 3, 100] {
                assert!(
                    run(bad, step).is_err(),
                    "{:?} in steps of {step}",
                    String::from_utf8_lossy(bad)
                );
            }
        }
    }

    #[test]
    fn errors_are_node_s() {
        for (bad, error) in [
            (&b"3\nabc"[..], ClientError::CrAfterChunkSize),
            (b"3\r\nabc\n", ClientError::CrAfterChunkData),
            (b"3\r\nabcX", ClientError::LfAfterChunkData),
            (b"3\rX", ClientError::LfAfterChunkSize),
            (b"3;a\n", ClientError::CrAfterExtensionName),
            (b"3;a=\"b\"x", ClientError::ExtensionQuotedEnd),
            (b"0\r\n\rX", ClientError::LfAfterHeaders),
            (b"0\r\nA: b\rX\r\n", ClientError::LfExpected),
        ] {
            assert_eq!(run(bad, 1), Err(error), "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn extensions_are_bounded() {
        let mut body = b"1;".to_vec();
        body.extend(std::iter::repeat_n(b'a', 20_000));
        assert_eq!(run(&body, 100), Err(ClientError::ChunkExtensionsOverflow));
    }

    #[test]
    fn stops_in_front_of_data_without_credit() {
        let mut decoder = Chunked::new();
        let step = decoder.decode(b"5\r\nhello\r\n", 0, LIMITS).unwrap();
        assert_eq!(
            step,
            Step {
                consumed: 3,
                data: 3..3,
                done: false
            }
        );
        let step = decoder.decode(b"hello\r\n", 2, LIMITS).unwrap();
        assert_eq!(
            step,
            Step {
                consumed: 2,
                data: 0..2,
                done: false
            }
        );
    }
}
