//! A bounded cache: small files' bytes, and open descriptors of larger ones (`open_files`).
//!
//! A body is only used if a `stat` says that the file is the one it was read from (device, inode, size, mtime, ctime),
//! by default a `stat` of this very request: what `send` would see is what the client gets. That leaves one hole, a second
//! change within one tick of the file system's clock; so a body is kept only if the file had been left alone for
//! `Limits::keep_after` when it was read.
//!
//! Why not one `stat` per second and file? It would save a system call of about a microsecond, and serve the old file to
//! every test and every developer who writes and reads within that second. `Limits::revalidate_after` is there for slow
//! file systems.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;

use super::open_files::{OpenFile, OpenFiles};
use super::stat::Meta;

const SHARDS: usize = 16;

/// What a [`FileCache`] may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all bodies together. 0 turns the cache off. Default: 16 MiB.
    pub total_bytes: usize,
    /// Bytes of one body; larger files are streamed from disk every time. Default: 64 KiB.
    pub file_bytes: usize,
    /// For how long a `stat` is believed. Default: zero, every request asks again.
    pub revalidate_after: Duration,
    /// How long a file must have been left alone before its body is kept. Default: 2.1 s, more than a tick of the coarsest
    /// clock of a common file system (FAT, 2 s).
    pub keep_after: Duration,
    /// Larger files kept open. 0 keeps none. Default: 128.
    pub open_files: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            total_bytes: 16 << 20,
            file_bytes: 64 << 10,
            revalidate_after: Duration::ZERO,
            keep_after: Duration::from_millis(2100),
            open_files: 128,
        }
    }
}

/// Bodies of small files by absolute path, shared by all I/O threads: sharded, each shard behind a mutex that is never held during
/// a system call. When a shard is full, entries that were not used since the hand last passed them go first (CLOCK).
#[derive(Debug)]
pub struct FileCache {
    limits: Limits,
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
    open: OpenFiles,
}

#[derive(Debug, Default)]
struct Shard {
    entries: HashMap<Arc<str>, Entry>,
    /// Every key once, in the order in which the hand passes them.
    hand: VecDeque<Arc<str>>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    meta: Meta,
    body: Bytes,
    checked: Instant,
    used: bool,
}

/// What an entry costs besides its body: keys, stat, map slots. Keeps empty files from being free.
const OVERHEAD: usize = 256;

impl FileCache {
    /// An empty cache.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            open: OpenFiles::new(limits.open_files),
            limits,
            hasher: RandomState::new(),
            shards: Default::default(),
        }
    }

    /// Bytes of the largest body that is read into memory at once.
    pub(super) fn file_bytes(&self) -> u64 {
        self.limits.file_bytes as u64
    }

    /// Bytes now accounted for, over all shards: bodies and a fixed share for each entry.
    #[must_use]
    pub fn used_bytes(&self) -> usize {
        self.shards.iter().map(|s| lock(s).bytes).sum()
    }

    /// Forgets everything.
    pub fn clear(&self) {
        for shard in &self.shards {
            *lock(shard) = Shard::default();
        }
        self.close_idle(Duration::ZERO);
    }

    /// Closes larger files that nobody has asked for since `idle` ago; how many are still open.
    pub fn close_idle(&self, idle: Duration) -> usize {
        self.open.expire(idle)
    }

    /// The open file for `path`, if it is the one that `meta` describes.
    pub(super) fn file(&self, path: &str, meta: &Meta) -> Option<Arc<OpenFile>> {
        self.open.get(path, meta)
    }

    /// Keeps the open file that `meta` describes.
    pub(super) fn keep_open(&self, path: &str, meta: &Meta, file: &Arc<OpenFile>) {
        self.open.keep(path, meta, file);
    }

    /// The state of `path`, from the file system or, within `revalidate_after`, from the last time it was asked.
    pub(super) fn stat(&self, path: &str) -> io::Result<Meta> {
        if self.limits.revalidate_after.is_zero() {
            return self.look(path);
        }
        let recent = |e: &&Entry| e.checked.elapsed() < self.limits.revalidate_after;
        if let Some(entry) = lock(self.shard(path)).entries.get(path).filter(recent) {
            return Ok(entry.meta.clone());
        }
        let meta = self.look(path);
        let mut shard = lock(self.shard(path));
        match (&meta, shard.entries.get_mut(path)) {
            (Ok(meta), Some(entry)) if entry.meta == *meta => entry.checked = Instant::now(),
            (_, Some(_)) => shard.remove(path),
            (_, None) => {}
        }
        meta
    }

    fn look(&self, path: &str) -> io::Result<Meta> {
        let meta = Meta::of(path);
        if meta.is_err() {
            self.open.forget(path);
        }
        meta
    }

    /// The body kept for `path`, if it was read from the file that `meta` describes.
    pub(super) fn body(&self, path: &str, meta: &Meta) -> Option<Bytes> {
        if self.limits.total_bytes == 0 {
            return None;
        }
        let mut shard = lock(self.shard(path));
        let entry = shard.entries.get_mut(path)?;
        if entry.meta == *meta {
            entry.used = true;
            return Some(entry.body.clone());
        }
        shard.remove(path);
        None
    }

    /// Keeps `body`, which was read from the file that `meta` describes, reading having begun at `started`: if it fits, and if
    /// the file has been left alone for long enough.
    pub(super) fn offer(&self, path: &str, meta: &Meta, body: &Bytes, started: SystemTime) {
        let cost = body.len() + path.len() + OVERHEAD;
        let limit = self.limits.total_bytes / SHARDS;
        if body.len() > self.limits.file_bytes
            || cost > limit
            || !meta.settled(started, self.limits.keep_after)
        {
            return;
        }
        let mut shard = lock(self.shard(path));
        shard.remove(path);
        shard.make_room(limit - cost);
        let key: Arc<str> = path.into();
        shard.hand.push_back(Arc::clone(&key));
        shard.bytes += cost;
        let entry = Entry {
            meta: meta.clone(),
            body: body.clone(),
            checked: Instant::now(),
            used: false,
        };
        shard.entries.insert(key, entry);
    }

    fn shard(&self, path: &str) -> &Mutex<Shard> {
        &self.shards[self.hasher.hash_one(path) as usize % SHARDS]
    }
}

impl Default for FileCache {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Shard {
    fn remove(&mut self, path: &str) {
        if let Some(entry) = self.entries.remove(path) {
            self.bytes -= entry.body.len() + path.len() + OVERHEAD;
            self.hand.retain(|key| &**key != path);
        }
    }

    /// Drops entries until no more than `limit` bytes are in use.
    fn make_room(&mut self, limit: usize) {
        while self.bytes > limit {
            // Ends: a used entry is passed over once, with its mark taken away.
            let Some(key) = self.hand.pop_front() else {
                return;
            };
            match self.entries.get_mut(&key) {
                Some(entry) if entry.used => {
                    entry.used = false;
                    self.hand.push_back(key);
                }
                Some(entry) => {
                    self.bytes -= entry.body.len() + key.len() + OVERHEAD;
                    self.entries.remove(&key);
                }
                None => {}
            }
        }
    }
}

/// A thread that panicked while it held the lock has left a map that is whole: no step in here panics halfway.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
