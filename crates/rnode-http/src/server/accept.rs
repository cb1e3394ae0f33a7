//! The accept loop of one server: takes connections off the listening socket and deals them to the I/O threads.
//! No error ends it; only closing the server does.

use super::Server;
use super::bind::Listener;
use crate::contain::contain;
use crate::h1::io::Io;
use crate::io_thread::{Command, Ctx};
use rnode_bridge::frame::inbound;
use socket2::{Domain, Socket as Socket2, Type};
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, UnixListener};

/// `maxConnections` of a server that takes none.
const NO_CONNECTION: usize = u32::MAX as usize;

/// Wait after an error that says the process or the machine is out of something.
const BACKOFF: Duration = Duration::from_millis(50);

/// Such errors last: how often they are told.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// A connection on its way to the thread that will own it.
#[derive(Debug)]
pub(crate) enum Accepted {
    Tcp(std::net::TcpStream),
    Unix(std::os::unix::net::UnixStream),
}

impl Accepted {
    /// A connected socket that came from elsewhere.
    pub(crate) fn from_fd(fd: OwnedFd) -> io::Result<Self> {
        let socket = Socket2::from(fd);
        if socket.r#type()? != Type::STREAM {
            return Err(invalid("not a stream socket"));
        }
        let domain = socket.local_addr()?.domain();
        socket.set_nonblocking(true)?;
        match domain {
            Domain::IPV4 | Domain::IPV6 => Ok(Self::Tcp(socket.into())),
            Domain::UNIX => Ok(Self::Unix(socket.into())),
            _ => Err(invalid("neither a TCP nor a Unix socket")),
        }
    }
}

impl AsFd for Accepted {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

/// The listening socket, shared with the command that drops it.
pub(crate) struct Acceptor {
    pub(crate) server: Arc<Server>,
    socket: RefCell<Option<Socket>>,
    waker: RefCell<Option<Waker>>,
}

enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Acceptor {
    /// Must be called within the thread's runtime.
    pub(crate) fn new(server: Arc<Server>, listener: Listener) -> io::Result<Rc<Self>> {
        let socket = match listener {
            Listener::Tcp(tcp) => Socket::Tcp(TcpListener::from_std(tcp)?),
            Listener::Unix(unix) => Socket::Unix(UnixListener::from_std(unix)?),
        };
        Ok(Rc::new(Self {
            server,
            socket: RefCell::new(Some(socket)),
            waker: RefCell::default(),
        }))
    }

    /// Closes the listening socket before it returns.
    pub(crate) fn stop(&self) {
        self.socket.borrow_mut().take();
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    /// A second descriptor of the listening socket. `NotConnected` once it is stopped.
    pub(crate) fn duplicate(&self) -> io::Result<OwnedFd> {
        match &*self.socket.borrow() {
            None => Err(io::ErrorKind::NotConnected.into()),
            Some(Socket::Tcp(tcp)) => tcp.as_fd().try_clone_to_owned(),
            Some(Socket::Unix(unix)) => unix.as_fd().try_clone_to_owned(),
        }
    }

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Io>>> {
        let poll = match &*self.socket.borrow() {
            None => return Poll::Ready(None),
            Some(Socket::Tcp(tcp)) => tcp.poll_accept(cx).map_ok(|(stream, _)| Io::Tcp(stream)),
            Some(Socket::Unix(unix)) => unix.poll_accept(cx).map_ok(|(stream, _)| Io::Unix(stream)),
        };
        if poll.is_pending() {
            *self.waker.borrow_mut() = Some(cx.waker().clone());
        }
        poll.map(Some)
    }

    /// Runs until [`stop`](Self::stop).
    pub(crate) async fn run(self: Rc<Self>, ctx: Rc<Ctx>) {
        let mut told: Option<Instant> = None;
        while let Some(result) = poll_fn(|cx| self.poll_accept(cx)).await {
            match result {
                Ok(io) => {
                    contain("a connection was not served", || self.deal(io, &ctx));
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    if told.is_none_or(|at| at.elapsed() >= TELL_EVERY) {
                        crate::log::line(&format!("accept failed, trying again: {error}"));
                        told = Some(Instant::now());
                    }
                    tokio::time::sleep(BACKOFF).await;
                }
            }
        }
    }

    fn deal(&self, io: Io, ctx: &Rc<Ctx>) {
        if self.server.config.no_delay.load(Relaxed) {
            io.set_no_delay();
        }
        let limit = self.server.config.max_connections.load(Relaxed) as usize;
        let is_full = limit == NO_CONNECTION || self.server.connections() >= limit;
        if limit != 0 && is_full {
            let to = io.addresses();
            self.server.queue.push_with(|buf| {
                let remote = (to.remote.as_bytes(), to.remote_port);
                let local = (to.local.as_bytes(), to.local_port);
                inbound::connection_dropped(buf, self.server.id, remote, local);
            });
            return;
        }
        self.server.connection_opened();
        if ctx.keeps(&self.server) {
            ctx.serve(&self.server, io, None);
            return;
        }
        let thread = self.server.pool().next_thread();
        if thread == usize::from(ctx.id) {
            ctx.serve(&self.server, io, None);
            return;
        }
        match io.into_accepted() {
            Ok(accepted) => {
                let command = Command::Serve {
                    server: self.server.clone(),
                    accepted,
                    moved: None,
                };
                self.server.pool().remote(thread).command(command);
            }
            Err(_) => self.server.connection_gone(),
        }
    }
}

/// The peer went away between the handshake and accept: nothing to wait for.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}
