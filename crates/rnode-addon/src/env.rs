//! What one JavaScript environment (the main thread or a worker) owns: its queue, its servers, its scratch buffers.
//! All of it ends with the environment. No `thread_local!`: what it holds would outlive the environment, and is not given back
//! when workers come and go.

use crate::executor::JsThread;
use crate::outboxes::Outboxes;
use crate::pool;
use crate::servers::Servers;
use neon::prelude::*;
use neon::thread::LocalKey;
use rnode_bridge::{JsQueue, RecentBodies};
use rnode_http::{DirectSet, IoPool};
use rnode_router::PatternCache;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// `0`: no connection becomes direct.
#[cfg(target_os = "linux")]
const DIRECT: &str = "RNODE_DIRECT";

static ENV: LocalKey<Env> = LocalKey::new();

/// The state of one environment. The mutexes are never contended; `LocalKey` wants `Sync`.
#[derive(Default)]
pub(crate) struct Env {
    /// Set by `start`.
    bridge: OnceLock<Bridge>,
    pub(crate) servers: Mutex<Servers>,
    pub(crate) scratch: Mutex<Scratch>,
}

/// What `start` makes.
pub(crate) struct Bridge {
    pub(crate) pool: Arc<IoPool>,
    pub(crate) queue: Arc<JsQueue>,
    pub(crate) outboxes: Mutex<Outboxes>,
    /// Bodies posted beside their frames.
    pub(crate) recent: Mutex<RecentBodies>,
    /// How frames reach this environment.
    pub(crate) thread: JsThread,
    /// Its direct connections, where there can be any.
    pub(crate) direct: Option<Arc<DirectSet>>,
}

/// Buffers of calls that are made per request, and what such calls have parsed.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(crate) text: Vec<u8>,
    pub(crate) words: Vec<u32>,
    pub(crate) patterns: PatternCache,
}

impl Drop for Env {
    /// The environment ends (a worker has finished or was terminated, or the event loop of the process is empty):
    /// nothing may call into it from here on, and nobody is left to answer its requests.
    fn drop(&mut self) {
        if let Some(bridge) = self.bridge.get() {
            bridge.queue.close();
        }
        lock(&self.servers).end();
    }
}

/// A panic under one of these locks leaves nothing half done that a later call could trip over.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The state of the calling environment.
pub(crate) fn current<'cx>(cx: &mut FunctionContext<'cx>) -> &'cx Env {
    ENV.get_or_init_default(cx)
}

/// What `start` made in the calling environment; throws if it was not called.
pub(crate) fn bridge<'cx>(cx: &mut FunctionContext<'cx>) -> NeonResult<&'cx Bridge> {
    match current(cx).bridge.get() {
        Some(bridge) => Ok(bridge),
        None => cx.throw_error("start() has not been called in this environment"),
    }
}

/// `start(drain: Function, ioThreads: number) -> number`: makes this environment's queue and returns the number of I/O
/// threads. `drain` is called without arguments, in a turn of its own, when there is something to take. Once per environment,
/// and once more after each `rest()`.
pub(crate) fn start<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsNumber> {
    let drain = cx.argument::<JsFunction>(0)?;
    let threads = cx.argument::<JsNumber>(1)?.value(cx);
    let env = current(cx);
    if let Some(bridge) = env.bridge.get() {
        if !bridge.thread.is_resting() {
            return cx.throw_error("start() has already been called in this environment");
        }
        bridge.thread.resume(cx, drain);
        return Ok(cx.number(bridge.pool.threads() as f64));
    }
    let pool = match pool::shared(threads as usize) {
        Ok(pool) => pool,
        Err(text) => return cx.throw_error(text),
    };
    let thread = match JsThread::start(cx, drain) {
        Ok(thread) => thread,
        Err(text) => return cx.throw_error(text),
    };
    let direct = direct_set(cx, &thread, &pool);
    let count = pool.threads();
    let bridge = Bridge {
        pool,
        queue: JsQueue::new(Box::new(thread.share())),
        outboxes: Mutex::default(),
        recent: Mutex::default(),
        thread,
        direct,
    };
    if env.bridge.set(bridge).is_err() {
        return cx.throw_error("start() has already been called in this environment");
    }
    Ok(cx.number(count as f64))
}

/// `rest()`: until the next `start`, nothing of this environment is kept alive and nothing is drained. For when no server is
/// left: what a copy of the package that nobody uses any more can reach is then free to be collected.
pub(crate) fn rest<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsUndefined> {
    bridge(cx)?.thread.rest(cx);
    Ok(cx.undefined())
}

#[cfg(target_os = "linux")]
fn direct_set<'cx>(
    cx: &mut FunctionContext<'cx>,
    thread: &JsThread,
    pool: &Arc<IoPool>,
) -> Option<Arc<DirectSet>> {
    let is_off = std::env::var_os(DIRECT).is_some_and(|value| value == "0");
    if is_off {
        return None;
    }
    crate::poller::start(cx.to_raw(), thread.share(), pool)
}

#[cfg(not(target_os = "linux"))]
fn direct_set<'cx>(
    _: &mut FunctionContext<'cx>,
    _: &JsThread,
    _: &Arc<IoPool>,
) -> Option<Arc<DirectSet>> {
    None
}

/// `ref()`: the event loop stays alive until `unref()`. Calls do not add up.
pub(crate) fn reference<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsUndefined> {
    bridge(cx)?.thread.reference(true);
    Ok(cx.undefined())
}

/// `unref()`: this environment's queue no longer keeps the event loop alive, which is how it starts.
pub(crate) fn unreference<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsUndefined> {
    bridge(cx)?.thread.reference(false);
    Ok(cx.undefined())
}

/// `stats() -> { ioThreads, slotsInUse, queuedBytes, servers, direct }`: the first two of the process (0 before any `start`),
/// the others of this environment; `direct` is the number of its direct connections.
pub(crate) fn stats<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsObject> {
    let env = current(cx);
    let pool = pool::running();
    let numbers = [
        ("ioThreads", pool.as_ref().map_or(0, |pool| pool.threads())),
        (
            "slotsInUse",
            pool.as_ref().map_or(0, |pool| pool.slots_in_use()),
        ),
        (
            "queuedBytes",
            env.bridge.get().map_or(0, |b| b.queue.queued_bytes()),
        ),
        ("servers", lock(&env.servers).count()),
        (
            "direct",
            env.bridge
                .get()
                .and_then(|b| b.direct.as_ref())
                .map_or(0, |set| set.len()),
        ),
    ];
    let stats = cx.empty_object();
    for (name, number) in numbers {
        let number = cx.number(number as f64);
        stats.set(cx, name, number)?;
    }
    Ok(stats)
}
