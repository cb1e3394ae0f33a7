//! Timeouts and handler deadlines, with small limits and generous waits: that something happens, not when exactly.

mod common;

use common::client::Client;
use common::record::{Event, next, recorded, request, requested};
use common::{Fake, GET, echo, head, wait_until};
use rnode_bridge::frame::outbound;
use rnode_bridge::frame::{InFrame, abort, response_flags as flags};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::time::Duration;

#[test]
fn a_slow_head_gets_408() {
    let fake = Fake::start(echo);
    fake.config.headers_timeout.store(100, Relaxed);
    let answer = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n";
    assert_eq!(Client::connect(fake.port()).send("GET / HT").rest(), answer);
    assert_eq!(
        Client::connect(fake.port()).rest(),
        answer,
        "without a byte, too"
    );
    // The first one has as long as it needs.
    fake.config.headers_timeout.store(0, Relaxed);
    let mut client = Client::connect(fake.port());
    assert_eq!(client.send(GET).response().expect("answered").status, 200);
    fake.config.headers_timeout.store(100, Relaxed);
    assert_eq!(client.send("GET").rest(), answer, "a later request, too");
    fake.wait_for_no_slots();
}

#[test]
fn an_idle_connection_is_closed_without_a_word() {
    let fake = Fake::start(echo);
    fake.config.keep_alive_timeout.store(100, Relaxed);
    let mut client = Client::connect(fake.port());
    assert_eq!(client.send(GET).response().expect("answered").status, 200);
    assert_eq!(client.rest(), b"");
    fake.wait_for_no_slots();
}

#[test]
fn a_slow_body_gets_408_and_aborts() {
    let (fake, events) = recorded();
    let mut client = Client::connect(fake.port());
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello");
    let (slot, generation) = request(&events);
    fake.config.request_timeout.store(100, Relaxed);
    assert_eq!(
        client.rest(),
        b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"
    );
    assert_eq!(
        next(&events),
        Event::Abort(slot, generation, abort::REQUEST_TIMEOUT)
    );
    fake.wait_for_no_slots();
}

#[test]
fn a_silent_socket_is_reported_and_left_to_javascript() {
    let (sender, timeouts) = mpsc::channel();
    let fake = Fake::start(move |frame, out| match frame {
        InFrame::SocketTimeout {
            slot,
            generation,
            server,
        } => {
            let _ = sender.send(server);
            outbound::destroy(out.to(slot), slot, generation, false);
        }
        frame => echo(frame, out),
    });
    fake.config.socket_timeout.store(100, Relaxed);
    let mut client = Client::connect(fake.port());
    assert_eq!(client.rest(), b"");
    assert_eq!(timeouts.recv(), Ok(7));
    fake.wait_for_no_slots();
}

#[test]
fn progress_is_told_to_who_asks() {
    let (sender, told) = mpsc::channel();
    let fake = Fake::start(move |frame, out| match frame {
        InFrame::Progress { count, wait, .. } => {
            let _ = sender.send((count, wait));
        }
        InFrame::Request {
            slot, generation, ..
        } => {
            outbound::progress_ask(out.to(slot), slot, generation);
            echo(frame, out);
            outbound::progress_ask(out.to(slot), slot, generation);
        }
        _ => {}
    });
    let mut client = Client::connect(fake.port());
    client.send(GET);
    assert_eq!(told.recv(), Ok((0, false)), "nothing was sent");
    assert_eq!(told.recv(), Ok((0, true)), "what a batch has queued");
    assert_eq!(client.response().expect("answered").status, 200);
    drop(client);
    fake.wait_for_no_slots();
}

