//! The queue from all I/O threads to one JavaScript thread: bytes of whole frames, and at most one wake in flight.
//!
//! Producers append under a short lock; the consumer swaps the filled buffer out and copies without it. The queue
//! bounds memory by asking producers to stop (`is_full`), not by dropping frames.

use crate::frame::{self, inbound, special};
use bytes::BytesMut;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// Bytes after which [`JsQueue::is_full`] is true.
pub const DEFAULT_HIGH_WATER: usize = 8 << 20;

/// A drained buffer above this capacity is given back to the allocator.
const KEEP_CAPACITY: usize = 1 << 20;

/// Whoever runs the JavaScript.
pub trait Executor: Send + Sync {
    /// Schedules one turn that calls [`JsQueue::take`]. Called from any thread; for what is in the queue never twice before
    /// that turn has taken everything, but also whenever the queue itself is woken. Must not block.
    fn wake(&self);

    /// Bytes in the queue up to which a frame that was pushed quietly does not wake by itself; 0 unless said otherwise.
    fn patience(&self) -> usize {
        0
    }
}

/// What [`JsQueue::take`] moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taken {
    /// Bytes written to the front of `out`.
    pub bytes: usize,
    /// Frames in them.
    pub frames: usize,
    /// Frames are left. The caller promises to call `take` again; no wake will come until it has been told `false`.
    pub more: bool,
    /// Length of the first frame if it alone is larger than `out` (then nothing was moved), else 0.
    pub needs: usize,
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// It was not queued: the queue is closed, or it is none.
    Refused,
    /// It is queued, and a wake is on its way.
    Told,
    /// It is queued, and the executor does not know.
    Owed,
}

/// The queue to one JavaScript thread.
pub struct JsQueue {
    executor: Box<dyn Executor>,
    producer: Mutex<Producer>,
    consumer: Mutex<Consumer>,
    queued: AtomicUsize,
    high_water: usize,
    closed: AtomicBool,
}

#[derive(Default)]
struct Producer {
    buf: Vec<u8>,
    /// A wake is in flight or the consumer has promised to come back.
    waking: bool,
    stalled: Vec<Waker>,
    /// Bodies beside the frames in `buf`, in their order.
    bodies: VecDeque<BytesMut>,
}

#[derive(Default)]
struct Consumer {
    buf: Vec<u8>,
    start: usize,
    /// Bodies beside frames that were taken, or are in `buf`.
    bodies: VecDeque<BytesMut>,
}

impl std::fmt::Debug for JsQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JsQueue")
            .field("queued", &self.queued_bytes())
            .finish_non_exhaustive()
    }
}

/// A panic while encoding leaves at worst a torn frame, which `push_with` cuts off; the data stays usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Cuts a torn frame off if the encoder panics.
struct Torn<'a> {
    buf: &'a mut Vec<u8>,
    start: usize,
    whole: bool,
}

impl Drop for Torn<'_> {
    fn drop(&mut self) {
        if !self.whole {
            self.buf.truncate(self.start);
        }
    }
}

/// Appends what `encode` writes. Returns how many bytes that were; `None`, with nothing appended, if it is not one whole frame.
fn append(buf: &mut Vec<u8>, encode: impl FnOnce(&mut Vec<u8>)) -> Option<usize> {
    let start = buf.len();
    let mut torn = Torn {
        buf,
        start,
        whole: false,
    };
    encode(torn.buf);
    let written = torn.buf.len().saturating_sub(start);
    torn.whole = written >= frame::HEADER_BYTES
        && frame::word(&torn.buf[start..], 0).is_ok_and(|length| length as usize == written);
    torn.whole.then_some(written)
}

/// Frames that reach the JavaScript thread together: one lock, and one turn, for all of them.
#[derive(Debug, Default)]
pub struct Batch {
    frames: Vec<u8>,
    /// Where the last one begins.
    last: usize,
}

impl Batch {
    /// Whether it holds no frame.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Appends one whole frame, as [`JsQueue::push_with`] does; the one before gets the flag [`JOINED`](special::JOINED).
    /// Returns false, with nothing appended, if what was written is not a frame.
    pub fn push_with(&mut self, encode: impl FnOnce(&mut Vec<u8>)) -> bool {
        let start = self.frames.len();
        if append(&mut self.frames, encode).is_none() {
            return false;
        }
        if start != 0 {
            // The top byte of the second word: flags begin at its bit 8.
            self.frames[self.last + 7] |= (special::JOINED >> 16) as u8;
        }
        self.last = start;
        true
    }
}

