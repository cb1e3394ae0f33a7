//! The I/O threads: each one runs a single-threaded tokio runtime that owns its connections from accept to close.
//! What other threads may do to them is post frames or commands; no connection state is shared.

use crate::io_thread::{self, Command};
use bytes::Bytes;
use rnode_bridge::Mailbox;
use rnode_bridge::frame::MAX_IO_THREADS;
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;

/// Blocking threads an I/O thread may have at most; they end when they are idle.
const FILE_THREADS: usize = 4;

/// Connections that a thread takes before the next one gets any.
const BLOCK: usize = 64;

/// A fixed number of I/O threads, shared by all servers of a process. Dropping the last reference stops them.
#[derive(Debug)]
pub struct IoPool {
    threads: Vec<Arc<Remote>>,
    handles: Mutex<Vec<JoinHandle<()>>>,
}

/// What other threads see of one I/O thread.
#[derive(Debug, Default)]
pub(crate) struct Remote {
    pub(crate) mailbox: Mailbox,
    commands: Mutex<Commands>,
    /// Connections in the thread's slot table.
    pub(crate) slots: AtomicUsize,
}

#[derive(Debug, Default)]
struct Commands {
    queue: VecDeque<Command>,
    waker: Option<Waker>,
}

impl Remote {
    pub(crate) fn command(&self, command: Command) {
        let waker = {
            let mut commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
            commands.queue.push_back(command);
            commands.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn poll_command(&self, cx: &Context<'_>) -> Poll<Command> {
        let mut commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(command) = commands.queue.pop_front() {
            return Poll::Ready(command);
        }
        match &mut commands.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

impl IoPool {
    /// Starts `threads` threads named `rnode-io-N` (at least one, at most 256).
    ///
    /// # Errors
    /// Those of the system when a thread or its event queue cannot be made.
    pub fn start(threads: usize) -> io::Result<Arc<Self>> {
        let mut remotes = Vec::new();
        let mut handles = Vec::new();
        for index in 0..threads.clamp(1, MAX_IO_THREADS) {
            let remote = Arc::new(Remote::default());
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .enable_time()
                // Only files that are not in the kernel's caches are waited for there.
                .max_blocking_threads(FILE_THREADS)
                .thread_name("rnode-files")
                .build()?;
            let shared = remote.clone();
            let handle = std::thread::Builder::new()
                .name(format!("rnode-io-{index}"))
                .spawn(move || io_thread::run(index as u8, &shared, &runtime))?;
            remotes.push(remote);
            handles.push(handle);
        }
        Ok(Arc::new(Self {
            threads: remotes,
            handles: Mutex::new(handles),
        }))
    }

    /// Number of threads.
    pub fn threads(&self) -> usize {
        self.threads.len()
    }

    /// Posts whole outbound frames to thread `io`. Posts to a thread that does not exist are dropped.
    pub fn post(&self, io: usize, frames: &[u8]) {
        if let Some(thread) = self.threads.get(io) {
            thread.mailbox.post(frames);
        }
    }

    /// Posts whole outbound frames without copying them. Order with [`post`](Self::post) is kept.
    pub fn post_batch(&self, io: usize, frames: Bytes) {
        if let Some(thread) = self.threads.get(io) {
            thread.mailbox.post_batch(frames);
        }
    }

    /// Whether a thread has not been through `limit` bytes or more of the batches that were handed over. If so, `waker` is woken
    /// once no more than half of that is left.
    pub fn is_behind(&self, limit: usize, waker: &Waker) -> bool {
        self.threads
            .iter()
            .any(|thread| thread.mailbox.is_behind(limit, waker))
    }

    /// Posts one RESPOND or CHUNK frame whose body travels beside it. Order with [`post`](Self::post) is kept.
    pub fn post_large(&self, io: usize, head: &[u8], body: Bytes) {
        if let Some(thread) = self.threads.get(io) {
            thread.mailbox.post_large(head, body);
        }
    }

    /// Connections that hold a slot, over all threads.
    pub fn slots_in_use(&self) -> usize {
        self.threads
            .iter()
            .map(|thread| thread.slots.load(Ordering::Relaxed))
            .sum()
    }

    pub(crate) fn remote(&self, io: usize) -> &Arc<Remote> {
        &self.threads[io]
    }

    pub(crate) fn remotes(&self) -> impl Iterator<Item = &Arc<Remote>> {
        self.threads.iter()
    }

    /// The thread that takes the next connection: the first one with fewer than [`BLOCK`] of them, else the one with
    /// the fewest. Few busy threads cost less than many half idle ones, since each wake serves more answers.
    pub(crate) fn next_thread(&self) -> usize {
        let mut best = (usize::MAX, 0);
        for (index, thread) in self.threads.iter().enumerate() {
            let slots = thread.slots.load(Ordering::Relaxed);
            if slots < best.0 {
                best = (slots, index);
            }
            if slots < BLOCK {
                break;
            }
        }
        // The thread itself counts what it has; until it has seen this connection, a burst must not all go to it.
        self.threads[best.1].slots.fetch_add(1, Ordering::Relaxed);
        best.1
    }
}

impl Drop for IoPool {
    fn drop(&mut self) {
        for thread in &self.threads {
            thread.command(Command::Stop);
        }
        let handles =
            std::mem::take(&mut *self.handles.lock().unwrap_or_else(PoisonError::into_inner));
        let current = std::thread::current().id();
        for handle in handles {
            // The last reference can fall on an I/O thread itself, which cannot wait for its own end.
            if handle.thread().id() != current {
                let _ = handle.join();
            }
        }
    }
}
