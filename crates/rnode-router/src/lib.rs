//! Express 5's routing without Express: the path grammar of path-to-regexp 8 ([`Pattern`]), the ordered stack of
//! layers with nested routers ([`Table`]), and the layers that one request can meet (its *plan*, [`Table::plan`]).
//! Pure: no I/O, no threads, no async runtime. Handlers, parameters' values and `next()` are JavaScript's.
//!
//! Matching is linear in pattern and path, and the cost of a plan does not grow with the routes that do not match.

mod decode;
mod error;
mod fold;
mod index;
mod matcher;
mod method;
mod parse;
mod pattern;
mod pattern_cache;
pub mod plan;
mod program;
mod table;
mod unicode_id;

pub use decode::decode_param;
pub use error::{DecodeError, PathError, TableError};
pub use method::{METHODS, Method};
pub use pattern::{Capture, Captures, Key, PathMatch, Pattern, PatternOptions};
pub use pattern_cache::PatternCache;
pub use plan::{Front, FrontLayer, PlanInfo};
pub use table::Table;
