//! Pipelined requests: several of one connection are with JavaScript at once, their answers go out in order, and what ends the
//! connection ends them all.

mod common;

use common::client::Client;
use common::record::{Event, next, recorded, request};
use common::{Fake, GET, Out, head};
use rnode_bridge::frame::{InFrame, abort, outbound, response_flags as flags};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

/// Slot and generations of the next `count` requests, which are those of one connection.
fn requests(events: &Receiver<Event>, count: usize) -> (u32, Vec<u32>) {
    let (slot, first) = request(events);
    let mut generations = vec![first];
    while generations.len() < count {
        generations.push(request(events).1);
    }
    (slot, generations)
}

/// A server, and a client that has sent `count` requests in one packet: `(server, client, events, slot, generations)`.
fn pipelined(count: usize) -> (Fake, Client, Receiver<Event>, u32, Vec<u32>) {
    let (fake, events) = recorded();
    let mut client = Client::connect(fake.port());
    client.send(GET.repeat(count));
    let (slot, generations) = requests(&events, count);
    (fake, client, events, slot, generations)
}

/// The next frames are an ABORT for each of these requests.
fn expect_aborts(events: &Receiver<Event>, slot: u32, generations: &[u32], reason: u32) {
    for generation in generations {
        assert_eq!(next(events), Event::Abort(slot, *generation, reason));
    }
}

fn answer(fake: &Fake, slot: u32, generation: u32, text: &str) {
    let mut out = fake.out();
    out.text(slot, generation, 200, text.as_bytes());
    out.flush();
}

fn post(fake: &Fake, write: impl FnOnce(&mut Out)) {
    let mut out = fake.out();
    write(&mut out);
    out.flush();
}

#[test]
fn requests_are_handed_over_before_the_first_is_answered() {
    let (fake, mut client, events, slot, generations) = pipelined(3);
    for (n, generation) in generations.into_iter().enumerate() {
        answer(&fake, slot, generation, &n.to_string());
        let response = client.response().expect("answered");
        assert_eq!(response.text(), n.to_string());
        assert_eq!(response.header("connection"), Some("keep-alive"));
    }
    client.send(GET);
    let (slot, generation) = request(&events);
    answer(&fake, slot, generation, "again");
    assert_eq!(client.response().expect("answered").text(), "again");
}

#[test]
fn requests_of_one_packet_are_joined() {
    let (fake, events) = recorded();
    let mut client = Client::connect(fake.port());
    client.send(GET.repeat(3) + &GET[..20]);
    let (slot, first) = match next(&events) {
        Event::JoinedRequest(slot, generation) => (slot, generation),
        other => panic!("expected a joined request, got {other:?}"),
    };
    assert_eq!(next(&events), Event::JoinedRequest(slot, first + 1));
    // Of the fourth there is only a part.
    assert_eq!(next(&events), Event::Request(slot, first + 2));
    client.send(&GET[20..]);
    assert_eq!(next(&events), Event::Request(slot, first + 3));
}

/// Node's parser comes to the end of a body and to the request behind it before anything else happens.
#[test]
fn the_end_of_a_body_and_the_request_behind_it_are_joined() {
    const BODY: usize = 40_000;
    let (sender, events) = mpsc::channel();
    let fake = Fake::start(move |frame: InFrame<'_>, out: &mut Out| {
        let event = match frame {
            InFrame::Request {
                slot, generation, ..
            } => {
                outbound::body_want(out.to(slot), slot, generation, 1 << 20);
                "request"
            }
            InFrame::Body { .. } => return,
            InFrame::BodyEnd { is_joined, .. } if is_joined => "end, joined",
            InFrame::BodyEnd { .. } => "end",
            _ => "another",
        };
        // The test may be over while the connection still ends.
        let _ = sender.send(event);
    });
    let next = || events.recv_timeout(Duration::from_secs(20));
    let mut client = Client::connect(fake.port());
    client.send(format!(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {BODY}\r\n\r\n"
    ));
    assert_eq!(next(), Ok("request"));
    client.send("x".repeat(BODY) + GET);
    assert_eq!(next(), Ok("end, joined"));
    assert_eq!(next(), Ok("request"));
}

#[test]
fn a_broken_request_is_told_with_the_one_before_it() {
    let (fake, events) = recorded();
    let mut client = Client::connect(fake.port());
    client.send(format!("{GET}not a request\r\n\r\n"));
    let Event::JoinedRequest(slot, generation) = next(&events) else {
        panic!("the two are of one packet");
    };
    let told = Event::Abort(slot, generation, abort::PIPELINE_BROKEN);
    assert_eq!(next(&events), told);
}

