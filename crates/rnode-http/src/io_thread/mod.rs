//! One I/O thread: what it owns (its slot table, its servers, its scratch buffers), and what other threads ask of it.
//!
//! Everything here is the thread's alone, but for the time of a [loan](crate::loan). The loop is in `run`, what is done with
//! the mailbox in `frames`, and what becomes of a connection in `h1`.

mod frames;
mod run;

use crate::balance::{self, Balance};
use crate::contain::contain;
use crate::direct::{Direct, Ready};
use crate::files::cache;
use crate::finish::DateCache;
use crate::h1::conn::{Conn, ConnCell};
use crate::h1::file::FILE_CHUNK;
use crate::h1::io::Io;
use crate::h1::moving::Moved;
use crate::h1::parse::Span;
use crate::io_pool::Remote;
use crate::server::accept::{Accepted, Acceptor};
use crate::server::bind::Listener;
use crate::server::{Routes, Server, TableVersion};
use crate::slabs::Slabs;
use crate::wakes::LocalQueue;
use crate::warm::Lookups;
use rnode_bridge::Slots;
use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::OwnedFd;
use std::rc::{Rc, Weak};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, mpsc};
use std::task::Waker;
use std::time::{Duration, Instant};

pub(crate) use run::run;

/// Size of the buffer that all connections of a thread read into.
pub(crate) const READ_BUFFER: usize = 64 << 10;
/// Output buffers kept for reuse, and the largest worth keeping.
const POOLED_BUFFERS: usize = 64;
const POOLED_CAPACITY: usize = 64 << 10;

/// For how long a file is kept open that nobody asks for; looked at as often.
const IDLE_FILE: Duration = Duration::from_secs(10);
/// For how long there are no large bodies until the memory that was needed for some goes back to the system.
const REST: Duration = Duration::from_secs(5);
/// Buffers for chunks of files kept for reuse.
const POOLED_FILE_BUFFERS: usize = 16;

/// What other threads ask of an I/O thread besides frames.
#[derive(Debug)]
pub(crate) enum Command {
    Listen {
        server: Arc<Server>,
        listener: Listener,
    },
    StopAccept {
        server: Arc<Server>,
        stopped: mpsc::Sender<()>,
    },
    DuplicateSocket {
        server: Arc<Server>,
        reply: mpsc::Sender<io::Result<OwnedFd>>,
    },
    Serve {
        server: Arc<Server>,
        accepted: Accepted,
        /// It has been served by another thread.
        moved: Option<Box<Moved>>,
    },
    /// `number` counts the server's calls of this kind.
    CloseIdle {
        server: Arc<Server>,
        number: u64,
    },
    CloseAll {
        server: Arc<Server>,
        number: u64,
    },
    /// Connections are to go to another thread.
    Give {
        to: usize,
        count: u32,
    },
    /// Direct connections are to be read that somebody without the loan has found.
    ServeDirect(Box<[Ready]>),
    Stop,
}

/// A server as one I/O thread sees it: reading the route table takes one atomic load.
pub(crate) struct LocalServer {
    pub(crate) server: Arc<Server>,
    pub(crate) queue: LocalQueue,
    routes: RefCell<(u64, Routes)>,
    /// Number of the last call to close connections that this thread has obeyed.
    pub(crate) closes: Cell<u64>,
}

impl LocalServer {
    /// Calls `f` with the current table and the lines for native layers at the front, if there is a table.
    pub(crate) fn with_routes<R>(
        &self,
        f: impl FnOnce(&TableVersion, Option<&Arc<[u8]>>) -> R,
    ) -> Option<R> {
        let epoch = self.server.routes_epoch();
        if self.routes.borrow().0 != epoch {
            *self.routes.borrow_mut() = (epoch, self.server.routes());
        }
        let routes = &self.routes.borrow().1;
        let table = routes.table.as_ref()?;
        Some(f(table, routes.front_lines.as_ref()))
    }
}

