//! What JavaScript has thrown where nobody can catch it, given to Node.
//! It must not decide what becomes of the process: `'uncaughtException'` and Node do.

use crate::program::Program;
use neon::prelude::*;
use neon::sys::bindings::Status;

/// `uncaught(error) -> boolean`: `'uncaughtException'`, or the end of the process, at once. Node's stack of asynchronous contexts is
/// empty afterwards, as behind every such error. False, with nothing done, if the program does not offer that.
pub(crate) fn uncaught<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsBoolean> {
    let error = cx.argument::<JsValue>(0)?;
    let Some(program) = Program::get() else {
        return Ok(cx.boolean(false));
    };
    // SAFETY: the environment is that of the running call, and the value is one of its handles. No exception is pending.
    let status = unsafe { (program.fatal_exception)(cx.to_raw(), error.to_raw()) };
    Ok(cx.boolean(status == Status::Ok))
}
