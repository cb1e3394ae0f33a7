//! The answer for a file that was found: headers, preconditions, range and bytes, in the order in which `send` decides them.
//! It must not choose the file: `locate` has.

use super::cache::FileCache;
use super::conditional::{self, Validators, Verdict};
use super::encoding::{Coding, preferred};
use super::headers::{Lines, cache_control, etag, last_modified};
use super::locate::{Found, Located, locate};
use super::lookup::{Content, OpenError, open};
use super::options::Options;
use super::outcome::{Body, Failure, FileAnswer, Outcome};
use super::range::{self, Asked};
use super::stat::{Kind, Meta};
use crate::mime;

/// What the request says. A header that came more than once is given as Node joins it: `, ` between the values, except for
/// `If-Modified-Since` and `If-Unmodified-Since`, of which the first counts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'a> {
    /// `HEAD` gets no body; every other method is treated as GET.
    pub method: &'a [u8],
    /// `If-Match`.
    pub if_match: Option<&'a [u8]>,
    /// `If-None-Match`.
    pub if_none_match: Option<&'a [u8]>,
    /// `If-Modified-Since`.
    pub if_modified_since: Option<&'a [u8]>,
    /// `If-Unmodified-Since`.
    pub if_unmodified_since: Option<&'a [u8]>,
    /// `If-Range`.
    pub if_range: Option<&'a [u8]>,
    /// `Range`.
    pub range: Option<&'a [u8]>,
    /// `Cache-Control`.
    pub cache_control: Option<&'a [u8]>,
    /// `Accept-Encoding`; read only if `precompressed` is on.
    pub accept_encoding: Option<&'a [u8]>,
}

/// What earlier layers have put on the response: `send` writes no header that is there already, and judges freshness by those.
/// These headers are the caller's to write (for a 304 without `Content-Encoding`, `-Language`, `-Length`, `-Range`, `-Type`).
#[derive(Debug, Clone, Copy)]
pub struct Preset<'a> {
    /// `res.statusCode`; 200 if nobody has set it.
    pub status: u16,
    /// `Accept-Ranges` is set.
    pub accept_ranges: bool,
    /// `Cache-Control` is set.
    pub cache_control: bool,
    /// `Content-Type` is set.
    pub content_type: bool,
    /// `Content-Encoding` is set: no precompressed sibling is sent.
    pub content_encoding: bool,
    /// Value of `Last-Modified`, if set.
    pub last_modified: Option<&'a [u8]>,
    /// Value of `ETag`, if set.
    pub etag: Option<&'a [u8]>,
}

impl Default for Preset<'_> {
    fn default() -> Self {
        Self {
            status: 200,
            accept_ranges: false,
            cache_control: false,
            content_type: false,
            content_encoding: false,
            last_modified: None,
            etag: None,
        }
    }
}

/// All of `send`: finds the file that `url_path` names and answers with it. For `res.sendFile(path)` that is `encodeURI(path)`.
pub fn send(
    options: &Options,
    url_path: &[u8],
    request: &Request<'_>,
    preset: &Preset<'_>,
    cache: &FileCache,
) -> Outcome {
    match locate(options, url_path, cache) {
        Located::File(found) => respond(options, &found, request, preset, cache),
        Located::Directory { .. } => Outcome::Directory,
        Located::Failed(failure) => Outcome::Failed(failure),
    }
}

/// Answers with a file that [`locate`] has found.
pub fn respond(
    options: &Options,
    found: &Found,
    request: &Request<'_>,
    preset: &Preset<'_>,
    cache: &FileCache,
) -> Outcome {
    let chosen = sibling(options, found, request, preset, cache);
    let (path, meta, coding) = match chosen {
        Some((path, meta, coding)) => (path, meta, Some(coding)),
        None => (found.path.clone(), found.meta.clone(), None),
    };
    let answer = |meta: &Meta| {
        Draft {
            options,
            request,
            preset,
            name: &found.path,
            meta,
            coding,
        }
        .decide()
    };
    let part = match answer(&meta) {
        Decision::Done(outcome) => return outcome,
        Decision::Send(part) => part,
    };
    if request.method == b"HEAD" {
        return part.into_outcome(Body::Empty, path);
    }
    let (opened, content) = match open(&path, &meta, cache) {
        Ok(opened) => opened,
        Err(OpenError { error, syscall }) => {
            let failure = Failure::system(&error, syscall, &path);
            return Outcome::Failed(Failure {
                headers: part.headers,
                ..failure
            });
        }
    };
    let part = if opened == meta {
        part
    } else {
        // It was changed or replaced since the stat: decide again, by what will be sent.
        match answer(&opened) {
            Decision::Done(outcome) => return outcome,
            Decision::Send(part) => part,
        }
    };
    let body = cut(content, part.offset, part.len);
    part.into_outcome(body, path)
}

fn cut(content: Content, offset: u64, len: u64) -> Body {
    match content {
        _ if len == 0 => Body::Empty,
        Content::File(file) => Body::File { file, offset, len },
        Content::Bytes(bytes) => {
            // Both lie inside of the size, which is the number of bytes.
            let start = usize::try_from(offset).expect("a body in memory has a length that fits");
            let end =
                usize::try_from(offset + len).expect("a body in memory has a length that fits");
            Body::Bytes(bytes.slice(start..end))
        }
    }
}

