//! The socket of a connection: TCP or Unix behind one type, watched by the runtime of its thread or by a JavaScript thread.
//! No buffering and no protocol in here.

use crate::server::accept::Accepted;
use bytes::BufMut;
use socket2::SockRef;
use std::io::{self, IoSlice, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, RawFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
#[cfg(target_os = "linux")]
use tokio::io::Interest;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_util::io::poll_read_buf;

/// A connected stream socket.
#[derive(Debug)]
pub(crate) enum Io {
    Tcp(TcpStream),
    Unix(UnixStream),
    /// Of a direct connection: unknown to the runtime. Nothing of it waits for anything.
    Direct(Accepted),
}

/// Both ends of a connection, as text.
#[derive(Debug, Default, Clone)]
pub(crate) struct Addresses {
    pub(crate) remote: Box<str>,
    pub(crate) remote_port: u16,
    pub(crate) local: Box<str>,
    pub(crate) local_port: u16,
}

/// How a client has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Departure {
    /// By FIN.
    Ended,
    /// By RST, or the system has given it up.
    Broken,
}

impl Io {
    /// Must be called within the runtime of the thread that will own the connection.
    pub(crate) fn from_accepted(accepted: Accepted) -> io::Result<Self> {
        Ok(match accepted {
            Accepted::Tcp(stream) => Self::Tcp(TcpStream::from_std(stream)?),
            Accepted::Unix(stream) => Self::Unix(UnixStream::from_std(stream)?),
        })
    }

    /// Takes the socket out of this thread's event queue; it stays nonblocking.
    pub(crate) fn into_accepted(self) -> io::Result<Accepted> {
        Ok(match self {
            Self::Tcp(stream) => Accepted::Tcp(stream.into_std()?),
            Self::Unix(stream) => Accepted::Unix(stream.into_std()?),
            Self::Direct(accepted) => accepted,
        })
    }

