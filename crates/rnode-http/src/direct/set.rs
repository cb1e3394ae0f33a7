//! The sockets of direct connections of one JavaScript thread. Which these are, and what is read from them, is not known here.

use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// Sockets that are looked at in one go.
#[cfg(target_os = "linux")]
const EVENTS: usize = 64;

/// A socket that has become readable.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ready {
    pub(crate) slot: u32,
    /// Which direct time of the connection is meant.
    pub(crate) serial: u32,
    /// It has ended or failed, too.
    pub(crate) ended: bool,
}

impl Ready {
    /// Of the token of an event, which is never 0: serials begin at 1.
    fn of(token: u64, ended: bool) -> Self {
        Self {
            slot: (token >> 32) as u32,
            serial: token as u32,
            ended,
        }
    }
}

/// An epoll instance that is readable when one of the sockets in it has become so. Elsewhere than on Linux there is none.
#[derive(Debug)]
pub struct DirectSet {
    #[cfg(target_os = "linux")]
    epoll: std::os::fd::OwnedFd,
    len: AtomicUsize,
    closed: AtomicBool,
    /// How often it was taken from.
    takes: AtomicU64,
    /// The socket that was ready last, as the token of its events; 0 = none.
    last: AtomicU64,
}

impl DirectSet {
    /// Direct connections.
    pub fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// True if no connection is direct.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Nobody will look at the set from here on: no further connection becomes direct.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// The socket that must be meant when the set is readable, if there is only one in it. It may have left meanwhile.
    pub(crate) fn only(&self) -> Option<Ready> {
        let token = self.last.load(Ordering::Relaxed);
        (token != 0 && self.len() == 1).then(|| Ready::of(token, false))
    }

    /// What [`only`](Self::only) has named is being read.
    pub(crate) fn note_take(&self) {
        self.takes.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a socket out that was removed, or closed.
    pub(crate) fn forget(&self) {
        self.len.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(target_os = "linux")]
impl DirectSet {
    /// An empty set.
    ///
    /// # Errors
    /// Those of the system when it has no descriptors left.
    pub fn new() -> io::Result<Self> {
        use rustix::event::epoll;
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            len: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            takes: AtomicU64::new(0),
            last: AtomicU64::new(0),
        })
    }

    /// Watches `socket`; bytes that are there already count. Each arrival is told once.
    pub(crate) fn add(&self, socket: impl AsFd, slot: u32, serial: u32) -> io::Result<()> {
        use rustix::event::epoll::{self, EventData, EventFlags};
        let token = u64::from(slot) << 32 | u64::from(serial);
        let flags = EventFlags::IN | EventFlags::RDHUP | EventFlags::ET;
        epoll::add(&self.epoll, socket, EventData::new_u64(token), flags)?;
        self.len.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Watches `socket` no more.
    pub(crate) fn remove(&self, socket: impl AsFd) {
        // It cannot fail for a socket that was added.
        let _ = rustix::event::epoll::delete(&self.epoll, socket);
    }

    /// Calls `f` with the sockets that have become readable.
    pub(crate) fn take(&self, f: impl FnOnce(&[Ready])) {
        use rustix::event::epoll;
        let mut events = [epoll::Event {
            flags: epoll::EventFlags::empty(),
            data: epoll::EventData::new_u64(0),
        }; EVENTS];
        let mut ready = [Ready::default(); EVENTS];
        let count = epoll::wait(&self.epoll, &mut events[..], Some(&NOW)).unwrap_or(0);
        for (ready, event) in ready.iter_mut().zip(&events[..count]) {
            // The event lies packed.
            let (data, flags) = (event.data, event.flags);
            *ready = Ready::of(data.u64(), flags != epoll::EventFlags::IN);
            self.last.store(data.u64(), Ordering::Relaxed);
        }
        self.note_take();
        f(&ready[..count]);
    }

    /// If there is something to take: how often it was taken from until now.
    pub(crate) fn left(&self) -> Option<u64> {
        use rustix::event::{PollFd, PollFlags, poll};
        let takes = self.takes.load(Ordering::Relaxed);
        let ready = poll(&mut [PollFd::new(&self.epoll, PollFlags::IN)], Some(&NOW));
        matches!(ready, Ok(1..)).then_some(takes)
    }
}

#[cfg(target_os = "linux")]
const NOW: rustix::event::Timespec = rustix::event::Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

#[cfg(target_os = "linux")]
impl std::os::fd::AsRawFd for DirectSet {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.epoll.as_raw_fd()
    }
}

#[cfg(not(target_os = "linux"))]
impl DirectSet {
    /// Fails: `Unsupported`.
    ///
    /// # Errors
    /// Always.
    pub fn new() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn add(&self, _: impl AsFd, _: u32, _: u32) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn remove(&self, _: impl AsFd) {}

    pub(crate) fn take(&self, _: impl FnOnce(&[Ready])) {}

    pub(crate) fn left(&self) -> Option<u64> {
        None
    }
}
