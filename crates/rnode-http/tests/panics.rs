//! A panic in an I/O thread costs the connection it happened on, and nothing else: the thread goes on, JavaScript is told,
//! the slot is free again. An executor that panics when it is called stands in for a bug of ours. All tests have one
//! I/O thread, so that what comes after shares with the panic what could break.

#![cfg(target_os = "linux")]

mod common;

use common::client::Client;
use common::record::{Event, next, recorded_with, request};
use common::{Fake, GET, head, wait_until};
use rnode_bridge::frame::{abort, outbound, response_flags as flags};
use rnode_http::{LocalAddress, Server, ServerConfig, server_flags};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;

#[test]
fn while_a_request_is_taken() {
    let (fake, events) = recorded_with(ServerConfig::default());
    let mut other = Client::connect(fake.port());
    other.send(GET);
    let (slot, generation) = request(&events);

    fake.panic_at_next_wake();
    let mut hit = Client::connect(fake.port());
    hit.send(GET);
    let (hit_slot, hit_generation) = request(&events);
    assert_eq!(
        next(&events),
        Event::Abort(hit_slot, hit_generation, abort::CLIENT_GONE)
    );
    assert_eq!(hit.rest(), b"");

    let mut out = fake.out();
    // Nobody is there any more.
    out.text(hit_slot, hit_generation, 200, b"late");
    out.text(slot, generation, 200, b"first");
    out.flush();
    assert_eq!(other.response().expect("an answer").text(), "first");

    let mut third = Client::connect(fake.port());
    for client in [&mut other, &mut third] {
        client.send(GET);
        let (slot, generation) = request(&events);
        out.text(slot, generation, 200, b"again");
        out.flush();
        assert_eq!(client.response().expect("an answer").text(), "again");
    }
    drop((other, third));
    fake.wait_for_no_slots();
}

#[test]
fn while_an_answer_is_written() {
    let (fake, events) = recorded_with(ServerConfig::default());
    let (mut hit, mut other) = (Client::connect(fake.port()), Client::connect(fake.port()));
    hit.send(GET);
    let (hit_slot, hit_generation) = request(&events);
    other.send(GET);
    let (slot, generation) = request(&events);

    // The report of the delivery is what wakes JavaScript. Both answers are in one batch, the broken one first.
    fake.panic_at_next_wake();
    let mut out = fake.out();
    let notify = head(200, flags::LENGTH | flags::NOTIFY, b"");
    outbound::respond(out.to(hit_slot), hit_slot, hit_generation, &notify, b"hit");
    out.text(slot, generation, 200, b"other");
    out.flush();
    assert_eq!(hit.response().expect("it was written before").text(), "hit");
    assert_eq!(hit.rest(), b"", "the connection is closed");
    assert_eq!(next(&events), Event::Finished(true));
    assert_eq!(other.response().expect("an answer").text(), "other");

    other.send(GET);
    let (slot, generation) = request(&events);
    out.text(slot, generation, 200, b"again");
    out.flush();
    assert_eq!(other.response().expect("an answer").text(), "again");
    drop(other);
    fake.wait_for_no_slots();
}

/// A server that announces its connections.
fn announcing() -> (Fake, Receiver<Event>) {
    let config = ServerConfig::default();
    config.set_flag(server_flags::CONNECTION_LISTENER, true);
    recorded_with(config)
}

/// Takes the next event, which is a frame of this name.
fn expect(events: &Receiver<Event>, name: &str) {
    match next(events) {
        Event::Other(text) if text.starts_with(name) => {}
        other => panic!("expected {name}, got {other:?}"),
    }
}

/// The server still takes connections and answers them, and has forgotten all others.
fn goes_on(fake: &Fake, events: &Receiver<Event>) {
    let mut client = Client::connect(fake.port());
    expect(events, "Connection {");
    client.send(GET);
    let (slot, generation) = request(events);
    let mut out = fake.out();
    out.text(slot, generation, 200, b"still here");
    out.flush();
    assert_eq!(client.response().expect("an answer").text(), "still here");
    drop(client);
    expect(events, "ConnectionClosed {");
    fake.wait_for_no_slots();
    wait_until("no connection is left", || fake.server.connections() == 0);
}

