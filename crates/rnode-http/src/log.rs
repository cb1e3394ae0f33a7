//! Where a line goes that nobody asked for: a panic caught on an I/O thread, a malformed frame.
//! Without a hook it goes to standard error. Must not be used on a path that runs per request.

use std::sync::OnceLock;

static HOOK: OnceLock<fn(&str)> = OnceLock::new();

/// Sets the function that takes log lines (without a line end), for the whole process. The first call wins; returns
/// whether it was this one. The hook runs on I/O threads and must not block.
pub fn set_log(hook: fn(&str)) -> bool {
    HOOK.set(hook).is_ok()
}

pub(crate) fn line(text: &str) {
    match HOOK.get() {
        Some(hook) => hook(text),
        None => eprintln!("rnode-http: {text}"),
    }
}

/// The text of a caught panic.
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    if let Some(text) = panic.downcast_ref::<&str>() {
        text
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text
    } else {
        "panic without a text"
    }
}
