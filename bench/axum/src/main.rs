//! Bare axum: the same answers as the benchmark scenarios, without JavaScript. It marks the limit that
//! a server on the same HTTP stack can reach. It must not share code with the product.
//!
//! Usage: `rnode-bench-axum <scenario>`. Prints one line of JSON, `{"port":12345}`, when it listens on
//! 127.0.0.1 and serves until its standard input ends (so it cannot outlive the harness).
//! Environment: `BENCH_IO_THREADS`, number of tokio workers (default 2); `BENCH_FIXTURES`, directory of the files.

mod routes;

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use axum::serve::ListenerExt;
use tokio::net::TcpListener;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("rnode-bench-axum: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let scenario = std::env::args()
        .nth(1)
        .ok_or("the name of a scenario is missing")?;
    let fixtures = PathBuf::from(std::env::var_os("BENCH_FIXTURES").unwrap_or_default());
    let threads = match std::env::var("BENCH_IO_THREADS") {
        Ok(text) => text
            .parse::<usize>()
            .ok()
            .filter(|&n| n > 0)
            .ok_or(format!("BENCH_IO_THREADS={text} is not a positive number"))?,
        Err(_) => 2,
    };
    let router = routes::for_scenario(&scenario, &fixtures)
        .ok_or(format!("scenario {scenario} has no axum form"))?;

    std::thread::spawn(exit_with_parent);

    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .map_err(|error| format!("runtime: {error}"))?
        .block_on(async move {
            let listener = TcpListener::bind(("127.0.0.1", 0))
                .await
                .map_err(|error| format!("bind: {error}"))?;
            let address = listener
                .local_addr()
                .map_err(|error| format!("address: {error}"))?;
            println!("{{\"port\":{}}}", address.port());
            // The Node servers send without Nagle's delay as well.
            let listener = listener.tap_io(|stream| {
                let _ = stream.set_nodelay(true);
            });
            axum::serve(listener, router)
                .await
                .map_err(|error| format!("serve: {error}"))
        })
}

/// Ends the process when the parent closes the pipe, even if the parent was killed.
fn exit_with_parent() {
    let mut buffer = [0_u8; 64];
    let mut input = std::io::stdin();
    while matches!(input.read(&mut buffer), Ok(read) if read > 0) {}
    std::process::exit(0);
}
