//! One listening server: its socket, its limits, the connections that it accepted and how it closes.
//! Connections live on I/O threads; this is the handle that other threads hold. No protocol in here.

pub(crate) mod accept;
pub mod bind;
pub mod config;

use crate::balance::Brevity;
use crate::contain::contain;
use crate::direct::DirectSet;
use crate::h1::moving::Moved;
use crate::io_pool::IoPool;
use crate::io_thread::Command;
use crate::lines::lines_are_safe;
use accept::Accepted;
use bind::Listener;
pub use config::ServerConfig;
use rnode_bridge::JsQueue;
use rnode_bridge::frame::inbound;
use rnode_router::Table;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, mpsc};
use std::time::Duration;

/// Longest wait for an I/O thread to drop the listening socket, or to duplicate it.
const STOP_WAIT: Duration = Duration::from_secs(1);

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalAddress {
    /// Address and port.
    Tcp(SocketAddr),
    /// Path of the Unix socket; empty if it has none.
    Unix(PathBuf),
    /// Somebody else listens and gives connections away with [`Server::adopt`].
    Elsewhere,
}

/// A route table and the version that frames name it by (never 0).
pub(crate) type TableVersion = (Arc<Table>, u32);

/// What an I/O thread needs to route requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct Routes {
    pub(crate) table: Option<TableVersion>,
    /// `Some` if native layers at the front of a plan may answer: the header lines that the app puts on every response.
    pub(crate) front_lines: Option<Arc<[u8]>>,
}

/// A listening server.
#[derive(Debug)]
pub struct Server {
    pub(crate) id: u32,
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) queue: Arc<JsQueue>,
    direct: OnceLock<Arc<DirectSet>>,
    pool: Arc<IoPool>,
    local: LocalAddress,
    accept_thread: usize,
    connections: AtomicUsize,
    /// Connections that wait for nothing but JavaScript: neither read nor written.
    resting: AtomicUsize,
    /// JavaScript is told of every change of [`busy`](Self::busy).
    watched: AtomicBool,
    closing: AtomicBool,
    closed_sent: AtomicBool,
    routes: RwLock<Routes>,
    routes_epoch: AtomicU64,
    pub(crate) brevity: Brevity,
    /// Calls to close connections.
    closes: AtomicU64,
}

impl Server {
    /// Starts to accept on a socket that is bound and listens already. Requests arrive on `queue` as frames that
    /// name `server_id`.
    ///
    /// # Errors
    /// Those of the system when the socket's address cannot be read.
    pub fn listen(
        pool: &Arc<IoPool>,
        listener: impl Into<Listener>,
        queue: Arc<JsQueue>,
        server_id: u32,
        config: Arc<ServerConfig>,
    ) -> io::Result<Arc<Self>> {
        let listener = listener.into();
        let local = match &listener {
            Listener::Tcp(tcp) => {
                tcp.set_nonblocking(true)?;
                LocalAddress::Tcp(tcp.local_addr()?)
            }
            Listener::Unix(unix) => {
                unix.set_nonblocking(true)?;
                let path = unix.local_addr()?.as_pathname().map(PathBuf::from);
                LocalAddress::Unix(path.unwrap_or_default())
            }
        };
        let server = Self::new(pool, local, queue, server_id, config);
        pool.remote(server.accept_thread).command(Command::Listen {
            server: server.clone(),
            listener,
        });
        Ok(server)
    }

    /// A server without a socket of its own: its connections come by [`adopt`](Self::adopt).
    pub fn without_listener(
        pool: &Arc<IoPool>,
        queue: Arc<JsQueue>,
        server_id: u32,
        config: Arc<ServerConfig>,
    ) -> Arc<Self> {
        Self::new(pool, LocalAddress::Elsewhere, queue, server_id, config)
    }

