//! The HTTP side that needs no JavaScript: listeners, the HTTP/1.1 connection engine, response finishing, error pages, files.
//!
//! Requests leave as frames through an [`rnode_bridge::JsQueue`], answers come back through [`IoPool::post`]. Nothing
//! in this crate knows which JavaScript engine sits on the other side.

pub mod error_page;
pub mod files;
pub mod finish;
pub mod io_pool;
pub mod log;
pub mod mime;
pub mod server;
mod slabs;

mod balance;
mod contain;
mod direct;
mod h1;
mod io_thread;
mod lines;
mod loan;
mod plan;
mod wakes;
mod warm;

pub use direct::{DirectSet, ThreadState};
pub use io_pool::IoPool;
pub use loan::{Lend, Lent};
pub use log::{panic_text, set_log};
pub use server::bind::{Listener, bind_tcp, bind_unix, from_fd};
pub use server::config::{ServerConfig, flags as server_flags};
pub use server::{LocalAddress, Server};
