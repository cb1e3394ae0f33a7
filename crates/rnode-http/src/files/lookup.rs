//! Opens a file and gets its bytes: from the cache, read whole if it is small, or as an open file to stream from.
//!
//! The state that goes with the bytes is taken from the open file, so that headers and body belong to the same file even if the path
//! was given to another one in between.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

use super::cache::FileCache;
use super::open_files::OpenFile;
use super::stat::{Kind, Meta};

/// How often a small file that changes while it is read is read again.
const ATTEMPTS: usize = 3;

/// A file's bytes.
#[derive(Debug)]
pub(super) enum Content {
    Bytes(Bytes),
    File(Arc<OpenFile>),
}

/// A system call on the file that failed.
#[derive(Debug)]
pub(super) struct OpenError {
    pub(super) error: io::Error,
    pub(super) syscall: &'static str,
}

impl OpenError {
    fn read(error: io::Error) -> Self {
        Self {
            error,
            syscall: "read",
        }
    }
}

/// The bytes of the file at `path`, whose `stat` was `meta`, and the state they belong to.
pub(super) fn open(
    path: &str,
    meta: &Meta,
    cache: &FileCache,
) -> Result<(Meta, Content), OpenError> {
    if meta.kind == Kind::Other {
        // Opening a pipe waits for its writer. Its size is 0, so there is nothing to send.
        return Ok((meta.clone(), Content::Bytes(Bytes::new())));
    }
    let kept = if meta.size <= cache.file_bytes() {
        cache.body(path, meta).map(Content::Bytes)
    } else {
        cache.file(path, meta).map(Content::File)
    };
    if let Some(content) = kept {
        return Ok((meta.clone(), content));
    }
    let started = SystemTime::now();
    let mut file = File::open(path).map_err(|error| OpenError {
        error,
        syscall: "open",
    })?;
    let mut meta = Meta::new(&file.metadata().map_err(OpenError::read)?);
    if meta.kind == Kind::Directory {
        return Err(OpenError::read(io::ErrorKind::IsADirectory.into()));
    }
    let mut bytes = Vec::new();
    for _ in 0..ATTEMPTS {
        if meta.size > cache.file_bytes() {
            let file = Arc::new(OpenFile::new(file));
            cache.keep_open(path, &meta, &file);
            return Ok((meta, Content::File(file)));
        }
        bytes.clear();
        // One byte more than expected shows that the file has grown.
        bytes.reserve_exact(
            usize::try_from(meta.size)
                .unwrap_or(usize::MAX)
                .saturating_add(1),
        );
        file.seek(SeekFrom::Start(0)).map_err(OpenError::read)?;
        (&file)
            .take(meta.size + 1)
            .read_to_end(&mut bytes)
            .map_err(OpenError::read)?;
        let after = Meta::new(&file.metadata().map_err(OpenError::read)?);
        if after == meta && bytes.len() as u64 == meta.size {
            let body = Bytes::from(bytes);
            cache.offer(path, &meta, &body, started);
            return Ok((meta, Content::Bytes(body)));
        }
        meta = after;
    }
    // It does not hold still. What was read last is sent, as it is.
    meta.size = bytes.len() as u64;
    Ok((meta, Content::Bytes(bytes.into())))
}
