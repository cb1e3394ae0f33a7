//! The options of `send` and `serve-static`, already checked and given their defaults' types.
//!
//! The JavaScript side checks types and throws (`dotfiles option must be …`), resolves `root` and turns `maxAge: '1d'` into
//! milliseconds; here every value is valid.

use serde::Deserialize;

use super::encoding::Coding;

/// What becomes of a path with a part that begins with a dot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dotfiles {
    /// Served as any other.
    Allow,
    /// 403.
    Deny,
    /// 404.
    #[default]
    Ignore,
}

/// Options of `send`, with its defaults. Read from JSON in the spelling of JavaScript (`maxAge`, `acceptRanges`, …).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Options {
    /// Absolute folder that bounds the answer, as `path.resolve` gives it. Without one the request path itself is the
    /// absolute path of a file, and `..` in it is refused.
    pub root: Option<String>,
    /// Names tried in a folder, in this order; empty for none.
    pub index: Vec<String>,
    /// What becomes of dotfiles.
    pub dotfiles: Dotfiles,
    /// Extensions tried where a name without one does not exist, without their dot.
    pub extensions: Vec<String>,
    /// Write `Accept-Ranges` and honour `Range`.
    pub accept_ranges: bool,
    /// Write `Cache-Control`.
    pub cache_control: bool,
    /// Write `ETag`.
    pub etag: bool,
    /// Write `Last-Modified`.
    pub last_modified: bool,
    /// `max-age` in milliseconds; at most a year counts.
    pub max_age: u64,
    /// Add `immutable` to `Cache-Control`.
    pub immutable: bool,
    /// First byte of the file that is served.
    pub start: u64,
    /// Last byte of the file that is served.
    pub end: Option<u64>,
    /// Codings whose sibling files (`app.js.br`) may be sent instead, most wanted first. Not an option of `send`: empty, off.
    pub precompressed: Vec<Coding>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            root: None,
            index: vec!["index.html".to_owned()],
            dotfiles: Dotfiles::Ignore,
            extensions: Vec::new(),
            accept_ranges: true,
            cache_control: true,
            etag: true,
            last_modified: true,
            max_age: 0,
            immutable: false,
            start: 0,
            end: None,
            precompressed: Vec::new(),
        }
    }
}

/// Options of `serve-static`: those of `send`, with a root, and two of its own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct StaticOptions {
    /// Options of `send`.
    #[serde(flatten)]
    pub send: Options,
    /// What is not found goes to the next layer rather than to the error handler.
    pub fallthrough: bool,
    /// A folder without a slash at the end is redirected to the one with it.
    pub redirect: bool,
}

impl Default for StaticOptions {
    fn default() -> Self {
        Self {
            send: Options::default(),
            fallthrough: true,
            redirect: true,
        }
    }
}
