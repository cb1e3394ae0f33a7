//! Direct connections: their sockets are watched by the JavaScript thread that answers them, so that a request costs one wake
//! and not three. This file decides which connections these are, and until when.
//!
//! A direct connection stays in its I/O thread's slot table. The JavaScript thread reads and writes it with that thread's
//! [loan](crate::loan), and only what needs no runtime; everything else wakes the connection's task, which takes the connection
//! back. So does the I/O thread when the JavaScript thread does not come to read what has arrived.

mod set;

use crate::h1::conn::ConnCell;
use crate::io_pool::Remote;
use crate::io_thread::Ctx;
use rnode_bridge::frame;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

pub use set::DirectSet;
pub(crate) use set::Ready;

/// Batches over which is averaged what a wake achieves.
const WINDOW: u32 = 32;
/// Answers per batch up to which connections become direct. More of them make the I/O thread worth its wakes.
const FEW: u32 = 8;
/// Requests per look from which on they no longer do: JavaScript has no time to spare.
const MANY: u32 = 16;
/// Requests with longer pauses (ms) are single ones, for which the I/O thread does not tick. So long is a direct connection idle
/// before its place may be somebody else's.
const PAUSE: u64 = 20;
/// Direct connections of an I/O thread, which may have to take all of them back at once.
const MOST: usize = 256;
/// Milliseconds for which connections do not become direct again after there were too many requests.
const REST: u64 = 250;
/// How often the I/O thread looks after direct connections while they are used: within two of these it takes over where
/// JavaScript is busy. Otherwise its sweep does.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// What an I/O thread knows of its direct connections.
#[derive(Default)]
pub(crate) struct Direct {
    /// Another thread has the loan.
    lent: Cell<bool>,
    /// Connections become direct when they are at rest.
    on: Cell<bool>,
    window: Cell<Window>,
    not_before: Cell<u64>,
    conns: RefCell<Vec<Watched>>,
    serial: Cell<u32>,
    sets: RefCell<Vec<Looked>>,
    /// When somebody last came to read (ms).
    served: Cell<u64>,
    /// Until when the thread ticks (ms).
    used_until: Cell<u64>,
}

/// What some batches had to do.
#[derive(Default, Clone, Copy)]
struct Window {
    batches: u32,
    work: u32,
}

struct Watched {
    cell: Rc<ConnCell>,
    serial: u32,
}

/// A set at the last look.
struct Looked {
    set: Arc<DirectSet>,
    /// How often it had been taken from, if there was something to take.
    left: Option<u64>,
}

/// The state of an I/O thread, as somebody sees it who has the thread's loan.
pub struct ThreadState(Rc<Ctx>);

impl std::fmt::Debug for ThreadState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ThreadState").field(&self.0.id).finish()
    }
}

/// The context knows, until this is dropped, that another thread has the loan.
struct Lent<'a>(&'a Ctx);

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.0.pay_wakes();
        self.0.direct.lent.set(false);
    }
}

impl ThreadState {
    pub(crate) fn new(ctx: Rc<Ctx>) -> Self {
        Self(ctx)
    }

    /// Calls `f` on the thread that has the loan.
    fn with<R>(&self, f: impl FnOnce(&Ctx) -> R) -> R {
        self.0.direct.lent.set(true);
        let _lent = Lent(&self.0);
        f(&self.0)
    }

    /// Reads direct connections.
    pub(crate) fn serve(&self, ready: &[Ready]) {
        self.with(|ctx| ctx.serve_direct(ready));
    }

    /// Reads one direct connection that should have something to read. False if it has not.
    pub(crate) fn serve_only(&self, only: Ready) -> bool {
        self.with(|ctx| ctx.serve_only(only))
    }

    /// Does what `frames` ask, if all connections they are for are direct. False, with nothing done, if not.
    pub(crate) fn answer(
        &self,
        slots: impl Iterator<Item = u32>,
        remote: &Remote,
        frames: &[u8],
    ) -> bool {
        self.with(|ctx| {
            let are_direct = {
                let table = ctx.slots.borrow();
                let mut slots = slots;
                slots.all(|slot| {
                    let found = table.current(frame::slot_index(slot));
                    found.is_some_and(|(_, cell)| cell.borrow().takes_direct_answers())
                })
            };
            if !are_direct || !remote.mailbox.post_first(frames) {
                return false;
            }
            ctx.drain_mailbox();
            true
        })
    }
}

impl Ctx {
    /// The calling thread is not the one that owns the context.
    pub(crate) fn is_lent(&self) -> bool {
        self.direct.lent.get()
    }

    fn direct_cell(&self, slot: u32, serial: u32) -> Option<Rc<ConnCell>> {
        let slots = self.slots.borrow();
        let (_, cell) = slots.current(frame::slot_index(slot))?;
        (cell.borrow().direct == serial).then(|| cell.clone())
    }