    /// Reads what is there.
    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_read(buffer),
            Self::Unix(stream) => stream.try_read(buffer),
            Self::Direct(Accepted::Tcp(stream)) => (&*stream).read(buffer),
            Self::Direct(Accepted::Unix(stream)) => (&*stream).read(buffer),
        }
    }

    pub(crate) fn set_no_delay(&self) {
        if let Self::Tcp(stream) = self {
            // Fails only on a connection that is gone already, which reading will show.
            let _ = stream.set_nodelay(true);
        }
    }

    /// Makes the coming close send RST.
    pub(crate) fn reset_on_close(&self) {
        if !matches!(self, Self::Unix(_) | Self::Direct(Accepted::Unix(_))) {
            let _ = SockRef::from(self).set_linger(Some(Duration::ZERO));
        }
    }

    /// Sends FIN.
    pub(crate) fn shutdown_write(&self) {
        let _ = SockRef::from(self).shutdown(std::net::Shutdown::Write);
    }

    pub(crate) fn addresses(&self) -> Addresses {
        let Self::Tcp(stream) = self else {
            return Addresses::default();
        };
        let text = |address: &io::Result<std::net::SocketAddr>| match address {
            Ok(address) => address.ip().to_string().into_boxed_str(),
            Err(_) => Box::default(),
        };
        let port =
            |address: &io::Result<std::net::SocketAddr>| address.as_ref().map_or(0, |a| a.port());
        let (remote, local) = (stream.peer_addr(), stream.local_addr());
        Addresses {
            remote: text(&remote),
            remote_port: port(&remote),
            local: text(&local),
            local_port: port(&local),
        }
    }

    /// Reads once. tokio forgets the readiness after a short read, so the next call costs no system call.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        match self {
            Self::Tcp(stream) => ready!(Pin::new(stream).poll_read(cx, &mut buffer))?,
            Self::Unix(stream) => ready!(Pin::new(stream).poll_read(cx, &mut buffer))?,
            Self::Direct(_) => return Poll::Pending,
        }
        Poll::Ready(Ok(buffer.filled().len()))
    }

    /// The same into room that need not be initialised.
    pub(crate) fn poll_read_buf(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut impl BufMut,
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => poll_read_buf(Pin::new(stream), cx, buffer),
            Self::Unix(stream) => poll_read_buf(Pin::new(stream), cx, buffer),
            Self::Direct(_) => Poll::Pending,
        }
    }

    /// Whether reading would find the end or an error at once. Takes nothing off the socket.
    pub(crate) fn is_ended(&self) -> bool {
        use rustix::io::Errno;
        match self.peek() {
            Ok(length) => length == 0,
            Err(Errno::AGAIN | Errno::INTR) => false,
            Err(_) => true,
        }
    }

    /// Whether bytes wait to be read.
    pub(crate) fn has_input(&self) -> bool {
        self.peek().is_ok_and(|length| length > 0)
    }

    fn peek(&self) -> rustix::io::Result<usize> {
        use rustix::net::{RecvFlags, recv};
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        recv(self, &mut [0], flags).map(|(length, _)| length)
    }

    /// How the client has left, if it has, whatever it has sent before. Takes nothing off the socket.
    pub(crate) fn departure(&self) -> Option<Departure> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        #[cfg(target_os = "linux")]
        let ended = PollFlags::RDHUP;
        #[cfg(not(target_os = "linux"))]
        let ended = PollFlags::HUP;
        let broken = PollFlags::ERR | PollFlags::HUP;
        let mut fds = [PollFd::new(self, ended)];
        poll(&mut fds, Some(&Timespec::default())).ok()?;
        let seen = fds[0].revents();
        if seen.intersects(broken) {
            Some(Departure::Broken)
        } else {
            seen.intersects(ended).then_some(Departure::Ended)
        }
    }

    pub(crate) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => stream.poll_write_ready(cx),
            Self::Unix(stream) => stream.poll_write_ready(cx),
            Self::Direct(_) => Poll::Pending,
        }
    }

    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_write(bytes),
            Self::Unix(stream) => stream.try_write(bytes),
            Self::Direct(Accepted::Tcp(stream)) => (&*stream).write(bytes),
            Self::Direct(Accepted::Unix(stream)) => (&*stream).write(bytes),
        }
    }

    /// As [`Self::try_write`], for bytes that others follow at once (`MSG_MORE`).
    #[cfg(target_os = "linux")]
    pub(crate) fn try_write_more(&self, bytes: &[u8]) -> io::Result<usize> {
        use rustix::net::{SendFlags, send};
        let flags = SendFlags::MORE | SendFlags::NOSIGNAL;
        match self {
            Self::Tcp(stream) => {
                stream.try_io(Interest::WRITABLE, || Ok(send(stream, bytes, flags)?))
            }
            Self::Unix(stream) => stream.try_write(bytes),
            Self::Direct(stream) => Ok(send(stream, bytes, flags)?),
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn try_write_more(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_write(bytes)
    }

    /// Hands bytes of a file to the kernel without copying them.
    #[cfg(target_os = "linux")]
    pub(crate) fn try_send_file(
        &self,
        file: &std::fs::File,
        offset: u64,
        length: usize,
    ) -> io::Result<usize> {
        use rustix::fs::sendfile;
        let mut offset = offset;
        match self {
            Self::Tcp(stream) => stream.try_io(Interest::WRITABLE, || {
                Ok(sendfile(stream, file, Some(&mut offset), length)?)
            }),
            Self::Unix(stream) => stream.try_io(Interest::WRITABLE, || {
                Ok(sendfile(stream, file, Some(&mut offset), length)?)
            }),
            Self::Direct(stream) => Ok(sendfile(stream, file, Some(&mut offset), length)?),
        }
    }

    pub(crate) fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_write_vectored(slices),
            Self::Unix(stream) => stream.try_write_vectored(slices),
            Self::Direct(Accepted::Tcp(stream)) => (&*stream).write_vectored(slices),
            Self::Direct(Accepted::Unix(stream)) => (&*stream).write_vectored(slices),
        }
    }
}

impl AsFd for Io {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
            Self::Direct(accepted) => accepted.as_fd(),
        }
    }
}

/// A socket that left the runtime but is still owned here: dropped, it closes; released, it is somebody else's.
#[derive(Debug)]
pub(crate) struct Detached(Accepted);

impl Detached {
    pub(crate) fn new(io: Io) -> io::Result<Self> {
        io.into_accepted().map(Self)
    }

    pub(crate) fn fd(&self) -> RawFd {
        match &self.0 {
            Accepted::Tcp(stream) => stream.as_raw_fd(),
            Accepted::Unix(stream) => stream.as_raw_fd(),
        }
    }

    pub(crate) fn release(self) -> RawFd {
        match self.0 {
            Accepted::Tcp(stream) => stream.into_raw_fd(),
            Accepted::Unix(stream) => stream.into_raw_fd(),
        }
    }
}