/// Lets the next push wake the executor if this wake panics; otherwise frames would lie there with nobody coming.
struct LostWake<'a>(Option<&'a JsQueue>);

impl Drop for LostWake<'_> {
    fn drop(&mut self) {
        if let Some(queue) = self.0 {
            lock(&queue.producer).waking = false;
        }
    }
}

/// Woken, the queue schedules a turn whether or not frames wait in it.
impl std::task::Wake for JsQueue {
    fn wake(self: Arc<Self>) {
        if !self.is_closed() {
            self.executor.wake();
        }
    }
}

impl JsQueue {
    /// A queue with the default high-water mark of 8 MiB.
    pub fn new(executor: Box<dyn Executor>) -> Arc<Self> {
        Self::with_high_water(executor, DEFAULT_HIGH_WATER)
    }

    /// A queue that asks producers to stop once `high_water` bytes are queued.
    pub fn with_high_water(executor: Box<dyn Executor>, high_water: usize) -> Arc<Self> {
        Arc::new(Self {
            executor,
            producer: Mutex::default(),
            consumer: Mutex::default(),
            queued: AtomicUsize::new(0),
            high_water,
            closed: AtomicBool::new(false),
        })
    }

    /// Appends one whole frame, written by `encode` to the end of the buffer it is given, and wakes the executor
    /// unless a wake is already on its way. Returns false, with nothing queued, if the queue is closed or what
    /// was written is not a frame.
    ///
    /// A panic of `encode` passes through with nothing queued, one of the executor with the frame queued: the next push
    /// wakes it again.
    pub fn push_with(&self, encode: impl FnOnce(&mut Vec<u8>)) -> bool {
        self.push(|buf| append(buf, encode), None, 0) != Pushed::Refused
    }

    /// As [`push_with`](Self::push_with), but as long as the executor is [patient](Executor::patience) it is not woken. Then
    /// the result is [`Pushed::Owed`], and the caller must see to it that [`wake_for_waiting`](Self::wake_for_waiting) is
    /// called soon.
    pub fn push_quietly(&self, encode: impl FnOnce(&mut Vec<u8>)) -> Pushed {
        self.push(|buf| append(buf, encode), None, self.executor.patience())
    }

    /// The same for all frames of `batch`, which is empty afterwards. Without any nothing happens, and there is nothing owed.
    pub fn push_batch(&self, batch: &mut Batch) -> Pushed {
        if batch.is_empty() {
            return Pushed::Told;
        }
        let mut frames = std::mem::take(&mut batch.frames);
        let append = |buf: &mut Vec<u8>| {
            buf.extend_from_slice(&frames);
            Some(frames.len())
        };
        let pushed = self.push(append, None, self.executor.patience());
        if frames.capacity() <= KEEP_CAPACITY {
            frames.clear();
            batch.frames = frames;
        }
        pushed
    }

    /// Wakes the executor if frames wait that it was not woken for.
    pub fn wake_for_waiting(&self) {
        let wake = {
            let mut producer = lock(&self.producer);
            !producer.buf.is_empty() && !std::mem::replace(&mut producer.waking, true)
        };
        if wake {
            self.wake_executor();
        }
    }

    /// Appends a BODY frame whose bytes travel beside it. Returns false, with nothing queued, if the queue is closed.
    pub fn push_body(&self, slot: u32, generation: u32, bytes: BytesMut) -> bool {
        let length = bytes.len() as u32;
        self.push(
            |buf| {
                append(buf, |buf| {
                    inbound::body_beside(buf, slot, generation, length);
                })
            },
            Some(bytes),
            0,
        ) != Pushed::Refused
    }

    fn push(
        &self,
        append: impl FnOnce(&mut Vec<u8>) -> Option<usize>,
        body: Option<BytesMut>,
        patience: usize,
    ) -> Pushed {
        {
            let mut producer = lock(&self.producer);
            // Read under the lock, so that nothing is appended after `close` has cleared the buffer.
            if self.closed.load(Ordering::Relaxed) {
                return Pushed::Refused;
            }
            let Some(written) = append(&mut producer.buf) else {
                return Pushed::Refused;
            };
            let beside = body.as_ref().map_or(0, BytesMut::len);
            producer.bodies.extend(body);
            self.queued.fetch_add(written + beside, Ordering::Relaxed);
            if producer.waking {
                return Pushed::Told;
            }
            if producer.buf.len() <= patience {
                return Pushed::Owed;
            }
            producer.waking = true;
        }
        self.wake_executor();
        Pushed::Told
    }