    fn new(
        pool: &Arc<IoPool>,
        local: LocalAddress,
        queue: Arc<JsQueue>,
        id: u32,
        config: Arc<ServerConfig>,
    ) -> Arc<Self> {
        Arc::new(Self {
            id,
            config,
            queue,
            direct: OnceLock::new(),
            pool: pool.clone(),
            local,
            accept_thread: id as usize % pool.threads(),
            connections: AtomicUsize::new(0),
            resting: AtomicUsize::new(0),
            watched: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            closed_sent: AtomicBool::new(false),
            routes: RwLock::default(),
            routes_epoch: AtomicU64::new(0),
            brevity: Brevity::default(),
            closes: AtomicU64::new(0),
        })
    }

    /// Serves a connection that somebody else has accepted. `maxConnections` is for whoever that is.
    ///
    /// # Errors
    /// `InvalidInput` if it is neither a TCP nor a Unix stream socket, and those of the system.
    pub fn adopt(self: &Arc<Self>, fd: OwnedFd) -> io::Result<()> {
        let accepted = Accepted::from_fd(fd)?;
        if let Accepted::Tcp(stream) = &accepted
            && self.config.no_delay.load(Ordering::Relaxed)
        {
            // Fails only on a connection that is gone already, which reading will show.
            let _ = stream.set_nodelay(true);
        }
        self.connection_opened();
        let command = Command::Serve {
            server: self.clone(),
            accepted,
            moved: None,
        };
        self.pool.remote(self.pool.next_thread()).command(command);
        Ok(())
    }

    /// Has thread `to` go on with a connection that has left its own. It is counted already.
    pub(crate) fn pass_on(self: &Arc<Self>, to: usize, accepted: Accepted, moved: Moved) {
        let remote = self.pool.remote(to);
        remote.slots.fetch_add(1, Ordering::Relaxed);
        remote.command(Command::Serve {
            server: self.clone(),
            accepted,
            moved: Some(Box::new(moved)),
        });
    }

    /// Stops accepting before it returns, closes idle connections and lets active ones finish, their answers saying
    /// `Connection: close`. SERVER_CLOSED follows once the last connection has gone. Further calls do nothing.
    ///
    /// A connection that has not sent its first request gets as long for it as an idle one gets between requests.
    /// Must not be called on an I/O thread.
    pub fn close(self: &Arc<Self>) {
        let (stopped, wait) = mpsc::channel();
        self.pool
            .remote(self.accept_thread)
            .command(Command::StopAccept {
                server: self.clone(),
                stopped,
            });
        // Without the wait a `listen` on the same port right after `close` would fail now and then.
        let _ = wait.recv_timeout(STOP_WAIT);
        self.closing.store(true, Ordering::SeqCst);
        self.each_thread(|server, number| Command::CloseIdle { server, number });
        self.report_closed();
    }

    /// A second descriptor of the listening socket: whoever holds it can accept as well. It keeps the address in use after
    /// [`close`](Self::close). Must not be called on an I/O thread.
    ///
    /// # Errors
    /// `NotConnected` if there is no such socket, or no longer, and those of the system.
    pub fn duplicate_socket(self: &Arc<Self>) -> io::Result<OwnedFd> {
        let (reply, wait) = mpsc::channel();
        self.pool
            .remote(self.accept_thread)
            .command(Command::DuplicateSocket {
                server: self.clone(),
                reply,
            });
        wait.recv_timeout(STOP_WAIT)
            .unwrap_or_else(|_| Err(io::ErrorKind::NotConnected.into()))
    }

    /// Closes connections that wait for a further request.
    pub fn close_idle(self: &Arc<Self>) {
        self.each_thread(|server, number| Command::CloseIdle { server, number });
    }

    /// Closes all connections; invocations under way are aborted with reason 3.
    pub fn close_all(self: &Arc<Self>) {
        self.each_thread(|server, number| Command::CloseAll { server, number });
    }

    /// Open connections, those included that an I/O thread has not seen yet. Upgraded ones no longer count.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Open connections that are read or written: what keeps a process alive that does not listen. One that is not read, since its
    /// handler leaves the body where it is, does not count.
    pub fn busy(&self) -> usize {
        let resting = self.resting.load(Ordering::SeqCst);
        self.connections().saturating_sub(resting)
    }

