//! The servers of an environment by their number: what JavaScript may do to a server that listens.
//! A number that is not (or no longer) known is not an error: `close` and its relatives may come late.

use crate::env;
use crate::routing::RouteTable;
use neon::prelude::*;
use rnode_http::error_page::Mode;
use rnode_http::{LocalAddress, Server, ServerConfig};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::os::fd::{BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Servers by number.
#[derive(Default)]
pub(crate) struct Servers(HashMap<u32, Entry>);

/// A server and what only this side knows of it.
pub(crate) struct Entry {
    server: Arc<Server>,
    config: Arc<ServerConfig>,
    closed: bool,
    /// The file of a Unix socket that this server made. It is removed on close, as libuv does.
    socket_file: Option<PathBuf>,
}

impl Entry {
    /// `socket_file`: the file of the Unix socket, if the server made one.
    pub(crate) fn new(
        server: Arc<Server>,
        config: Arc<ServerConfig>,
        socket_file: Option<PathBuf>,
    ) -> Self {
        Self {
            server,
            config,
            closed: false,
            socket_file,
        }
    }

    fn close(&mut self) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        // Before the socket closes, so that the file of a successor at the same path is safe.
        if let Some(path) = self.socket_file.take() {
            let _ = std::fs::remove_file(path);
        }
        self.server.close();
    }

    fn end(mut self) {
        self.close();
        self.server.close_all();
    }
}

impl Servers {
    pub(crate) fn insert(&mut self, id: u32, entry: Entry) {
        self.0.insert(id, entry);
    }

    /// Servers that have not been dropped.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Stops everything: the environment ends.
    pub(crate) fn end(&mut self) {
        for (_, entry) in self.0.drain() {
            entry.end();
        }
    }
}

/// Calls `f` with the server that the first argument names; `None` if there is none.
fn with<T>(cx: &mut FunctionContext<'_>, f: impl FnOnce(&mut Entry) -> T) -> NeonResult<Option<T>> {
    let id = cx.argument::<JsNumber>(0)?.value(cx) as u32;
    let mut servers = env::lock(&env::current(cx).servers);
    Ok(servers.0.get_mut(&id).map(f))
}

/// `serverAddress(id) -> { address, family, port } | { path } | {} | null`, `{}` if it listens elsewhere.
pub(crate) fn address<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsValue> {
    let Some(local) = with(cx, |entry| entry.server.local_addr().clone())? else {
        return Ok(cx.null().upcast());
    };
    let result = cx.empty_object();
    describe(cx, result, &local)?;
    Ok(result.upcast())
}

/// Sets `address`, `family` and `port`, or `path`.
pub(crate) fn describe<'cx>(
    cx: &mut FunctionContext<'cx>,
    to: Handle<'cx, JsObject>,
    local: &LocalAddress,
) -> NeonResult<()> {
    match local {
        LocalAddress::Tcp(address) => {
            let port = cx.number(address.port());
            let family = cx.string(match address {
                SocketAddr::V4(_) => "IPv4",
                SocketAddr::V6(_) => "IPv6",
            });
            let address = cx.string(address.ip().to_string());
            to.set(cx, "address", address)?;
            to.set(cx, "family", family)?;
            to.set(cx, "port", port)?;
        }
        LocalAddress::Unix(path) => {
            let path = cx.string(path.to_string_lossy());
            to.set(cx, "path", path)?;
        }
        LocalAddress::Elsewhere => {}
    }
    Ok(())
}

