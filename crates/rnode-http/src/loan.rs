//! Who may touch what an I/O thread owns: the thread itself, or, while it sleeps, a JavaScript thread for the time of one call.
//! Nothing here knows what is lent, or what is done with it.
//!
//! The I/O thread lends what it has between two hooks of its runtime, `before_park` and `after_unpark`. Between these the
//! runtime waits for events and wakes tasks, but runs none.

use crate::direct::ThreadState;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The state of an I/O thread in a form that other threads may hold. See [`IoPool::start_lending`](crate::IoPool::start_lending).
pub trait Lent: Send {
    /// What is lent.
    fn state(&self) -> &ThreadState;
}

/// Makes the state of an I/O thread lendable.
pub type Lend = fn(ThreadState) -> Box<dyn Lent>;

/// The loan of one I/O thread, of its `T`.
pub(crate) struct Loan<T: ?Sized + Send> {
    inner: Mutex<Inner<T>>,
    returned: Condvar,
}

struct Inner<T: ?Sized> {
    holder: Holder,
    /// The I/O thread has woken up and waits.
    awaited: bool,
    lent: Option<Box<T>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holder {
    /// The I/O thread runs.
    Owner,
    /// The I/O thread sleeps.
    Nobody,
    Borrower,
}

impl<T: ?Sized + Send> Default for Loan<T> {
    /// The I/O thread runs, and has lent nothing yet.
    fn default() -> Self {
        Self {
            inner: Mutex::new(Inner {
                holder: Holder::Owner,
                awaited: false,
                lent: None,
            }),
            returned: Condvar::new(),
        }
    }
}

impl<T: ?Sized + Send> std::fmt::Debug for Loan<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loan")
            .field("holder", &self.lock().holder)
            .finish_non_exhaustive()
    }
}

impl<T: ?Sized + Send> Loan<T> {
    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lends from now on. Called by the I/O thread, as is [`end`](Self::end).
    pub(crate) fn begin(&self, lent: Box<T>) {
        self.lock().lent = Some(lent);
    }

    /// Lends no more, and drops what [`begin`](Self::begin) was given.
    pub(crate) fn end(&self) {
        let lent = self.lock().lent.take();
        drop(lent);
    }

    /// The I/O thread is about to sleep and touches nothing until [`after_unpark`](Self::after_unpark) returns.
    pub(crate) fn before_park(&self) {
        let mut inner = self.lock();
        if inner.lent.is_some() {
            inner.holder = Holder::Nobody;
        }
    }

    /// The I/O thread has woken up; waits for what is lent.
    pub(crate) fn after_unpark(&self) {
        let mut inner = self.lock();
        while inner.holder == Holder::Borrower {
            inner.awaited = true;
            inner = self
                .returned
                .wait(inner)
                .unwrap_or_else(PoisonError::into_inner);
        }
        inner.awaited = false;
        inner.holder = Holder::Owner;
    }

    /// Calls `f` with what is lent. `None`, and `f` is not called, if the I/O thread is awake.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&T) -> R) -> Option<R> {
        let mut inner = self.lock();
        if inner.holder != Holder::Nobody {
            return None;
        }
        let lent = inner.lent.take()?;
        inner.holder = Holder::Borrower;
        drop(inner);
        let borrowed = Borrowed {
            loan: self,
            lent: Some(lent),
        };
        borrowed.lent.as_ref().map(|lent| f(lent))
    }
}

/// Gives back what was borrowed, also when its use panics.
struct Borrowed<'a, T: ?Sized + Send> {
    loan: &'a Loan<T>,
    lent: Option<Box<T>>,
}

impl<T: ?Sized + Send> Drop for Borrowed<'_, T> {
    fn drop(&mut self) {
        let mut inner = self.loan.lock();
        inner.lent = self.lent.take();
        inner.holder = Holder::Nobody;
        let awaited = inner.awaited;
        drop(inner);
        if awaited {
            self.loan.returned.notify_one();
        }
    }
}

#[cfg(test)]
mod tests;
