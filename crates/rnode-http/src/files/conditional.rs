//! Preconditions of RFC 9110 section 13 as `send` evaluates them, against the ETag and Last-Modified that the response carries.
//!
//! `If-None-Match` and `If-Modified-Since` are `finish::fresh`'s.

use super::respond::Request;
use crate::finish::fresh::{is_fresh, tokens, weak_eq};
use crate::finish::http_date;

/// The validators a response carries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Validators<'a> {
    pub(super) etag: Option<&'a [u8]>,
    pub(super) last_modified: Option<&'a [u8]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Proceed,
    NotModified,
    PreconditionFailed,
}

/// A header that is there and not empty: JavaScript takes an empty one for absent.
fn given(header: Option<&[u8]>) -> Option<&[u8]> {
    header.filter(|value| !value.is_empty())
}

/// `cachable`: the status so far is 2xx or 304.
pub(super) fn evaluate(
    request: &Request<'_>,
    validators: Validators<'_>,
    cachable: bool,
) -> Verdict {
    let conditional = given(request.if_match)
        .or(given(request.if_unmodified_since))
        .or(given(request.if_none_match))
        .or(given(request.if_modified_since));
    if conditional.is_none() {
        return Verdict::Proceed;
    }
    if precondition_fails(request, validators) {
        return Verdict::PreconditionFailed;
    }
    let fresh = is_fresh(
        request.if_none_match,
        request.if_modified_since,
        request.cache_control,
        validators.etag,
        validators.last_modified,
    );
    if cachable && fresh {
        Verdict::NotModified
    } else {
        Verdict::Proceed
    }
}

fn precondition_fails(request: &Request<'_>, validators: Validators<'_>) -> bool {
    if let Some(list) = given(request.if_match) {
        let Some(etag) = given(validators.etag) else {
            return true;
        };
        return list != b"*" && !tokens(list).any(|token| weak_eq(token, etag));
    }
    let Some(unmodified_since) = given(request.if_unmodified_since).and_then(http_date::parse)
    else {
        return false;
    };
    let modified = validators.last_modified.and_then(http_date::parse);
    modified.is_none_or(|modified| modified > unmodified_since)
}

/// Whether `If-Range` lets a range be sent: it holds the ETag somewhere in it, or a date not before Last-Modified.
pub(super) fn range_is_fresh(if_range: Option<&[u8]>, validators: Validators<'_>) -> bool {
    let Some(if_range) = given(if_range) else {
        return true;
    };
    if if_range.contains(&b'"') {
        return given(validators.etag)
            .is_some_and(|etag| memchr::memmem::find(if_range, etag).is_some());
    }
    let modified = validators.last_modified.and_then(http_date::parse);
    matches!((modified, http_date::parse(if_range)), (Some(modified), Some(since)) if modified <= since)
}
