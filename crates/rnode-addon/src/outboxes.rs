//! Outboxes: buffers that JavaScript fills with frames and hands over whole, so that bodies in them are copied once.
//! The memory is Rust's, and the environment keeps it; what frames mean is not known here.

use crate::env::{self, lock};
use bytes::Bytes;
use neon::prelude::*;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::Waker;

/// Bytes of one outbox.
const OUTBOX_BYTES: usize = 256 << 10;
/// Outboxes an environment has at most; when all are under way, what is posted is copied.
const MAX_OUTBOXES: usize = 64;

/// The outboxes of one environment, by their number.
#[derive(Default)]
pub(crate) struct Outboxes(Vec<Arc<Outbox>>);

struct Outbox {
    memory: Box<[UnsafeCell<u8>]>,
    /// JavaScript fills it, or frames in it are read.
    taken: AtomicBool,
}

// SAFETY: the memory is used by whoever has set `taken`. That is the JavaScript thread, which alone writes it, from `outbox` or
// `postOutbox` that gave it the number to `postOutbox` that took it back; then those who read it, until the release of `taken`; or
// `discard_free`.
unsafe impl Sync for Outbox {}

/// The outboxes of all environments.
static ALL: Mutex<Vec<Weak<Outbox>>> = Mutex::new(Vec::new());

impl Outbox {
    fn new() -> Arc<Self> {
        let memory = vec![0_u8; OUTBOX_BYTES].into_boxed_slice();
        // SAFETY: `UnsafeCell<u8>` has the layout of `u8`, and the box is owned here.
        let memory = unsafe { Box::from_raw(Box::into_raw(memory) as *mut [UnsafeCell<u8>]) };
        let outbox = Arc::new(Self {
            memory,
            taken: AtomicBool::new(true),
        });
        let mut all = lock(&ALL);
        all.retain(|other| other.strong_count() > 0);
        all.push(Arc::downgrade(&outbox));
        outbox
    }

    /// # Safety
    /// `length` is within the memory, and nobody writes there as long as the bytes are used.
    unsafe fn bytes(&self, length: usize) -> &[u8] {
        // SAFETY: the memory is alive and initialised; the rest is the caller's word.
        unsafe { std::slice::from_raw_parts(self.start(), length) }
    }

    /// Takes it if it is free.
    fn take(&self) -> bool {
        !self.taken.load(Ordering::Relaxed) && !self.taken.swap(true, Ordering::Acquire)
    }

    /// What was read or written is, before the outbox counts as free.
    fn release(&self) {
        self.taken.store(false, Ordering::Release);
    }

    /// Gives its pages back to the system; from then on they hold zeros. Only for whoever has taken it.
    fn discard(&self) {
        #[cfg(target_os = "linux")]
        // SAFETY: `sysconf` has no premises. The range lies within the memory, which is anonymous, initialised afterwards too, and by
        // the caller's word used by nobody else now.
        unsafe {
            let Ok(page @ 1..) = usize::try_from(libc::sysconf(libc::_SC_PAGESIZE)) else {
                return;
            };
            let start = self.start();
            let before = start.align_offset(page);
            if let Some(inside) = OUTBOX_BYTES.checked_sub(before) {
                let length = inside - inside % page;
                libc::madvise(start.add(before).cast(), length, libc::MADV_DONTNEED);
            }
        }
    }

    fn start(&self) -> *mut u8 {
        UnsafeCell::raw_get(self.memory.as_ptr())
    }
}

/// What the engine holds: the memory lives as long as the `ArrayBuffer`.
struct View(Arc<Outbox>);

impl AsMut<[u8]> for View {
    fn as_mut(&mut self) -> &mut [u8] {
        // SAFETY: the memory is alive and initialised, and asked for once, when the `ArrayBuffer` is made: nothing has
        // been posted from it yet. The engine keeps the address, not the reference.
        unsafe { std::slice::from_raw_parts_mut(self.0.start(), OUTBOX_BYTES) }
    }
}

/// Frames under way; dropped, they free their outbox.
struct Posted {
    outbox: Arc<Outbox>,
    length: usize,
}

impl AsRef<[u8]> for Posted {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: JavaScript writes nothing to an outbox that it has handed over until it is given its number again, which happens
        // after this is dropped, and `length` is within it.
        unsafe { self.outbox.bytes(self.length) }
    }
}

impl Drop for Posted {
    fn drop(&mut self) {
        self.outbox.release();
    }
}

/// Gives the memory of outboxes that are free back to the system.
pub(crate) fn discard_free() {
    let all: Vec<_> = lock(&ALL).iter().filter_map(Weak::upgrade).collect();
    for outbox in all.iter().filter(|outbox| outbox.take()) {
        outbox.discard();
        outbox.release();
    }
}

/// `outbox() -> ArrayBuffer`: one more outbox of 256 KiB, for JavaScript to fill. Outboxes are numbered from 0.
pub(crate) fn outbox<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsArrayBuffer> {
    let outbox = Outbox::new();
    lock(&env::bridge(cx)?.outboxes).0.push(outbox.clone());
    Ok(JsArrayBuffer::external(cx, View(outbox)))
}

/// `postOutbox(io: number, outbox: number, length: number) -> number`: hands over the whole frames in the first `length`
/// bytes of an outbox. Returns the outbox to be filled next: another one that is free, the same one again if
/// none is and no more may be made (then the frames were copied), or the number of those there are: one more is wanted.
pub(crate) fn post_outbox<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsNumber> {
    let io = cx.argument::<JsNumber>(0)?.value(cx) as usize;
    let index = cx.argument::<JsNumber>(1)?.value(cx) as usize;
    let length = cx.argument::<JsNumber>(2)?.value(cx) as usize;
    let bridge = env::bridge(cx)?;
    let outboxes = lock(&bridge.outboxes);
    let all = &outboxes.0;
    let Some(outbox) = all.get(index).filter(|_| length <= OUTBOX_BYTES) else {
        return cx.throw_range_error("no such outbox, or length is beyond it");
    };
    let free = all.iter().position(|outbox| outbox.take());
    let next = match free {
        Some(next) => next,
        None if all.len() < MAX_OUTBOXES => all.len(),
        None => {
            // SAFETY: JavaScript, which writes it, is in this call, and `length` was looked at.
            let copy = Bytes::copy_from_slice(unsafe { outbox.bytes(length) });
            bridge.pool.post_batch(io, copy);
            return Ok(cx.number(index as f64));
        }
    };
    let posted = Posted {
        outbox: outbox.clone(),
        length,
    };
    bridge.pool.post_batch(io, Bytes::from_owner(posted));
    Ok(cx.number(next as f64))
}

/// `isAhead(bytes: number) -> boolean`: true if an I/O thread has not been through that many bytes of the outboxes that were
/// handed over. Then the drain function is called once half of them are left.
pub(crate) fn is_ahead<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsBoolean> {
    let limit = cx.argument::<JsNumber>(0)?.value(cx) as usize;
    let bridge = env::bridge(cx)?;
    let waker = Waker::from(bridge.queue.clone());
    Ok(cx.boolean(bridge.pool.is_behind(limit, &waker)))
}
