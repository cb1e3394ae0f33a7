//! How the queue reaches its JavaScript thread: one `Channel` callback that calls the drain function.
//! Must not read frames; what there is to do, JavaScript asks for with `take`.

use crate::env::lock;
use crate::panic::log;
use neon::event::Channel;
use neon::prelude::*;
use neon::sys::bindings::{self as napi, Env, Status, Value as RawValue};
use rnode_bridge::Executor;
use std::sync::{Arc, Mutex, OnceLock};

/// One JavaScript thread as its queue sees it.
pub(crate) struct JsThread(Arc<Inner>);

struct Inner {
    channel: Channel,
    /// None while the environment rests.
    drain: Mutex<Option<Root<JsFunction>>>,
}

impl JsThread {
    /// `channel` must not be referenced: the queue itself never keeps an event loop alive.
    pub(crate) fn new(channel: Channel, drain: Root<JsFunction>) -> Self {
        let drain = Mutex::new(Some(drain));
        Self(Arc::new(Inner { channel, drain }))
    }

    /// A second handle to the same thread.
    pub(crate) fn share(&self) -> Self {
        Self(self.0.clone())
    }

    pub(crate) fn is_resting(&self) -> bool {
        lock(&self.0.drain).is_none()
    }

    /// Lets go of the drain function, which keeps alive all that it can reach. The queue stays open, and nobody reads it.
    pub(crate) fn rest<'cx>(&self, cx: &mut impl Context<'cx>) {
        let drain = lock(&self.0.drain).take();
        if let Some(drain) = drain {
            drain.drop(cx);
        }
    }

    /// Ends a rest. What has come meanwhile is drained in a turn of its own.
    pub(crate) fn resume(&self, drain: Root<JsFunction>) {
        *lock(&self.0.drain) = Some(drain);
        schedule(&self.0);
    }
}

impl Executor for JsThread {
    fn wake(&self) {
        schedule(&self.0);
    }
}

fn schedule(thread: &Arc<Inner>) {
    let inner = thread.clone();
    // It fails only when the environment is ending, and then its queue is about to be closed.
    let _ = thread.channel.try_send(move |mut cx| {
        turn(&mut cx, &inner);
        Ok(())
    });
}

/// One turn. Node runs it inside a callback scope, so `process.nextTick` and microtasks follow before anything else.
fn turn(cx: &mut Cx<'_>, thread: &Arc<Inner>) {
    let Some(drain) = lock(&thread.drain).as_ref().map(|root| root.to_inner(cx)) else {
        return;
    };
    let Some(exception) = call(cx, drain) else {
        return;
    };
    // The queue wakes nobody before `take` has said that nothing is left. A drain that threw may not have come that far.
    schedule(thread);
    uncaught(cx.to_raw(), exception);
}

/// Calls `function()`; what it threw, if it did.
///
/// Not neon's `call`, which asserts that a failed call left an exception behind. That is not so in a worker that is
/// being terminated.
fn call(cx: &mut Cx<'_>, function: Handle<'_, JsFunction>) -> Option<RawValue> {
    let env = cx.to_raw();
    let this = cx.undefined().to_raw();
    let (mut result, mut exception) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: `env` is the environment of this callback and of both handles, and it has no exception pending; no
    // arguments are announced, so the null list is not read; the results are locals that outlive the calls.
    unsafe {
        napi::call_function(
            env,
            this,
            function.to_raw(),
            0,
            std::ptr::null(),
            &mut result,
        )
        .err()?;
        napi::get_and_clear_last_exception(env, &mut exception).ok()?;
    }
    (!exception.is_null()).then_some(exception)
}

/// Hands an exception to Node as one that nobody caught: `'uncaughtException'`, or the end of the process.
///
/// Not by leaving it to neon, which makes an unhandled rejection of another error of it.
fn uncaught(env: Env, exception: RawValue) {
    type FatalException = unsafe extern "C" fn(Env, RawValue) -> Status;
    static FUNCTION: OnceLock<Option<FatalException>> = OnceLock::new();
    let function = FUNCTION.get_or_init(|| {
        let host = libloading::os::unix::Library::this();
        // SAFETY: the name and the signature are those of Node-API's `napi_fatal_exception` (version 3), and the
        // function belongs to the program, which is never unloaded.
        let symbol = unsafe { host.get::<FatalException>(b"napi_fatal_exception\0") };
        symbol.ok().map(|symbol| *symbol)
    });
    match function {
        // SAFETY: `env` is the environment of the running callback, and `exception` a handle in its scope.
        // A failure means that the environment is ending, and then nobody is left to tell.
        Some(function) => drop(unsafe { function(env, exception) }),
        None => log("an exception was lost: this Node has no napi_fatal_exception"),
    }
}
