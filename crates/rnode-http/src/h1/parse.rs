//! Request heads, accepted and rejected as Node's parser (llhttp without its lenient flags) accepts and rejects them.
//!
//! Works line by line on the bytes where they were read: it copies nothing and allocates nothing but the list of
//! spans. A general tokenizer in front of it would accept some things that Node rejects (bare LF, lists of lengths)
//! and reject some that Node accepts (runs of spaces in the request line), and would need a second pass for both.

use super::request_line::{check_partial_request_line, request_line};
use super::syntax::{
    asks_continue, check_value, content_length, ends_in_chunked, leading_space, name_length,
    trailing_space, trimmed_length,
};
use memchr::memchr;
use rnode_bridge::codes::ClientError;
use rnode_router::Method;

/// One header's name and value, as offsets into the bytes given to [`parse`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    name: (u32, u32),
    value: (u32, u32),
}

impl Span {
    pub(crate) fn name<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.name.0 as usize..self.name.1 as usize]
    }

    pub(crate) fn value<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.value.0 as usize..self.value.1 as usize]
    }
}

/// How the body is delimited (RFC 9112 section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    None,
    Length(u64),
    Chunked,
}

/// What `Expect` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    Nothing,
    Continue,
    Other,
}

/// A whole request head.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(crate) method: Method,
    /// Start and end of the target.
    pub(crate) url: (usize, usize),
    pub(crate) http10: bool,
    pub(crate) keep_alive: bool,
    pub(crate) framing: Framing,
    pub(crate) upgrade: bool,
    pub(crate) expect: Expect,
    pub(crate) has_host: bool,
    /// `If-None-Match`, `If-Modified-Since` or `Cache-Control` is among the headers.
    pub(crate) conditional: bool,
    /// Bytes of the head, the empty line included.
    pub(crate) length: usize,
}

/// Where an unfinished head stands, so that the next read does not start over.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Progress {
    /// Start of the first line that is not complete.
    line: usize,
    /// Bytes that count against the header size so far.
    counted: usize,
}

/// Limits that apply to one head.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Target, names and values together; from this size on the head overflows.
    pub(crate) size: usize,
    /// Headers (and trailers) kept. 0 = all.
    pub(crate) count: usize,
    /// One more than `count` overflows the head; otherwise further ones are checked but dropped.
    pub(crate) refuse_excess: bool,
}

/// Headers that Node's parser collects before it looks at the limit.
const HEADER_BATCH: usize = 31;
/// Raw bytes a head may take for each byte of the size limit. Node does not count separators and leading white
/// space at all and so has no limit on them; a bound on memory has to.
pub(super) const RAW_PER_COUNTED: usize = 4;

/// Parses one head from the front of `bytes`, spans into `spans`. `Ok(None)`: more bytes are needed.
pub(crate) fn parse(
    bytes: &[u8],
    limits: Limits,
    progress: &mut Progress,
    spans: &mut Vec<Span>,
) -> Result<Option<Head>, ClientError> {
    if progress.line > 0 {
        // Lines that are complete were checked before. Only when the last one is there the head is read again, to
        // collect its spans: so a head that trickles in costs two passes and not one per read.
        let mut state = State {
            counted: progress.counted,
            limits,
            ..State::new(limits)
        };
        let at = progress.line;
        match state.lines(bytes, at, spans, true)? {
            Walk::More { line, counted } => {
                *progress = Progress { line, counted };
                return Ok(None);
            }
            Walk::End(_) => {}
        }
    }
    spans.clear();
    let mut state = State::new(limits);
    let start = skip_line_ends(bytes);
    let Some(line_end) = memchr(b'\n', &bytes[start..]).map(|at| start + at) else {
        check_partial_request_line(&bytes[start..], limits)?;
        return Ok(None);
    };
    let (method, url, http10) = request_line(bytes, start, line_end)?;
    state.method = Some(method);
    state.count_bytes(url.1 - url.0)?;
    match state.lines(bytes, line_end + 1, spans, false)? {
        Walk::More { line, counted } => {
            *progress = Progress { line, counted };
            Ok(None)
        }
        Walk::End(length) => {
            *progress = Progress::default();
            state.head(method, url, http10, length).map(Some)
        }
    }
}

/// Node skips any line ends before a request (RFC 9112 section 2.2 asks for one CRLF at least).
pub(crate) fn skip_line_ends(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .position(|byte| !matches!(byte, b'\r' | b'\n'))
        .unwrap_or(bytes.len())
}

