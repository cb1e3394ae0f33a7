//! The process' one pool of I/O threads, shared by the main thread and all workers, and how many threads it has.
//! It is never stopped: a worker that ends must not take it from the others.

use rnode_bridge::frame::MAX_IO_THREADS;
use rnode_http::IoPool;
use std::sync::{Arc, Mutex, PoisonError};

/// Overrides the number of threads.
const VARIABLE: &str = "RNODE_IO_THREADS";
/// More threads than this are never chosen without being asked for: they take cores from JavaScript.
const MOST_CHOSEN: usize = 4;

static POOL: Mutex<Option<Arc<IoPool>>> = Mutex::new(None);

/// The pool; the first call starts it with `asked` threads (0 = choose). Later calls get the same pool.
///
/// # Errors
/// A text, if `RNODE_IO_THREADS` is no number from 1 to 256 or the system refuses a thread.
pub(crate) fn shared(asked: usize) -> Result<Arc<IoPool>, String> {
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pool) = &*pool {
        return Ok(pool.clone());
    }
    let started =
        IoPool::start(threads(asked)?).map_err(|error| format!("no I/O threads: {error}"))?;
    *pool = Some(started.clone());
    Ok(started)
}

/// The pool, if it runs.
pub(crate) fn running() -> Option<Arc<IoPool>> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn threads(asked: usize) -> Result<usize, String> {
    if let Some(value) = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        return value
            .to_str()
            .and_then(|text| text.trim().parse().ok())
            .filter(|count| (1..=MAX_IO_THREADS).contains(count))
            .ok_or_else(|| {
                format!("{VARIABLE} must be a number from 1 to {MAX_IO_THREADS}, not {value:?}")
            });
    }
    if asked > 0 {
        return Ok(asked);
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Ok(cores.min(MOST_CHOSEN))
}
