//! The I/O threads: each one runs a single-threaded tokio runtime that owns its connections from accept to close.
//! What other threads may do to them is post frames or commands; no connection state is shared.

use crate::balance::{self, Load, Sleep};
use crate::direct::{DirectSet, Ready};
use crate::io_thread::{self, Command};
use crate::loan::{Lend, Lent, Loan};
use crate::wakes::Wakes;
use bytes::Bytes;
use rnode_bridge::Mailbox;
use rnode_bridge::frame::{MAX_IO_THREADS, answers, slot_io};
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;

/// Blocking threads an I/O thread may have at most; they end when they are idle.
const FILE_THREADS: usize = 4;

/// Gives memory that nobody uses back to the system. Called on a thread that may block.
pub type Relax = fn();

/// A fixed number of I/O threads, shared by all servers of a process. Dropping the last reference stops them.
#[derive(Debug)]
pub struct IoPool {
    threads: Arc<[Arc<Remote>]>,
    handles: Mutex<Vec<JoinHandle<()>>>,
}

/// What other threads see of one I/O thread.
#[derive(Debug, Default)]
pub(crate) struct Remote {
    pub(crate) mailbox: Mailbox,
    commands: Mutex<Commands>,
    /// Connections in the thread's slot table.
    pub(crate) slots: AtomicUsize,
    pub(crate) load: Load,
    pub(crate) sleep: Sleep,
    pub(crate) loan: Loan<dyn Lent>,
    pub(crate) wakes: Arc<Wakes>,
    /// Gives memory back to the system.
    pub(crate) relax: Option<Relax>,
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
        Self::start_threads(threads, None, None)
    }

    /// As [`start`](Self::start), and connections may become direct (see [`DirectSet`]).
    ///
    /// `lend` makes a [`ThreadState`](crate::ThreadState) usable on other threads. It is called on the thread it belongs to, and so is the
    /// drop of what it returns. That is used by one thread at a time, while the I/O thread runs nothing of its own, with
    /// a lock taken before and after.
    ///
    /// `relax` is called when a thread has had no large bodies for five seconds, after it had some.
    ///
    /// # Errors
    /// As `start`.
    pub fn start_lending(threads: usize, lend: Lend, relax: Relax) -> io::Result<Arc<Self>> {
        Self::start_threads(threads, Some(lend), Some(relax))
    }

    fn start_threads(
        threads: usize,
        lend: Option<Lend>,
        relax: Option<Relax>,
    ) -> io::Result<Arc<Self>> {
        let remote = || {
            Arc::new(Remote {
                relax,
                ..Remote::default()
            })
        };
        let count = threads.clamp(1, MAX_IO_THREADS);
        let remotes: Arc<[_]> = (0..count).map(|_| remote()).collect();
        let mut handles = Vec::new();
        for (index, remote) in remotes.iter().enumerate() {
            let (parking, unparked) = (remote.clone(), remote.clone());
            let runtime = tokio::runtime::Builder::new_current_thread()
                .on_thread_park(move || {
                    parking.wakes.pay();
                    parking.sleep.begin();
                    parking.loan.before_park();
                })
                .on_thread_unpark(move || {
                    unparked.loan.after_unpark();
                    unparked.sleep.end();
                })
                .enable_io()
                .enable_time()
                // Only files that are not in the kernel's caches are waited for there.
                .max_blocking_threads(FILE_THREADS)
                .thread_name("rnode-files")
                .build()?;
            let shared = remotes.clone();
            let handle = std::thread::Builder::new()
                .name(format!("rnode-io-{index}"))
                .spawn(move || io_thread::run(index as u8, &shared, lend, &runtime))?;
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

    /// Reads the direct connections of `set` that have become readable, on the calling thread: the one that answers them.
    pub fn serve_direct(&self, set: &DirectSet) {
        if set.only().is_some_and(|only| self.serve_only(set, only)) {
            return;
        }
        set.take(|ready| {
            for of_thread in ready.chunk_by(|a, b| slot_io(a.slot) == slot_io(b.slot)) {
                let Some(thread) = self.threads.get(usize::from(slot_io(of_thread[0].slot))) else {
                    continue;
                };
                let served = thread.loan.with(|lent| lent.state().serve(of_thread));
                if served.is_none() {
                    thread.command(Command::ServeDirect(of_thread.into()));
                }
            }
        });
    }

    /// Reads the only connection of `set` without asking the set first. False if nothing came of that.
    ///
    /// What is left unread, or has come meanwhile, keeps the set readable.
    fn serve_only(&self, set: &DirectSet, only: Ready) -> bool {
        let Some(thread) = self.threads.get(usize::from(slot_io(only.slot))) else {
            return false;
        };
        set.note_take();
        thread.loan.with(|lent| lent.state().serve_only(only)) == Some(true)
    }

    /// As [`post`](Self::post), for answers that may be of a direct connection: such a one is written on the calling thread.
    pub fn answer_direct(&self, io: usize, frames: &[u8]) {
        let Some(thread) = self.threads.get(io) else {
            return;
        };
        let answered = answers::are_answers(frames)
            && thread
                .loan
                .with(|lent| lent.state().answer(answers::slots(frames), thread, frames))
                == Some(true);
        if !answered {
            thread.mailbox.post(frames);
        }
    }

    /// Posts whole outbound frames without copying them. Order with [`post`](Self::post) is kept.
    pub fn post_batch(&self, io: usize, frames: Bytes) {
        if let Some(thread) = self.threads.get(io) {
            thread.mailbox.post_batch(frames);
        }
    }

    /// Whether a thread has not been through `limit` bytes or more of the batches and large bodies that were handed over. If so, `waker` is woken
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

    /// Has thread `from` give `count` connections to thread `to` as they come to rest and are about to be read: what it does of
    /// its own when it is at its limit. Threads that do not exist, and one and the same, give nothing.
    pub fn give(&self, from: usize, to: usize, count: u32) {
        if from != to
            && to < self.threads.len()
            && let Some(thread) = self.threads.get(from)
        {
            thread.command(Command::Give { to, count });
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

    /// The thread that takes the next connection, which counts as one of its from now on.
    pub(crate) fn next_thread(&self) -> usize {
        balance::place(&self.threads)
    }
}

impl Drop for IoPool {
    fn drop(&mut self) {
        for thread in self.threads.iter() {
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