/// The state of one I/O thread.
pub(crate) struct Ctx {
    pub(crate) id: u8,
    /// The context itself, for work that outlives a call.
    pub(crate) me: Weak<Self>,
    pub(crate) lookups: RefCell<Lookups>,
    /// A task closes files that are kept open for too long.
    closes_files: Cell<bool>,
    /// Large bodies have come or gone since the last look.
    strained: Cell<bool>,
    /// A task looks whether they still do.
    watches_strain: Cell<bool>,
    file_buffers: RefCell<Vec<Box<[u8]>>>,
    remote: Arc<Remote>,
    /// All threads of the pool, this one among them.
    threads: Arc<[Arc<Remote>]>,
    pub(crate) balance: Balance,
    pub(crate) direct: Direct,
    pub(crate) slots: RefCell<Slots<Rc<ConnCell>>>,
    pub(crate) read_buffer: RefCell<Box<[u8]>>,
    /// Memory for large parts of bodies.
    pub(crate) slabs: RefCell<Slabs>,
    pub(crate) spans: RefCell<Vec<Span>>,
    pub(crate) plan: RefCell<Vec<u32>>,
    /// Decoded chunked bodies, response lines of a 304, computed ETags.
    pub(crate) scratch: RefCell<Vec<u8>>,
    pub(crate) date: RefCell<DateCache>,
    buffers: RefCell<Vec<Vec<u8>>>,
    /// Connections that frames of the current batch have touched.
    touched: RefCell<Vec<Rc<ConnCell>>>,
    servers: RefCell<Vec<Rc<LocalServer>>>,
    acceptors: RefCell<Vec<Rc<Acceptor>>>,
    /// Wakes the thread's main loop, which arms the sweep.
    main: RefCell<Option<Waker>>,
    epoch: Instant,
    clock: Cell<u64>,
}

impl Ctx {
    fn new(id: u8, threads: Arc<[Arc<Remote>]>) -> Rc<Self> {
        let remote = threads[usize::from(id)].clone();
        Rc::new_cyclic(|me| Self {
            id,
            me: me.clone(),
            lookups: RefCell::default(),
            closes_files: Cell::new(false),
            strained: Cell::new(false),
            watches_strain: Cell::new(false),
            file_buffers: RefCell::default(),
            remote,
            threads,
            balance: Balance::default(),
            direct: Direct::default(),
            slots: RefCell::default(),
            slabs: RefCell::default(),
            read_buffer: RefCell::new(vec![0; READ_BUFFER].into_boxed_slice()),
            spans: RefCell::default(),
            plan: RefCell::default(),
            scratch: RefCell::default(),
            date: RefCell::new(DateCache::new()),
            buffers: RefCell::default(),
            touched: RefCell::default(),
            servers: RefCell::default(),
            acceptors: RefCell::default(),
            main: RefCell::default(),
            // Starts at one, so that 0 can mean "not set" in a connection's fields.
            epoch: Instant::now() - Duration::from_millis(1),
            clock: Cell::new(1),
        })
    }

    /// Milliseconds since the thread started, read from the system's clock. Above 0.
    pub(crate) fn now(&self) -> u64 {
        let now = self.epoch.elapsed().as_millis() as u64;
        self.clock.set(now);
        // Under a loan this is another thread, and its own one sleeps.
        if !self.is_lent() {
            self.balance.look(now, usize::from(self.id), &self.threads);
        }
        now
    }

    /// The last value of [`now`](Self::now): that of the current batch of frames, or older.
    pub(crate) fn recent(&self) -> u64 {
        self.clock.get()
    }

    /// An empty buffer for output.
    pub(crate) fn buffer(&self) -> Vec<u8> {
        self.buffers
            .borrow_mut()
            .pop()
            .unwrap_or_else(|| Vec::with_capacity(1024))
    }

    /// Takes an output buffer back.
    pub(crate) fn recycle(&self, mut buffer: Vec<u8>) {
        let mut buffers = self.buffers.borrow_mut();
        if buffers.len() < POOLED_BUFFERS && buffer.capacity() <= POOLED_CAPACITY {
            buffer.clear();
            buffers.push(buffer);
        }
    }

    /// A buffer of [`FILE_CHUNK`] bytes.
    pub(crate) fn file_buffer(&self) -> Box<[u8]> {
        self.file_buffers
            .borrow_mut()
            .pop()
            .unwrap_or_else(|| vec![0; FILE_CHUNK].into_boxed_slice())
    }

    /// Takes a buffer of [`file_buffer`](Self::file_buffer) back.
    pub(crate) fn recycle_file_buffer(&self, buffer: Box<[u8]>) {
        let mut buffers = self.file_buffers.borrow_mut();
        if buffers.len() < POOLED_FILE_BUFFERS {
            buffers.push(buffer);
        }
    }

