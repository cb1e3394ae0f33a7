//! Reading a JavaScript string into a buffer that is kept from call to call.
//! It must not keep anything of the string but its bytes.

use neon::prelude::*;
use neon::sys::bindings as napi;

/// Capacity that one call of Node-API is tried with; pathnames are shorter.
const FIRST_TRY: usize = 512;
/// Longest UTF-8 sequence of one character.
const LONGEST_CHAR: usize = 4;

/// Replaces the content of `buffer` by `string` as UTF-8 (lone surrogates become U+FFFD, which is as many UTF-16 units)
/// and returns it.
pub(crate) fn read<'b>(
    cx: &mut FunctionContext<'_>,
    string: Handle<'_, JsString>,
    buffer: &'b mut Vec<u8>,
) -> NeonResult<&'b str> {
    if buffer.len() < FIRST_TRY {
        buffer.resize(FIRST_TRY, 0);
    }
    let mut written = copy(cx, string, buffer);
    // Node-API writes whole characters and a NUL. If one more would have had room, it was all.
    if written + LONGEST_CHAR >= buffer.len() {
        buffer.resize(string.size(cx) + LONGEST_CHAR + 1, 0);
        written = copy(cx, string, buffer);
    }
    match std::str::from_utf8(&buffer[..written]) {
        Ok(text) => Ok(text),
        Err(_) => cx.throw_type_error("a string could not be read as UTF-8"),
    }
}

fn copy(cx: &mut FunctionContext<'_>, string: Handle<'_, JsString>, buffer: &mut [u8]) -> usize {
    let mut written = 0;
    // SAFETY: `string` is a string of the running call's environment, and Node-API writes at most `buffer.len()` bytes,
    // the closing NUL included, to a buffer that is that long and borrowed exclusively.
    let status = unsafe {
        napi::get_value_string_utf8(
            cx.to_raw(),
            string.to_raw(),
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            &mut written,
        )
    };
    status.expect("Node-API copies every string into a buffer that is there");
    written
}
