//! How busy the I/O threads are, and what follows from it: which thread takes a new connection, and when a thread that has
//! reached its limit gives some of its connections to another. How a connection moves is in `h1::moving`; nothing here
//! touches one.
//!
//! Few busy threads cost less than many half idle ones, since each wake serves more answers. So connections are packed, and a
//! thread is left in peace until it has hardly a moment's rest.

use crate::io_pool::Remote;
use std::cell::Cell;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};
use std::time::Instant;

/// How often a thread that runs looks at how long it has slept, in milliseconds.
const LOOK_EVERY: u64 = 50;
/// Share of its time, in thousandths, in which a thread at its limit does not sleep, and looks in a row that must say so.
const SATURATED: u32 = 970;
const LOOKS: u32 = 2;
/// Below this a thread may be given connections of another one.
const HAS_ROOM: u32 = 500;
/// Below this a thread takes new connections as they come.
const WELCOMES: u32 = 700;
/// A figure that is older says nothing: the thread has slept.
const STALE_MS: u64 = 500;
/// Connections that a thread takes before the next one gets any.
const BLOCK: usize = 64;
/// Connections up to which a thread keeps those that come for one request.
const MOST_BRIEF: usize = 1024;
/// Share of connections, in thousandths, that have come for one request, above which the next one is taken for such.
const MOSTLY: u32 = 800;

static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Microseconds since the process began to count.
fn clock() -> u64 {
    STARTED.elapsed().as_micros() as u64
}

/// How long a thread has slept, in all. Only that thread writes it.
#[derive(Debug, Default)]
pub(crate) struct Sleep {
    since: AtomicU64,
    total: AtomicU64,
}

impl Sleep {
    pub(crate) fn begin(&self) {
        self.since.store(clock(), Relaxed);
    }

    pub(crate) fn end(&self) {
        let slept = clock().saturating_sub(self.since.load(Relaxed));
        self.total.store(self.total.load(Relaxed) + slept, Relaxed);
    }
}

/// How busy a thread is, as others see it.
#[derive(Debug, Default)]
pub(crate) struct Load {
    share: AtomicU32,
    at: AtomicU64,
}

impl Load {
    /// In thousandths of its time; 0 if the thread has not said anything for a while.
    fn share(&self) -> u32 {
        if clock().saturating_sub(self.at.load(Relaxed)) > STALE_MS * 1000 {
            return 0;
        }
        self.share.load(Relaxed)
    }

    fn tell(&self, share: u32) {
        self.share.store(share, Relaxed);
        self.at.store(clock(), Relaxed);
    }

    /// More will come, by its own figures only later.
    fn expect(&self, more: u32) {
        self.tell(self.share().saturating_add(more));
    }
}

/// Whether the connections of a server come for one request each: a mean that forgets.
#[derive(Debug, Default)]
pub(crate) struct Brevity(AtomicU32);

impl Brevity {
    /// A connection has ended. Threads may overwrite each other's words: a mean does not mind.
    pub(crate) fn note(&self, requests: u32) {
        let before = self.0.load(Relaxed);
        let now = if requests <= 1 { 1000 } else { 0 };
        self.0.store((before * 15 + now) / 16, Relaxed);
    }

    fn is_usual(&self) -> bool {
        self.0.load(Relaxed) > MOSTLY
    }
}

/// Whether a thread that has accepted a connection serves it itself, wherever others would be placed: handing it over costs
/// a wake, and it will not stay.
pub(crate) fn stays(brevity: &Brevity, own: &Remote) -> bool {
    brevity.is_usual() && own.slots.load(Relaxed) < MOST_BRIEF && own.load.share() < WELCOMES
}

/// The thread that takes the next connection: the first one with fewer than [`BLOCK`] of them and time to spare, else the one
/// with the fewest. It counts as one of its connections from now on.
pub(crate) fn place(threads: &[Arc<Remote>]) -> usize {
    let mut best = (usize::MAX, 0);
    for (index, thread) in threads.iter().enumerate() {
        let slots = thread.slots.load(Relaxed);
        if slots < BLOCK && thread.load.share() < WELCOMES {
            best = (slots, index);
            break;
        }
        if slots < best.0 {
            best = (slots, index);
        }
    }
    // The thread itself counts what it has; until it has seen this connection, a burst must not all go to it.
    threads[best.1].slots.fetch_add(1, Relaxed);
    best.1
}

/// What one I/O thread knows of its own load, and what it is to give away.
#[derive(Debug, Default)]
pub(crate) struct Balance {
    next_look: Cell<u64>,
    /// The clock and the time slept at the last look.
    last: Cell<Option<(u64, u64)>>,
    hot: Cell<u32>,
    /// Connections to give, and the thread they go to.
    gives: Cell<u32>,
    to: Cell<usize>,
    /// They are given because of the load: not when that is over.
    is_relief: Cell<bool>,
}

impl Balance {
    /// To be called often; `now` is in milliseconds.
    pub(crate) fn look(&self, now: u64, own: usize, threads: &[Arc<Remote>]) {
        if now < self.next_look.get() {
            return;
        }
        self.next_look.set(now + LOOK_EVERY);
        let (at, slept) = (clock(), threads[own].sleep.total.load(Relaxed));
        let Some((since, before)) = self.last.replace(Some((at, slept))) else {
            return;
        };
        let wall = at.saturating_sub(since).max(1);
        let awake = wall.saturating_sub(slept - before);
        let share = (awake * 1000 / wall) as u32;
        threads[own].load.tell(share);
        if share < SATURATED {
            self.hot.set(0);
            // it has got better, for whatever reason
            if self.is_relief.replace(false) {
                self.gives.set(0);
            }
            return;
        }
        self.hot.set(self.hot.get() + 1);
        if self.hot.get() >= LOOKS && self.gives.get() == 0 {
            self.hot.set(0);
            self.share_out(share, own, threads);
        }
    }

