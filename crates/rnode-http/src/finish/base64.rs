//! Base64 (RFC 4648 section 4) of short digests, for entity tags and Content-Security-Policy hashes.
//!
//! Encoding only, with padding. Not meant for bodies: it goes byte by byte.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends the base64 text of `bytes`, padded with `=` to a multiple of four characters.
pub(crate) fn push(bytes: &[u8], out: &mut Vec<u8>) {
    for group in bytes.chunks(3) {
        let byte = |i: usize| u32::from(group.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        let mut quad = [18, 12, 6, 0].map(|shift| ALPHABET[(bits >> shift) as usize & 63]);
        quad[group.len() + 1..].fill(b'=');
        out.extend_from_slice(&quad);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn vectors_of_rfc_4648_section_10() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            let mut out = Vec::new();
            super::push(bytes.as_bytes(), &mut out);
            assert_eq!(out, text.as_bytes());
        }
        let mut out = Vec::new();
        super::push(&[0xfb, 0xff, 0xfe], &mut out);
        assert_eq!(out, b"+//+");
    }
}