#[test]
fn while_a_connection_is_announced() {
    let (fake, events) = announcing();
    fake.panic_at_next_wake();
    let mut hit = Client::connect(fake.port());
    assert_eq!(hit.rest(), b"", "the connection is closed");
    expect(&events, "Connection {");
    expect(&events, "ConnectionClosed {");
    goes_on(&fake, &events);
}

#[test]
fn while_a_connection_of_somebody_else_is_taken_over() {
    let (fake, events) = announcing();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let client = TcpStream::connect(listener.local_addr().expect("bound")).expect("it listens");
    let (accepted, _) = listener.accept().expect("a connection");
    fake.panic_at_next_wake();
    fake.server.adopt(accepted.into()).expect("a TCP socket");
    expect(&events, "Connection {");
    expect(&events, "ConnectionClosed {");
    drop(client);
    goes_on(&fake, &events);
}

#[test]
fn while_the_end_of_a_connection_is_told() {
    let (fake, events) = announcing();
    let hit = Client::connect(fake.port());
    expect(&events, "Connection {");
    fake.panic_at_next_wake();
    drop(hit);
    expect(&events, "ConnectionClosed {");
    wait_until("it has panicked", || fake.has_panicked());
    goes_on(&fake, &events);
}

#[test]
fn while_one_connection_too_many_is_dropped() {
    let (fake, events) = announcing();
    fake.config.max_connections.store(1, Ordering::Relaxed);
    let first = Client::connect(fake.port());
    expect(&events, "Connection {");
    fake.panic_at_next_wake();
    let mut hit = Client::connect(fake.port());
    assert_eq!(hit.rest(), b"", "the connection is closed");
    // Flag DROPPED, which the recorder does not tell.
    expect(&events, "Connection {");
    drop(first);
    expect(&events, "ConnectionClosed {");
    wait_until("the first is gone", || fake.server.connections() == 0);
    goes_on(&fake, &events);
}

#[test]
fn while_it_is_told_that_a_watched_connection_has_gone() {
    let (fake, events) = announcing();
    let mut gone = Client::connect(fake.port());
    expect(&events, "Connection {");
    gone.send(GET);
    let (gone_slot, gone_generation) = request(&events);
    let mut out = fake.out();
    out.text(gone_slot, gone_generation, 200, b"bye");
    out.flush();
    assert_eq!(gone.response().expect("an answer").text(), "bye");
    drop(gone);
    expect(&events, "ConnectionClosed {");
    let mut other = Client::connect(fake.port());
    expect(&events, "Connection {");
    other.send(GET);
    let (slot, generation) = request(&events);

    fake.panic_at_next_wake();
    // The generation is that of the connection before in the same slot; the rest of the batch is another connection's.
    outbound::watch_close(out.to(slot), gone_slot, gone_generation, 7);
    out.text(slot, generation, 200, b"other");
    out.flush();
    assert_eq!(other.response().expect("an answer").text(), "other");
    expect(&events, "ConnectionClosed {");
    assert!(fake.has_panicked());
    drop(other);
    expect(&events, "ConnectionClosed {");
    goes_on(&fake, &events);
}

#[test]
fn while_the_end_of_a_server_is_told() {
    let (fake, events) = recorded_with(ServerConfig::default());
    let last = Client::connect(fake.port());
    wait_until("it is connected", || fake.pool.slots_in_use() == 1);
    fake.server.close();
    fake.panic_at_next_wake();
    drop(last);
    expect(&events, "ServerClosed {");
    wait_until("it has panicked", || fake.has_panicked());

    let listener =
        rnode_http::bind_tcp(Some("127.0.0.1"), 0, 0, false, false, false).expect("a port");
    let next = Server::listen(
        &fake.pool,
        listener,
        fake.queue.clone(),
        8,
        fake.config.clone(),
    )
    .expect("listens");
    let LocalAddress::Tcp(address) = next.local_addr() else {
        unreachable!("bound over TCP")
    };
    let mut client = Client::connect(address.port());
    client.send(GET);
    let (slot, generation) = request(&events);
    let mut out = fake.out();
    out.text(slot, generation, 200, b"the next");
    out.flush();
    assert_eq!(client.response().expect("an answer").text(), "the next");
    drop(client);
    fake.wait_for_no_slots();
    next.close();
}
