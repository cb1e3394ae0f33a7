//! How the queue reaches its JavaScript thread: one `uv_async_t` in that thread's event loop, whose callback calls the drain
//! function; or, where that thread itself has put something in the queue, a call from where it is.
//! Must not read frames; what there is to do, JavaScript asks for with `take`.
//!
//! Not neon's `Channel` (a threadsafe function of Node-API): that wakes the thread while it holds a lock which the woken
//! thread takes first, so that a wake costs both sides a futex and two more context switches; and it allocates per call.

use crate::env::lock;
use crate::program::{Handle, Hook, Program, UV_ASYNC};
use neon::prelude::{Context, FunctionContext, JsFunction, Value};
use neon::sys::bindings::{self as napi, Env, Status};
use rnode_bridge::Executor;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

/// A wake goes through the event loop.
const SEND: u8 = 0;
/// The JavaScript thread is about to ask whether a wake is wanted.
const COLLECT: u8 = 1;
/// It is.
const WANTED: u8 = 2;

type Function<'cx> = neon::handle::Handle<'cx, JsFunction>;

/// Bytes in the queue with which it is time to begin: some thirty requests of a browser.
const PATIENCE: usize = 16 << 10;

/// One JavaScript thread as its queue sees it.
pub(crate) struct JsThread(Arc<Inner>);

struct Inner {
    program: &'static Program,
    env: Env,
    /// Of `napi_async_init`: what the drain function is called in.
    context: *mut c_void,
    /// None while the environment rests, and when it has ended.
    drain: Mutex<Option<napi::Ref>>,
    /// None when the environment has ended.
    handle: Mutex<Option<Handle>>,
    wakes: AtomicU8,
}

// SAFETY: `env`, `context` and `drain` are used on the environment's thread only (`run` and what ends it), which is where they
// were made. `handle` is used elsewhere by `uv_async_send` alone, which may be called from any thread, and under the lock
// under which it is taken away before it is closed.
unsafe impl Send for Inner {}
// SAFETY: the same.
unsafe impl Sync for Inner {}

/// What the handle's data points to, until the handle is closed.
struct Watch {
    thread: JsThread,
    hook: Hook,
    /// Memory of the handle.
    _memory: Box<[u128]>,
}

impl JsThread {
    /// The thread of the running call, whose queue calls `drain`. The event loop is not kept alive by it (see
    /// [`reference`](Self::reference)).
    ///
    /// # Errors
    /// What is missing.
    pub(crate) fn start<'cx>(
        cx: &mut FunctionContext<'cx>,
        drain: Function<'cx>,
    ) -> Result<Self, &'static str> {
        let program = Program::get().ok_or("this program has no functions of libuv")?;
        let env = cx.to_raw();
        let name = cx.string("rnode-server").to_raw();
        let (mut context, mut uv_loop) = (null_mut(), null_mut());
        // SAFETY: the environment is that of the running call and of the name; a resource may be null; the results are locals.
        let made = unsafe {
            (program.loop_of)(env, &mut uv_loop) == Status::Ok
                && (program.async_context)(env, null_mut(), name, &mut context) == Status::Ok
        };
        if !made {
            return Err("no event loop");
        }
        let mut memory = program.handle_memory(UV_ASYNC);
        let handle: Handle = memory.as_mut_ptr().cast();
        // SAFETY: the loop is the calling thread's, the memory is as large as libuv wants it and stays where it is until the
        // handle is closed.
        if unsafe { (program.async_init)(uv_loop, handle, woken) } != 0 {
            return Err("the event loop takes no handle");
        }
        let thread = Self(Arc::new(Inner {
            program,
            env,
            context,
            drain: Mutex::new(reference(cx, drain)),
            handle: Mutex::new(Some(handle)),
            wakes: AtomicU8::new(SEND),
        }));
        let watch = Box::into_raw(Box::new(Watch {
            thread: thread.share(),
            hook: null_mut(),
            _memory: memory,
        }));
        // SAFETY: the handle is initialised, and all is called on its loop's thread. The watch is freed by `closed` alone, after
        // which libuv calls nothing more. The hook's place is in the watch, and no callback runs before this function has returned.
        unsafe {
            (program.set_data)(handle, watch.cast());
            (program.unreference)(handle);
            if (program.add_hook)(env, at_end, handle, &mut (*watch).hook) != Status::Ok {
                at_end(null_mut(), handle);
                return Err("the environment is ending");
            }
        }
        Ok(thread)
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
        if let Some(drain) = lock(&self.0.drain).take() {
            // SAFETY: it was made for this environment, and is used no more.
            let _ = unsafe { napi::delete_reference(cx.to_raw(), drain) };
        }
    }

    /// Ends a rest. What has come meanwhile is drained in a turn of its own.
    pub(crate) fn resume<'cx>(&self, cx: &mut impl Context<'cx>, drain: Function<'cx>) {
        *lock(&self.0.drain) = reference(cx, drain);
        self.0.send();
    }

    /// From here on the event loop is kept alive, or not.
    pub(crate) fn reference(&self, wanted: bool) {
        if let Some(handle) = *lock(&self.0.handle) {
            let program = self.0.program;
            // SAFETY: the handle is not closed, and this is its loop's thread: only calls of JavaScript come here.
            unsafe {
                if wanted {
                    (program.reference)(handle);
                } else {
                    (program.unreference)(handle);
                }
            }
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

    /// Calls the drain function. Node runs it inside a callback scope, so `process.nextTick` and microtasks follow before anything
    /// else. Called on the JavaScript thread by its event loop, with no JavaScript on the stack.
    pub(crate) fn run(&self) {
        let inner = &*self.0;
        let Some(reference) = *lock(&inner.drain) else {
            return;
        };
        let env = inner.env;
        let mut scope = std::mem::MaybeUninit::uninit();
        // SAFETY: `env` is alive, since its event loop calls, and this is its thread; the handles are used within the scope,
        // which is closed last; no arguments are announced, so the null list is not read; the results are locals.
        unsafe {
            if napi::open_handle_scope(env, scope.as_mut_ptr()).is_err() {
                return;
            }
            let (mut drain, mut this) = (null_mut(), null_mut());
            let (mut result, mut exception) = (null_mut(), null_mut());
            if napi::get_reference_value(env, reference, &mut drain).is_ok()
                && napi::get_global(env, &mut this).is_ok()
            {
                let status = (inner.program.make_callback)(
                    env,
                    inner.context,
                    this,
                    drain,
                    0,
                    std::ptr::null(),
                    &mut result,
                );
                // A call may fail without an exception: in a worker that is being terminated.
                if status != Status::Ok
                    && napi::get_and_clear_last_exception(env, &mut exception).is_ok()
                    && !exception.is_null()
                {
                    // The queue wakes nobody before `take` has said that nothing is left. A drain that threw may not
                    // have come that far.
                    inner.send();
                    // One that nobody caught: `'uncaughtException'`, or the end of the process. A failure means that the
                    // environment is ending, and then nobody is left to tell.
                    let _ = (inner.program.fatal_exception)(env, exception);
                }
            }
            let _ = napi::close_handle_scope(env, scope.assume_init());
        }
    }
}

fn reference<'cx>(cx: &mut impl Context<'cx>, function: Function<'cx>) -> Option<napi::Ref> {
    let mut reference = null_mut();
    // SAFETY: the environment is that of the running call and of the handle; the result is a local.
    let made = unsafe { napi::create_reference(cx.to_raw(), function.to_raw(), 1, &mut reference) };
    made.is_ok().then_some(reference)
}

