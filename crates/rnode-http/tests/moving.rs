//! Connections that go to another I/O thread between two requests: the client notices nothing, and nothing gets lost on the way.

mod common;

use common::client::Client;
use common::{Fake, GET, wait_until};
use rnode_bridge::frame::{InFrame, outbound, request_flags, slot_io};
use rnode_http::ServerConfig;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};

/// What JavaScript was told: the thread of each request, and whether it is the first of its connection.
type Seen = Arc<Mutex<Vec<(u8, bool)>>>;

fn threads_seen(config: ServerConfig) -> (Fake, Seen) {
    let seen = Seen::default();
    let log = seen.clone();
    let fake = Fake::with(config, 2, move |frame, out| {
        if let InFrame::Request {
            slot,
            generation,
            flags,
            url,
            ..
        } = frame
        {
            let is_first = flags & request_flags::FIRST != 0;
            log.lock()
                .expect("not poisoned")
                .push((slot_io(slot), is_first));
            out.text(slot, generation, 200, url);
        }
    });
    (fake, seen)
}

fn ask(client: &mut Client, n: usize) -> String {
    client.send(format!("GET /{n} HTTP/1.1\r\nHost: x\r\n\r\n"));
    let response = client.response().expect("answered");
    assert_eq!(response.text(), format!("/{n}"));
    response.head_without_date()
}

#[test]
fn a_connection_goes_on_on_the_other_thread() {
    let (fake, seen) = threads_seen(ServerConfig::default());
    let mut client = Client::connect(fake.port());
    let before = ask(&mut client, 1);
    fake.pool.give(0, 1, 1);
    let after = ask(&mut client, 2);
    assert_eq!(before, after);
    ask(&mut client, 3);
    fake.pool.give(1, 0, 1);
    ask(&mut client, 4);
    let seen = seen.lock().expect("not poisoned").clone();
    // For JavaScript another connection has taken the slot.
    assert_eq!(seen, [(0, true), (1, true), (1, false), (0, true)]);
    assert_eq!(fake.server.connections(), 1);
    drop(client);
    fake.wait_for_no_slots();
    wait_until("the connection is gone", || fake.server.connections() == 0);
}

#[test]
fn many_connections_go_to_and_fro_under_load() {
    let (fake, seen) = threads_seen(ServerConfig::default());
    let port = fake.port();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(move || {
                let mut clients: Vec<Client> = (0..4).map(|_| Client::connect(port)).collect();
                for n in 0..200 {
                    for client in &mut clients {
                        ask(client, n);
                    }
                }
            });
        }
        for round in 0..200 {
            fake.pool.give(round % 2, 1 - round % 2, 7);
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    });
    let seen = seen.lock().expect("not poisoned");
    assert_eq!(seen.len(), 8 * 4 * 200);
    assert!(seen.iter().any(|&(io, _)| io == 0) && seen.iter().any(|&(io, _)| io == 1));
    assert!(
        seen.iter().filter(|(_, is_first)| *is_first).count() > 32,
        "none has moved"
    );
    drop(seen);
    fake.wait_for_no_slots();
    wait_until("no connection is left", || fake.server.connections() == 0);
}

#[test]
fn requests_are_counted_over_all_threads() {
    let config = ServerConfig::default();
    config.max_requests_per_socket.store(3, Relaxed);
    let (fake, _) = threads_seen(config);
    let mut client = Client::connect(fake.port());
    assert!(ask(&mut client, 1).contains("keep-alive"));
    fake.pool.give(0, 1, 1);
    assert!(ask(&mut client, 2).contains("keep-alive"));
    assert!(
        ask(&mut client, 3).contains("Connection: close"),
        "it is the third"
    );
    assert!(client.rest().is_empty(), "closed");
}

