//! The mailbox of one I/O thread: frames posted by JavaScript threads, in order, and one wake per batch.
//!
//! Posting copies the bytes (they sit in a buffer that JavaScript reuses); large bodies, and batches whose buffer is handed
//! over, travel as `Bytes`.

use bytes::Bytes;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// A batch above this capacity is given back to the allocator once drained.
const KEEP_CAPACITY: usize = 1 << 20;

/// What was posted, borrowed from the mailbox for the time of one call.
#[derive(Debug)]
pub enum Posted<'a> {
    /// Whole frames, one after the other.
    Frames(&'a [u8]),
    /// The same, in memory that may be kept.
    Batch(&'a Bytes),
    /// One frame and the body that belongs to it.
    Large {
        /// The frame without its body.
        head: &'a [u8],
        /// The body.
        body: &'a Bytes,
    },
}

#[derive(Debug, Default)]
struct Batch {
    /// Frames of all small posts and heads of large ones, one after the other.
    bytes: Vec<u8>,
    /// What is not in `bytes`, in order.
    kept: Vec<Kept>,
}

/// Bytes that were handed over.
#[derive(Debug)]
enum Kept {
    /// A large body and the range of its head in the batch's bytes.
    Body(usize, usize, Bytes),
    /// Whole frames, and their place among the batch's bytes.
    Frames(usize, Bytes),
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.kept.is_empty()
    }
}

#[derive(Debug, Default)]
struct Inner {
    batch: Batch,
    waker: Option<Waker>,
    /// Bytes of handed-over batches and large bodies that the thread has not been through.
    handed: usize,
    /// Posters that wait, each until `handed` is at most so many bytes.
    ahead: Vec<(usize, Waker)>,
}

/// One I/O thread's mailbox: any thread posts, one drains.
#[derive(Debug, Default)]
pub struct Mailbox {
    inner: Mutex<Inner>,
    /// Only the draining thread locks it; it keeps the buffers' capacity from batch to batch.
    spare: Mutex<Batch>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Mailbox {
    /// An empty mailbox.
    pub fn new() -> Self {
        Self::default()
    }

    /// Posts whole frames.
    pub fn post(&self, frames: &[u8]) {
        if frames.is_empty() {
            return;
        }
        let mut inner = lock(&self.inner);
        inner.batch.bytes.extend_from_slice(frames);
        wake(inner);
    }

    /// Posts whole frames if nothing waits, and wakes nobody: the caller sees to it that they are drained. Returns false,
    /// with nothing posted, if something waits already.
    pub fn post_first(&self, frames: &[u8]) -> bool {
        let mut inner = lock(&self.inner);
        let is_first = inner.batch.is_empty();
        if is_first {
            inner.batch.bytes.extend_from_slice(frames);
        }
        is_first
    }

    /// Posts whole frames without copying them.
    pub fn post_batch(&self, frames: Bytes) {
        if frames.is_empty() {
            return;
        }
        let mut inner = lock(&self.inner);
        let at = inner.batch.bytes.len();
        inner.handed += frames.len();
        inner.batch.kept.push(Kept::Frames(at, frames));
        wake(inner);
    }

    /// Posts one RESPOND or CHUNK frame and its body.
    pub fn post_large(&self, head: &[u8], body: Bytes) {
        let mut inner = lock(&self.inner);
        let start = inner.batch.bytes.len();
        inner.batch.bytes.extend_from_slice(head);
        let end = inner.batch.bytes.len();
        inner.handed += body.len();
        inner.batch.kept.push(Kept::Body(start, end, body));
        wake(inner);
    }

    /// Whether the thread has not been through `limit` bytes or more of what was handed over. If so, `waker` is
    /// woken once no more than half of that is left.
    pub fn is_behind(&self, limit: usize, waker: &Waker) -> bool {
        let mut inner = lock(&self.inner);
        if inner.handed < limit {
            return false;
        }
        if !inner.ahead.iter().any(|(_, known)| known.will_wake(waker)) {
            inner.ahead.push((limit / 2, waker.clone()));
        }
        true
    }

    /// The thread has been through `bytes` bytes of batches and large bodies: they are with the kernel, or wait for their client.
    pub fn caught_up(&self, bytes: usize) {
        if bytes == 0 {
            return;
        }
        let woken: Vec<_> = {
            let mut inner = lock(&self.inner);
            inner.handed = inner.handed.saturating_sub(bytes);
            let handed = inner.handed;
            inner
                .ahead
                .extract_if(.., |(most, _)| handed <= *most)
                .collect()
        };
        for (_, waker) in woken {
            waker.wake();
        }
    }

    /// Calls `f` with everything posted so far, in order. Returns false if there was nothing.
    pub fn drain(&self, mut f: impl FnMut(Posted<'_>)) -> bool {
        let mut batch = lock(&self.spare);
        std::mem::swap(&mut *batch, &mut lock(&self.inner).batch);
        if batch.is_empty() {
            return false;
        }
        let mut at = 0;
        for kept in &batch.kept {
            let (Kept::Body(start, ..) | Kept::Frames(start, _)) = *kept;
            if at < start {
                f(Posted::Frames(&batch.bytes[at..start]));
            }
            at = start;
            match kept {
                Kept::Frames(_, frames) => f(Posted::Batch(frames)),
                Kept::Body(start, end, body) => {
                    f(Posted::Large {
                        head: &batch.bytes[*start..*end],
                        body,
                    });
                    at = *end;
                }
            }
        }
        if at < batch.bytes.len() {
            f(Posted::Frames(&batch.bytes[at..]));
        }
        batch.kept.clear();
        batch.bytes.clear();
        if batch.bytes.capacity() > KEEP_CAPACITY {
            *batch = Batch::default();
        }
        true
    }

    /// Ready when something is there to drain; otherwise the next post wakes `cx`, once.
    pub fn poll_posted(&self, cx: &Context<'_>) -> Poll<()> {
        let mut inner = lock(&self.inner);
        if !inner.batch.is_empty() {
            return Poll::Ready(());
        }
        match &mut inner.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

/// Taking the waker out makes one batch cost one wake: the next is registered only when the thread finds nothing.
fn wake(mut inner: MutexGuard<'_, Inner>) {
    let waker = inner.waker.take();
    drop(inner);
    if let Some(waker) = waker {
        waker.wake();
    }
}
