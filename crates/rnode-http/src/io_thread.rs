//! One I/O thread: its slot table, its scratch buffers, and the loop that drains frames and commands and sweeps timeouts.
//!
//! Everything here is owned by the thread. What a frame does to a connection is in `h1`; this file only finds the
//! connection and writes what the batch left, once per connection.

use crate::blocks::LocalBlocks;
use crate::contain::contain;
use crate::direct::{Direct, Ready, TICK, ThreadState};
use crate::files::cache;
use crate::finish::DateCache;
use crate::h1::conn::{Conn, ConnCell};
use crate::h1::file::FILE_CHUNK;
use crate::h1::io::Io;
use crate::h1::parse::Span;
use crate::io_pool::Remote;
use crate::loan::Lend;
use crate::log;
use crate::server::accept::{Accepted, Acceptor};
use crate::server::bind::Listener;
use crate::server::{Routes, Server, TableVersion};
use crate::warm::Lookups;
use rnode_bridge::frame::outbound::Kind;
use rnode_bridge::{Command as FrameCommand, Commands, Posted, Slots, frame};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use tokio::time::Sleep;

/// Size of the buffer that all connections of a thread read into.
pub(crate) const READ_BUFFER: usize = 64 << 10;
/// How often timeouts are looked at.
const SWEEP: Duration = Duration::from_millis(250);
/// Output buffers kept for reuse, and the largest worth keeping.
const POOLED_BUFFERS: usize = 64;
const POOLED_CAPACITY: usize = 64 << 10;

/// For how long a file is kept open that nobody asks for; looked at as often.
const IDLE_FILE: Duration = Duration::from_secs(10);
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
    Serve {
        server: Arc<Server>,
        accepted: Accepted,
    },
    CloseIdle {
        server: Arc<Server>,
    },
    CloseAll {
        server: Arc<Server>,
    },
    /// Direct connections are to be read that somebody without the loan has found.
    ServeDirect(Box<[Ready]>),
    Stop,
}

