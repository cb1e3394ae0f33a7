//! Percent-decoding of parameters, as `decodeURIComponent` does it (ECMA-262, section 19.2.6.5 Decode).
//! Matching never decodes; this runs on the text of a capture.

use std::borrow::Cow;

use crate::error::DecodeError;

/// Decodes a captured parameter as router's `decodeParam` does: text without `%` is returned as it is, everything
/// else goes through the rules of `decodeURIComponent`. Escapes must be well-formed UTF-8 (no overlong forms, no
/// surrogates).
///
/// # Errors
/// A malformed escape; Express answers 400 with the error's text.
pub fn decode_param(raw: &str) -> Result<Cow<'_, str>, DecodeError> {
    let Some(first) = raw.find('%') else {
        return Ok(Cow::Borrowed(raw));
    };
    let bytes = raw.as_bytes();
    let mut out = String::with_capacity(raw.len());
    out.push_str(&raw[..first]);
    let mut at = first;
    while at < bytes.len() {
        if bytes[at] != b'%' {
            let end = raw[at..].find('%').map_or(raw.len(), |n| at + n);
            out.push_str(&raw[at..end]);
            at = end;
            continue;
        }
        let lead = escaped_byte(bytes, at).ok_or_else(|| DecodeError::new(raw))?;
        at += 3;
        if lead < 0x80 {
            out.push(char::from(lead));
            continue;
        }
        let length = match lead {
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf7 => 4,
            _ => return Err(DecodeError::new(raw)),
        };
        let mut unit = [lead, 0, 0, 0];
        for slot in &mut unit[1..length] {
            *slot = escaped_byte(bytes, at).ok_or_else(|| DecodeError::new(raw))?;
            at += 3;
        }
        let text = std::str::from_utf8(&unit[..length]).map_err(|_| DecodeError::new(raw))?;
        out.push_str(text);
    }
    Ok(Cow::Owned(out))
}

/// The byte written as `%XX` at `at`.
fn escaped_byte(bytes: &[u8], at: usize) -> Option<u8> {
    match bytes.get(at..at + 3)? {
        [b'%', high, low] => {
            let high = char::from(*high).to_digit(16)?;
            let low = char::from(*low).to_digit(16)?;
            Some((high * 16 + low) as u8)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_like_decode_uri_component() {
        for (raw, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("a%20b", "a b"),
            ("%2Fa%2fb", "/a/b"),
            ("%C3%A9", "é"),
            ("é%C3%A9", "éé"),
            ("%F0%9F%98%80!", "😀!"),
            ("%00", "\0"),
            ("%2561", "%61"),
            ("+", "+"),
        ] {
            assert_eq!(decode_param(raw).expect(raw), expected);
        }
        assert!(matches!(decode_param("plain"), Ok(Cow::Borrowed(_))));
    }

    #[test]
    fn refuses_what_decode_uri_component_refuses() {
        for raw in [
            "%",
            "%2",
            "%zz",
            "a%+1",
            "%C3",
            "%C3%28",
            "%C3é",
            "%80",
            "%C0%80",
            "%ED%A0%80",
            "%F8%88%80%80%80",
            "%F5%80%80%80",
            "%E2%82",
        ] {
            let error = decode_param(raw).expect_err(raw);
            assert_eq!(error.to_string(), format!("Failed to decode param '{raw}'"));
        }
    }
}