#[test]
fn each_answer_is_that_of_its_own_request() {
    let (fake, events) = recorded();
    let mut client = Client::connect(fake.port());
    client
        .send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
        .send("GET / HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\n\r\n")
        .send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let (slot, generations) = requests(&events, 3);
    post(&fake, |out| {
        for generation in generations {
            let head = head(200, flags::LENGTH | flags::ETAG_WEAK | flags::FRESH, b"");
            outbound::respond(out.to(slot), slot, generation, &head, b"text");
        }
    });
    let first = client.response_to("HEAD").expect("answered");
    assert_eq!(first.header("content-length"), Some("4"));
    assert_eq!(client.response().expect("answered").status, 304);
    let last = client.response().expect("answered");
    assert_eq!(last.text(), "text");
    assert_eq!(last.header("connection"), Some("close"));
    assert_eq!(client.response(), None);
}

#[test]
fn no_more_than_sixteen_are_with_javascript() {
    let (fake, events) = recorded();
    let mut client = Client::connect(fake.port());
    // What follows FIN tells that everything before it has been looked at.
    client.send(GET.repeat(40)).fin();
    let (slot, generations) = requests(&events, 16);
    expect_aborts(&events, slot, &generations, abort::CLIENT_GONE);
    answer(&fake, slot, generations[0], "one");
    let (_, seventeenth) = request(&events);
    assert_eq!(seventeenth, generations[15].wrapping_add(1));
    assert_eq!(client.response().expect("answered").text(), "one");
}

#[test]
fn javascript_may_ask_for_no_more() {
    let (fake, mut client, events, slot, generations) = pipelined(2);
    post(&fake, |out| {
        let head = head(200, flags::ADD_TE, b"");
        outbound::head(out.to(slot), slot, generations[0], &head);
        outbound::hold(out.to(slot), slot, generations[1], true);
        // DRAIN tells that the frame before it has been looked at.
        outbound::chunk(out.to(slot), slot, generations[0], true, b"begun");
    });
    assert!(matches!(next(&events), Event::Other(_)), "DRAIN");
    client.send(GET).fin();
    expect_aborts(&events, slot, &generations, abort::CLIENT_GONE);
    post(&fake, |out| {
        outbound::hold(out.to(slot), slot, generations[1], false);
    });
    assert_eq!(request(&events), (slot, generations[1].wrapping_add(1)));
}

#[test]
fn an_answer_before_its_turn_is_not_written() {
    let (fake, mut client, events, slot, generations) = pipelined(2);
    answer(&fake, slot, generations[1], "two");
    assert_eq!(client.rest(), b"");
    expect_aborts(&events, slot, &generations, abort::CLIENT_GONE);
    fake.wait_for_no_slots();
}

#[test]
fn a_client_that_leaves_is_told_for_each() {
    let (fake, client, events, slot, generations) = pipelined(3);
    drop(client);
    expect_aborts(&events, slot, &generations, abort::CLIENT_GONE);
    post(&fake, |out| {
        outbound::destroy(out.to(slot), slot, generations[0], false);
    });
    fake.wait_for_no_slots();
}

#[test]
fn a_request_in_the_middle_may_destroy_the_connection() {
    let (fake, mut client, events, slot, generations) = pipelined(3);
    post(&fake, |out| {
        outbound::destroy(out.to(slot), slot, generations[1], false);
    });
    assert_eq!(client.rest(), b"");
    expect_aborts(&events, slot, &generations, abort::CLIENT_GONE);
    fake.wait_for_no_slots();
}

#[test]
fn an_answer_that_ends_the_connection_is_the_last() {
    let (fake, mut client, events, slot, generations) = pipelined(2);
    post(&fake, |out| {
        let last = head(200, flags::LENGTH | flags::CLOSE, b"");
        outbound::respond(out.to(slot), slot, generations[0], &last, b"one");
        out.text(slot, generations[1], 200, b"two");
    });
    let response = client.response().expect("answered");
    assert_eq!(response.text(), "one");
    assert_eq!(response.header("connection"), Some("close"));
    assert_eq!(client.response(), None);
    let over = Event::Abort(slot, generations[1], abort::SERVER_CLOSING);
    assert_eq!(next(&events), over);
    fake.wait_for_no_slots();
}