/// A server as one I/O thread sees it: reading the route table takes one atomic load.
pub(crate) struct LocalServer {
    pub(crate) server: Arc<Server>,
    routes: RefCell<(u64, Routes)>,
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
    file_buffers: RefCell<Vec<Box<[u8]>>>,
    remote: Arc<Remote>,
    pub(crate) direct: Direct,
    pub(crate) slots: RefCell<Slots<Rc<ConnCell>>>,
    pub(crate) read_buffer: RefCell<Box<[u8]>>,
    pub(crate) spans: RefCell<Vec<Span>>,
    pub(crate) plan: RefCell<Vec<u32>>,
    /// Decoded chunked bodies, response lines of a 304, computed ETags.
    pub(crate) scratch: RefCell<Vec<u8>>,
    pub(crate) date: RefCell<DateCache>,
    pub(crate) blocks: RefCell<LocalBlocks>,
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
    fn new(id: u8, remote: Arc<Remote>) -> Rc<Self> {
        Rc::new_cyclic(|me| Self {
            id,
            me: me.clone(),
            lookups: RefCell::default(),
            closes_files: Cell::new(false),
            file_buffers: RefCell::default(),
            remote,
            direct: Direct::default(),
            slots: RefCell::default(),
            read_buffer: RefCell::new(vec![0; READ_BUFFER].into_boxed_slice()),
            spans: RefCell::default(),
            plan: RefCell::default(),
            scratch: RefCell::default(),
            date: RefCell::new(DateCache::new()),
            blocks: RefCell::default(),
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

    /// Takes a connection over; it counts as opened already.
    pub(crate) fn serve(self: &Rc<Self>, server: &Arc<Server>, io: Io) {
        let local = self.local_server(server);
        self.now();
        if let Some(task) = Conn::start(self, local, io) {
            // A thread without connections has no sweep running.
            if self.slots.borrow().len() == 1
                && let Some(main) = &*self.main.borrow()
            {
                main.wake_by_ref();
            }
            tokio::task::spawn_local(task);
        } else {
            server.connection_gone();
        }
    }

    pub(crate) fn slot_count_changed(&self) {
        self.remote.slots.store(self.slots.borrow().len(), Relaxed);
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
        let local = Rc::new(LocalServer {
            server: server.clone(),
            routes,
        });
        servers.push(local.clone());
        local
    }

    pub(crate) fn drain_mailbox(&self) {
        let mut handed = 0;
        self.remote.mailbox.drain(|posted| match posted {
            Posted::Frames(frames) => self.frames(Commands::new(frames)),
            Posted::Batch(frames) => {
                handed += frames.len();
                self.frames(Commands::batch(frames));
            }
            Posted::Large { head, body } => match Commands::large(head, body) {
                Ok(command) => self.frame(&command),
                Err(error) => log::line(&format!("dropped a large frame: {error}")),
            },
        });
        let mut touched = std::mem::take(&mut *self.touched.borrow_mut());
        for cell in &touched {
            self.guarded(cell, |conn| conn.after_batch(self));
        }
        self.consider_direct(&touched);
        touched.clear();
        *self.touched.borrow_mut() = touched;
        self.remote.mailbox.caught_up(handed);
    }

    fn frames(&self, commands: Commands<'_>) {
        for command in commands {
            match command {
                Ok(command) => self.frame(&command),
                Err(error) => log::line(&format!("dropped frames of a batch: {error}")),
            }
        }
    }

    fn frame(&self, command: &FrameCommand<'_>) {
        if let Kind::WatchClose { server } = command.kind {
            contain("an answer to WATCH_CLOSE was lost", || {
                self.watch_close(command.slot, command.generation, server);
            });
            return;
        }
        let cell = {
            let slots = self.slots.borrow();
            let index = frame::slot_index(command.slot);
            let found = match command.kind {
                // What it asks about may belong to an earlier request of the connection.
                Kind::Raw { drain, body } if drain.is_some() && body.as_slice().is_empty() => {
                    slots.current(index).map(|(_, cell)| cell)
                }
                _ => slots
                    .get(index, command.generation)
                    .or_else(|| earlier(&slots, index, command.generation)),
            };
            match found {
                Some(cell) if frame::slot_io(command.slot) == self.id => cell.clone(),
                // Completed before, by whoever came first: what comes late is dropped, but for the end of the connection.
                _ => {
                    drop(slots);
                    if let Kind::Destroy { reset, .. } = command.kind {
                        self.late_destroy(command.slot, command.generation, reset);
                    }
                    return;
                }
            }
        };
        let first = self.guarded(&cell, |conn| {
            conn.command(&command.kind, command.generation, self);
            !std::mem::replace(&mut conn.touched, true)
        });
        if first == Some(true) {
            self.touched.borrow_mut().push(cell);
        }
    }

    /// DESTROY by a request that is over already.
    fn late_destroy(&self, slot: u32, generation: u32, reset: bool) {
        let cell = match self.slots.borrow().current(frame::slot_index(slot)) {
            Some((current, cell)) if frame::slot_io(slot) == self.id => {
                if !cell.borrow().is_own(generation, current) {
                    return;
                }
                cell.clone()
            }
            _ => return,
        };
        self.guarded(&cell, |conn| conn.destroy(reset, self));
    }

    /// The answer for a connection that has gone already is immediate; it must not be lost, since JavaScript holds the
    /// connection's socket until then.
    fn watch_close(&self, slot: u32, generation: u32, server: u32) {
        let slots = self.slots.borrow();
        if let Some((current, cell)) = slots.current(frame::slot_index(slot))
            && let Ok(mut conn) = cell.try_borrow_mut()
            && conn.watch_close(generation, current)
        {
            return;
        }
        let servers = self.servers.borrow();
        if let Some(local) = servers.iter().find(|local| local.server.id == server) {
            local.server.queue.push_with(|buf| {
                frame::inbound::connection_closed(buf, slot, generation, server, false);
            });
        }
    }

    /// Runs `f` on a connection; a panic in it costs that connection and nothing else.
    pub(crate) fn guarded<R>(&self, cell: &ConnCell, f: impl FnOnce(&mut Conn) -> R) -> Option<R> {
        let result = contain("a connection was closed", || f(&mut cell.borrow_mut()));
        if result.is_none() {
            contain("a connection was killed", || cell.borrow_mut().kill());
        }
        result
    }

    fn for_each_of(&self, server: &Arc<Server>, f: impl Fn(&mut Conn)) {
        let cells: Vec<_> = self
            .slots
            .borrow()
            .iter()
            .map(|(_, cell)| cell.clone())
            .collect();
        for cell in cells {
            self.guarded(&cell, |conn| {
                if Arc::ptr_eq(conn.server(), server) {
                    f(conn);
                }
            });
        }
    }

    fn sweep(&self) {
        let now = self.now();
        let cells: Vec<_> = self
            .slots
            .borrow()
            .iter()
            .map(|(_, cell)| cell.clone())
            .collect();
        for cell in cells {
            self.guarded(&cell, |conn| conn.check_timeouts(now, self));
        }
    }

    /// Returns false when the thread is to end.
    fn run_command(self: &Rc<Self>, command: Command) -> bool {
        match command {
            Command::Listen { server, listener } => match Acceptor::new(server, listener) {
                Ok(acceptor) => {
                    self.acceptors.borrow_mut().push(acceptor.clone());
                    tokio::task::spawn_local(acceptor.run(self.clone()));
                }
                Err(error) => log::line(&format!("cannot watch a listening socket: {error}")),
            },
            Command::StopAccept { server, stopped } => {
                self.acceptors.borrow_mut().retain(|acceptor| {
                    let is_it = Arc::ptr_eq(&acceptor.server, &server);
                    if is_it {
                        acceptor.stop();
                    }
                    !is_it
                });
                let _ = stopped.send(());
            }
            Command::Serve { server, accepted } => match Io::from_accepted(accepted) {
                Ok(io) => self.serve(&server, io),
                Err(_) => server.connection_gone(),
            },
            Command::CloseIdle { server } => {
                self.for_each_of(&server, |conn| conn.close_if_idle(self))
            }
            Command::CloseAll { server } => self.for_each_of(&server, |conn| conn.close_now()),
            Command::ServeDirect(ready) => self.serve_direct(&ready),
            Command::Stop => return false,
        }
        true
    }
}

/// The connection of a request that others were read behind, if it is not over.
fn earlier(slots: &Slots<Rc<ConnCell>>, index: u32, generation: u32) -> Option<&Rc<ConnCell>> {
    let (_, cell) = slots.current(index)?;
    cell.borrow().has_exchange(generation).then_some(cell)
}

/// Runs the thread until its pool is dropped.
pub(crate) fn run(
    id: u8,
    remote: &Arc<Remote>,
    lend: Option<Lend>,
    runtime: &tokio::runtime::Runtime,
) {
    let ctx = Ctx::new(id, remote.clone());
    if let Some(lend) = lend {
        remote.loan.begin(lend(ThreadState::new(ctx.clone())));
    }
    let local = tokio::task::LocalSet::new();
    let mut sweep: Option<Pin<Box<Sleep>>> = None;
    let mut tick: Option<Pin<Box<Sleep>>> = None;
    local.block_on(
        runtime,
        poll_fn(|cx| {
            match &mut *ctx.main.borrow_mut() {
                Some(waker) => waker.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            loop {
                while ctx.remote.mailbox.poll_posted(cx).is_ready() {
                    ctx.drain_mailbox();
                }
                match ctx.remote.poll_command(cx) {
                    Poll::Ready(command) => {
                        let stays = contain("a command was lost", || ctx.run_command(command));
                        if stays == Some(false) {
                            return Poll::Ready(());
                        }
                    }
                    Poll::Pending => {
                        let has_slots = !ctx.slots.borrow().is_empty();
                        every(SWEEP, &mut sweep, has_slots, cx, || ctx.sweep());
                        every(TICK, &mut tick, ctx.has_direct(), cx, || ctx.tick_direct());
                        return Poll::Pending;
                    }
                }
            }
        }),
    );
    remote.loan.end();
    // Connections hold the context, and the context's table holds them: cut the circle.
    let cells: Vec<_> = ctx
        .slots
        .borrow()
        .iter()
        .map(|(_, cell)| cell.clone())
        .collect();
    for cell in cells {
        ctx.guarded(&cell, |conn| conn.close_now());
    }
    drop(local);
    ctx.acceptors.borrow_mut().clear();
}

/// Calls `f` every `period` while `runs`; a thread that has nothing to look after does not tick.
fn every(
    period: Duration,
    timer: &mut Option<Pin<Box<Sleep>>>,
    runs: bool,
    cx: &mut Context<'_>,
    f: impl Fn(),
) {
    if !runs {
        *timer = None;
        return;
    }
    let timer = timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(period)));
    while timer.as_mut().poll(cx).is_ready() {
        f();
        timer.as_mut().reset(tokio::time::Instant::now() + period);
    }
}