#[test]
fn a_head_that_has_begun_stays_with_its_thread() {
    let (fake, seen) = threads_seen(ServerConfig::default());
    let mut client = Client::connect(fake.port());
    ask(&mut client, 1);
    client.send("GET /half HTTP/1.1\r\nHo");
    // An answer to another connection of the thread says that it has read what came before.
    let mut other = Client::connect(fake.port());
    ask(&mut other, 2);
    fake.pool.give(0, 1, 1);
    client.send("st: x\r\n\r\n");
    assert_eq!(client.response().expect("answered").text(), "/half");
    assert_eq!(seen.lock().expect("not poisoned").last(), Some(&(0, false)));
}

#[test]
fn a_connection_that_is_watched_stays() {
    let seen = Seen::default();
    let log = seen.clone();
    let fake = Fake::start(move |frame, out| {
        if let InFrame::Request {
            slot,
            generation,
            server,
            ..
        } = frame
        {
            log.lock()
                .expect("not poisoned")
                .push((slot_io(slot), true));
            outbound::watch_close(out.to(slot), slot, generation, server);
            out.text(slot, generation, 200, b"seen");
        }
    });
    let mut client = Client::connect(fake.port());
    for _ in 0..3 {
        assert_eq!(
            client.send(GET).response().expect("answered").text(),
            "seen"
        );
        fake.pool.give(0, 1, 1);
    }
    let threads: Vec<u8> = seen
        .lock()
        .expect("not poisoned")
        .iter()
        .map(|s| s.0)
        .collect();
    assert_eq!(threads, [0, 0, 0]);
}

#[test]
fn a_pipelined_request_stays_with_the_one_before() {
    let (fake, seen) = threads_seen(ServerConfig::default());
    let mut client = Client::connect(fake.port());
    ask(&mut client, 0);
    fake.pool.give(0, 1, 1);
    client.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(client.response().expect("answered").text(), "/1");
    assert_eq!(client.response().expect("answered").text(), "/2");
    let seen = seen.lock().expect("not poisoned");
    assert_eq!(seen[1].0, seen[2].0);
}

#[test]
fn a_server_that_closes_ends_those_under_way_too() {
    for round in 0..40 {
        let (fake, _) = threads_seen(ServerConfig::default());
        let mut clients: Vec<Client> = (0..6).map(|_| Client::connect(fake.port())).collect();
        for client in &mut clients {
            ask(client, 0);
        }
        // Each moves when its next request comes; the server closes at the same time.
        fake.pool.give(0, 1, 6);
        for client in &mut clients {
            client.send(GET);
        }
        match round % 3 {
            0 => fake.server.close(),
            1 => fake.server.close_all(),
            _ => {
                fake.server.close();
                fake.server.close_idle();
            }
        }
        if round % 3 == 1 {
            fake.server.close();
        }
        for client in &mut clients {
            while client.response().is_some() {}
        }
        wait_until("no connection is left", || fake.server.connections() == 0);
        fake.wait_for_no_slots();
    }
}

#[test]
fn an_idle_connection_that_has_moved_times_out() {
    let config = ServerConfig::default();
    config.keep_alive_timeout.store(200, Relaxed);
    config.keep_alive_timeout_buffer.store(0, Relaxed);
    let (fake, seen) = threads_seen(config);
    let mut client = Client::connect(fake.port());
    ask(&mut client, 1);
    fake.pool.give(0, 1, 1);
    ask(&mut client, 2);
    assert_eq!(seen.lock().expect("not poisoned")[1].0, 1);
    assert!(client.rest().is_empty(), "closed by keepAliveTimeout");
}

#[test]
fn nobody_gives_to_a_thread_that_is_not_there() {
    let (fake, seen) = threads_seen(ServerConfig::default());
    let mut client = Client::connect(fake.port());
    for (from, to) in [(0, 0), (0, 2), (5, 1)] {
        fake.pool.give(from, to, 1);
        ask(&mut client, to);
    }
    assert!(
        seen.lock()
            .expect("not poisoned")
            .iter()
            .all(|&(io, _)| io == 0)
    );
}
