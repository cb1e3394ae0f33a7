//! The panic boundary: a panic below an exported function becomes a thrown `Error` with `code: 'RNODE_ERR_PANIC'`
//! and one line on standard error. Nothing may unwind into Node, and nothing here may panic itself.

use neon::prelude::*;
use neon::sys::bindings as napi;
use rnode_http::panic_text;
use std::io::Write;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;

/// `code` of the thrown error.
const CODE: &str = "RNODE_ERR_PANIC";

/// Wraps an exported function. `name` is the one that JavaScript calls it by.
///
/// Unwind safety: state that outlives the call is behind mutexes whose guards drop during the unwinding, and no
/// function of this crate leaves such a state half changed across a call that can panic.
pub(crate) fn guard<V, F>(
    name: &'static str,
    function: F,
) -> impl Fn(FunctionContext<'_>) -> JsResult<'_, V> + 'static
where
    V: Value,
    F: for<'a, 'cx> Fn(&'a mut FunctionContext<'cx>) -> JsResult<'cx, V> + 'static,
{
    move |mut cx: FunctionContext<'_>| match catch_unwind(AssertUnwindSafe(|| function(&mut cx))) {
        Ok(result) => result,
        Err(panic) => throw(&mut cx, name, panic_text(&*panic)),
    }
}

fn throw<'cx, V: Value>(cx: &mut FunctionContext<'cx>, name: &str, text: &str) -> JsResult<'cx, V> {
    // A pending exception would make every call below fail; the panic is the worse of the two.
    let mut pending = std::ptr::null_mut();
    // SAFETY: the environment is that of the running call, and `pending` outlives the call.
    let _ = unsafe { napi::get_and_clear_last_exception(cx.to_raw(), &mut pending) };
    let error = cx.error(format!("panic in rnode-server's addon ({name}): {text}"))?;
    let code = cx.string(CODE);
    error.set(cx, "code", code)?;
    cx.throw(error)
}

/// Sends panics of all threads and `rnode-http`'s log lines to standard error, one line each. Once per process.
pub(crate) fn install_hooks() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // The hook belongs to this library's copy of std; other addons keep theirs.
        std::panic::set_hook(Box::new(log_panic));
        rnode_http::set_log(log);
    });
}

fn log_panic(info: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("javascript");
    let text = panic_text(info.payload());
    match info.location() {
        Some(place) => log(&format!("panic in thread '{name}' at {place}: {text}")),
        None => log(&format!("panic in thread '{name}': {text}")),
    }
    // Filled only where RUST_BACKTRACE asks for it.
    let backtrace = std::backtrace::Backtrace::capture();
    if backtrace.status() == std::backtrace::BacktraceStatus::Captured {
        log(&backtrace.to_string());
    }
}

/// Writes one line. Unlike `eprintln!` it does not panic where standard error is closed.
pub(crate) fn log(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "rnode-server: {line}");
}

/// `panicForTest()`: panics.
pub(crate) fn panic_for_test<'cx>(_: &mut FunctionContext<'cx>) -> JsResult<'cx, JsUndefined> {
    panic!("asked for by a test")
}