    /// Decides how many connections go where, so that both threads are equally busy.
    fn share_out(&self, share: u32, own: usize, threads: &[Arc<Remote>]) {
        let others = threads
            .iter()
            .enumerate()
            .filter(|&(index, _)| index != own);
        let Some((to, other)) = others
            .map(|(index, thread)| (index, thread.load.share()))
            .min_by_key(|&(_, other)| other)
        else {
            return;
        };
        if other >= HAS_ROOM {
            return;
        }
        let connections = threads[own].slots.load(Relaxed) as u64;
        let part = u64::from(share - other) / 2;
        let count = connections * part / u64::from(share);
        if count == 0 {
            return;
        }
        threads[to].load.expect(part as u32);
        self.give(to, count as u32);
        self.is_relief.set(true);
    }

    /// From now on `count` connections are to go to thread `to`.
    pub(crate) fn give(&self, to: usize, count: u32) {
        self.to.set(to);
        self.gives.set(count);
    }

    /// The thread that a connection is to be given to now, if one is.
    pub(crate) fn receiver(&self) -> Option<usize> {
        (self.gives.get() != 0).then(|| self.to.get())
    }

    /// One was given.
    pub(crate) fn gave(&self) {
        self.gives.set(self.gives.get().saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn threads(loads: &[(usize, u32)]) -> Vec<Arc<Remote>> {
        loads
            .iter()
            .map(|&(slots, share)| {
                let remote = Remote::default();
                remote.slots.store(slots, Relaxed);
                remote.load.tell(share);
                Arc::new(remote)
            })
            .collect()
    }

    #[test]
    fn connections_are_packed_until_a_thread_has_its_block_or_no_time() {
        let pool = threads(&[(0, 0), (0, 0)]);
        for _ in 0..BLOCK {
            assert_eq!(place(&pool), 0);
        }
        assert_eq!(place(&pool), 1);
        assert_eq!(place(&threads(&[(3, 800), (40, 0)])), 1, "no time");
        assert_eq!(
            place(&threads(&[(90, 0), (80, 0), (85, 0)])),
            1,
            "the fewest"
        );
        assert_eq!(place(&threads(&[(3, 950), (40, 950)])), 0, "none has time");
    }

    #[test]
    fn who_comes_for_one_request_stays_where_it_was_accepted() {
        let brevity = Brevity::default();
        let own = threads(&[(500, 300)]).remove(0);
        assert!(!stays(&brevity, &own), "nothing is known");
        for _ in 0..40 {
            brevity.note(1);
        }
        assert!(stays(&brevity, &own));
        assert!(!stays(&brevity, &threads(&[(500, 800)]).remove(0)), "busy");
        assert!(!stays(&brevity, &threads(&[(2000, 0)]).remove(0)), "full");
        for _ in 0..8 {
            brevity.note(20);
        }
        assert!(!stays(&brevity, &own), "they stay longer now");
    }

    #[test]
    fn a_thread_at_its_limit_gives_what_makes_both_equal() {
        let pool = threads(&[(64, 1000), (10, 600), (0, 200)]);
        let balance = Balance::default();
        balance.share_out(1000, 0, &pool);
        assert_eq!(balance.receiver(), Some(2));
        assert_eq!(balance.gives.get(), 64 * 400 / 1000);
        assert_eq!(
            pool[2].load.share(),
            600,
            "and nobody else gives to that one now"
        );
        for _ in 0..25 {
            balance.gave();
        }
        assert_eq!(balance.receiver(), None);
        balance.share_out(1000, 0, &pool);
        assert_eq!(balance.receiver(), None, "no other has room");
    }

    #[test]
    fn a_lone_connection_or_a_lone_thread_gives_nothing() {
        let balance = Balance::default();
        balance.share_out(1000, 0, &threads(&[(1, 1000), (0, 0)]));
        assert_eq!(balance.receiver(), None);
        balance.share_out(1000, 0, &threads(&[(64, 1000)]));
        assert_eq!(balance.receiver(), None);
    }

    #[test]
    fn a_thread_that_never_sleeps_is_at_its_limit() {
        let pool = threads(&[(64, 0), (0, 0)]);
        let balance = Balance::default();
        let mut now = 0;
        let mut look = |slept: bool| {
            pool[0].sleep.begin();
            std::thread::sleep(Duration::from_millis(5));
            if slept {
                pool[0].sleep.end();
            }
            now += LOOK_EVERY;
            balance.look(now, 0, &pool);
        };
        look(false);
        look(false);
        assert_eq!(balance.receiver(), None, "once says little");
        look(true);
        look(false);
        assert_eq!(balance.receiver(), None, "it has slept");
        look(false);
        assert_eq!(balance.receiver(), Some(1));
        assert_eq!(pool[0].load.share(), 1000);
        look(true);
        assert_eq!(balance.receiver(), None, "it is over");
        assert!(pool[0].load.share() < WELCOMES);
    }

    #[test]
    fn looks_are_rare() {
        let pool = threads(&[(64, 0), (0, 0)]);
        let balance = Balance::default();
        balance.look(100, 0, &pool);
        let first = balance.last.get();
        std::thread::sleep(Duration::from_millis(1));
        balance.look(100 + LOOK_EVERY - 1, 0, &pool);
        assert_eq!(balance.last.get(), first);
        balance.look(100 + LOOK_EVERY, 0, &pool);
        assert_ne!(balance.last.get(), first);
    }
}
