//! The first line of a request: method, target and version, with the spellings that Node's parser takes and refuses.
//! Says nothing of headers, and does not decode the target: that is the router's to do.

use super::parse::Limits;
use super::syntax::count;
use memchr::memchr;
use rnode_bridge::codes::ClientError;
use rnode_router::Method;

/// Method, start and end of the target, and whether it is HTTP/1.0.
pub(super) fn request_line(
    bytes: &[u8],
    start: usize,
    line_end: usize,
) -> Result<(Method, (usize, usize), bool), ClientError> {
    let line = &bytes[start..line_end];
    let method_length = memchr(b' ', line).ok_or(ClientError::InvalidMethod)?;
    let method = Method::from_bytes(&line[..method_length]).ok_or(ClientError::InvalidMethod)?;
    let url_start = method_length + count(b' ', &line[method_length..]);
    let url_length = memchr(b' ', &line[url_start..]).ok_or(ClientError::InvalidUrl)?;
    let url = &line[url_start..url_start + url_length];
    check_target(url, method)?;
    let rest = &line[url_start + url_length..];
    let version = &rest[count(b' ', rest)..];
    let http10 = match version {
        b"HTTP/1.1\r" => false,
        b"HTTP/1.0\r" => true,
        b"HTTP/1.1" | b"HTTP/1.0" => return Err(ClientError::CrExpected),
        _ if version.starts_with(b"HTTP/") => return Err(ClientError::InvalidVersion),
        _ => return Err(ClientError::InvalidConstant),
    };
    Ok((
        method,
        (start + url_start, start + url_start + url_length),
        http10,
    ))
}

/// A request line that never ends must not be waited for: the method and the size can be judged before.
pub(super) fn check_partial_request_line(line: &[u8], limits: Limits) -> Result<(), ClientError> {
    match memchr(b' ', line) {
        Some(length) => {
            Method::from_bytes(&line[..length]).ok_or(ClientError::InvalidMethod)?;
            if line.len() - length > limits.size {
                Err(ClientError::HeaderOverflow)
            } else {
                Ok(())
            }
        }
        None if rnode_router::METHODS
            .iter()
            .any(|known| known.as_bytes().starts_with(line)) =>
        {
            Ok(())
        }
        None => Err(ClientError::InvalidMethod),
    }
}

/// Origin-form, absolute-form, `*` and, for CONNECT, authority-form, with the characters that Node lets through.
fn check_target(url: &[u8], method: Method) -> Result<(), ClientError> {
    let rest = match url.first() {
        Some(b'/' | b'*') if method.as_str() != "CONNECT" => url,
        Some(byte) if byte.is_ascii_alphabetic() && method.as_str() != "CONNECT" => {
            let scheme = url
                .iter()
                .position(|byte| !byte.is_ascii_alphabetic())
                .unwrap_or(url.len());
            after_authority(
                url[scheme..]
                    .strip_prefix(b"://")
                    .ok_or(ClientError::InvalidUrl)?,
            )?
        }
        Some(_) if method.as_str() == "CONNECT" => after_authority(url)?,
        _ => return Err(ClientError::InvalidUrl),
    };
    let bad = rest
        .iter()
        .fold(false, |bad, byte| bad | !matches!(byte, 0x21..=0x7e));
    if bad {
        Err(ClientError::InvalidUrl)
    } else {
        Ok(())
    }
}

/// Checks an authority and returns what follows it. It may be empty, as it may for Node.
fn after_authority(bytes: &[u8]) -> Result<&[u8], ClientError> {
    let length = bytes
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?'))
        .unwrap_or(bytes.len());
    let allowed =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()%;:&=+$,[]@".contains(byte);
    let authority = &bytes[..length];
    if !authority.iter().all(allowed) || authority.windows(2).any(|pair| pair == b"@@") {
        return Err(ClientError::InvalidUrl);
    }
    Ok(&bytes[length..])
}
