//! Which file a path asks for: the folder's index, the name with an extension, or the file itself, as `send` looks for it.
//! It must not decide whether a client may have a path: `path` does.

use super::cache::FileCache;
use super::options::Options;
use super::outcome::Failure;
use super::path::{has_extension, normalize, resolve};
use super::stat::{Kind, Meta};
use std::io;

/// The moment at which `send` emits `file` or `directory`, or fails.
#[derive(Debug)]
pub enum Located {
    /// A file: `respond` answers with it.
    File(Found),
    /// A folder that has no index.
    Directory {
        /// The path in the URL ended with a slash.
        trailing_slash: bool,
    },
    /// Refused, not found, or the file system failed.
    Failed(Failure),
}

/// A file that exists.
#[derive(Debug, Clone)]
pub struct Found {
    /// Absolute path.
    pub path: String,
    /// Its state.
    pub meta: Meta,
}

/// Looks for the file that `url_path` (encoded, latin1; for `res.sendFile` an encoded file path) names.
pub fn locate(options: &Options, url_path: &[u8], cache: &FileCache) -> Located {
    locate_by(options, url_path, |path| cache.stat(path))
}

/// As [`locate`], with `stat` to ask for the state of a path.
pub(super) fn locate_by(
    options: &Options,
    url_path: &[u8],
    stat: impl Fn(&str) -> io::Result<Meta>,
) -> Located {
    let resolved = match resolve(options, url_path) {
        Ok(resolved) => resolved,
        Err(status) => return Located::Failed(Failure::new(status)),
    };
    if resolved.trailing_slash && !options.index.is_empty() {
        let names = options
            .index
            .iter()
            .map(|name| normalize(&format!("{}/{name}", resolved.path)));
        return first_file(names, None, stat);
    }
    let path = resolved.path;
    match stat(&path) {
        Ok(meta) if meta.kind == Kind::Directory => Located::Directory {
            trailing_slash: resolved.trailing_slash,
        },
        // Where a file with a slash behind it is no error of the file system's, it is one of ours.
        Ok(_) if path.ends_with('/') => Located::Failed(Failure::new(404)),
        Ok(meta) => Located::File(Found { path, meta }),
        Err(e) => {
            let missing = e.kind() == io::ErrorKind::NotFound;
            let failure = Failure::system(&e, "stat", &path);
            if missing && !has_extension(&path) && !path.ends_with('/') {
                let names = options.extensions.iter().map(|ext| format!("{path}.{ext}"));
                first_file(names, Some(failure), stat)
            } else {
                Located::Failed(failure)
            }
        }
    }
}

/// The first of `paths` that exists and is no folder. `failure` is what is reported if there is not even one path; else the last one
/// decides, a folder counting as a plain 404.
fn first_file(
    paths: impl Iterator<Item = String>,
    mut failure: Option<Failure>,
    stat: impl Fn(&str) -> io::Result<Meta>,
) -> Located {
    for path in paths {
        match stat(&path) {
            Ok(meta) if meta.kind == Kind::Directory => failure = None,
            Ok(meta) => return Located::File(Found { path, meta }),
            Err(e) => failure = Some(Failure::system(&e, "stat", &path)),
        }
    }
    Located::Failed(failure.unwrap_or_else(|| Failure::new(404)))
}