impl Inner {
    /// Has the event loop call `woken`, once for all calls until then.
    fn send(&self) {
        if let Some(handle) = *lock(&self.handle) {
            // SAFETY: the handle is not closed, nor will it be while the lock is held.
            unsafe { (self.program.async_send)(handle) };
        }
    }
}

/// Sees to it that no wake is lost when `f` panics.
struct Collecting<'a>(&'a Inner);

impl Collecting<'_> {
    fn end(&self) -> bool {
        self.0.wakes.swap(SEND, Ordering::SeqCst) == WANTED
    }
}

impl Drop for Collecting<'_> {
    fn drop(&mut self) {
        if self.end() {
            self.0.send();
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
        self.0.send();
    }

    fn patience(&self) -> usize {
        PATIENCE
    }
}

/// What the handle belongs to.
///
/// # Safety
/// `handle` is one that `JsThread::start` has set up and that is not closed yet, or just now.
unsafe fn watch<'a>(handle: Handle) -> &'a Watch {
    let program = Program::get().expect("it was there when the handle was made");
    // SAFETY: its data is its watch, which `closed` alone frees.
    unsafe { &*(program.data)(handle).cast::<Watch>() }
}

unsafe extern "C" fn woken(handle: Handle) {
    // SAFETY: the loop calls it, so the handle is not closed; nothing frees the watch during this call.
    let watch = unsafe { watch(handle) };
    watch.thread.run();
}

/// The environment ends: libuv wants the handle closed before the loop is.
unsafe extern "C" fn at_end(_: Hook, handle: *mut c_void) {
    // SAFETY: `start` gave this handle, and it is closed here only.
    unsafe {
        let inner = &*watch(handle).thread.0;
        // What is sent from here on is dropped, and nothing runs any more. The environment itself frees the reference.
        *lock(&inner.handle) = None;
        *lock(&inner.drain) = None;
        let _ = (inner.program.end_async_context)(inner.env, inner.context);
        (inner.program.close)(handle, closed);
    }
}

unsafe extern "C" fn closed(handle: Handle) {
    let program = Program::get().expect("it was there when the handle was made");
    // SAFETY: as in `at_end`; libuv is done with the handle, so that its memory may go with the watch.
    let watch = unsafe { Box::from_raw((program.data)(handle).cast::<Watch>()) };
    if !watch.hook.is_null() {
        // SAFETY: the hook was made with the watch and is removed once. The environment waits for that.
        let _ = unsafe { (program.remove_hook)(watch.hook) };
    }
}