    /// Remembers how long a look for a file has taken.
    pub(crate) fn looked(&self, options: u32, key: u64, took: Duration) {
        let now = self.recent();
        self.lookups.borrow_mut().looked(options, key, now, took);
    }

    /// Sees to it that files kept open are closed when nobody asks for them any more.
    pub(crate) fn close_idle_files(&self) {
        if self.closes_files.replace(true) {
            return;
        }
        let Some(ctx) = self.me.upgrade() else {
            return;
        };
        tokio::task::spawn_local(async move {
            while cache().close_idle(IDLE_FILE) > 0 {
                tokio::time::sleep(IDLE_FILE).await;
            }
            ctx.closes_files.set(false);
        });
    }

    /// Large bodies come or go. Once none has for [`REST`], memory is given back.
    pub(crate) fn note_strain(&self) {
        self.strained.set(true);
        if self.is_lent() || self.watches_strain.replace(true) {
            return;
        }
        let Some(ctx) = self.me.upgrade() else {
            return;
        };
        tokio::task::spawn_local(async move {
            while ctx.strained.replace(false) {
                tokio::time::sleep(REST).await;
            }
            ctx.watches_strain.set(false);
            ctx.buffers.borrow_mut().clear();
            ctx.file_buffers.borrow_mut().clear();
            if let Some(relax) = ctx.remote.relax {
                tokio::task::spawn_blocking(relax);
            }
        });
    }

    /// Goes on with a connection, outside a batch of frames, if it is still the same request's turn.
    pub(crate) fn resume(&self, index: u32, generation: u32, f: impl FnOnce(&mut Conn)) {
        let current = self
            .slots
            .borrow()
            .current(index)
            .map(|(_, cell)| cell.clone());
        if let Some(cell) = current {
            self.guarded(&cell, |conn| {
                if conn.turn() == generation {
                    f(conn);
                    conn.after_batch(self);
                }
            });
        }
    }

    /// Whether a connection that was accepted here and has come for one request is served here.
    pub(crate) fn keeps(&self, server: &Server) -> bool {
        balance::stays(&server.brevity, &self.remote)
    }

    /// Takes a connection over; it counts as opened already.
    pub(crate) fn serve(self: &Rc<Self>, server: &Arc<Server>, io: Io, moved: Option<Box<Moved>>) {
        let local = self.local_server(server);
        self.now();
        let was_served = moved.is_some();
        if let Some(task) = Conn::start(self, local, io, was_served) {
            if moved.is_some_and(|moved| !task.go_on(*moved, self)) {
                return;
            }
            // A thread without connections has no sweep running.
            if self.slots.borrow().len() == 1 {
                self.wake_main();
            }
            tokio::task::spawn_local(task);
        } else {
            server.connection_gone();
        }
    }

    /// Wakes JavaScript threads for what they were given quietly.
    pub(crate) fn pay_wakes(&self) {
        self.remote.wakes.pay();
    }

    /// Has the main loop look at what it is to do from time to time.
    pub(crate) fn wake_main(&self) {
        if let Some(main) = &*self.main.borrow() {
            main.wake_by_ref();
        }
    }

    pub(crate) fn slot_count_changed(&self) {
        let count = self.slots.borrow().len();
        self.remote.slots.store(count, Relaxed);
        if count == 0 {
            self.slabs.borrow_mut().forget();
        }
    }

    fn local_server(&self, server: &Arc<Server>) -> Rc<LocalServer> {
        let mut servers = self.servers.borrow_mut();
        if let Some(local) = servers
            .iter()
            .find(|local| Arc::ptr_eq(&local.server, server))
        {
            return local.clone();
        }
        servers.retain(|local| Rc::strong_count(local) > 1);
        let routes = RefCell::new((u64::MAX, Routes::default()));
        let closes = Cell::new(server.closes());
        let local = Rc::new(LocalServer {
            server: server.clone(),
            queue: LocalQueue::new(server.queue.clone(), self.remote.wakes.clone()),
            routes,
            closes,
        });
        servers.push(local.clone());
        local
    }

    /// Runs `f` on a connection; a panic in it costs that connection and nothing else.
    pub(crate) fn guarded<R>(&self, cell: &ConnCell, f: impl FnOnce(&mut Conn) -> R) -> Option<R> {
        let result = contain("a connection was closed", || f(&mut cell.borrow_mut()));
        if result.is_none() {
            contain("a connection was killed", || cell.borrow_mut().kill());
        }
        result
    }
}