    /// A batch had `work` connections to serve: decides whether connections are to be direct.
    fn weigh(&self, work: usize) {
        let mut window = self.direct.window.get();
        let now = self.recent();
        window.batches += 1;
        window.work += work as u32;
        if window.batches == WINDOW {
            let on = self.direct.on.get();
            if on && window.work >= WINDOW * MANY {
                self.direct.on.set(false);
                self.direct.not_before.set(now + REST);
                self.take_all_back();
            } else if !on && window.work <= WINDOW * FEW && now >= self.direct.not_before.get() {
                self.direct.on.set(true);
            }
            window = Window::default();
        }
        self.direct.window.set(window);
    }

    fn take_all_back(&self) {
        for watched in self.direct.conns.borrow_mut().drain(..) {
            watched.cell.borrow().wake();
        }
    }

    /// A batch of frames has touched these connections.
    pub(crate) fn consider_direct(&self, touched: &[Rc<ConnCell>]) {
        if self.is_lent() || touched.is_empty() {
            return;
        }
        self.weigh(touched.len());
        if !self.direct.on.get() {
            return;
        }
        for cell in touched {
            if self.direct.conns.borrow().len() >= MOST {
                break;
            }
            let serial = self.direct.serial.get().checked_add(1).unwrap_or(1);
            if self.guarded(cell, |conn| conn.go_direct(serial)) != Some(true) {
                continue;
            }
            self.direct.serial.set(serial);
            let cell = cell.clone();
            self.look_after(&cell);
            self.direct
                .conns
                .borrow_mut()
                .push(Watched { cell, serial });
        }
    }

    fn look_after(&self, cell: &Rc<ConnCell>) {
        let conn = cell.borrow();
        let mut sets = self.direct.sets.borrow_mut();
        if let Some(set) = conn.server().direct()
            && !sets.iter().any(|looked| Arc::ptr_eq(&looked.set, set))
        {
            let set = set.clone();
            sets.push(Looked { set, left: None });
        }
    }

    /// Reads direct connections, on whichever thread has the loan.
    pub(crate) fn serve_direct(&self, ready: &[Ready]) {
        self.note_use();
        for ready in ready {
            if let Some(cell) = self.direct_cell(ready.slot, ready.serial) {
                self.guarded(&cell, |conn| conn.direct_readable(ready.ended, self));
            }
        }
        self.weigh(ready.len());
    }

    fn serve_only(&self, only: Ready) -> bool {
        let Some(cell) = self.direct_cell(only.slot, only.serial) else {
            return false;
        };
        let read = self.guarded(&cell, |conn| conn.direct_readable(false, self));
        if read != Some(true) {
            return false;
        }
        self.note_use();
        self.weigh(1);
        true
    }

    /// Has the thread tick while requests come one after the other.
    fn note_use(&self) {
        let (now, direct) = (self.now(), &self.direct);
        if now.saturating_sub(direct.served.replace(now)) <= PAUSE
            && direct.used_until.replace(now + PAUSE) < now
        {
            self.wake_main();
        }
    }

    fn has_direct(&self) -> bool {
        !self.direct.conns.borrow().is_empty()
    }

    /// The thread is to call [`look_after_direct`](Self::look_after_direct) every [`TICK`].
    pub(crate) fn ticks(&self) -> bool {
        self.has_direct() && self.recent() <= self.direct.used_until.get()
    }

    /// Takes connections back whose JavaScript thread does not come to read what has arrived. Called at every tick and sweep.
    pub(crate) fn look_after_direct(&self) {
        if !self.has_direct() {
            return;
        }
        let now = self.now();
        for looked in &mut *self.direct.sets.borrow_mut() {
            let left = looked.set.left();
            let is_stuck = left.is_some() && left == looked.left;
            looked.left = left;
            if left.is_some() {
                self.direct.used_until.set(now + PAUSE);
            }
            self.direct.conns.borrow_mut().retain(|watched| {
                let conn = watched.cell.borrow();
                if conn.direct != watched.serial {
                    return false;
                }
                let is_of_set = conn
                    .server()
                    .direct()
                    .is_some_and(|set| Arc::ptr_eq(set, &looked.set));
                if is_of_set && is_stuck {
                    conn.wake();
                }
                !(is_of_set && is_stuck)
            });
        }
        if !self.has_direct() {
            self.direct.sets.borrow_mut().clear();
        }
    }

    /// Makes room for connections that are used. Called at every sweep.
    pub(crate) fn retire_direct(&self) {
        let mut conns = self.direct.conns.borrow_mut();
        if conns.len() < MOST {
            return;
        }
        let now = self.now();
        conns.retain(|watched| {
            let conn = watched.cell.borrow();
            let is_idle = conn.is_idle_for(now, PAUSE);
            if is_idle && conn.direct == watched.serial {
                conn.wake();
            }
            !is_idle
        });
    }
}