/// `serverAdopt(id, fd) -> boolean`: serves the connection of a descriptor that JavaScript owns and goes on owning; it
/// is duplicated, so JavaScript closes it. False if the server is not known or the descriptor is no stream socket.
pub(crate) fn adopt<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsBoolean> {
    let fd = cx.argument::<JsNumber>(1)?.value(cx) as RawFd;
    let server = with(cx, |entry| entry.server.clone())?;
    let adopted = server.is_some_and(|server| {
        fd >= 0 && {
            // SAFETY: `fd` is not negative, and nothing closes it during the call: what JavaScript names here it owns. A
            // number that is not open only makes the duplication fail with EBADF.
            let duplicate = unsafe { BorrowedFd::borrow_raw(fd) }.try_clone_to_owned();
            duplicate.and_then(|fd| server.adopt(fd)).is_ok()
        }
    });
    Ok(cx.boolean(adopted))
}

/// `serverSocket(id) -> number`: a new descriptor of the listening socket, JavaScript's to close; -1 if there is none.
pub(crate) fn socket<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsNumber> {
    let server = with(cx, |entry| entry.server.clone())?;
    let duplicate = server.and_then(|server| server.duplicate_socket().ok());
    let fd = duplicate.map_or(-1, IntoRawFd::into_raw_fd);
    Ok(cx.number(fd))
}

/// `serverClose(id)`: stops accepting (before it returns) and lets connections finish; SERVER_CLOSED follows.
pub(crate) fn close<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsUndefined> {
    with(cx, Entry::close)?;
    Ok(cx.undefined())
}

/// `serverCloseIdle(id)`: closes connections that wait for a request.
pub(crate) fn close_idle<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsUndefined> {
    with(cx, |entry| entry.server.close_idle())?;
    Ok(cx.undefined())
}

/// `serverCloseAll(id)`: closes all connections, whatever they do.
pub(crate) fn close_all<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsUndefined> {
    with(cx, |entry| entry.server.close_all())?;
    Ok(cx.undefined())
}

/// `serverConnections(id) -> number`: open connections; 0 for a server that is not known.
pub(crate) fn connections<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsNumber> {
    let count = with(cx, |entry| entry.server.connections())?.unwrap_or(0);
    Ok(cx.number(count as f64))
}

/// `serverBusy(id) -> number`: open connections that are read or written; 0 for a server that is not known.
pub(crate) fn busy<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsNumber> {
    let count = with(cx, |entry| entry.server.busy())?.unwrap_or(0);
    Ok(cx.number(count as f64))
}

/// `serverWatch(id)`: SERVER_BUSY follows every change of `serverBusy`.
pub(crate) fn watch<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsUndefined> {
    with(cx, |entry| entry.server.watch())?;
    Ok(cx.undefined())
}

/// `serverDrop(id)`: forgets the server. One that still listens is closed with all its connections first.
pub(crate) fn forget<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsUndefined> {
    let id = cx.argument::<JsNumber>(0)?.value(cx) as u32;
    let entry = env::lock(&env::current(cx).servers).0.remove(&id);
    if let Some(entry) = entry {
        if entry.closed {
            drop(entry);
        } else {
            entry.end();
        }
    }
    Ok(cx.undefined())
}

/// `serverSetTable(id, box | null, version: number)`: the table from which requests get their plan. Version 0 is
/// refused with a `RangeError`, for frames mean "no plan" by it.
pub(crate) fn set_table<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsUndefined> {
    let table = cx.argument::<JsValue>(1)?;
    let table = if table.is_a::<JsNull, _>(cx) {
        None
    } else {
        let table = table.downcast_or_throw::<JsBox<RouteTable>, _>(cx)?;
        let version = cx.argument::<JsNumber>(2)?.value(cx) as u32;
        if version == 0 {
            return cx.throw_range_error("a table's version must be from 1 to 4294967295");
        }
        Some((table.0.clone(), version))
    };
    with(cx, |entry| entry.server.set_table(table))?;
    Ok(cx.undefined())
}

