//! Watches the direct connections of a JavaScript thread in that thread's own event loop: one `uv_poll_t` on the descriptor
//! of a `DirectSet`. What is read there is decided in `rnode-http`; here is only how the loop calls it, and how that ends.

use crate::executor::JsThread;
use crate::panic::log;
use crate::program::{Handle, Hook, Program, UV_POLL};
use neon::sys::bindings::{Env, Status};
use rnode_http::{DirectSet, IoPool, panic_text};
use std::ffi::{c_int, c_void};
use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// `UV_READABLE` of `uv_poll_event`.
const UV_READABLE: c_int = 1;

/// What the handle's data points to, until the handle is closed.
struct Poller {
    program: &'static Program,
    thread: JsThread,
    pool: Arc<IoPool>,
    set: Arc<DirectSet>,
    hook: Hook,
    /// Memory of the handle.
    _memory: Box<[u128]>,
}

/// Starts to watch direct connections for the environment `env`; `None` where that cannot be done.
///
/// Must be called on the environment's thread.
pub(crate) fn start(env: Env, thread: JsThread, pool: &Arc<IoPool>) -> Option<Arc<DirectSet>> {
    let program = Program::get()?;
    let set = Arc::new(DirectSet::new().ok()?);
    let mut uv_loop = std::ptr::null_mut();
    // SAFETY: `env` is the environment of the running call; the result is a local.
    if unsafe { (program.loop_of)(env, &mut uv_loop) } != Status::Ok {
        return None;
    }
    let mut memory = program.handle_memory(UV_POLL);
    let handle: Handle = memory.as_mut_ptr().cast();
    // SAFETY: the loop is the calling thread's, the memory is as large as libuv wants it and stays where it is until the
    // handle is closed, and the descriptor is open as long as the set, which the poller below holds.
    if unsafe { (program.poll_init)(uv_loop, handle, set.as_raw_fd()) } != 0 {
        return None;
    }
    let poller = Box::into_raw(Box::new(Poller {
        program,
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
        (program.unreference)(handle);
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
        poller.thread.run();
    }
}
