//! The functions of the program that loads the addon which neon does not bind: libuv's, and some of Node-API's.
//! They are looked up by name once; what is done with them is up to the callers.

use neon::sys::bindings::{Env, Status, Value};
use std::ffi::{c_int, c_uint, c_void};
use std::sync::OnceLock;

/// A handle of libuv, of any type.
pub(crate) type Handle = *mut c_void;
pub(crate) type PollCallback = unsafe extern "C" fn(Handle, c_int, c_int);
pub(crate) type HandleCallback = unsafe extern "C" fn(Handle);
/// A hook that is called when an environment ends.
pub(crate) type Hook = *mut c_void;
pub(crate) type AtEnd = unsafe extern "C" fn(Hook, *mut c_void);

/// `UV_ASYNC` of `uv_handle_type`.
pub(crate) const UV_ASYNC: c_uint = 1;
/// `UV_POLL` of `uv_handle_type`.
pub(crate) const UV_POLL: c_uint = 8;

/// The functions, by their C declarations.
pub(crate) struct Program {
    pub(crate) async_context: unsafe extern "C" fn(Env, Value, Value, *mut *mut c_void) -> Status,
    pub(crate) end_async_context: unsafe extern "C" fn(Env, *mut c_void) -> Status,
    pub(crate) make_callback: unsafe extern "C" fn(
        Env,
        *mut c_void,
        Value,
        Value,
        usize,
        *const Value,
        *mut Value,
    ) -> Status,
    pub(crate) fatal_exception: unsafe extern "C" fn(Env, Value) -> Status,
    pub(crate) loop_of: unsafe extern "C" fn(Env, *mut *mut c_void) -> Status,
    pub(crate) add_hook: unsafe extern "C" fn(Env, AtEnd, *mut c_void, *mut Hook) -> Status,
    pub(crate) remove_hook: unsafe extern "C" fn(Hook) -> Status,
    handle_size: unsafe extern "C" fn(c_uint) -> usize,
    pub(crate) async_init: unsafe extern "C" fn(*mut c_void, Handle, HandleCallback) -> c_int,
    pub(crate) async_send: unsafe extern "C" fn(Handle) -> c_int,
    pub(crate) poll_init: unsafe extern "C" fn(*mut c_void, Handle, c_int) -> c_int,
    pub(crate) poll_start: unsafe extern "C" fn(Handle, c_int, PollCallback) -> c_int,
    pub(crate) reference: unsafe extern "C" fn(Handle),
    pub(crate) unreference: unsafe extern "C" fn(Handle),
    pub(crate) close: unsafe extern "C" fn(Handle, HandleCallback),
    pub(crate) set_data: unsafe extern "C" fn(Handle, *mut c_void),
    pub(crate) data: unsafe extern "C" fn(Handle) -> *mut c_void,
}

impl Program {
    /// `None` if one of the functions is missing.
    pub(crate) fn get() -> Option<&'static Self> {
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
            async_context: symbol!("napi_async_init"),
            end_async_context: symbol!("napi_async_destroy"),
            make_callback: symbol!("napi_make_callback"),
            fatal_exception: symbol!("napi_fatal_exception"),
            loop_of: symbol!("napi_get_uv_event_loop"),
            add_hook: symbol!("napi_add_async_cleanup_hook"),
            remove_hook: symbol!("napi_remove_async_cleanup_hook"),
            handle_size: symbol!("uv_handle_size"),
            async_init: symbol!("uv_async_init"),
            async_send: symbol!("uv_async_send"),
            poll_init: symbol!("uv_poll_init"),
            poll_start: symbol!("uv_poll_start"),
            reference: symbol!("uv_ref"),
            unreference: symbol!("uv_unref"),
            close: symbol!("uv_close"),
            set_data: symbol!("uv_handle_set_data"),
            data: symbol!("uv_handle_get_data"),
        })
    }

    /// Memory for a handle of this type (`UV_ASYNC`, …), aligned as `malloc` would.
    pub(crate) fn handle_memory(&self, handle_type: c_uint) -> Box<[u128]> {
        // SAFETY: a plain question.
        let size = unsafe { (self.handle_size)(handle_type) };
        vec![0_u128; size.div_ceil(size_of::<u128>())].into_boxed_slice()
    }
}
