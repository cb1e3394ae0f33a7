//! The process' one pool of I/O threads, shared by the main thread and all workers, and how many threads it has.
//! It is never stopped: a worker that ends must not take it from the others.

use crate::memory;
use rnode_bridge::frame::MAX_IO_THREADS;
use rnode_http::{IoPool, Lent, ThreadState};
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
    let started = IoPool::start_lending(threads(asked)?, lend, memory::give_back)
        .map_err(|error| format!("no I/O threads: {error}"))?;
    *pool = Some(started.clone());
    Ok(started)
}

/// The pool, if it runs.
pub(crate) fn running() -> Option<Arc<IoPool>> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Lets a JavaScript thread do the work of an I/O thread that sleeps.
fn lend(state: ThreadState) -> Box<dyn Lent> {
    Box::new(Loan(state))
}

struct Loan(ThreadState);

// SAFETY: all that a `ThreadState` leads to (reference counts without atomics, `RefCell`s) is used by one thread at a time:
// `IoPool` uses it on another thread only between the two hooks around the I/O thread's sleep, with a mutex taken
// before and after, so that each thread sees what the other did. The I/O thread's own references stay in its stack and its
// tasks, which do not run meanwhile. It is made and dropped on the I/O thread. What the connections hold of tokio
// (sockets, wakers, timers) is `Send` by itself, and nothing in `rnode-http` is kept in thread-locals.
unsafe impl Send for Loan {}

impl Lent for Loan {
    fn state(&self) -> &ThreadState {
        &self.0
    }
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
