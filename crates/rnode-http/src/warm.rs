//! Which files an I/O thread was asked for lately: their names are in the kernel's caches, so that looking again does not
//! wait for a disk.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// For how long a look counts, in milliseconds.
const WARM_MS: u64 = 10_000;
/// Names remembered at most; then all are forgotten.
const MAX_NAMES: usize = 8192;

/// Hashes of names and when they were looked at. A collision costs nothing but a look on the wrong thread.
#[derive(Default)]
pub(crate) struct WarmFiles {
    hasher: RandomState,
    seen: HashMap<u64, u64>,
}

impl WarmFiles {
    /// The key of a path under the options numbered `options`.
    pub(crate) fn key(&self, options: u32, path: &[u8]) -> u64 {
        self.hasher.hash_one((options, path))
    }

    /// True if the key was inserted less than ten seconds before `now`.
    pub(crate) fn contains(&self, key: u64, now: u64) -> bool {
        self.seen
            .get(&key)
            .is_some_and(|at| now.saturating_sub(*at) < WARM_MS)
    }

    pub(crate) fn insert(&mut self, key: u64, now: u64) {
        if self.seen.len() >= MAX_NAMES {
            self.seen.clear();
        }
        self.seen.insert(key, now);
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_NAMES, WARM_MS, WarmFiles};

    #[test]
    fn forgets() {
        let mut warm = WarmFiles::default();
        let key = warm.key(1, b"/a");
        assert_ne!(key, warm.key(2, b"/a"));
        assert!(!warm.contains(key, 5));
        warm.insert(key, 5);
        assert!(warm.contains(key, 4 + WARM_MS));
        assert!(!warm.contains(key, 5 + WARM_MS));
        for other in 0..=MAX_NAMES as u64 {
            warm.insert(other, 5);
        }
        assert!(warm.seen.len() <= MAX_NAMES);
    }
}