#[test]
fn a_deadline_answers_503_once_and_keeps_the_connection() {
    let (fake, events) = recorded();
    fake.config.handler_deadline.store(50, Relaxed);
    fake.config
        .set_error_pages(rnode_http::error_page::Mode::Express);
    let mut client = Client::connect(fake.port());
    let (slot, first) = {
        client.send(GET);
        let response = client.response().expect("answered");
        assert_eq!(
            (response.status, response.header("connection")),
            (503, Some("keep-alive"))
        );
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
        assert!(
            response.text().contains("<pre>Service Unavailable</pre>"),
            "{}",
            response.text()
        );
        request(&events)
    };
    assert_eq!(next(&events), Event::Abort(slot, first, abort::DEADLINE));
    // The handler answers after all: too late for everything.
    let mut out = fake.out();
    out.text(slot, first, 200, b"late");
    outbound::head(out.to(slot), slot, first, &head(200, flags::ADD_TE, b""));
    outbound::chunk(out.to(slot), slot, first, true, b"late");
    outbound::raw(out.to(slot), slot, first, b"late");
    outbound::end(out.to(slot), slot, first, true, b"");
    out.flush();
    fake.config.handler_deadline.store(0, Relaxed);
    client.send(GET);
    let (same, second) = request(&events);
    assert_eq!((same, second), (slot, first + 1));
    out.text(slot, first, 200, b"late");
    out.text(slot, second, 200, b"in time");
    out.text(slot, second, 200, b"twice");
    out.flush();
    assert_eq!(client.response().expect("answered").text(), "in time");
    drop(client);
    fake.wait_for_no_slots();
    assert!(
        matches!(events.try_recv(), Err(mpsc::TryRecvError::Empty)),
        "no further frame"
    );
}

#[test]
fn a_deadline_stops_at_the_head_and_starts_again_with_body_bytes() {
    let (fake, mut client, events, slot, generation) = requested();
    let mut out = fake.out();
    outbound::deadline(out.to(slot), slot, generation, 150);
    outbound::head(
        out.to(slot),
        slot,
        generation,
        &head(200, flags::ADD_TE, b""),
    );
    out.flush();
    std::thread::sleep(Duration::from_millis(400));
    outbound::chunk(out.to(slot), slot, generation, false, b"slow but streaming");
    outbound::end(out.to(slot), slot, generation, false, b"");
    out.flush();
    assert_eq!(
        client.response().expect("answered").text(),
        "slow but streaming"
    );

    // An upload of fifteen pieces, each well within the deadline, all of them together well over it.
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 15\r\n\r\n");
    let (slot, generation) = request(&events);
    outbound::body_want(out.to(slot), slot, generation, 100);
    outbound::deadline(out.to(slot), slot, generation, 2_000);
    out.flush();
    for _ in 0..15 {
        std::thread::sleep(Duration::from_millis(200));
        client.send("x");
    }
    out.text(slot, generation, 200, b"uploaded");
    out.flush();
    assert_eq!(client.response().expect("answered").text(), "uploaded");
}

#[test]
fn completion_and_deadline_race_and_one_of_them_wins() {
    let aborts = Arc::new(AtomicU32::new(0));
    let counter = aborts.clone();
    let fake = Fake::start(move |frame, out| match frame {
        InFrame::Request {
            slot, generation, ..
        } => {
            // Spread around the deadline; which of the two comes first is the race.
            std::thread::sleep(Duration::from_micros(u64::from(generation % 23) * 200));
            let head = head(200, flags::LENGTH | flags::NOTIFY, b"");
            outbound::respond(out.to(slot), slot, generation, &head, b"handler");
            out.flush();
        }
        InFrame::Abort { reason, .. } => {
            assert_eq!(reason, abort::DEADLINE);
            counter.fetch_add(1, SeqCst);
        }
        _ => {}
    });
    fake.config.handler_deadline.store(2, Relaxed);
    let mut client = Client::connect(fake.port());
    let mut statuses = [0_u32; 2];
    for _ in 0..400 {
        let response = client.send(GET).response().expect("exactly one");
        statuses[usize::from(response.status == 503)] += 1;
    }
    assert_eq!(statuses[0] + statuses[1], 400);
    assert!(
        statuses[0] > 0 && statuses[1] > 0,
        "both happened: {statuses:?}"
    );
    client.fin();
    assert_eq!(client.rest(), b"", "nothing behind the last response");
    wait_until("each 503 has its ABORT", || {
        aborts.load(SeqCst) == statuses[1]
    });
}
