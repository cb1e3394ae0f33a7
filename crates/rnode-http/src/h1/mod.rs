//! HTTP/1.1 as Node speaks it: one task per connection, which parses, dispatches frames and writes what comes back.
//!
//! Split by role:
//! - `request_line`, `parse` and `syntax`: request heads; `chunked`: body framing
//! - `conn`: the task; `state`: what it can be; `read` and `flush`: its socket
//! - `input`, `body` and `large`: from the socket to frames; `pipeline`: requests that wait for their turn
//! - `respond`, `stream` and `fallback`: from frames to the socket; `file`: answers from the file system; `write`: bytes on the wire
//! - `timeouts`, `failure`, `close`: how requests and connections end otherwise; `moving`: how they go on elsewhere

mod body;
pub(crate) mod chunked;
mod close;
pub(crate) mod conn;
mod direct;
mod failure;
mod fallback;
pub(crate) mod file;
mod flush;
mod front;
mod held;
mod input;
pub(crate) mod io;
mod large;
pub(crate) mod moving;
pub(crate) mod parse;
mod pipeline;
mod read;
mod request_line;
mod respond;
mod state;
mod stream;
mod syntax;
mod timeouts;
mod write;
