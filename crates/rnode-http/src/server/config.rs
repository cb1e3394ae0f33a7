//! Limits and switches of one server, all of them live: JavaScript writes, I/O threads read at the next use.
//! Only plain atomics in here; what a limit does is said where it is read.

use crate::error_page::Mode;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering::Relaxed};

/// Bits of [`ServerConfig::flags`].
pub mod flags {
    /// Somebody listens to `'upgrade'`.
    pub const UPGRADE_LISTENER: u32 = 1;
    /// Somebody listens to `'connect'`.
    pub const CONNECT_LISTENER: u32 = 2;
    /// Somebody listens to `'checkContinue'`.
    pub const CHECK_CONTINUE: u32 = 4;
    /// Somebody listens to `'checkExpectation'`.
    pub const CHECK_EXPECTATION: u32 = 8;
    /// Somebody listens to `'clientError'`.
    pub const CLIENT_ERROR_LISTENER: u32 = 16;
    /// Somebody listens to `'connection'`.
    pub const CONNECTION_LISTENER: u32 = 32;
    /// An HTTP/1.1 request without Host is answered with 400 (`requireHostHeader`).
    pub const REQUIRE_HOST: u32 = 64;
    /// Somebody listens to `'dropRequest'`: JavaScript refuses what `maxRequestsPerSocket` does not allow.
    pub const DROP_REQUEST_LISTENER: u32 = 128;
    /// More headers than `max_headers_count` are an overflow (431), as under newer versions of Node.
    pub const REFUSE_EXCESS_HEADERS: u32 = 256;
}

/// Limits of one server, named as Node names them. Times are in milliseconds, 0 = none.
#[derive(Debug)]
pub struct ServerConfig {
    /// From the first byte (or from the connection's start) to the end of the head: 408. Default 60,000.
    pub headers_timeout: AtomicU32,
    /// From the first byte to the end of the body: 408. Default 300,000.
    pub request_timeout: AtomicU32,
    /// Idle time between two requests; also what `Keep-Alive: timeout=` says. Default 5,000.
    pub keep_alive_timeout: AtomicU32,
    /// Time that an idle connection stays open beyond `keep_alive_timeout`, so that a client that believes the header
    /// does not send into a closing one (`keepAliveTimeoutBuffer`; Node has 1,000). Default 0.
    pub keep_alive_timeout_buffer: AtomicU32,
    /// Bytes of target, header names and values together: 431 from this size on. Default 16,384.
    pub max_header_size: AtomicU32,
    /// Headers kept, and as many trailers; further ones are dropped silently, or refused with
    /// [`flags::REFUSE_EXCESS_HEADERS`]; 0 = all. Default 1,000: Node's documentation says 2,000, but its
    /// parser counts names and values.
    pub max_headers_count: AtomicU32,
    /// `server.timeout`: without a byte in either direction for so long, SOCKET_TIMEOUT is sent. Default 0.
    pub socket_timeout: AtomicU32,
    /// Requests a connection may carry; further ones get 503. 0 = no limit. Default 0.
    pub max_requests_per_socket: AtomicU32,
    /// Open connections beyond which new ones are closed at once (`maxConnections`). 0 = no limit, `u32::MAX` = none is
    /// taken. Default 0.
    pub max_connections: AtomicU32,
    /// `handler timeout`: time for a handler to send its head, else 503. Default 0.
    pub handler_deadline: AtomicU32,
    /// Bits of [`flags`]. Default [`flags::REQUIRE_HOST`].
    pub flags: AtomicU32,
    /// Whether accepted TCP sockets get TCP_NODELAY (`noDelay`). Default true.
    pub no_delay: AtomicBool,
    error_pages: AtomicU8,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            headers_timeout: AtomicU32::new(60_000),
            request_timeout: AtomicU32::new(300_000),
            keep_alive_timeout: AtomicU32::new(5_000),
            keep_alive_timeout_buffer: AtomicU32::new(0),
            max_header_size: AtomicU32::new(16_384),
            max_headers_count: AtomicU32::new(1_000),
            socket_timeout: AtomicU32::new(0),
            max_requests_per_socket: AtomicU32::new(0),
            max_connections: AtomicU32::new(0),
            handler_deadline: AtomicU32::new(0),
            flags: AtomicU32::new(flags::REQUIRE_HOST),
            no_delay: AtomicBool::new(true),
            error_pages: AtomicU8::new(0),
        }
    }
}

impl ServerConfig {
    /// Sets or clears one bit of [`flags`].
    pub fn set_flag(&self, flag: u32, on: bool) {
        if on {
            self.flags.fetch_or(flag, Relaxed);
        } else {
            self.flags.fetch_and(!flag, Relaxed);
        }
    }

    /// Sets what error responses look like.
    pub fn set_error_pages(&self, mode: Mode) {
        let value = match mode {
            Mode::Page => 0,
            Mode::Express => 1,
            Mode::Negotiate => 2,
        };
        self.error_pages.store(value, Relaxed);
    }

    /// What error responses look like.
    pub fn error_pages(&self) -> Mode {
        match self.error_pages.load(Relaxed) {
            1 => Mode::Express,
            2 => Mode::Negotiate,
            _ => Mode::Page,
        }
    }

    pub(crate) fn has(&self, flag: u32) -> bool {
        self.flags.load(Relaxed) & flag != 0
    }
}