/// `serverSetFront(id, lines: string | null) -> boolean`: lets native layers at the front of a plan answer without
/// JavaScript, with these header lines (latin1, `Name: value\r\n` each), or (`null`) no longer. False for lines that cannot be written.
pub(crate) fn set_front<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsBoolean> {
    let lines = cx.argument::<JsValue>(1)?;
    let lines = if lines.is_a::<JsNull, _>(cx) {
        None
    } else {
        Some(lines.downcast_or_throw::<JsString, _>(cx)?.value(cx))
    };
    // What is no ASCII would have to be put back into latin1: the lines that there are need none.
    let is_plain = lines.as_ref().is_none_or(|lines| lines.is_ascii());
    let bytes = lines.as_ref().map(|lines| lines.as_bytes());
    let done = is_plain && with(cx, |entry| entry.server.set_front(bytes))?.unwrap_or(true);
    Ok(cx.boolean(done))
}

/// `serverSet(id, key: string, value: number)`: changes a limit or switch of a server that runs. Keys are the fields of
/// [`ServerConfig`] in camel case; `errorPages` is 0 page, 1 express, 2 negotiate. Throws a `TypeError` for other keys.
pub(crate) fn set<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsUndefined> {
    let key = cx.argument::<JsString>(1)?.value(cx);
    let value = cx.argument::<JsNumber>(2)?.value(cx);
    let known = match with(cx, |entry| entry.config.clone())? {
        Some(config) => apply(&config, &key, value),
        // Unknown keys are told apart even where the server has gone.
        None => apply(&ServerConfig::default(), &key, value),
    };
    if !known {
        return cx.throw_type_error(format!("unknown server setting {key:?}"));
    }
    Ok(cx.undefined())
}

/// Applies an object of settings, as [`set`] does with one.
pub(crate) fn configure<'cx>(
    cx: &mut FunctionContext<'cx>,
    config: &ServerConfig,
    values: Handle<'cx, JsObject>,
) -> NeonResult<()> {
    let names = values.get_own_property_names(cx)?;
    for index in 0..names.len(cx) {
        let key = names.get::<JsString, _, _>(cx, index)?.value(cx);
        let value = values.get::<JsNumber, _, _>(cx, &*key)?.value(cx);
        if !apply(config, &key, value) {
            return cx.throw_type_error(format!("unknown server setting {key:?}"));
        }
    }
    Ok(())
}

/// Returns false if and only if there is no such key. Numbers outside of 32 bits are cut to the nearest, NaN is 0.
fn apply(config: &ServerConfig, key: &str, value: f64) -> bool {
    let number = value as u32;
    let field = match key {
        "headersTimeout" => &config.headers_timeout,
        "requestTimeout" => &config.request_timeout,
        "keepAliveTimeout" => &config.keep_alive_timeout,
        "keepAliveTimeoutBuffer" => &config.keep_alive_timeout_buffer,
        "maxHeaderSize" => &config.max_header_size,
        "maxHeadersCount" => &config.max_headers_count,
        "socketTimeout" => &config.socket_timeout,
        "maxRequestsPerSocket" => &config.max_requests_per_socket,
        "maxConnections" => &config.max_connections,
        "handlerDeadline" => &config.handler_deadline,
        "flags" => &config.flags,
        "noDelay" => {
            config.no_delay.store(number != 0, Relaxed);
            return true;
        }
        "errorPages" => {
            config.set_error_pages(match number {
                1 => Mode::Express,
                2 => Mode::Negotiate,
                _ => Mode::Page,
            });
            return true;
        }
        _ => return false,
    };
    field.store(number, Relaxed);
    true
}

/// `closeFd(fd: number)`: closes a descriptor that JavaScript was handed (UPGRADE) but does not want.
/// Negative numbers stand for none and are ignored.
pub(crate) fn close_fd<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsUndefined> {
    let fd = cx.argument::<JsNumber>(0)?.value(cx) as RawFd;
    if fd >= 0 {
        // SAFETY: a frame gave this descriptor away to JavaScript, and by calling this JavaScript gives it back; it
        // must not have wrapped it in a socket of its own before.
        drop(unsafe { OwnedFd::from_raw_fd(fd) });
    }
    Ok(cx.undefined())
}
