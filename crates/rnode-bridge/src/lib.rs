//! The bridge between I/O threads and a JavaScript thread: frames, queues, mailboxes and invocation slots.
//!
//! It carries *invocations*; HTTP requests are the first kind. It knows neither sockets nor any JavaScript
//! engine: whoever runs the JavaScript implements [`Executor`] and is told when there is something to take.
//! It must not block longer than a short mutex and must not interpret what a payload means.

pub mod codes;
pub mod frame;
pub mod mailbox;
pub mod queue;
pub mod recent;
pub mod slots;

pub use frame::{Body, Command, Commands, FrameError};
pub use mailbox::{Mailbox, Posted};
pub use queue::{Batch, Executor, JsQueue, Taken};
pub use recent::RecentBodies;
pub use slots::Slots;