    fn wake_executor(&self) {
        let mut lost = LostWake(Some(self));
        self.executor.wake();
        lost.0 = None;
    }

    /// Moves whole frames, at most `max_frames`, to the front of `out`.
    ///
    /// If `more` is false the next push wakes the executor again; if it is true the caller must call again.
    pub fn take(&self, out: &mut [u8], max_frames: usize) -> Taken {
        let mut consumer = lock(&self.consumer);
        let mut taken = Taken::default();
        loop {
            let (bytes, frames, first_too_large) = whole_frames(
                &consumer.buf[consumer.start..],
                out.len() - taken.bytes,
                max_frames - taken.frames,
            );
            out[taken.bytes..taken.bytes + bytes]
                .copy_from_slice(&consumer.buf[consumer.start..consumer.start + bytes]);
            consumer.start += bytes;
            taken.bytes += bytes;
            taken.frames += frames;
            if consumer.start < consumer.buf.len() {
                taken.more = true;
                taken.needs = if taken.frames == 0 {
                    first_too_large
                } else {
                    0
                };
                break;
            }
            consumer.buf.clear();
            consumer.start = 0;
            if consumer.buf.capacity() > KEEP_CAPACITY {
                consumer.buf = Vec::new();
            }
            let mut producer = lock(&self.producer);
            if producer.buf.is_empty() {
                producer.waking = false;
                break;
            }
            // Also where they were put there quietly.
            producer.waking = true;
            std::mem::swap(&mut producer.buf, &mut consumer.buf);
            consumer.bodies.append(&mut producer.bodies);
        }
        self.taken(consumer, taken.bytes);
        taken
    }

    /// The bytes beside the oldest BODY frame whose bytes were not taken yet; `None` if there is none. Must be called once for
    /// each such frame that was taken, in their order.
    pub fn take_body(&self) -> Option<BytesMut> {
        let mut consumer = lock(&self.consumer);
        let bytes = consumer.bodies.pop_front()?;
        self.taken(consumer, bytes.len());
        Some(bytes)
    }

    /// `bytes` no longer wait. Still under the consumer's lock, so that `close` cannot set the count to zero in between.
    fn taken(&self, consumer: MutexGuard<'_, Consumer>, bytes: usize) {
        let before = self.queued.fetch_sub(bytes, Ordering::Relaxed);
        drop(consumer);
        if before >= self.high_water / 2 && before - bytes < self.high_water / 2 {
            self.wake_stalled();
        }
    }

    /// Bytes of frames, and beside them, that wait to be taken.
    pub fn queued_bytes(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    /// True if and only if producers should stop reading requests until the queue has drained.
    pub fn is_full(&self) -> bool {
        self.queued_bytes() >= self.high_water
    }

    /// Registers `waker` to be woken once the queue has drained to half its high-water mark. Returns false, with
    /// nothing registered, if it has drained that far already.
    pub fn park(&self, waker: &Waker) -> bool {
        let mut producer = lock(&self.producer);
        if self.queued_bytes() < self.high_water / 2 || self.is_closed() {
            return false;
        }
        producer.stalled.push(waker.clone());
        true
    }

    /// Drops what is queued and refuses everything from here on: the JavaScript thread has gone.
    pub fn close(&self) {
        {
            let mut consumer = lock(&self.consumer);
            let mut producer = lock(&self.producer);
            self.closed.store(true, Ordering::Relaxed);
            producer.buf = Vec::new();
            producer.bodies = VecDeque::new();
            consumer.buf = Vec::new();
            consumer.bodies = VecDeque::new();
            consumer.start = 0;
            self.queued.store(0, Ordering::Relaxed);
        }
        self.wake_stalled();
    }

    /// True if and only if [`close`](Self::close) was called.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    fn wake_stalled(&self) {
        let stalled = std::mem::take(&mut lock(&self.producer).stalled);
        for waker in stalled {
            waker.wake();
        }
    }
}

/// Bytes and number of the whole frames at the front of `bytes` that fit, and the length of the first that does not.
fn whole_frames(bytes: &[u8], room: usize, max_frames: usize) -> (usize, usize, usize) {
    let (mut at, mut frames) = (0, 0);
    while at < bytes.len() && frames < max_frames {
        let length =
            crate::frame::word(&bytes[at..], 0).expect("push_with checked the frame") as usize;
        if at + length > room {
            return (at, frames, length);
        }
        at += length;
        frames += 1;
    }
    (at, frames, 0)
}
