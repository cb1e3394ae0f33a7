//! Files as `express.static` and `res.sendFile` answer them: everything npm `send` 1.2 and `serve-static` 2.2 decide, without
//! an HTTP engine around it.
//!
//! [`serve_static()`] and [`send`] take what a request says and give back an [`Outcome`]; they write to no socket. They do call
//! the file system, which may block: the caller chooses the thread. [`locate()`] and [`respond()`] are the two halves of
//! [`send`], for callers that must run a `setHeaders` callback in between.

mod cache;
mod conditional;
mod encoding;
mod headers;
mod locate;
mod lookup;
mod open_files;
mod options;
mod outcome;
mod path;
mod range;
mod registry;
mod respond;
mod serve_static;
mod stat;

pub use cache::{FileCache, Limits};
pub use encoding::Coding;
pub use headers::Lines;
pub use locate::{Found, Located, locate};
pub use open_files::OpenFile;
pub use options::{Dotfiles, Options, StaticOptions};
pub use outcome::{Body, Failure, FileAnswer, Outcome, Redirect, SystemError};
pub(crate) use registry::cache;
pub use registry::{intern_options, interned_options};
pub use respond::{Preset, Request, respond, send};
pub(crate) use serve_static::passes_at_once;
pub use serve_static::{StaticLocated, StaticRequest, locate_static, serve_static};
pub use stat::Meta;

#[cfg(test)]
mod tests;
