//! Watches the direct connections of a JavaScript thread in that thread's own event loop: one `uv_poll_t` on the descriptor
//! of a `DirectSet`. What is read there is decided in `rnode-http`; here is only how the loop calls it, and how that ends.
//!
//! The functions of libuv and the newer ones of Node-API are looked up in the program; where one is missing there is no poller,
//! and no connection becomes direct.

use crate::executor::JsThread;
use crate::panic::log;
use neon::sys::bindings::{Env, Status};
use rnode_http::{DirectSet, IoPool, panic_text};
use std::ffi::{c_int, c_uint, c_void};
use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

/// `UV_POLL` of `uv_handle_type`.
const UV_POLL: c_uint = 8;
/// `UV_READABLE` of `uv_poll_event`.
const UV_READABLE: c_int = 1;

type Handle = *mut c_void;
type Callback = unsafe extern "C" fn(Handle, c_int, c_int);
type Closed = unsafe extern "C" fn(Handle);
type Hook = *mut c_void;
type AtEnd = unsafe extern "C" fn(Hook, *mut c_void);

/// What is used of the program, by its C declarations.
struct Program {
    loop_of: unsafe extern "C" fn(Env, *mut *mut c_void) -> Status,
    add_hook: unsafe extern "C" fn(Env, AtEnd, *mut c_void, *mut Hook) -> Status,
    remove_hook: unsafe extern "C" fn(Hook) -> Status,
    handle_size: unsafe extern "C" fn(c_uint) -> usize,
    poll_init: unsafe extern "C" fn(*mut c_void, Handle, c_int) -> c_int,
    poll_start: unsafe extern "C" fn(Handle, c_int, Callback) -> c_int,
    unref: unsafe extern "C" fn(Handle),
    close: unsafe extern "C" fn(Handle, Closed),
    set_data: unsafe extern "C" fn(Handle, *mut c_void),
    data: unsafe extern "C" fn(Handle) -> *mut c_void,
}

impl Program {
    fn get() -> Option<&'static Self> {
        static PROGRAM: OnceLock<Option<Program>> = OnceLock::new();
        PROGRAM.get_or_init(Self::load).as_ref()
    }

    fn load() -> Option<Self> {
        let program = libloading::os::unix::Library::this();
        macro_rules! symbol {
            ($name:literal) => {
                // SAFETY: the field's type is that of the function's C declaration, and the function belongs to the
                // program, which is never unloaded.
                *unsafe { program.get(concat!($name, "\0").as_bytes()) }.ok()?
            };
        }
        Some(Self {
            loop_of: symbol!("napi_get_uv_event_loop"),
            add_hook: symbol!("napi_add_async_cleanup_hook"),
            remove_hook: symbol!("napi_remove_async_cleanup_hook"),
            handle_size: symbol!("uv_handle_size"),
            poll_init: symbol!("uv_poll_init"),
            poll_start: symbol!("uv_poll_start"),
            unref: symbol!("uv_unref"),
            close: symbol!("uv_close"),
            set_data: symbol!("uv_handle_set_data"),
            data: symbol!("uv_handle_get_data"),
        })
    }
}

/// What the handle's data points to, until the handle is closed.
struct Poller {
    program: &'static Program,
    env: Env,
    thread: JsThread,
    pool: Arc<IoPool>,
    set: Arc<DirectSet>,
    hook: Hook,
    /// Memory of the handle, aligned as `malloc` would.
    _memory: Box<[u128]>,
}

/// Starts to watch direct connections for the environment `env`; `None` where that cannot be done.
///
/// Must be called on the environment's thread.
///
/// `thread` must be able to [`run`](JsThread::run).
pub(crate) fn start(env: Env, thread: JsThread, pool: &Arc<IoPool>) -> Option<Arc<DirectSet>> {
    let program = Program::get()?;
    let set = Arc::new(DirectSet::new().ok()?);
    let mut uv_loop = std::ptr::null_mut();
    // SAFETY: `env` is the environment of the running call; the result is a local.
    if unsafe { (program.loop_of)(env, &mut uv_loop) } != Status::Ok {
        return None;
    }
    // SAFETY: a plain question.
    let size = unsafe { (program.handle_size)(UV_POLL) };
    let mut memory = vec![0_u128; size.div_ceil(size_of::<u128>())].into_boxed_slice();
    let handle: Handle = memory.as_mut_ptr().cast();
    // SAFETY: the loop is the calling thread's, the memory is as large as libuv wants it and stays where it is until the
    // handle is closed, and the descriptor is open as long as the set, which the poller below holds.
    if unsafe { (program.poll_init)(uv_loop, handle, set.as_raw_fd()) } != 0 {
        return None;
    }
    let poller = Box::into_raw(Box::new(Poller {
        program,
        env,
        thread,
        pool: pool.clone(),
        set: set.clone(),
        hook: std::ptr::null_mut(),
        _memory: memory,
    }));
    // SAFETY: the handle is initialised, and all is called on its loop's thread. The poller is freed by `closed` alone, after
    // which libuv calls nothing more. The hook's place is in the poller, and no callback runs before this function has returned.
    let watched = unsafe {
        (program.set_data)(handle, poller.cast());
        (program.unref)(handle);
        let hooked = (program.add_hook)(env, at_end, handle, &mut (*poller).hook) == Status::Ok;
        if !hooked {
            (program.close)(handle, closed);
        }
        // Without a start the handle does nothing, until the hook closes it.
        hooked && (program.poll_start)(handle, UV_READABLE, readable) == 0
    };
    watched.then_some(set)
}

/// The environment ends: libuv wants the handle closed before the loop is.
unsafe extern "C" fn at_end(_: Hook, handle: *mut c_void) {
    // SAFETY: `start` gave this handle, whose data is its poller, and it is closed here only.
    unsafe {
        let program = Program::get().expect("it was there when the poller was made");
        let poller: *const Poller = (program.data)(handle).cast();
        (*poller).set.close();
        (*poller).thread.end((*poller).env);
        (program.close)(handle, closed);
    }
}

unsafe extern "C" fn closed(handle: Handle) {
    // SAFETY: as in `at_end`; libuv is done with the handle, so that its memory may go with the poller.
    let poller = unsafe {
        let program = Program::get().expect("it was there when the poller was made");
        Box::from_raw((program.data)(handle).cast::<Poller>())
    };
    if !poller.hook.is_null() {
        // SAFETY: the hook was made with the poller and is removed once. The environment waits for that.
        let _ = unsafe { (poller.program.remove_hook)(poller.hook) };
    }
}

unsafe extern "C" fn readable(handle: Handle, _: c_int, _: c_int) {
    // SAFETY: as in `at_end`; the handle is not closed, and nothing frees the poller during this call: `closed` is called
    // by the loop, later.
    let poller = unsafe {
        let program = Program::get().expect("it was there when the poller was made");
        &*(program.data)(handle).cast::<Poller>()
    };
    // The frames are taken right here, without a wake.
    let wanted = poller.thread.collect(|| {
        let served = catch_unwind(AssertUnwindSafe(|| poller.pool.serve_direct(&poller.set)));
        if let Err(panic) = served {
            log(&format!(
                "panic at a direct connection: {}",
                panic_text(&*panic)
            ));
        }
    });
    if wanted {
        poller.thread.run(poller.env);
    }
}
