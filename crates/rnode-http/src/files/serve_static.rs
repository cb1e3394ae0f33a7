//! `express.static`: `send` with a root, redirects of folders, and what is not found handed to the next layer.
//! What `send` decides must not be decided here a second time.

use super::cache::FileCache;
use super::headers::{Lines, encode_url};
use super::locate::{Found, Located, locate_by};
use super::options::StaticOptions;
use super::outcome::{Failure, Outcome, Redirect};
use super::respond::{Preset, Request, respond};
use super::stat::{Meta, missing_at_once};
use crate::error_page::express::{CSP, redirect_document};
use std::cell::Cell;
use std::io;

/// A request at the place where the layer is mounted.
#[derive(Debug, Clone, Copy)]
pub struct StaticRequest<'a> {
    /// Path of `req.url`: without the mount path, without the query, still encoded.
    pub path: &'a [u8],
    /// `req.originalUrl`: with mount path and query.
    pub original_url: &'a [u8],
    /// Method and headers.
    pub request: Request<'a>,
}

/// All of `serve-static` but its `setHeaders` callback. Panics in debug builds if the options have no root.
pub fn serve_static(
    options: &StaticOptions,
    request: &StaticRequest<'_>,
    preset: &Preset<'_>,
    cache: &FileCache,
) -> Outcome {
    match locate_static(options, request, cache) {
        StaticLocated::Found(found) => {
            respond(&options.send, &found, &request.request, preset, cache)
        }
        StaticLocated::Done(outcome) => outcome,
    }
}

/// What [`locate_static`] comes to.
#[derive(Debug)]
pub enum StaticLocated {
    /// The file to answer with.
    Found(Found),
    /// What becomes of the request without one.
    Done(Outcome),
}

/// The first half of [`serve_static`]: looks for the file.
pub fn locate_static(
    options: &StaticOptions,
    request: &StaticRequest<'_>,
    cache: &FileCache,
) -> StaticLocated {
    locate_static_by(options, request, |path| cache.stat(path))
}

/// Whether [`serve_static`] would let a request pass, as far as that is known without waiting for a disk. False says nothing.
pub(crate) fn passes_at_once(options: &StaticOptions, request: &StaticRequest<'_>) -> bool {
    let is_known = Cell::new(true);
    let located = locate_static_by(options, request, |path| {
        let missing = missing_at_once(path);
        is_known.set(is_known.get() && missing.is_some());
        Err(missing.unwrap_or_else(|| io::ErrorKind::NotFound.into()))
    });
    is_known.get() && matches!(located, StaticLocated::Done(Outcome::Fallthrough))
}

fn locate_static_by(
    options: &StaticOptions,
    request: &StaticRequest<'_>,
    stat: impl Fn(&str) -> io::Result<Meta>,
) -> StaticLocated {
    debug_assert!(
        options.send.root.is_some(),
        "serve-static has always a root"
    );
    if !matches!(request.request.method, b"GET" | b"HEAD") {
        if options.fallthrough {
            return StaticLocated::Done(Outcome::Fallthrough);
        }
        let mut headers = Lines::default();
        headers.push("Allow", "GET, HEAD");
        headers.push("Content-Length", "0");
        return StaticLocated::Done(Outcome::MethodNotAllowed { headers });
    }
    let url = split_url(request.original_url);
    let path = match (request.path, url) {
        // Asked for without a slash, the mount path itself must be redirected.
        (b"/", Some((pathname, _))) if pathname.last() != Some(&b'/') => b"",
        (b"/", None) => return StaticLocated::Done(Outcome::Decline),
        (path, _) => path,
    };
    let missing = |failure: Failure| {
        if options.fallthrough && failure.status < 500 {
            Outcome::Fallthrough
        } else {
            Outcome::Failed(failure)
        }
    };
    StaticLocated::Done(match locate_by(&options.send, path, stat) {
        Located::File(found) => return StaticLocated::Found(found),
        Located::Directory {
            trailing_slash: false,
        } if options.redirect => match url {
            Some((pathname, search)) => Outcome::Redirect(redirect(pathname, search)),
            None => Outcome::Decline,
        },
        Located::Directory { .. } => missing(Failure::new(404)),
        Located::Failed(failure) => missing(failure),
    })
}

/// Pathname and search (with its `?`) of a URL that `parseurl` splits without Node's URL parser; `None` for all others.
fn split_url(url: &[u8]) -> Option<(&[u8], &[u8])> {
    let plain = url.first() == Some(&b'/')
        && !url
            .iter()
            .any(|b| matches!(b, b'\t' | b'\n' | 0x0c | b'\r' | b' ' | b'#' | 0xa0));
    plain.then(|| url.split_at(memchr::memchr(b'?', url).unwrap_or(url.len())))
}

fn redirect(pathname: &[u8], search: &[u8]) -> Redirect {
    // More than one slash in front would name a host.
    let slashes = pathname.iter().take_while(|&&b| b == b'/').count();
    let mut url = b"/".to_vec();
    url.extend_from_slice(&pathname[slashes..]);
    if url.len() > 1 {
        url.push(b'/');
    }
    url.extend_from_slice(search);
    let location = encode_url(&url);
    let body = redirect_document(&location);
    let mut headers = Lines::default();
    headers.push("Content-Type", "text/html; charset=UTF-8");
    headers.push_number("Content-Length", body.len() as u64);
    headers.push("Content-Security-Policy", CSP);
    headers.push("X-Content-Type-Options", "nosniff");
    headers.push("Location", &location);
    Redirect {
        location,
        headers,
        body,
    }
}
