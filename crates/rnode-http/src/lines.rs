//! Header lines from JavaScript: what may be written as it is. JavaScript has checked them before; nothing here repairs
//! them, and a head with lines that are not safe is refused as a whole.

/// Returns true if and only if `lines` is empty or a sequence of non-empty lines that each end with CRLF and hold
/// no other CR, LF or NUL: what cannot end a head early or start a second response.
pub(crate) fn lines_are_safe(lines: &[u8]) -> bool {
    if lines.is_empty() {
        return true;
    }
    if !lines.ends_with(b"\r\n") {
        return false;
    }
    let mut line_start = 0;
    let mut skip = usize::MAX;
    for at in memchr::memchr3_iter(b'\r', b'\n', 0, lines) {
        if at == skip {
            continue;
        }
        if lines[at] != b'\r' || lines.get(at + 1) != Some(&b'\n') || at == line_start {
            return false;
        }
        skip = at + 1;
        line_start = at + 2;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_lines_are_safe() {
        for good in [&b""[..], b"A: b\r\n", b"A: b\r\nC:\r\n", b"A: \xff\r\n"] {
            assert!(lines_are_safe(good), "{good:?}");
        }
        for bad in [
            &b"A: b"[..],
            b"\r\n",
            b"A: b\r\n\r\n",
            b"\r\nA: b\r\n",
            b"A: b\n",
            b"A: b\nC: d\r\n",
            b"A: b\rC: d\r\n",
            b"A: \0\r\n",
            b"A: b\r\r\n",
            b"A: b\r\n\n",
        ] {
            assert!(!lines_are_safe(bad), "{bad:?}");
        }
    }
}
