//! Where a file may be looked for on an I/O thread itself: where looking does not wait for a disk, as far as that can be told
//! from the looks before. It remembers times only; it asks no file system.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// For how long a look counts, in milliseconds.
const WARM_MS: u64 = 10_000;
/// Names remembered at most; then all are forgotten.
const MAX_NAMES: usize = 8192;
/// A look that takes longer has waited for something: names in the kernel's caches are found in microseconds.
const SLOW: Duration = Duration::from_millis(1);

/// What the looks of one I/O thread have shown.
///
/// Two things let a look be made here: the very name was looked for lately, or the folder's file system has answered lately
/// and never slowly. So a folder with warm caches costs no hand-over to another thread, whatever names are asked for, and one on a
/// slow disk holds the thread up once in ten seconds at most.
#[derive(Default)]
pub(crate) struct Lookups {
    hasher: RandomState,
    /// Hashes of names and when they were looked at. A collision costs nothing but a look on the wrong thread.
    seen: HashMap<u64, u64>,
    roots: HashMap<u32, Root>,
}

/// The last look below a folder, and the last slow one; in milliseconds, 0 = never.
#[derive(Debug, Clone, Copy, Default)]
struct Root {
    last: u64,
    slow: u64,
}

impl Lookups {
    /// The key of a path under the options numbered `options`.
    pub(crate) fn key(&self, options: u32, path: &[u8]) -> u64 {
        self.hasher.hash_one((options, path))
    }

    /// True if the look should not have to wait.
    pub(crate) fn is_quick(&self, options: u32, key: u64, now: u64) -> bool {
        let lately = |at: u64| at != 0 && now.saturating_sub(at) < WARM_MS;
        self.roots
            .get(&options)
            .is_some_and(|root| lately(root.last) && !lately(root.slow))
            || self.seen.get(&key).is_some_and(|at| lately(*at))
    }

    /// A look has taken this long.
    pub(crate) fn looked(&mut self, options: u32, key: u64, now: u64, took: Duration) {
        let root = self.roots.entry(options).or_default();
        root.last = now;
        if took >= SLOW {
            root.slow = now;
        }
        // As long as the root is quick, names need not be remembered.
        if root.slow != 0 {
            if self.seen.len() >= MAX_NAMES {
                self.seen.clear();
            }
            self.seen.insert(key, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Lookups, MAX_NAMES, SLOW, WARM_MS};
    use std::time::Duration;

    const FAST: Duration = Duration::from_micros(20);

    #[test]
    fn a_quick_root_is_quick_for_all_names() {
        let mut lookups = Lookups::default();
        let (a, b) = (lookups.key(1, b"/a"), lookups.key(1, b"/b"));
        assert_ne!(a, lookups.key(2, b"/a"));
        assert!(!lookups.is_quick(1, a, 5));
        lookups.looked(1, a, 5, FAST);
        assert!(lookups.is_quick(1, b, 4 + WARM_MS));
        assert!(!lookups.is_quick(1, b, 5 + WARM_MS));
        assert!(!lookups.is_quick(2, lookups.key(2, b"/a"), 5));
    }

    #[test]
    fn a_slow_root_is_quick_for_names_seen() {
        let mut lookups = Lookups::default();
        let (a, b) = (lookups.key(1, b"/a"), lookups.key(1, b"/b"));
        lookups.looked(1, a, 5, SLOW);
        assert!(lookups.is_quick(1, a, 6) && !lookups.is_quick(1, b, 6));
        lookups.looked(1, b, 4 + WARM_MS, FAST);
        assert!(lookups.is_quick(1, b, 4 + WARM_MS));
        assert!(lookups.is_quick(1, lookups.key(1, b"/c"), 5 + WARM_MS));
    }

    #[test]
    fn is_bounded() {
        let mut lookups = Lookups::default();
        for key in 0..=MAX_NAMES as u64 {
            lookups.looked(1, key, 5, SLOW);
        }
        assert!(lookups.seen.len() <= MAX_NAMES);
    }
}
