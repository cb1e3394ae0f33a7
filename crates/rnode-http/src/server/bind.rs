//! Bound, listening sockets, made as Node makes them. Errors carry the system's code, which becomes `err.code`.
//! Nothing is accepted here.

use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// A socket that listens, ready for [`Server::listen`](crate::Server::listen).
#[derive(Debug)]
pub enum Listener {
    /// TCP over IPv4 or IPv6.
    Tcp(std::net::TcpListener),
    /// A Unix socket.
    Unix(std::os::unix::net::UnixListener),
}

impl From<std::net::TcpListener> for Listener {
    fn from(listener: std::net::TcpListener) -> Self {
        Self::Tcp(listener)
    }
}

impl From<std::os::unix::net::UnixListener> for Listener {
    fn from(listener: std::os::unix::net::UnixListener) -> Self {
        Self::Unix(listener)
    }
}

/// Node's default backlog.
pub const DEFAULT_BACKLOG: i32 = 511;

/// Binds a TCP socket and listens.
///
/// `host` is an address without brackets; `None` tries `::` with both stacks and falls back to `0.0.0.0`, as Node does.
/// Names are resolved by the caller (Node asks `dns.lookup`). `ipv6_only` turns the second stack off, `reuse_port`
/// sets SO_REUSEPORT, `exclusive` refuses to share the address even with sockets in TIME_WAIT of other users; on
/// Unix it changes nothing, as under Node without a cluster.
///
/// # Errors
/// Those of the system (`EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL` …) and `InvalidInput` for a host that is no address.
pub fn bind_tcp(
    host: Option<&str>,
    port: u16,
    backlog: i32,
    ipv6_only: bool,
    reuse_port: bool,
    _exclusive: bool,
) -> io::Result<std::net::TcpListener> {
    let Some(host) = host.filter(|host| !host.is_empty()) else {
        let any6 = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port);
        return match bind_address(any6, backlog, ipv6_only, reuse_port) {
            Err(error) if !ipv6_only && no_ipv6(&error) => {
                let any4 = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port);
                bind_address(any4, backlog, false, reuse_port)
            }
            result => result,
        };
    };
    let address = if let Ok(ip) = host.parse::<IpAddr>() {
        SocketAddr::new(ip, port)
    } else {
        // An IPv6 address with a scope (`fe80::1%2`).
        format!("[{host}]:{port}")
            .parse::<SocketAddr>()
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "host is not an address"))?
    };
    bind_address(address, backlog, ipv6_only, reuse_port)
}

/// The machine has no IPv6: the only errors after which Node tries IPv4.
fn no_ipv6(error: &io::Error) -> bool {
    // EAFNOSUPPORT and EINVAL have no ErrorKind of their own that is stable; 97 and 22 are Linux', 47 is BSD's.
    matches!(error.raw_os_error(), Some(97 | 47 | 22))
        || error.kind() == io::ErrorKind::AddrNotAvailable
}

fn bind_address(
    address: SocketAddr,
    backlog: i32,
    ipv6_only: bool,
    reuse_port: bool,
) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(ipv6_only)?;
    }
    // libuv sets it on every Unix: a restart must not fail on connections in TIME_WAIT.
    socket.set_reuse_address(true)?;
    if reuse_port {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&address.into())?;
    listen_on(&socket, backlog)?;
    Ok(socket.into())
}

/// Listens on a bound socket, which no longer blocks. A backlog of 0 or less stands for Node's.
fn listen_on(socket: &Socket, backlog: i32) -> io::Result<()> {
    socket.listen(if backlog > 0 {
        backlog
    } else {
        DEFAULT_BACKLOG
    })?;
    socket.set_nonblocking(true)
}

/// Binds a Unix socket at `path` (a leading NUL means the abstract namespace on Linux) and listens.
///
/// # Errors
/// Those of the system; an existing file is `EADDRINUSE`, it is not removed.
pub fn bind_unix(path: &Path, backlog: i32) -> io::Result<std::os::unix::net::UnixListener> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&socket2::SockAddr::unix(path)?)?;
    listen_on(&socket, backlog)?;
    Ok(socket.into())
}

/// Takes over a bound descriptor (`listen({ fd })`) and listens on it.
///
/// # Errors
/// `InvalidInput` if it is neither a TCP nor a Unix stream socket, and those of the system.
pub fn from_fd(fd: OwnedFd, backlog: i32) -> io::Result<Listener> {
    let socket = Socket::from(fd);
    if socket2::SockRef::from(&socket.as_fd()).r#type()? != Type::STREAM {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a stream socket",
        ));
    }
    let domain = socket.local_addr()?.domain();
    listen_on(&socket, backlog)?;
    match domain {
        Domain::IPV4 | Domain::IPV6 => Ok(Listener::Tcp(socket.into())),
        Domain::UNIX => Ok(Listener::Unix(socket.into())),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "neither a TCP nor a Unix socket",
        )),
    }
}