enum Walk {
    More { line: usize, counted: usize },
    End(usize),
}

struct State {
    limits: Limits,
    counted: usize,
    kept: usize,
    method: Option<Method>,
    length: Option<u64>,
    transfer_encoding: bool,
    chunked: bool,
    close: bool,
    persist: bool,
    connection_upgrade: bool,
    upgrade: bool,
    has_host: bool,
    expect: Expect,
    conditional: bool,
}

impl State {
    fn new(limits: Limits) -> Self {
        Self {
            limits,
            counted: 0,
            kept: 0,
            method: None,
            length: None,
            transfer_encoding: false,
            chunked: false,
            close: false,
            persist: false,
            connection_upgrade: false,
            upgrade: false,
            has_host: false,
            expect: Expect::Nothing,
            conditional: false,
        }
    }

    fn count_bytes(&mut self, bytes: usize) -> Result<(), ClientError> {
        self.counted += bytes;
        if self.counted >= self.limits.size {
            Err(ClientError::HeaderOverflow)
        } else {
            Ok(())
        }
    }

    /// Walks the header lines from `at` to the empty line. With `check_only` nothing is recorded.
    fn lines(
        &mut self,
        bytes: &[u8],
        mut at: usize,
        spans: &mut Vec<Span>,
        check_only: bool,
    ) -> Result<Walk, ClientError> {
        loop {
            let rest = &bytes[at..];
            let Some(length) = memchr(b'\n', rest) else {
                // CR and then no LF: there is nothing to wait for.
                if rest.len() > 1 && rest[0] == b'\r' {
                    return Err(ClientError::LfExpected);
                }
                // What is there of the last line counts as if it were all name and value.
                let raw_limit = self.limits.size.saturating_mul(RAW_PER_COUNTED);
                if rest.len() > self.limits.size
                    && self.counted + trimmed_length(rest) >= self.limits.size
                    || bytes.len() > raw_limit
                {
                    return Err(ClientError::HeaderOverflow);
                }
                return Ok(Walk::More {
                    line: at,
                    counted: self.counted,
                });
            };
            let line = &rest[..length];
            if line == b"\r" {
                return Ok(Walk::End(at + length + 1));
            }
            let Some(line) = line.strip_suffix(b"\r") else {
                return Err(if line.is_empty() {
                    ClientError::HeaderFieldChar
                } else {
                    ClientError::CrExpected
                });
            };
            let name_length = name_length(line).map_err(|error| {
                // only the first line stands behind the request line alone
                let is_first = memchr(b'\n', &bytes[..at - 1]).is_none();
                if error == ClientError::UnexpectedSpace && !is_first {
                    ClientError::HeaderFold
                } else {
                    error
                }
            })?;
            let value_start = name_length + 1 + leading_space(&line[name_length + 1..]);
            let raw = &line[value_start..];
            check_value(raw)?;
            self.count_bytes(name_length + raw.len())?;
            if !check_only {
                let value = &raw[..raw.len() - trailing_space(raw)];
                let name = &line[..name_length];
                let kept = self.keeps_next()?;
                if kept {
                    spans.push(Span {
                        name: (at as u32, (at + name_length) as u32),
                        value: (
                            (at + value_start) as u32,
                            (at + value_start + value.len()) as u32,
                        ),
                    });
                }
                self.header(name, raw, value, kept)?;
            }
            at += length + 1;
        }
    }

    /// Counts one header against the limit of their number. False: it is dropped.
    fn keeps_next(&mut self) -> Result<bool, ClientError> {
        if self.limits.count != 0 && self.kept >= self.limits.count {
            if self.limits.refuse_excess {
                return Err(ClientError::HeaderOverflow);
            }
            // Where Node's parser drops, it hands over 31 at a time and looks at the limit in between.
            if self.kept.is_multiple_of(HEADER_BATCH) {
                return Ok(false);
            }
        }
        self.kept += 1;
        Ok(true)
    }

