//! How the queue reaches its JavaScript thread: one `Channel` callback that calls the drain function, or, where that
//! thread itself has put something in the queue, a call from where it is.
//! Must not read frames; what there is to do, JavaScript asks for with `take`.

use crate::env::lock;
use crate::panic::log;
use neon::event::Channel;
use neon::prelude::*;
use neon::sys::bindings::{self as napi, Env, Status, Value as RawValue};
use rnode_bridge::Executor;
use std::ffi::c_void;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// A wake goes through the event loop.
const SEND: u8 = 0;
/// The JavaScript thread is about to ask whether a wake is wanted.
const COLLECT: u8 = 1;
/// It is.
const WANTED: u8 = 2;

/// One JavaScript thread as its queue sees it.
pub(crate) struct JsThread(Arc<Inner>);

struct Inner {
    channel: Channel,
    /// None while the environment rests.
    drain: Mutex<Option<Root<JsFunction>>>,
    wakes: AtomicU8,
    direct: OnceLock<Direct>,
}

/// What calls the drain function from outside of a callback of Node's.
struct Direct {
    make_callback: MakeCallback,
    async_destroy: AsyncDestroy,
    context: *mut c_void,
    /// None while the environment rests.
    drain: Mutex<Option<napi::Ref>>,
}

// SAFETY: the pointers are handles of the environment, used on its thread only (`run`), which is where they were made.
unsafe impl Send for Direct {}
// SAFETY: the same.
unsafe impl Sync for Direct {}

type MakeCallback = unsafe extern "C" fn(
    Env,
    *mut c_void,
    RawValue,
    RawValue,
    usize,
    *const RawValue,
    *mut RawValue,
) -> Status;
type AsyncInit = unsafe extern "C" fn(Env, RawValue, RawValue, *mut *mut c_void) -> Status;

type AsyncDestroy = unsafe extern "C" fn(Env, *mut c_void) -> Status;

impl JsThread {
    /// `channel` must not be referenced: the queue itself never keeps an event loop alive.
    pub(crate) fn new(channel: Channel, drain: Root<JsFunction>) -> Self {
        Self(Arc::new(Inner {
            channel,
            drain: Mutex::new(Some(drain)),
            wakes: AtomicU8::new(SEND),
            direct: OnceLock::new(),
        }))
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
        if let Some(direct) = self.0.direct.get()
            && let Some(drain) = lock(&direct.drain).take()
        {
            // SAFETY: it was made for this environment, and is used no more.
            let _ = unsafe { napi::delete_reference(cx.to_raw(), drain) };
        }
    }

