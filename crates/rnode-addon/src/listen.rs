//! `listen`: from options to a bound socket and a server. A system error is a result, not an exception: `server.listen`
//! reports it with an event.

use crate::env;
use crate::errors::SystemError;
use crate::servers::{self, Entry};
use neon::prelude::*;
use rnode_http::{Listener, LocalAddress, Server, ServerConfig, bind_tcp, bind_unix, from_fd};
use std::io;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Unique in the process, since frames of all environments pass the same I/O threads.
static NEXT_ID: AtomicU32 = AtomicU32::new(1);

/// What is asked for, read and checked.
struct Options {
    host: Option<String>,
    port: u16,
    path: Option<String>,
    fd: Option<RawFd>,
    backlog: i32,
    ipv6_only: bool,
    reuse_port: bool,
    exclusive: bool,
    elsewhere: bool,
}

/// `listen({ host?, port?, path?, fd?, backlog?, ipv6Only?, reusePort?, exclusive?, elsewhere?, config? })
/// -> { id, address?, family?, port?, path? } | { code, errno, syscall, message, address? }`.
///
/// `message` is libuv's text for the code alone (`address already in use`); `address` is the one that Node's error names.
/// With `elsewhere` nothing is bound: connections come by [`adopt`](servers::adopt), and the result has an `id` only.
/// `fd` wins over `path`, `path` over `host` and `port`. `config` is an object of `serverSet` keys and values that hold
/// from the first connection on. A descriptor belongs to the server if and only if the call succeeds.
pub(crate) fn listen<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsObject> {
    let object = cx.argument::<JsObject>(0)?;
    let options = Options::read(cx, object)?;
    let config = Arc::new(ServerConfig::default());
    if let Some(values) = object.get_opt::<JsObject, _, _>(cx, "config")? {
        servers::configure(cx, &config, values)?;
    }
    let bridge = env::bridge(cx)?;
    let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
    let (pool, queue) = (&bridge.pool, bridge.queue.clone());
    let server = if options.elsewhere {
        Ok(Server::without_listener(pool, queue, id, config.clone()))
    } else {
        options
            .bind()
            .and_then(|listener| Server::listen(pool, listener, queue, id, config.clone()))
    };
    match server {
        Ok(server) => {
            if let Some(set) = &bridge.direct {
                server.set_direct(set.clone());
            }
            let result = cx.empty_object();
            let number = cx.number(id);
            result.set(cx, "id", number)?;
            servers::describe(cx, result, server.local_addr())?;
            let socket_file = match server.local_addr() {
                // A path is empty in the abstract namespace.
                LocalAddress::Unix(path) if options.fd.is_none() && path != &PathBuf::new() => {
                    Some(path.clone())
                }
                _ => None,
            };
            let entry = Entry::new(server, config, socket_file);
            env::lock(&env::current(cx).servers).insert(id, entry);
            Ok(result)
        }
        Err(error) => options.refusal(cx, &SystemError::new(&error)),
    }
}

impl Options {
    fn read<'cx>(cx: &mut FunctionContext<'cx>, from: Handle<'cx, JsObject>) -> NeonResult<Self> {
        let text = |cx: &mut FunctionContext<'cx>, key| -> NeonResult<Option<String>> {
            let value = from.get_opt::<JsString, _, _>(cx, key)?;
            Ok(value.map(|text| text.value(cx)))
        };
        let number = |cx: &mut FunctionContext<'cx>, key| -> NeonResult<Option<f64>> {
            let value = from.get_opt::<JsNumber, _, _>(cx, key)?;
            Ok(value.map(|number| number.value(cx)))
        };
        let flag = |cx: &mut FunctionContext<'cx>, key| -> NeonResult<bool> {
            let value = from.get_opt::<JsBoolean, _, _>(cx, key)?;
            Ok(value.is_some_and(|flag| flag.value(cx)))
        };
        let port = number(cx, "port")?.unwrap_or(0.0);
        if !(0.0..=65_535.0).contains(&port) {
            return cx.throw_range_error(format!("port must be from 0 to 65535, not {port}"));
        }
        Ok(Self {
            host: text(cx, "host")?,
            port: port as u16,
            path: text(cx, "path")?,
            fd: number(cx, "fd")?.map(|fd| fd as RawFd),
            backlog: number(cx, "backlog")?.map_or(0, |backlog| backlog as i32),
            ipv6_only: flag(cx, "ipv6Only")?,
            reuse_port: flag(cx, "reusePort")?,
            exclusive: flag(cx, "exclusive")?,
            elsewhere: flag(cx, "elsewhere")?,
        })
    }

    fn bind(&self) -> io::Result<Listener> {
        if let Some(fd) = self.fd {
            return take_over(fd, self.backlog);
        }
        if let Some(path) = &self.path {
            return bind_unix(path.as_ref(), self.backlog).map(Into::into);
        }
        bind_tcp(
            self.host.as_deref(),
            self.port,
            self.backlog,
            self.ipv6_only,
            self.reuse_port,
            self.exclusive,
        )
        .map(Into::into)
    }

    /// The error as a result. Node names `listen` as the call for every failure, also for one of `bind`.
    fn refusal<'cx>(
        &self,
        cx: &mut FunctionContext<'cx>,
        error: &SystemError,
    ) -> JsResult<'cx, JsObject> {
        let result = cx.empty_object();
        for (name, text) in [
            ("code", error.code),
            ("syscall", "listen"),
            ("message", &error.text),
        ] {
            let text = cx.string(text);
            result.set(cx, name, text)?;
        }
        let errno = cx.number(error.errno);
        result.set(cx, "errno", errno)?;
        if let Some(address) = self.refused_address(error) {
            let address = cx.string(address);
            result.set(cx, "address", address)?;
        }
        Ok(result)
    }

    /// What Node puts into `err.address`.
    fn refused_address(&self, error: &SystemError) -> Option<&str> {
        if self.fd.is_some() {
            return None;
        }
        let asked = self.path.as_deref().or(self.host.as_deref());
        Some(match asked.filter(|text| !text.is_empty()) {
            Some(address) => address,
            // Without a host both stacks are tried, and the last one is reported. That an address is in use shows only
            // when `listen` is called, on the first.
            None if error.code == "EADDRINUSE" => "::",
            None => "0.0.0.0",
        })
    }
}

/// Listens on a descriptor that JavaScript was given. It is closed here if and only if that works, since until then
/// whoever passed it may try something else.
fn take_over(fd: RawFd, backlog: i32) -> io::Result<Listener> {
    if fd < 0 {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: `fd` is not negative, and nothing closes it during the call: what JavaScript names here it owns. A number
    // that is not open only makes the duplication fail with EBADF.
    let duplicate = unsafe { BorrowedFd::borrow_raw(fd) }.try_clone_to_owned()?;
    let listener = from_fd(duplicate, backlog)?;
    // SAFETY: it is open (it has just been duplicated), and by calling `listen({ fd })` JavaScript gave it away.
    drop(unsafe { OwnedFd::from_raw_fd(fd) });
    Ok(listener)
}
