//! Entity tags of response bodies, as the npm package `etag` 1.x writes them (`app.set('etag', 'weak' | 'strong')`).
//!
//! Tags of files, which are made from size and time, are in `files::headers`.

use super::base64;
use sha1::{Digest, Sha1};

/// Length of the base64 text of a SHA-1 digest without its one `=`.
const HASH_LEN: usize = 27;

/// Appends `W/"<length in hex>-<27 characters of base64 SHA-1>"` to `out`: Express' default `etag fn`.
pub fn weak(body: &[u8], out: &mut Vec<u8>) {
    out.reserve(2 + 3 + 16 + HASH_LEN);
    out.extend_from_slice(b"W/");
    strong(body, out);
}

/// Appends `"<length in hex>-<27 characters of base64 SHA-1>"` to `out`.
pub fn strong(body: &[u8], out: &mut Vec<u8>) {
    if body.is_empty() {
        // The digest of nothing is known. (The general path gives the same text; a test holds that.)
        out.extend_from_slice(b"\"0-2jmj7l5rSw0yVb/vlWAYkK/YBwk\"");
        return;
    }
    hashed(body, out);
}

fn hashed(body: &[u8], out: &mut Vec<u8>) {
    out.reserve(3 + 16 + HASH_LEN);
    out.push(b'"');
    push_hex(body.len() as u64, out);
    out.push(b'-');
    base64::push(&Sha1::digest(body), out);
    // 20 bytes make 27 characters and one `=`, which the tag leaves out: the closing quote takes its place.
    if let Some(last) = out.last_mut() {
        *last = b'"';
    }
}

/// Appends `n` as lower-case hexadecimal without leading zeros (`0` for zero), as `Number#toString(16)`.
pub(crate) fn push_hex(n: u64, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let nibbles = (64 - n.leading_zeros()).div_ceil(4).max(1);
    for i in (0..nibbles).rev() {
        out.push(DIGITS[(n >> (i * 4)) as usize & 15]);
    }
}

#[cfg(test)]
mod tests {
    use super::{hashed, push_hex, strong, weak};

    fn weak_text(body: &[u8]) -> String {
        let mut out = Vec::new();
        weak(body, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn equals_the_package() {
        // From `require('etag')(Buffer.from(text), { weak: true })`.
        assert_eq!(weak_text(b""), "W/\"0-2jmj7l5rSw0yVb/vlWAYkK/YBwk\"");
        assert_eq!(
            weak_text(b"{\"hello\":\"world\"}"),
            "W/\"11-IkjuL6CqqtmReFMfkkvwC0sKj04\""
        );
        assert_eq!(weak_text(b"a"), "W/\"1-hvfkN/qlp/zhXR3cuerq6jd2Z7g\"");
        assert_eq!(
            weak_text(&[b'x'; 4096]),
            "W/\"1000-BJTcWS2gShdTIjkY6nO8uGh2Nyw\""
        );
    }

    #[test]
    fn the_shortcut_for_nothing_is_what_hashing_gives() {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        strong(b"", &mut a);
        hashed(b"", &mut b);
        assert_eq!(a, b);
    }

    #[test]
    fn appends() {
        let mut out = b"ETag: ".to_vec();
        strong(b"a", &mut out);
        assert_eq!(out, b"ETag: \"1-hvfkN/qlp/zhXR3cuerq6jd2Z7g\"");
    }

    #[test]
    fn hexadecimal() {
        for n in [0u64, 1, 15, 16, 255, 4096, 1 << 32, u64::MAX] {
            let mut out = Vec::new();
            push_hex(n, &mut out);
            assert_eq!(out, format!("{n:x}").into_bytes());
        }
    }
}