/// The sibling to send instead of the file, if that is asked for and wanted. One older than its file is out of date, and passed over.
fn sibling(
    options: &Options,
    found: &Found,
    request: &Request<'_>,
    preset: &Preset<'_>,
    cache: &FileCache,
) -> Option<(String, Meta, Coding)> {
    if !offers_codings(options, preset) || found.meta.kind != Kind::Regular {
        return None;
    }
    preferred(request.accept_encoding, &options.precompressed)
        .into_iter()
        .find_map(|coding| {
            let path = format!("{}.{}", found.path, coding.extension());
            let meta = cache.stat(&path).ok()?;
            (meta.kind == Kind::Regular && meta.mtime_ms >= found.meta.mtime_ms)
                .then_some((path, meta, coding))
        })
}

/// A part of the plain file (`start`, `end`) has no sibling, and a response that has a coding already gets no other.
fn offers_codings(options: &Options, preset: &Preset<'_>) -> bool {
    !options.precompressed.is_empty()
        && options.start == 0
        && options.end.is_none()
        && !preset.content_encoding
}

enum Decision {
    Done(Outcome),
    Send(Part),
}

struct Part {
    status: u16,
    headers: Lines,
    offset: u64,
    len: u64,
}

impl Part {
    fn into_outcome(self, body: Body, path: String) -> Outcome {
        let Self {
            status,
            headers,
            offset,
            len,
        } = self;
        Outcome::File(FileAnswer {
            status,
            headers,
            offset,
            len,
            body,
            path,
        })
    }
}

/// All that headers and status depend on.
struct Draft<'a> {
    options: &'a Options,
    request: &'a Request<'a>,
    preset: &'a Preset<'a>,
    /// Path whose extension gives the type.
    name: &'a str,
    meta: &'a Meta,
    coding: Option<Coding>,
}

impl Draft<'_> {
    fn decide(&self) -> Decision {
        let Self {
            options,
            request,
            preset,
            meta,
            ..
        } = *self;
        let etag_made = (options.etag && preset.etag.is_none())
            .then(|| etag(meta, self.coding.map(Coding::name)));
        let modified_made =
            (options.last_modified && preset.last_modified.is_none()).then(|| last_modified(meta));
        let validators = Validators {
            etag: preset.etag.or(etag_made.as_deref()),
            last_modified: preset
                .last_modified
                .or(modified_made.as_ref().map(|m| &m[..])),
        };

        let mut headers = Lines::default();
        if options.accept_ranges && !preset.accept_ranges {
            headers.push("Accept-Ranges", "bytes");
        }
        if options.cache_control && !preset.cache_control {
            headers.push("Cache-Control", cache_control(options));
        }
        if let Some(modified) = &modified_made {
            headers.push("Last-Modified", modified);
        }
        if let Some(etag) = &etag_made {
            headers.push("ETag", etag);
        }
        if offers_codings(options, preset) {
            headers.push("Vary", "Accept-Encoding");
        }

        let cachable = matches!(preset.status, 200..300 | 304);
        let verdict = conditional::evaluate(request, validators, cachable);
        if verdict == Verdict::NotModified {
            return Decision::Done(Outcome::NotModified { headers });
        }
        if !preset.content_type {
            headers.push(
                "Content-Type",
                mime::content_type(self.name).unwrap_or("application/octet-stream"),
            );
        }
        if verdict == Verdict::PreconditionFailed {
            return Decision::Done(Outcome::Failed(Failure {
                headers,
                ..Failure::new(412)
            }));
        }
        if let Some(coding) = self.coding {
            headers.push("Content-Encoding", coding.name());
        }
        self.decide_range(headers, validators)
    }

    fn decide_range(&self, mut headers: Lines, validators: Validators<'_>) -> Decision {
        let Self {
            options,
            request,
            preset,
            meta,
            ..
        } = *self;
        let mut offset = options.start;
        let mut len = meta.size.saturating_sub(offset);
        if let Some(end) = options.end {
            len = len.min(end.saturating_add(1).saturating_sub(offset));
        }
        let mut status = preset.status;
        let asked = match request.range {
            Some(header) if options.accept_ranges => range::parse(header, len),
            _ => Asked::Whole,
        };
        if asked != Asked::Whole && conditional::range_is_fresh(request.if_range, validators) {
            match asked {
                Asked::Unsatisfiable => {
                    let content_range = format!("bytes */{len}");
                    let mut failure = Failure::new(416);
                    headers.push("Content-Range", &content_range);
                    failure.error_headers.push("Content-Range", &content_range);
                    return Decision::Done(Outcome::Failed(Failure { headers, ..failure }));
                }
                Asked::One(first, last) => {
                    headers.push("Content-Range", format!("bytes {first}-{last}/{len}"));
                    status = 206;
                    offset += first;
                    len = last - first + 1;
                }
                Asked::Whole => {}
            }
        }
        headers.push_number("Content-Length", len);
        Decision::Send(Part {
            status,
            headers,
            offset,
            len,
        })
    }
}
