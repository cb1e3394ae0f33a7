//! The `Range` header as npm `range-parser` 1.x reads it, with overlapping and adjacent ranges combined, the way `send` calls it.
//!
//! It is stricter in places than RFC 9110 section 14.1 (a suffix longer than the file is unsatisfiable); the package wins.

/// What a `Range` header asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// One range, from its first to its last byte.
    One(u64, u64),
    /// None of the ranges lies in the file: 416.
    Unsatisfiable,
    /// No byte range, malformed, or several that cannot be combined: the whole file is sent.
    Whole,
}

/// Reads `header` against a file (or the part of it that is served) of `size` bytes.
pub(super) fn parse(header: &[u8], size: u64) -> Asked {
    let unpadded = header
        .iter()
        .position(|&b| b != b' ')
        .map_or(&[][..], |i| &header[i..]);
    let Some(list) = unpadded.strip_prefix(b"bytes=") else {
        return Asked::Whole;
    };
    let mut ranges = Vec::new();
    for element in list.split(|&b| b == b',') {
        match parse_element(element, size) {
            None => return Asked::Whole,
            Some(None) => {}
            Some(Some(range)) => ranges.push(range),
        }
    }
    ranges.sort_unstable();
    let mut ranges = ranges.into_iter();
    let Some((start, mut end)) = ranges.next() else {
        return Asked::Unsatisfiable;
    };
    for (next_start, next_end) in ranges {
        if next_start > end + 1 {
            return Asked::Whole;
        }
        end = end.max(next_end);
    }
    Asked::One(start, end)
}

/// `None` if malformed, `Some(None)` if it lies outside of the file.
#[expect(
    clippy::option_option,
    reason = "malformed and unsatisfiable are different answers"
)]
fn parse_element(element: &[u8], size: u64) -> Option<Option<(u64, u64)>> {
    let dash = element.iter().position(|&b| b == b'-')?;
    let (first, last) = (trim(&element[..dash]), trim(&element[dash + 1..]));
    let (start, end) = if first.is_empty() {
        // The last n bytes. More than there are: JavaScript gets a negative start, and skips it.
        let Some(start) = size.checked_sub(number(last)?) else {
            return Some(None);
        };
        (start, size.checked_sub(1))
    } else {
        let start = number(first)?;
        let end = if last.is_empty() {
            u64::MAX
        } else {
            number(last)?
        };
        (start, size.checked_sub(1).map(|max| end.min(max)))
    };
    Some(end.filter(|&end| start <= end).map(|end| (start, end)))
}

/// Decimal digits; a number too large for the type lies beyond every file, which is all that matters.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |n, b| {
        b.is_ascii_digit()
            .then(|| n.saturating_mul(10).saturating_add(u64::from(b - b'0')))
    })
}

/// `String#trim` of a latin1 string.
fn trim(mut text: &[u8]) -> &[u8] {
    while let [b'\t'..=b'\r' | b' ' | 0xa0, rest @ ..] | [rest @ .., b'\t'..=b'\r' | b' ' | 0xa0] =
        text
    {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Asked, parse};

    #[test]
    fn reads_as_range_parser() {
        // From `send`'s use of range-parser 1.3 with `{ combine: true }`, for a size of 100.
        for (header, expected) in [
            ("bytes=0-49", Asked::One(0, 49)),
            ("  bytes=0-49", Asked::One(0, 49)),
            ("bytes=0-", Asked::One(0, 99)),
            ("bytes=-10", Asked::One(90, 99)),
            ("bytes=-100", Asked::One(0, 99)),
            ("bytes=-101", Asked::Unsatisfiable),
            ("bytes=-0", Asked::Unsatisfiable),
            ("bytes=99-1000", Asked::One(99, 99)),
            ("bytes=100-", Asked::Unsatisfiable),
            ("bytes=5-4", Asked::Unsatisfiable),
            ("bytes=99999999999999999999999-", Asked::Unsatisfiable),
            ("bytes=0-99999999999999999999999", Asked::One(0, 99)),
            ("bytes=0-9,10-19", Asked::One(0, 19)),
            ("bytes=10-19,0-9", Asked::One(0, 19)),
            ("bytes=0-50,25-30", Asked::One(0, 50)),
            ("bytes=0-9,20-29", Asked::Whole),
            ("bytes=0-9,200-", Asked::One(0, 9)),
            ("bytes= 0 - 9 ", Asked::One(0, 9)),
            ("bytes=0-9,", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=a-9", Asked::Whole),
            ("bytes=0-9x", Asked::Whole),
            ("bytes=+1-9", Asked::Whole),
            ("bytes=", Asked::Whole),
            ("bytes", Asked::Whole),
            ("Bytes=0-9", Asked::Whole),
            ("items=0-9", Asked::Whole),
            ("", Asked::Whole),
        ] {
            assert_eq!(parse(header.as_bytes(), 100), expected, "{header:?}");
        }
        assert_eq!(parse(b"bytes=0-", 0), Asked::Unsatisfiable);
        assert_eq!(parse(b"bytes=-1", 0), Asked::Unsatisfiable);
    }
}
