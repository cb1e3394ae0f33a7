//! Header lines in the form they have on the wire, and the values `send` gives them.
//! Which of them an answer has is `respond`'s to decide.

use super::options::Options;
use super::stat::Meta;
use crate::finish::date::imf_fixdate;
use crate::finish::etag::push_hex;

/// Header lines, `Name: value\r\n` each, in order. No value holds CR, LF or NUL: they are numbers, dates, tags, types and
/// percent-encoded paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines(Vec<u8>);

impl Lines {
    pub(super) fn push(&mut self, name: &str, value: impl AsRef<[u8]>) {
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b": ");
        self.0.extend_from_slice(value.as_ref());
        self.0.extend_from_slice(b"\r\n");
    }

    pub(super) fn push_number(&mut self, name: &str, value: u64) {
        self.push(name, value.to_string());
    }

    /// The lines as they are written.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// `lines` after each of these has been set, as `res.setHeader` does it: in the place of one of its name, else behind all.
    #[must_use]
    pub fn set_over(&self, lines: &[u8]) -> Vec<u8> {
        let mut own: Vec<_> = self.iter().map(Some).collect();
        let names: Vec<_> = self.iter().map(|(name, _)| name).collect();
        let mut out = Vec::with_capacity(lines.len() + self.0.len());
        for line in lines.split_inclusive(|&byte| byte == b'\n') {
            let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
            let at = names
                .iter()
                .position(|own| own.as_bytes().eq_ignore_ascii_case(name));
            match at {
                None => out.extend_from_slice(line),
                // the others of an array have no place any more
                Some(at) => push_line(&mut out, own[at].take()),
            }
        }
        for line in own {
            push_line(&mut out, line);
        }
        out
    }

    /// The lines as they are written.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Name and value of each line.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let text = std::str::from_utf8(&self.0).expect("names and values are ASCII");
        text.lines().filter_map(|line| line.split_once(": "))
    }
}

fn push_line(out: &mut Vec<u8>, line: Option<(&str, &str)>) {
    if let Some((name, value)) = line {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

/// `W/"<size in hex>-<mtime in ms, hex>"`, npm `etag` of a stat. A coding (`br`) is added for a precompressed sibling, which
/// must never share its tag with the file it stands for.
pub(super) fn etag(meta: &Meta, coding: Option<&str>) -> Vec<u8> {
    let mut tag = Vec::with_capacity(40);
    tag.extend_from_slice(b"W/\"");
    push_hex(meta.size, &mut tag);
    tag.push(b'-');
    if meta.mtime_ms < 0 {
        tag.push(b'-');
    }
    push_hex(meta.mtime_ms.unsigned_abs(), &mut tag);
    if let Some(coding) = coding {
        tag.push(b'-');
        tag.extend_from_slice(coding.as_bytes());
    }
    tag.push(b'"');
    tag
}

/// `stat.mtime.toUTCString()`.
pub(super) fn last_modified(meta: &Meta) -> [u8; 29] {
    imf_fixdate(meta.mtime_ms.div_euclid(1000))
}

/// `public, max-age=<seconds>[, immutable]`; no more than a year.
pub(super) fn cache_control(options: &Options) -> String {
    const YEAR: u64 = 60 * 60 * 24 * 365;
    let seconds = (options.max_age / 1000).min(YEAR);
    let immutable = if options.immutable { ", immutable" } else { "" };
    format!("public, max-age={seconds}{immutable}")
}

/// npm `encodeurl` of a latin1 string: encodes what may not stand in a URL, keeps escapes that are there, and turns a `%` that
/// is none into `%25`.
pub(super) fn encode_url(url: &[u8]) -> String {
    let mut out = String::with_capacity(url.len() + 8);
    for (at, &byte) in url.iter().enumerate() {
        match byte {
            b'%' => {
                let escape = matches!(url.get(at + 1..at + 3), Some([a, b]) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
                out.push_str(if escape { "%" } else { "%25" });
            }
            b'!' | b'#'..=b';' | b'=' | b'?'..=b'_' | b'a'..=b'z' | b'|' | b'~' => {
                out.push(char::from(byte))
            }
            _ => {
                let mut utf8 = [0; 2];
                for byte in char::from(byte).encode_utf8(&mut utf8).bytes() {
                    out.push_str(&format!("%{byte:02X}"));
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Lines, encode_url};

    #[test]
    fn lines() {
        let mut lines = Lines::default();
        lines.push("A", "b: c");
        lines.push_number("N", 7);
        assert_eq!(lines.as_bytes(), b"A: b: c\r\nN: 7\r\n");
        assert_eq!(
            lines.iter().collect::<Vec<_>>(),
            [("A", "b: c"), ("N", "7")]
        );
    }

    #[test]
    fn sets_over() {
        let mut own = Lines::default();
        own.push("Content-Type", "t");
        own.push("Location", "/x");
        assert_eq!(own.set_over(b""), own.as_bytes());
        assert_eq!(
            own.set_over(b"A: 1\r\nlocation: a\r\nlocation: b\r\nB: 2\r\n"),
            b"A: 1\r\nLocation: /x\r\nB: 2\r\nContent-Type: t\r\n"
        );
    }

    #[test]
    fn encodes_as_encodeurl() {
        // From `require('encodeurl')(text)`.
        for (text, expected) in [
            (&b"/a b"[..], "/a%20b"),
            (b"/%41%zz%", "/%41%25zz%25"),
            (b"/%%41", "/%25%41"),
            (b"/\xe9\x80", "/%C3%A9%C2%80"),
            (b"/<>\"`{}\x7f", "/%3C%3E%22%60%7B%7D%7F"),
            (b"/\\^|[]'~!?a=b#c", "/\\^|[]'~!?a=b#c"),
        ] {
            assert_eq!(encode_url(text), expected);
        }
    }
}