    /// Takes note of the headers that matter for the connection itself.
    fn header(
        &mut self,
        name: &[u8],
        raw: &[u8],
        value: &[u8],
        kept: bool,
    ) -> Result<(), ClientError> {
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        match name.len() {
            4 if is(b"host") => self.has_host |= kept,
            6 if is(b"expect") && kept => {
                self.expect = if self.expect == Expect::Continue || asks_continue(value) {
                    Expect::Continue
                } else {
                    Expect::Other
                };
            }
            7 if is(b"upgrade") => self.upgrade = true,
            10 if is(b"connection") => self.connection(value),
            13 if is(b"if-none-match") || is(b"cache-control") => self.conditional = true,
            14 if is(b"content-length") => {
                if self.length.is_some() || self.transfer_encoding {
                    return Err(ClientError::UnexpectedContentLength);
                }
                self.length = Some(content_length(raw)?);
            }
            16 if is(b"proxy-connection") => self.connection(value),
            17 if is(b"transfer-encoding") => {
                if self.length.is_some() {
                    return Err(ClientError::InvalidTransferEncoding);
                }
                // `chunked` is the last coding and stands once (RFC 9112 section 7.1).
                if self.chunked {
                    return Err(ClientError::InvalidTransferEncoding);
                }
                self.transfer_encoding = true;
                self.chunked = ends_in_chunked(raw)?;
            }
            17 if is(b"if-modified-since") => self.conditional = true,
            _ => {}
        }
        Ok(())
    }

    fn connection(&mut self, value: &[u8]) {
        for token in value.split(|byte| *byte == b',') {
            let token = token.trim_ascii();
            if token.eq_ignore_ascii_case(b"close") {
                self.close = true;
            } else if token.eq_ignore_ascii_case(b"keep-alive") {
                self.persist = true;
            } else if token.eq_ignore_ascii_case(b"upgrade") {
                self.connection_upgrade = true;
            }
        }
    }

    fn head(
        &self,
        method: Method,
        url: (usize, usize),
        http10: bool,
        length: usize,
    ) -> Result<Head, ClientError> {
        let framing = if self.transfer_encoding {
            if !self.chunked {
                return Err(ClientError::InvalidTransferEncoding);
            }
            Framing::Chunked
        } else {
            match self.length {
                None | Some(0) => Framing::None,
                Some(length) => Framing::Length(length),
            }
        };
        Ok(Head {
            method,
            url,
            http10,
            keep_alive: if http10 {
                self.persist && !self.close
            } else {
                !self.close
            },
            framing,
            upgrade: self.upgrade && self.connection_upgrade,
            expect: if http10 { Expect::Nothing } else { self.expect },
            has_host: self.has_host,
            conditional: self.conditional,
            length,
        })
    }
}

/// What the trailer lines read so far count against the limits, which are the headers', apart from those.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TrailerCounts {
    bytes: usize,
    kept: usize,
}

/// Checks trailer lines (`lines` ends before the empty line) and appends `Name\nvalue\n…` to `out`, without the last
/// line feed.
pub(crate) fn trailers(
    lines: &[u8],
    limits: Limits,
    counts: &mut TrailerCounts,
    out: &mut Vec<u8>,
) -> Result<(), ClientError> {
    let mut state = State {
        counted: counts.bytes,
        kept: counts.kept,
        ..State::new(limits)
    };
    let mut rest = lines;
    while let Some(length) = memchr(b'\n', rest) {
        let line = rest[..length]
            .strip_suffix(b"\r")
            .ok_or(ClientError::CrExpected)?;
        rest = &rest[length + 1..];
        // behind a body a space is as wrong as any other byte
        let name_length = name_length(line).map_err(|_| ClientError::InvalidHeaderToken)?;
        // What frames a message has no meaning behind it (RFC 9110 section 6.5.1); Node refuses it, too.
        if line[..name_length].eq_ignore_ascii_case(b"content-length") {
            return Err(ClientError::UnexpectedContentLength);
        }
        if line[..name_length].eq_ignore_ascii_case(b"transfer-encoding") {
            return Err(ClientError::InvalidTransferEncoding);
        }
        let raw = &line[name_length + 1..];
        let raw = &raw[leading_space(raw)..];
        check_value(raw)?;
        state.count_bytes(name_length + raw.len())?;
        if !state.keeps_next()? {
            continue;
        }
        if !out.is_empty() {
            out.push(b'\n');
        }
        out.extend_from_slice(&line[..name_length]);
        out.push(b'\n');
        out.extend_from_slice(&raw[..raw.len() - trailing_space(raw)]);
    }
    *counts = TrailerCounts {
        bytes: state.counted,
        kept: state.kept,
    };
    Ok(())
}
