//! What `stat` tells about a path, in the units of Node's `fs.Stats`, and who the file is.
//! It must not open files, nor keep anything: `cache` does.

use std::fs::Metadata;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A file's state, as far as an answer depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Bytes.
    pub size: u64,
    /// Modification time in milliseconds since 1970, rounded as `fs.Stats#mtime` rounds it.
    pub mtime_ms: i64,
    pub(super) kind: Kind,
    pub(super) identity: Identity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Regular,
    Directory,
    /// A pipe, socket or device: it exists, and has no bytes to send.
    Other,
}

/// Changes whenever the content may have: device, inode, size, and both times to the nanosecond. The change time cannot be set
/// back by a program, so that a file restored to its old mtime is seen too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    modified: SystemTime,
    changed: SystemTime,
}

impl Meta {
    pub(super) fn of(path: &str) -> std::io::Result<Self> {
        std::fs::metadata(path).map(|m| Self::new(&m))
    }

    pub(super) fn new(metadata: &Metadata) -> Self {
        let kind = if metadata.is_dir() {
            Kind::Directory
        } else if metadata.is_file() {
            Kind::Regular
        } else {
            Kind::Other
        };
        let modified = metadata.modified().unwrap_or(UNIX_EPOCH);
        let size = metadata.len();
        let (device, inode, changed) = inode_of(metadata, modified);
        let identity = Identity {
            device,
            inode,
            size,
            modified,
            changed,
        };
        Self {
            size,
            mtime_ms: milliseconds(modified),
            kind,
            identity,
        }
    }

    /// True if both times lie at least `age` before `now`: a later change then has another time, whatever the resolution of the
    /// file system's clock.
    pub(super) fn settled(&self, now: SystemTime, age: Duration) -> bool {
        let older = |time: SystemTime| now.duration_since(time).is_ok_and(|d| d >= age);
        older(self.identity.modified) && older(self.identity.changed)
    }
}

/// The error of a `stat` that finds nothing, if the kernel knows that without asking a file system (`RESOLVE_CACHED`, Linux 5.12).
/// `None` if there is something, or it would have to look.
#[cfg(target_os = "linux")]
pub(super) fn missing_at_once(path: &str) -> Option<std::io::Error> {
    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
    use rustix::io::Errno;
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    match openat2(CWD, path, flags, Mode::empty(), ResolveFlags::CACHED) {
        Err(error @ (Errno::NOENT | Errno::NOTDIR)) => Some(error.into()),
        _ => None,
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn missing_at_once(_path: &str) -> Option<std::io::Error> {
    None
}

#[cfg(unix)]
fn inode_of(metadata: &Metadata, _modified: SystemTime) -> (u64, u64, SystemTime) {
    use std::os::unix::fs::MetadataExt;
    let seconds = metadata.ctime();
    let nanos = Duration::from_nanos(u64::try_from(metadata.ctime_nsec()).unwrap_or(0));
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let base = if seconds >= 0 {
        UNIX_EPOCH.checked_add(whole)
    } else {
        UNIX_EPOCH.checked_sub(whole)
    };
    (
        metadata.dev(),
        metadata.ino(),
        base.unwrap_or(UNIX_EPOCH) + nanos,
    )
}

#[cfg(not(unix))]
fn inode_of(metadata: &Metadata, modified: SystemTime) -> (u64, u64, SystemTime) {
    (0, 0, metadata.created().unwrap_or(modified))
}

/// `fs.Stats#mtime.getTime()`: Node adds seconds and nanoseconds up in a double and rounds that.
fn milliseconds(time: SystemTime) -> i64 {
    let (seconds, nanos) = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => (after.as_secs() as f64, after.subsec_nanos()),
        Err(e) => {
            let before = e.duration();
            match before.subsec_nanos() {
                0 => (-(before.as_secs() as f64), 0),
                nanos => (-(before.as_secs() as f64) - 1.0, 1_000_000_000 - nanos),
            }
        }
    };
    (seconds * 1000.0 + f64::from(nanos) / 1e6 + 0.5).floor() as i64
}

#[cfg(test)]
mod tests {
    use super::milliseconds;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn rounds_as_node() {
        // From `fs.utimesSync(file, t, t); fs.statSync(file).mtime.getTime()`.
        for (nanos, expected) in [
            (999_400_000, 1_000_999),
            (999_500_000, 1_001_000),
            (999_599_000, 1_001_000),
            (499_499_000, 1_000_499),
        ] {
            assert_eq!(
                milliseconds(UNIX_EPOCH + Duration::new(1000, nanos)),
                expected
            );
        }
        assert_eq!(
            milliseconds(UNIX_EPOCH - Duration::from_millis(1500)),
            -1500
        );
        assert_eq!(milliseconds(UNIX_EPOCH), 0);
    }
}
