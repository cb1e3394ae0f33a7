//! What comes out: the answer to send, or what the next layer or the error handler must be told.
//! Values only: how an outcome gets to the client is the connection's business.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::headers::Lines;
use super::open_files::OpenFile;
use crate::error_page::reason;

/// How a request for a file ends.
#[derive(Debug)]
pub enum Outcome {
    /// Not ours: the next layer's turn.
    Fallthrough,
    /// 200 or 206 (or the status set before) with the file or a part of it.
    File(FileAnswer),
    /// 304 with these lines and no body.
    NotModified {
        /// `Accept-Ranges`, `Cache-Control`, `Last-Modified`, `ETag`, as far as they are on.
        headers: Lines,
    },
    /// 301 to the folder's own URL.
    Redirect(Redirect),
    /// 405 without a body, under `fallthrough: false`.
    MethodNotAllowed {
        /// `Allow: GET, HEAD` and `Content-Length: 0`.
        headers: Lines,
    },
    /// Only from `send`: the path is a folder. `res.sendFile` makes an `EISDIR` error of it.
    Directory,
    /// An error for `next(err)`.
    Failed(Failure),
    /// The redirect of a request target in absolute form or with a `#`, which only `url.parse` knows how to rewrite: let the
    /// JavaScript implementation answer. Nothing was decided but that the path is a folder.
    Decline,
}

/// A file, ready to be written.
#[derive(Debug)]
pub struct FileAnswer {
    /// 206 for a range, else the status set before (200).
    pub status: u16,
    /// All lines, in `send`'s order, `Content-Length` at the end.
    pub headers: Lines,
    /// Where in the file the bytes begin.
    pub offset: u64,
    /// `Content-Length`; also for HEAD, where there is no body.
    pub len: u64,
    /// The bytes.
    pub body: Body,
    /// Absolute path of the file that is sent.
    pub path: String,
}

/// Where the bytes of a file come from.
#[derive(Debug)]
pub enum Body {
    /// HEAD, or nothing to send.
    Empty,
    /// A small file, or the part of it that was asked for.
    Bytes(Bytes),
    /// `len` bytes from `offset` of an open file, to be read with `read_at` or `sendfile`. If it turns out shorter, because it
    /// was cut meanwhile, the connection must be closed: the length has been promised.
    File {
        /// Open for reading, and shared with other answers.
        file: Arc<OpenFile>,
        /// First byte to send.
        offset: u64,
        /// Bytes to send; never 0.
        len: u64,
    },
}

impl Body {
    /// True if and only if there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }
}

/// A 301, complete.
#[derive(Debug, PartialEq, Eq)]
pub struct Redirect {
    /// Value of `Location`, percent-encoded.
    pub location: String,
    /// All lines, in serve-static's order.
    pub headers: Lines,
    /// The document, not to be sent for HEAD.
    pub body: Vec<u8>,
}

/// An error as `send` makes it with http-errors.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// `err.status`, `err.statusCode`.
    pub status: u16,
    /// Lines that `send` has set on the response before it failed (they stay on the error page).
    pub headers: Lines,
    /// `err.headers`; `Content-Range` for a 416, empty for all others.
    pub error_headers: Lines,
    /// The failed system call; without one the message is the status text.
    pub cause: Option<SystemError>,
}

impl Failure {
    pub(super) fn new(status: u16) -> Self {
        Self {
            status,
            headers: Lines::default(),
            error_headers: Lines::default(),
            cause: None,
        }
    }

    /// A failed `stat` or `open`: 404 if the path does not exist, else 500.
    pub(super) fn system(error: &io::Error, syscall: &'static str, path: &str) -> Self {
        let cause = SystemError::new(error, syscall, path);
        let missing = matches!(cause.code, "ENAMETOOLONG" | "ENOENT" | "ENOTDIR");
        Self {
            cause: Some(cause),
            ..Self::new(if missing { 404 } else { 500 })
        }
    }

    /// `err.message`.
    #[must_use]
    pub fn message(&self) -> String {
        match &self.cause {
            Some(cause) => cause.message(),
            None => reason(self.status).unwrap_or("Error").to_owned(),
        }
    }

    /// `err.expose`: true if and only if clients may see the message.
    #[must_use]
    pub fn expose(&self) -> bool {
        self.cause.is_none() && self.status < 500
    }
}

/// What Node's error for a failed system call holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemError {
    /// `err.code`, `ENOENT` for example; `UNKNOWN` for what has no name here.
    pub code: &'static str,
    /// `err.errno`: the negated number of the operating system.
    pub errno: i32,
    /// `err.syscall`: `stat`, `open` or `read`.
    pub syscall: &'static str,
    /// `err.path`.
    pub path: String,
    description: &'static str,
}

impl SystemError {
    fn new(error: &io::Error, syscall: &'static str, path: &str) -> Self {
        let (code, description) = name(error);
        let errno = -error.raw_os_error().unwrap_or(0);
        Self {
            code,
            errno,
            syscall,
            path: path.to_owned(),
            description,
        }
    }

    /// `ENOENT: no such file or directory, stat '/a/b'`.
    #[must_use]
    pub fn message(&self) -> String {
        let Self {
            code,
            description,
            syscall,
            path,
            ..
        } = self;
        format!("{code}: {description}, {syscall} '{path}'")
    }
}

/// libuv's name and text of an error.
fn name(error: &io::Error) -> (&'static str, &'static str) {
    let raw = error.raw_os_error().unwrap_or(0);
    // Numbers that Linux and macOS share first, then those that have no kind of their own in std.
    match (error.kind(), raw) {
        (io::ErrorKind::NotFound, _) => ("ENOENT", "no such file or directory"),
        (io::ErrorKind::NotADirectory, _) => ("ENOTDIR", "not a directory"),
        (io::ErrorKind::IsADirectory, _) => ("EISDIR", "illegal operation on a directory"),
        (io::ErrorKind::InvalidFilename, _) => ("ENAMETOOLONG", "name too long"),
        (_, 1) if cfg!(unix) => ("EPERM", "operation not permitted"),
        (io::ErrorKind::PermissionDenied, _) => ("EACCES", "permission denied"),
        (_, 5) if cfg!(unix) => ("EIO", "i/o error"),
        (_, 23) if cfg!(unix) => ("ENFILE", "file table overflow"),
        (_, 24) if cfg!(unix) => ("EMFILE", "too many open files"),
        (_, 40) if cfg!(target_os = "linux") => ("ELOOP", "too many symbolic links encountered"),
        (_, 62) if cfg!(target_os = "macos") => ("ELOOP", "too many symbolic links encountered"),
        (io::ErrorKind::OutOfMemory, _) => ("ENOMEM", "not enough memory"),
        (io::ErrorKind::ResourceBusy, _) => ("EBUSY", "resource busy or locked"),
        _ => ("UNKNOWN", "unknown error"),
    }
}
