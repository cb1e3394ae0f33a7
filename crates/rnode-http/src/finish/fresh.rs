//! Whether a client's cached copy is still good: `req.fresh` of Express, answer for answer as npm `fresh` 2.x.
//!
//! RFC 9110 section 13 is the background; where the package differs from it (a Cache-Control `no-cache` in the request
//! makes everything stale), the package wins.

use super::http_date;

/// Returns true if and only if the answer may be 304 Not Modified.
///
/// The arguments are the request's `If-None-Match`, `If-Modified-Since` and `Cache-Control` values and the response's
/// `ETag` and `Last-Modified`. A header given twice is passed as Node joins it (`, `). An empty value counts as absent,
/// as it does in JavaScript.
pub fn is_fresh(
    if_none_match: Option<&[u8]>,
    if_modified_since: Option<&[u8]>,
    cache_control: Option<&[u8]>,
    etag: Option<&[u8]>,
    last_modified: Option<&[u8]>,
) -> bool {
    let none_match = if_none_match.filter(|v| !v.is_empty());
    let modified_since = if_modified_since.filter(|v| !v.is_empty());
    if none_match.is_none() && modified_since.is_none() {
        return false;
    }
    if cache_control.is_some_and(asks_no_cache) {
        return false;
    }
    // If-None-Match takes precedence: RFC 9110 section 13.1.3.
    if let Some(list) = none_match {
        if list == b"*" {
            return true;
        }
        let Some(etag) = etag.filter(|v| !v.is_empty()) else {
            return false;
        };
        return tokens(list).any(|token| weak_eq(token, etag));
    }
    let seen = modified_since.and_then(http_date::parse);
    let changed = last_modified.and_then(http_date::parse);
    matches!((changed, seen), (Some(changed), Some(seen)) if changed <= seen)
}

/// Weak comparison as `fresh` and `send` write it: equal, or equal but for one `W/` in front of one of the two.
pub(crate) fn weak_eq(a: &[u8], b: &[u8]) -> bool {
    a == b || a.strip_prefix(b"W/") == Some(b) || b.strip_prefix(b"W/") == Some(a)
}

/// The elements of a comma-separated list without the spaces around them. Empty elements are kept.
/// A comma inside a quoted tag separates, as it does in the packages.
pub(crate) fn tokens(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&b| b == b',').map(trim_spaces)
}

fn trim_spaces(mut text: &[u8]) -> &[u8] {
    while let [b' ', rest @ ..] | [rest @ .., b' '] = text {
        text = rest;
    }
    text
}

/// A `no-cache` directive, in lower case and alone in its list element, with white space as JavaScript's `\s` sees it
/// in a latin1 string.
fn asks_no_cache(value: &[u8]) -> bool {
    let is_space = |b: &u8| matches!(b, b'\t'..=b'\r' | b' ' | 0xa0);
    value.split(|&b| b == b',').any(|part| {
        let start = part.iter().position(|b| !is_space(b)).unwrap_or(0);
        let end = part.iter().rposition(|b| !is_space(b)).map_or(0, |i| i + 1);
        part.get(start..end) == Some(b"no-cache")
    })
}

#[cfg(test)]
mod tests {
    use super::is_fresh;

    fn fresh(none: &str, since: &str, cache: &str, etag: &str, modified: &str) -> bool {
        is_fresh(
            Some(none.as_bytes()),
            Some(since.as_bytes()),
            Some(cache.as_bytes()),
            Some(etag.as_bytes()),
            Some(modified.as_bytes()),
        )
    }

    #[test]
    fn unconditional_is_stale() {
        assert!(!is_fresh(None, None, None, Some(b"\"a\""), None));
        assert!(!fresh("", "", "", "\"a\"", ""));
    }

    #[test]
    fn etags() {
        assert!(fresh("\"foo\"", "", "", "\"foo\"", ""));
        assert!(!fresh("\"bar\"", "", "", "\"foo\"", ""));
        assert!(fresh(" \"bar\" , \"foo\"", "", "", "\"foo\"", ""));
        assert!(fresh("W/\"foo\"", "", "", "\"foo\"", ""));
        assert!(fresh("\"foo\"", "", "", "W/\"foo\"", ""));
        assert!(fresh("W/\"foo\"", "", "", "W/\"foo\"", ""));
        assert!(!fresh("w/\"foo\"", "", "", "\"foo\"", ""));
        assert!(fresh("*", "", "", "\"foo\"", ""));
        assert!(fresh("*", "", "", "", ""));
        assert!(!fresh("*, \"bar\"", "", "", "\"foo\"", ""));
        assert!(!fresh("\"foo\"", "", "", "", ""));
        assert!(!fresh(",,", "", "", "\"foo\"", ""));
        assert!(!fresh("\"a,b\"", "", "", "\"a,b\"", ""));
    }

    #[test]
    fn none_match_takes_precedence() {
        let (old, new) = (
            "Sat, 01 Jan 2000 00:00:00 GMT",
            "Sat, 01 Jan 2000 01:00:00 GMT",
        );
        assert!(fresh("\"foo\"", old, "", "\"foo\"", new));
        assert!(!fresh("\"bar\"", new, "", "\"foo\"", old));
    }

    #[test]
    fn dates() {
        let (old, new) = (
            "Sat, 01 Jan 2000 00:00:00 GMT",
            "Sat, 01 Jan 2000 01:00:00 GMT",
        );
        assert!(fresh("", new, "", "", old));
        assert!(fresh("", old, "", "", old));
        assert!(!fresh("", old, "", "", new));
        assert!(!fresh("", "foo", "", "", new));
        assert!(!fresh("", new, "", "", "foo"));
        assert!(!fresh("", new, "", "", ""));
        assert!(!is_fresh(None, Some(new.as_bytes()), None, None, None));
    }

    #[test]
    fn no_cache() {
        for value in [
            "no-cache",
            " no-cache",
            "max-age=0, no-cache",
            "no-cache,",
            "a,\tno-cache ,b",
        ] {
            assert!(!fresh("\"a\"", "", value, "\"a\"", ""), "{value:?}");
        }
        for value in [
            "",
            "No-Cache",
            "no-cache=x",
            "x-no-cache",
            "no-cache x",
            "no-store",
            "no- cache",
        ] {
            assert!(fresh("\"a\"", "", value, "\"a\"", ""), "{value:?}");
        }
    }
}
