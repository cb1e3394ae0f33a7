//! What completes a response once its status, lines and body are known: ETag, freshness, Date.
//!
//! Pure functions over bytes. Nothing here knows sockets, frames or JavaScript, and nothing here allocates per call
//! unless it says so.

pub(crate) mod base64;
pub mod date;
pub mod etag;
pub mod fresh;
pub mod http_date;

pub use date::DateCache;
pub use fresh::is_fresh;
