//! System errors as Node names them: libuv's code and its text for the numbers of this platform.
//! They are not turned into exceptions here, and nothing is decided about them.

use std::io;

/// `err.code` and libuv's text, by the platform's number.
const NAMES: &[(i32, &str, &str)] = &[
    (libc::EACCES, "EACCES", "permission denied"),
    (libc::EADDRINUSE, "EADDRINUSE", "address already in use"),
    (
        libc::EADDRNOTAVAIL,
        "EADDRNOTAVAIL",
        "address not available",
    ),
    (
        libc::EAFNOSUPPORT,
        "EAFNOSUPPORT",
        "address family not supported",
    ),
    (libc::EBADF, "EBADF", "bad file descriptor"),
    (libc::EEXIST, "EEXIST", "file already exists"),
    (libc::EINVAL, "EINVAL", "invalid argument"),
    (libc::EISDIR, "EISDIR", "illegal operation on a directory"),
    (libc::ELOOP, "ELOOP", "too many symbolic links encountered"),
    (libc::EMFILE, "EMFILE", "too many open files"),
    (libc::ENAMETOOLONG, "ENAMETOOLONG", "name too long"),
    (libc::ENFILE, "ENFILE", "file table overflow"),
    (libc::ENOBUFS, "ENOBUFS", "no buffer space available"),
    (libc::ENOENT, "ENOENT", "no such file or directory"),
    (libc::ENOMEM, "ENOMEM", "not enough memory"),
    (libc::ENOTDIR, "ENOTDIR", "not a directory"),
    (libc::ENOTSOCK, "ENOTSOCK", "socket operation on non-socket"),
    (
        libc::ENOTSUP,
        "ENOTSUP",
        "operation not supported on socket",
    ),
    (libc::EPERM, "EPERM", "operation not permitted"),
    (
        libc::EPROTONOSUPPORT,
        "EPROTONOSUPPORT",
        "protocol not supported",
    ),
    (libc::EROFS, "EROFS", "read-only file system"),
];

/// A system error in Node's terms.
pub(crate) struct SystemError {
    /// `err.code`; `UNKNOWN` for a number that is not listed.
    pub(crate) code: &'static str,
    /// `err.errno`, negative.
    pub(crate) errno: i32,
    /// libuv's text, or the system's for `UNKNOWN`.
    pub(crate) text: String,
}

impl SystemError {
    /// An error that the system did not make itself (a host that is no address) counts as `EINVAL`.
    pub(crate) fn new(error: &io::Error) -> Self {
        let number = error.raw_os_error().unwrap_or(libc::EINVAL);
        match NAMES.iter().find(|(known, ..)| *known == number) {
            Some((_, code, text)) => Self {
                code,
                errno: -number,
                text: (*text).to_owned(),
            },
            None => Self {
                code: "UNKNOWN",
                errno: -number,
                text: error.to_string(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_numbers() {
        let error = SystemError::new(&io::Error::from_raw_os_error(libc::EADDRINUSE));
        assert_eq!(error.code, "EADDRINUSE");
        assert_eq!(error.errno, -libc::EADDRINUSE);
        assert_eq!(error.text, "address already in use");
        let error = SystemError::new(&io::Error::new(io::ErrorKind::InvalidInput, "x"));
        assert_eq!((error.code, error.errno), ("EINVAL", -libc::EINVAL));
        let error = SystemError::new(&io::Error::from_raw_os_error(libc::EXDEV));
        assert_eq!((error.code, error.errno), ("UNKNOWN", -libc::EXDEV));
    }
}
