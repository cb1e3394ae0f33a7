//! A panic in an I/O thread costs the connection it happened on, and nothing else: the thread goes on, JavaScript is told,
//! the slot is free again. An executor that panics when it is called stands in for a bug of ours.

#![allow(
    clippy::needless_pass_by_value,
    reason = "handlers take frames by value, as the stand-in gives them"
)]
#![cfg(target_os = "linux")]

mod common;

use common::client::Client;
use common::record::{Event, next, recorder, request};
use common::{Fake, head};
use rnode_bridge::frame::{abort, outbound, response_flags as flags};
use rnode_http::ServerConfig;

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

#[test]
fn while_a_request_is_taken() {
    let (record, events) = recorder();
    // One thread, so that the connections share what could break.
    let fake = Fake::with(ServerConfig::default(), 1, record);
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
    let (record, events) = recorder();
    let fake = Fake::with(ServerConfig::default(), 1, record);
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
