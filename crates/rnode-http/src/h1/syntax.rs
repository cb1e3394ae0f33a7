//! The small grammars inside a request head: tokens, field values, lengths, codings, expectations.
//! Pure functions over the bytes of one line; what they mean for the connection is in `parse`.

use memchr::memchr;
use rnode_bridge::codes::ClientError;

const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        table[byte] = b.is_ascii_alphanumeric()
            || matches!(
                b,
                b'!' | b'#'
                    | b'$'
                    | b'%'
                    | b'&'
                    | b'\''
                    | b'*'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'^'
                    | b'_'
                    | b'`'
                    | b'|'
                    | b'~'
            );
        byte += 1;
    }
    table
};

/// True if and only if `byte` may stand in a header name (RFC 9110 section 5.6.2).
pub(super) fn is_token(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

/// Length of the name at the front of a header line; what follows it is a colon.
pub(super) fn name_length(line: &[u8]) -> Result<usize, ClientError> {
    let length = line.iter().position(|byte| !TOKEN[usize::from(*byte)]);
    match length {
        Some(length) if length > 0 && line[length] == b':' => Ok(length),
        Some(0) if line[0] == b' ' || line[0] == b'\t' => Err(ClientError::UnexpectedSpace),
        _ => Err(ClientError::InvalidHeaderToken),
    }
}

/// Field content: visible bytes, space, tab and obs-text. Written without an early exit, so that it is vectorised.
pub(super) fn check_value(value: &[u8]) -> Result<(), ClientError> {
    let bad = value.iter().fold(false, |bad, byte| {
        bad | (*byte < 0x20 && *byte != b'\t') | (*byte == 0x7f)
    });
    if !bad {
        return Ok(());
    }
    let first = value
        .iter()
        .find(|byte| (**byte < 0x20 && **byte != b'\t') || **byte == 0x7f);
    Err(if first == Some(&b'\r') {
        ClientError::LfExpected
    } else {
        ClientError::HeaderValueChar
    })
}

pub(super) fn content_length(raw: &[u8]) -> Result<u64, ClientError> {
    let digits = raw
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(raw.len());
    if digits == 0 || raw[digits..].iter().any(|byte| *byte != b' ') {
        return Err(ClientError::InvalidContentLength);
    }
    let mut value: u64 = 0;
    for digit in &raw[..digits] {
        value = value
            .checked_mul(10)
            .and_then(|value| value.checked_add(u64::from(digit - b'0')))
            .ok_or(ClientError::InvalidContentLength)?;
    }
    Ok(value)
}

/// Whether the last coding is `chunked`, followed by spaces at most. It must not stand before others.
pub(super) fn ends_in_chunked(raw: &[u8]) -> Result<bool, ClientError> {
    let end = raw
        .iter()
        .rposition(|byte| *byte != b' ')
        .map_or(0, |last| last + 1);
    let is_chunked =
        |coding: &[u8]| coding[leading_space(coding)..].eq_ignore_ascii_case(b"chunked");
    let mut codings = raw[..end].rsplit(|byte| *byte == b',');
    let last = codings.next().is_some_and(is_chunked);
    if codings.any(|coding| is_chunked(coding.trim_ascii_end())) {
        return Err(ClientError::InvalidTransferEncoding);
    }
    Ok(last)
}

/// `100-continue` as a word of its own, as Node's `/(?:^|\W)100-continue(?:$|\W)/i` finds it.
pub(super) fn asks_continue(value: &[u8]) -> bool {
    const WORD: &[u8] = b"100-continue";
    let boundary =
        |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
    value.windows(WORD.len()).enumerate().any(|(at, window)| {
        window.eq_ignore_ascii_case(WORD)
            && boundary(at.checked_sub(1).and_then(|before| value.get(before)))
            && boundary(value.get(at + WORD.len()))
    })
}

pub(super) fn count(byte: u8, bytes: &[u8]) -> usize {
    bytes
        .iter()
        .position(|other| *other != byte)
        .unwrap_or(bytes.len())
}

pub(super) fn leading_space(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .position(|byte| !matches!(byte, b' ' | b'\t'))
        .unwrap_or(bytes.len())
}

pub(super) fn trailing_space(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .rev()
        .position(|byte| !matches!(byte, b' ' | b'\t'))
        .unwrap_or(bytes.len())
}

pub(super) fn trimmed_length(bytes: &[u8]) -> usize {
    let colon = memchr(b':', bytes).map_or(0, |at| at + 1);
    bytes.len() - leading_space(&bytes[colon..])
}