    /// From now on SERVER_BUSY follows whenever [`busy`](Self::busy) may have changed.
    pub fn watch(&self) {
        self.watched.store(true, Ordering::SeqCst);
    }

    fn tell_busy(&self) {
        if self.watched.load(Ordering::SeqCst) {
            contain("a server's load was told late", || {
                self.queue
                    .push_with(|buf| inbound::server_busy(buf, self.id))
            });
        }
    }

    /// One of the connections begins or ends to rest.
    pub(crate) fn rests(&self, rests: bool) {
        if rests {
            self.resting.fetch_add(1, Ordering::SeqCst);
        } else {
            self.resting.fetch_sub(1, Ordering::SeqCst);
        }
        self.tell_busy();
    }

    /// Where it listens (the port that the system chose, if 0 was asked for).
    pub fn local_addr(&self) -> &LocalAddress {
        &self.local
    }

    /// Lets connections become direct: the thread that takes from the server's queue also looks after `set`. Once.
    pub fn set_direct(&self, set: Arc<DirectSet>) {
        let _ = self.direct.set(set);
    }

    pub(crate) fn direct(&self) -> Option<&Arc<DirectSet>> {
        self.direct.get()
    }

    /// Sets the route table from which requests get their plan; `None` sends requests without one. The version is
    /// what frames name the table by and must not be 0. Requests under way keep the table they started with.
    pub fn set_table(&self, table: Option<(Arc<Table>, u32)>) {
        self.change_routes(|routes| routes.table = table);
    }

    /// Lets native layers at the front of a plan answer without JavaScript, or with `None` (how it begins) not. `lines` are
    /// the header lines (`Name: value\r\n` each) that the app puts on every response before its first layer runs.
    ///
    /// False, and nothing is changed, if the lines could not be written as they are.
    pub fn set_front(&self, lines: Option<&[u8]>) -> bool {
        let is_safe = lines.is_none_or(lines_are_safe);
        if is_safe {
            self.change_routes(|routes| routes.front_lines = lines.map(Arc::from));
        }
        is_safe
    }

    fn change_routes(&self, change: impl FnOnce(&mut Routes)) {
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut routes);
        drop(routes);
        self.routes_epoch.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// Changes when [`Self::routes`] would answer differently.
    pub(crate) fn routes_epoch(&self) -> u64 {
        self.routes_epoch.load(Ordering::Acquire)
    }

    pub(crate) fn routes(&self) -> Routes {
        self.routes
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn connection_opened(&self) {
        self.connections.fetch_add(1, Ordering::SeqCst);
        self.tell_busy();
    }

    pub(crate) fn connection_gone(&self) {
        self.connections.fetch_sub(1, Ordering::SeqCst);
        self.tell_busy();
        self.report_closed();
    }

    pub(crate) fn pool(&self) -> &Arc<IoPool> {
        &self.pool
    }

    /// `closing` is set and the count is read with SeqCst on both sides, so at least one of `close` and the last
    /// `connection_gone` sees both; `closed_sent` lets only one of them send.
    fn report_closed(&self) {
        if self.closing.load(Ordering::SeqCst)
            && self.connections.load(Ordering::SeqCst) == 0
            && !self.closed_sent.swap(true, Ordering::SeqCst)
        {
            self.queue
                .push_with(|buf| inbound::server_closed(buf, self.id));
        }
    }

    /// Number of the last call to close connections.
    pub(crate) fn closes(&self) -> u64 {
        self.closes.load(Ordering::SeqCst)
    }

    fn each_thread(self: &Arc<Self>, command: impl Fn(Arc<Self>, u64) -> Command) {
        let number = self.closes.fetch_add(1, Ordering::SeqCst) + 1;
        for remote in self.pool.remotes() {
            remote.command(command(self.clone(), number));
        }
    }
}