    /// Ends a rest. What has come meanwhile is drained in a turn of its own.
    pub(crate) fn resume<'cx>(&self, cx: &mut impl Context<'cx>, drain: Handle<'cx, JsFunction>) {
        *lock(&self.0.drain) = Some(drain.root(cx));
        if let Some(direct) = self.0.direct.get() {
            *lock(&direct.drain) = reference(cx, drain);
        }
        schedule(&self.0);
    }

    /// Makes [`run`](Self::run) possible. False where Node lacks what it takes. Once.
    pub(crate) fn enable_run<'cx>(
        &self,
        cx: &mut FunctionContext<'cx>,
        drain: Handle<'cx, JsFunction>,
    ) -> bool {
        let host = libloading::os::unix::Library::this();
        // SAFETY: names and signatures are those of Node-API (version 1), and the functions belong to the program, which is
        // never unloaded.
        let (init, make, destroy) = unsafe {
            (
                host.get::<AsyncInit>(b"napi_async_init\0"),
                host.get::<MakeCallback>(b"napi_make_callback\0"),
                host.get::<AsyncDestroy>(b"napi_async_destroy\0"),
            )
        };
        let (Ok(init), Ok(make), Ok(destroy)) = (init, make, destroy) else {
            return false;
        };
        let name = cx.string("rnode-server").to_raw();
        let mut context = std::ptr::null_mut();
        // SAFETY: the environment is that of the running call and of the name; a resource may be null; the result is a local.
        let made = unsafe { init(cx.to_raw(), std::ptr::null_mut(), name, &mut context) };
        let direct = Direct {
            make_callback: *make,
            async_destroy: *destroy,
            context,
            drain: Mutex::new(reference(cx, drain)),
        };
        made == Status::Ok && self.0.direct.set(direct).is_ok()
    }

    /// Forgets what [`enable_run`](Self::enable_run) made: the environment ends.
    pub(crate) fn end(&self, env: Env) {
        if let Some(direct) = self.0.direct.get() {
            // SAFETY: it was made for this environment by `napi_async_init`, and `run` is not called again.
            let _ = unsafe { (direct.async_destroy)(env, direct.context) };
        }
    }

    /// Calls `f`, and returns whether it has put something in the queue that nobody else was woken for: the caller sees to it
    /// that it is taken. Called on the JavaScript thread, and not from within `f`.
    pub(crate) fn collect(&self, f: impl FnOnce()) -> bool {
        let collecting = Collecting(&self.0);
        self.0.wakes.store(COLLECT, Ordering::SeqCst);
        f();
        collecting.end()
    }

    /// Calls the drain function. Called on the JavaScript thread by its event loop, with no JavaScript on the stack.
    pub(crate) fn run(&self, env: Env) {
        let Some(direct) = self.0.direct.get() else {
            return schedule(&self.0);
        };
        let Some(reference) = *lock(&direct.drain) else {
            return;
        };
        let mut scope = std::mem::MaybeUninit::uninit();
        // SAFETY: `env` is alive, since its event loop calls, and this is its thread; the handles are used within the scope,
        // which is closed last; no arguments are announced, so the null list is not read; the results are locals.
        unsafe {
            if napi::open_handle_scope(env, scope.as_mut_ptr()).is_err() {
                return;
            }
            let (mut drain, mut this) = (std::ptr::null_mut(), std::ptr::null_mut());
            let (mut result, mut exception) = (std::ptr::null_mut(), std::ptr::null_mut());
            if napi::get_reference_value(env, reference, &mut drain).is_ok()
                && napi::get_global(env, &mut this).is_ok()
            {
                let status = (direct.make_callback)(
                    env,
                    direct.context,
                    this,
                    drain,
                    0,
                    std::ptr::null(),
                    &mut result,
                );
                if status != Status::Ok
                    && napi::get_and_clear_last_exception(env, &mut exception).is_ok()
                    && !exception.is_null()
                {
                    // As in `turn`.
                    schedule(&self.0);
                    uncaught(env, exception);
                }
            }
            let _ = napi::close_handle_scope(env, scope.assume_init());
        }
    }
}

fn reference<'cx>(
    cx: &mut impl Context<'cx>,
    function: Handle<'cx, JsFunction>,
) -> Option<napi::Ref> {
    let mut reference = std::ptr::null_mut();
    // SAFETY: the environment is that of the running call and of the handle; the result is a local.
    let made = unsafe { napi::create_reference(cx.to_raw(), function.to_raw(), 1, &mut reference) };
    made.is_ok().then_some(reference)
}

/// Sees to it that no wake is lost when `f` panics.
struct Collecting<'a>(&'a Arc<Inner>);

impl Collecting<'_> {
    fn end(&self) -> bool {
        self.0.wakes.swap(SEND, Ordering::SeqCst) == WANTED
    }
}

impl Drop for Collecting<'_> {
    fn drop(&mut self) {
        if self.end() {
            schedule(self.0);
        }
    }
}

impl Executor for JsThread {
    fn wake(&self) {
        let wakes = &self.0.wakes;
        let seqcst = Ordering::SeqCst;
        if wakes.load(Ordering::Relaxed) != SEND
            && wakes
                .compare_exchange(COLLECT, WANTED, seqcst, seqcst)
                .is_ok()
        {
            return;
        }
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
