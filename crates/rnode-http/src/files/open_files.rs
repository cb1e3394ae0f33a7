//! Open files that are too large for memory: kept so that the next request needs no `open`, `fstat` and `close`.
//!
//! As with bodies in memory, one is only used if a `stat` of this very request says that the path still leads to it, unchanged. While it
//! is open its inode cannot be given to another file, and its bytes are read when they are sent: nothing here can be out of date.
//! A deleted file holds its disk space until it is closed, and a mounted file system cannot be unmounted: so a look that does not
//! find the path closes it at once, and one that nobody asks for is closed after a while.

use std::collections::HashMap;
use std::fs::File;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::stat::Meta;

/// For how long a look at the page cache counts.
const RESIDENT: Duration = Duration::from_secs(1);

/// A file open for reading. Its own position is not to be relied on.
#[derive(Debug)]
pub struct OpenFile {
    file: File,
    /// Milliseconds of [`clock`] at which all of it was last seen in the page cache; 0 = never.
    resident: AtomicU64,
}

impl OpenFile {
    pub(super) fn new(file: File) -> Self {
        Self {
            file,
            resident: AtomicU64::new(0),
        }
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// It was in the page cache a moment ago, whole.
    #[must_use]
    pub fn was_resident(&self) -> bool {
        let seen = self.resident.load(Relaxed);
        seen != 0 && clock().saturating_sub(seen) < RESIDENT.as_millis() as u64
    }

    /// It is in the page cache now, whole.
    pub fn is_resident(&self) {
        self.resident.store(clock(), Relaxed);
    }
}

/// Milliseconds since the process first asked, and one.
fn clock() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed().as_millis() as u64 + 1
}

/// Open files by absolute path, bounded; the one not used for longest goes first.
#[derive(Debug, Default)]
pub(super) struct OpenFiles {
    limit: usize,
    entries: Mutex<HashMap<Box<str>, Entry>>,
    /// Number of entries, to be read without the lock.
    count: AtomicUsize,
}

#[derive(Debug)]
struct Entry {
    meta: Meta,
    file: Arc<OpenFile>,
    used: Instant,
}

impl OpenFiles {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// The file open for `path`, if it is the one that `meta` describes.
    pub(super) fn get(&self, path: &str, meta: &Meta) -> Option<Arc<OpenFile>> {
        if self.is_empty() {
            return None;
        }
        let mut entries = self.lock();
        let entry = entries.get_mut(path)?;
        if entry.meta == *meta {
            entry.used = Instant::now();
            return Some(entry.file.clone());
        }
        entries.remove(path);
        self.count.store(entries.len(), Relaxed);
        None
    }

    pub(super) fn keep(&self, path: &str, meta: &Meta, file: &Arc<OpenFile>) {
        if self.limit == 0 {
            return;
        }
        let mut entries = self.lock();
        if entries.len() >= self.limit && !entries.contains_key(path) {
            let oldest = entries.iter().min_by_key(|(_, entry)| entry.used);
            if let Some(key) = oldest.map(|(key, _)| key.clone()) {
                entries.remove(&key);
            }
        }
        let entry = Entry {
            meta: meta.clone(),
            file: file.clone(),
            used: Instant::now(),
        };
        entries.insert(path.into(), entry);
        self.count.store(entries.len(), Relaxed);
    }

    /// The path leads nowhere any more.
    pub(super) fn forget(&self, path: &str) {
        if !self.is_empty() {
            let mut entries = self.lock();
            entries.remove(path);
            self.count.store(entries.len(), Relaxed);
        }
    }

    /// Closes those not used for `idle`, and returns how many are left.
    pub(super) fn expire(&self, idle: Duration) -> usize {
        let mut entries = self.lock();
        entries.retain(|_, entry| entry.used.elapsed() < idle);
        self.count.store(entries.len(), Relaxed);
        entries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count.load(Relaxed) == 0
    }

    /// A thread that panicked while it held the lock has left a map that is whole.
    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