#[test]
fn a_broken_request_behind_others_ends_the_connection_when_they_are_over() {
    for answered in [true, false] {
        let (fake, events) = recorded();
        let mut client = Client::connect(fake.port());
        client.send(GET.repeat(2)).send("BROKEN\r\n\r\n");
        let (slot, generations) = requests(&events, 2);
        expect_aborts(&events, slot, &generations, abort::PIPELINE_BROKEN);
        post(&fake, |out| {
            out.text(slot, generations[0], 200, b"one");
            if answered {
                out.text(slot, generations[1], 200, b"two");
            } else {
                outbound::destroy(out.to(slot), slot, generations[1], false);
            }
        });
        assert_eq!(client.response().expect("answered").text(), "one");
        if answered {
            assert_eq!(client.response().expect("answered").text(), "two");
        }
        assert!(client.rest().starts_with(b"HTTP/1.1 400 Bad Request\r\n"));
    }
}

#[test]
fn a_broken_request_of_a_client_that_has_reset_leaves_nothing() {
    let (fake, events) = recorded();
    let mut client = Client::connect(fake.port());
    client.send(GET).send("BROKEN\r\n\r\n");
    let (slot, generation) = request(&events);
    let broken = Event::Abort(slot, generation, abort::PIPELINE_BROKEN);
    assert_eq!(next(&events), broken);
    client.reset();
    // The second write finds the connection lost.
    post(&fake, |out| {
        let head = head(200, flags::ADD_TE, b"");
        outbound::head(out.to(slot), slot, generation, &head);
    });
    post(&fake, |out| {
        outbound::chunk(out.to(slot), slot, generation, false, b"text");
    });
    post(&fake, |out| {
        outbound::destroy(out.to(slot), slot, generation, false);
    });
    fake.wait_for_no_slots();
}

#[test]
fn the_body_of_the_last_flows_while_others_wait() {
    let (fake, events) = recorded();
    let mut client = Client::connect(fake.port());
    client
        .send(GET)
        .send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    let (slot, generations) = requests(&events, 2);
    post(&fake, |out| {
        outbound::body_want(out.to(slot), slot, generations[1], 100);
    });
    assert!(matches!(next(&events), Event::Other(body) if body.contains("Body")));
    // Its body is broken: that is the end of the first request, too.
    client.send("W\r\n");
    expect_aborts(&events, slot, &generations, abort::PIPELINE_BROKEN);
    post(&fake, |out| {
        outbound::destroy(out.to(slot), slot, generations[0], false);
    });
    assert!(client.rest().starts_with(b"HTTP/1.1 400 Bad Request\r\n"));
}

#[test]
fn answers_of_this_side_wait_for_their_turn() {
    let (fake, events) = recorded();
    let mut client = Client::connect(fake.port());
    client
        .send(GET)
        .send("GET / HTTP/1.1\r\nHost: x\r\nExpect: something\r\n\r\n")
        .send("PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
    let (slot, generation) = request(&events);
    answer(&fake, slot, generation, "one");
    assert_eq!(client.response().expect("answered").text(), "one");
    assert_eq!(client.response().expect("answered").status, 417);
    assert_eq!(client.response().expect("answered").status, 100);
    let (slot, generation) = request(&events);
    client.send("x");
    answer(&fake, slot, generation, "three");
    assert_eq!(client.response().expect("answered").text(), "three");
}

#[test]
fn a_deadline_runs_from_the_turn_on() {
    let (fake, mut client, events, slot, generations) = pipelined(2);
    post(&fake, |out| {
        outbound::deadline(out.to(slot), slot, generations[1], 50);
    });
    std::thread::sleep(Duration::from_millis(150));
    answer(&fake, slot, generations[0], "one");
    assert_eq!(client.response().expect("answered").text(), "one");
    assert_eq!(client.response().expect("answered").status, 503);
    let over = Event::Abort(slot, generations[1], abort::DEADLINE);
    assert_eq!(next(&events), over);
}

#[test]
fn a_head_that_is_late_behind_another_request_ends_the_connection() {
    let (fake, events) = recorded();
    let mut client = Client::connect(fake.port());
    client.send(GET);
    let (slot, generation) = request(&events);
    fake.config.headers_timeout.store(100, Relaxed);
    client.send("GET /never HTTP/1.1\r\n");
    let late = Event::Abort(slot, generation, abort::PIPELINE_BROKEN);
    assert_eq!(next(&events), late);
    post(&fake, |out| {
        outbound::destroy(out.to(slot), slot, generation, false);
    });
    assert!(client.rest().starts_with(b"HTTP/1.1 408 "));
}

#[test]
fn a_closing_server_answers_what_it_has_taken() {
    let (fake, mut client, _events, slot, generations) = pipelined(2);
    fake.server.close();
    for generation in generations {
        answer(&fake, slot, generation, "late");
        assert_eq!(client.response().expect("answered").text(), "late");
    }
    assert_eq!(client.response(), None);
}
