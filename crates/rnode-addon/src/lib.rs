//! The addon's door: the functions that JavaScript sees, and nothing but their registration.
//! Loaded by `js/lib/native` alone. No business logic anywhere in this crate: it turns JavaScript values into calls of
//! `rnode-http` and `rnode-router`, and their results into JavaScript values.

mod env;
mod errors;
mod executor;
mod frames;
mod listen;
mod memory;
mod outboxes;
mod pages;
mod panic;
#[cfg(target_os = "linux")]
mod poller;
mod pool;
mod program;
mod routing;
mod servers;
mod text;
mod uncaught;

use neon::prelude::*;
use panic::guard;

#[neon::main]
fn main(mut cx: ModuleContext) -> NeonResult<()> {
    panic::install_hooks();

    cx.export_function("start", guard("start", env::start))?;
    cx.export_function("rest", guard("rest", env::rest))?;
    cx.export_function("ref", guard("ref", env::reference))?;
    cx.export_function("unref", guard("unref", env::unreference))?;
    cx.export_function("stats", guard("stats", env::stats))?;
    cx.export_function("uncaught", guard("uncaught", uncaught::uncaught))?;

    cx.export_function("take", guard("take", frames::take))?;
    cx.export_function("takeBody", guard("takeBody", frames::take_body))?;
    cx.export_function("post", guard("post", frames::post))?;
    cx.export_function("postLarge", guard("postLarge", frames::post_large))?;
    cx.export_function("outbox", guard("outbox", outboxes::outbox))?;
    let post_outbox = guard("postOutbox", outboxes::post_outbox);
    cx.export_function("postOutbox", post_outbox)?;
    cx.export_function("isAhead", guard("isAhead", outboxes::is_ahead))?;
    let intern = guard("internFileOptions", frames::intern_file_options);
    cx.export_function("internFileOptions", intern)?;

    let parse = guard("parsePattern", routing::parse_pattern);
    cx.export_function("parsePattern", parse)?;
    let matches = guard("matchPattern", routing::match_pattern);
    cx.export_function("matchPattern", matches)?;
    let compile = guard("compileTable", routing::compile_table);
    cx.export_function("compileTable", compile)?;
    cx.export_function("plan", guard("plan", routing::plan))?;

    cx.export_function("listen", guard("listen", listen::listen))?;
    let address = guard("serverAddress", servers::address);
    cx.export_function("serverAddress", address)?;
    cx.export_function("serverAdopt", guard("serverAdopt", servers::adopt))?;
    cx.export_function("serverSocket", guard("serverSocket", servers::socket))?;
    cx.export_function("serverClose", guard("serverClose", servers::close))?;
    let close_idle = guard("serverCloseIdle", servers::close_idle);
    cx.export_function("serverCloseIdle", close_idle)?;
    let close_all = guard("serverCloseAll", servers::close_all);
    cx.export_function("serverCloseAll", close_all)?;
    let connections = guard("serverConnections", servers::connections);
    cx.export_function("serverConnections", connections)?;
    cx.export_function("serverBusy", guard("serverBusy", servers::busy))?;
    cx.export_function("serverWatch", guard("serverWatch", servers::watch))?;
    cx.export_function("serverDrop", guard("serverDrop", servers::forget))?;
    let set_table = guard("serverSetTable", servers::set_table);
    cx.export_function("serverSetTable", set_table)?;
    let set_front = guard("serverSetFront", servers::set_front);
    cx.export_function("serverSetFront", set_front)?;
    cx.export_function("serverSet", guard("serverSet", servers::set))?;
    cx.export_function("closeFd", guard("closeFd", servers::close_fd))?;

    let render = guard("renderErrorPage", pages::render_error_page);
    cx.export_function("renderErrorPage", render)?;
    cx.export_function("weakEtag", guard("weakEtag", pages::weak_etag))?;
    cx.export_function("strongEtag", guard("strongEtag", pages::strong_etag))?;

    let panic = guard("panicForTest", panic::panic_for_test);
    cx.export_function("panicForTest", panic)?;
    Ok(())
}
