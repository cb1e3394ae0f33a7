//! What an I/O thread puts in the queues of JavaScript threads, and when it wakes them: once for all that it has read when it
//! has been told of sockets, not at the first request. A thread that is woken for each few requests spends more on waking
//! up and going to sleep again than on them.

use crate::contain::contain;
use bytes::BytesMut;
use rnode_bridge::queue::Pushed;
use rnode_bridge::{Batch, JsQueue};
use std::cell::RefCell;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The wakes that one I/O thread owes. Used by the thread itself, or who has its loan.
#[derive(Debug, Default)]
pub(crate) struct Wakes {
    owes: AtomicBool,
    queues: Mutex<Vec<Arc<JsQueue>>>,
}

impl Wakes {
    fn owe(&self, queue: &Arc<JsQueue>) {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if !queues.iter().any(|owed| Arc::ptr_eq(owed, queue)) {
            queues.push(queue.clone());
        }
        self.owes.store(true, Ordering::Relaxed);
    }

    /// Wakes whom a wake is owed. Must be called before the thread sleeps, and before work that takes long.
    pub(crate) fn pay(&self) {
        if !self.owes.load(Ordering::Relaxed) {
            return;
        }
        self.owes.store(false, Ordering::Relaxed);
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        for queue in queues.drain(..) {
            contain("a wake was late", || queue.wake_for_waiting());
        }
    }
}

/// A queue as one I/O thread sees it.
#[derive(Debug)]
pub(crate) struct LocalQueue {
    queue: Arc<JsQueue>,
    wakes: Arc<Wakes>,
    /// Requests of the read under way.
    gathered: RefCell<Batch>,
}

impl LocalQueue {
    pub(crate) fn new(queue: Arc<JsQueue>, wakes: Arc<Wakes>) -> Self {
        Self {
            queue,
            wakes,
            gathered: RefCell::default(),
        }
    }

    /// As [`JsQueue::push_with`], behind what was gathered, with the wake when there is no more to read.
    pub(crate) fn push_with(&self, encode: impl FnOnce(&mut Vec<u8>)) -> bool {
        let mut gathered = self.gathered.borrow_mut();
        if !gathered.is_empty() {
            return gathered.push_with(encode);
        }
        self.is_queued(self.queue.push_quietly(encode))
    }

    /// Keeps a frame until [`push_gathered`](Self::push_gathered), which the caller must see to: it goes together with those that follow.
    pub(crate) fn gather(&self, encode: impl FnOnce(&mut Vec<u8>)) -> bool {
        self.gathered.borrow_mut().push_with(encode)
    }

    /// Pushes what was gathered. False if nobody is there to take it.
    pub(crate) fn push_gathered(&self) -> bool {
        let mut gathered = self.gathered.borrow_mut();
        gathered.is_empty() || self.is_queued(self.queue.push_batch(&mut gathered))
    }

    /// As [`JsQueue::push_body`], behind what was gathered.
    pub(crate) fn push_body(&self, slot: u32, generation: u32, bytes: BytesMut) {
        self.push_gathered();
        self.queue.push_body(slot, generation, bytes);
    }

    fn is_queued(&self, pushed: Pushed) -> bool {
        if pushed == Pushed::Owed {
            self.wakes.owe(&self.queue);
        }
        pushed != Pushed::Refused
    }
}

impl Deref for LocalQueue {
    type Target = JsQueue;

    fn deref(&self) -> &JsQueue {
        &self.queue
    }
}
