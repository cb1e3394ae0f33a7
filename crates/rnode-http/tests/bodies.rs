//! Request bodies in all shapes: framing, credit, backpressure, what is left unread.

mod common;

use common::client::Client;
use common::{Fake, Out, body, wait_until};
use rnode_bridge::codes::ClientError;
use rnode_bridge::frame::outbound;
use rnode_bridge::frame::{InFrame, abort, request_flags};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};

/// Collects bodies, giving `credit` bytes at a time, and answers with `<length> <sum> <trailers>`.
fn collector(credit: u32) -> impl FnMut(InFrame<'_>, &mut Out) + Send + 'static {
    let mut open: HashMap<u32, Vec<u8>> = HashMap::new();
    move |frame, out| match frame {
        InFrame::Request {
            slot,
            generation,
            flags,
            body,
            ..
        } => {
            if flags & request_flags::BODY_COMPLETE != 0 {
                assert!(
                    open.is_empty() || !open.contains_key(&slot),
                    "one invocation at a time"
                );
                out.text(slot, generation, 200, summary(body, b"").as_bytes());
            } else {
                assert!(body.is_empty() && flags & request_flags::HAS_BODY != 0);
                open.insert(slot, Vec::new());
                outbound::body_want(out.to(slot), slot, generation, credit);
            }
        }
        InFrame::Body {
            slot,
            generation,
            bytes,
            ..
        } => {
            // What little is left in front of a pipelined request comes unasked.
            let most = (credit as usize).max(16 << 10);
            assert!(bytes.len() <= most, "more than the credit");
            open.get_mut(&slot).expect("begun").extend_from_slice(bytes);
            outbound::body_want(out.to(slot), slot, generation, bytes.len() as u32);
        }
        InFrame::BodyEnd {
            slot,
            generation,
            trailers,
            ..
        } => {
            let body = open.remove(&slot).expect("begun");
            out.text(slot, generation, 200, summary(&body, trailers).as_bytes());
        }
        InFrame::Abort {
            slot, generation, ..
        } => {
            open.remove(&slot);
            outbound::destroy(out.to(slot), slot, generation, false);
        }
        _ => {}
    }
}

fn summary(body: &[u8], trailers: &[u8]) -> String {
    let sum: u64 = body
        .iter()
        .zip(1_u64..)
        .map(|(byte, place)| u64::from(*byte) * place)
        .sum();
    format!(
        "{} {sum} {}",
        body.len(),
        String::from_utf8_lossy(trailers).replace('\n', "|")
    )
}

fn chunked(body: &[u8], size: usize, trailers: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for chunk in body.chunks(size) {
        bytes.extend_from_slice(format!("{:X};x=\"y\"\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n");
    bytes.extend_from_slice(trailers.as_bytes());
    bytes.extend_from_slice(b"\r\n");
    bytes
}

fn with_length(body: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn in_chunks(body: &[u8], size: usize, trailers: &str) -> Vec<u8> {
    let mut bytes = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    bytes.extend(chunked(body, size, trailers));
    bytes
}

#[test]
fn every_size_and_framing_on_one_connection() {
    for credit in [1 << 20, 20_000, 1000] {
        let fake = Fake::start(collector(credit));
        let mut client = Client::connect(fake.port());
        for length in [0, 1, 2, 1000, 65_535, 65_536, 65_537, 200_000] {
            let body = body(length);
            let answer = client
                .send(with_length(&body))
                .response()
                .expect("answered");
            assert_eq!(answer.text(), summary(&body, b""), "length {length}");
            for size in [1000, 100_000] {
                let answer = client
                    .send(in_chunks(&body, size, ""))
                    .response()
                    .expect("answered");
                assert_eq!(
                    answer.text(),
                    summary(&body, b""),
                    "chunks of {size}, length {length}"
                );
            }
        }
        let trailers = "A: 1\r\nB:  two \r\n";
        let answer = client
            .send(in_chunks(b"hello", 2, trailers))
            .response()
            .expect("answered");
        assert_eq!(answer.text(), summary(b"hello", b"A\n1\nB\ntwo"));
        drop(client);
        fake.wait_for_no_slots();
    }
}

#[test]
fn what_is_read_ahead_of_a_body_ends_where_the_next_request_begins() {
    for credit in [1 << 20, 20_000, 16_384] {
        let fake = Fake::start(collector(credit));
        let mut client = Client::connect(fake.port());
        for length in [65_300, 65_537, 100_000, 131_000, 200_000] {
            let (first, second) = (body(length), body(length / 2));
            let bytes = [with_length(&first), with_length(&second)].concat();
            client.send(bytes);
            for sent in [first, second] {
                let answer = client.response().expect("answered");
                assert_eq!(answer.text(), summary(&sent, b""), "length {length}");
            }
        }
        drop(client);
        fake.wait_for_no_slots();
    }
}

#[test]
fn split_at_every_byte() {
    let fake = Fake::start(collector(3));
    let mut messages = in_chunks(b"hello chunked world", 7, "T: 1\r\n");
    messages.extend(with_length(b"hello length"));
    messages.extend(in_chunks(b"", 7, ""));
    let expected = [
        summary(b"hello chunked world", b"T\n1"),
        summary(b"hello length", b""),
        summary(b"", b""),
    ];
    for split in 1..messages.len() {
        let mut client = Client::connect(fake.port());
        client.send(&messages[..split]);
        // Not needed for correctness: it lets the server usually see the first part alone.
        std::thread::yield_now();
        client.send(&messages[split..]);
        for expected in &expected {
            assert_eq!(
                &client.response().expect("answered").text(),
                expected,
                "split at {split}"
            );
        }
    }
}

#[test]
fn without_credit_the_client_is_held_back() {
    let received = Arc::new(AtomicU64::new(0));
    let (requests, slots) = mpsc::channel();
    let counter = received.clone();
    let fake = Fake::start(move |frame, out| match frame {
        InFrame::Request {
            slot, generation, ..
        } => requests.send((slot, generation)).expect("the test waits"),
        InFrame::Body { bytes, .. } => {
            counter.fetch_add(bytes.len() as u64, SeqCst);
        }
        InFrame::BodyEnd {
            slot, generation, ..
        } => out.text(slot, generation, 200, b"done"),
        _ => {}
    });
    const TOTAL: usize = 64 << 20;
    let mut client = Client::connect(fake.port());
    client.send(format!(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {TOTAL}\r\n\r\n"
    ));
    let (slot, generation) = slots.recv().expect("dispatched");
    let sent = Arc::new(AtomicUsize::new(0));
    let writer = {
        let (mut stream, sent) = (client.stream.try_clone().expect("open"), sent.clone());
        std::thread::spawn(move || {
            use std::io::Write;
            let piece = vec![1; 64 << 10];
            for _ in 0..TOTAL / piece.len() {
                stream.write_all(&piece).expect("the server reads");
                sent.fetch_add(piece.len(), SeqCst);
            }
        })
    };
    let mut out = fake.out();
    outbound::body_want(out.to(slot), slot, generation, 100_000);
    out.flush();
    wait_until("the credit is used", || received.load(SeqCst) == 100_000);
    // The rest waits in the kernel's buffers and one read-ahead: the client stops long before its end.
    let last = Mutex::new(usize::MAX);
    wait_until("the client is held back", || {
        std::thread::sleep(std::time::Duration::from_millis(100));
        let now = sent.load(SeqCst);
        std::mem::replace(&mut *last.lock().expect("not poisoned"), now) == now
    });
    assert!(sent.load(SeqCst) < TOTAL);
    assert_eq!(received.load(SeqCst), 100_000);
    outbound::body_want(out.to(slot), slot, generation, u32::MAX);
    out.flush();
    assert_eq!(client.response().expect("answered").text(), "done");
    writer.join().expect("all written");
    assert_eq!(received.load(SeqCst), TOTAL as u64);
}

#[test]
fn an_unread_body_is_dropped_and_the_connection_kept() {
    let fake = Fake::start(|frame, out| {
        if let InFrame::Request {
            slot, generation, ..
        } = frame
        {
            out.text(slot, generation, 413, b"no");
        }
    });
    let mut client = Client::connect(fake.port());
    for length in [10, 100_000, 900_000] {
        let body = body(length);
        let answer = client
            .send(with_length(&body))
            .response()
            .expect("answered");
        assert_eq!(
            (answer.status, answer.header("connection")),
            (413, Some("keep-alive"))
        );
        let answer = client
            .send(in_chunks(&body, 5000, "A: b\r\n"))
            .response()
            .expect("answered");
        assert_eq!(answer.status, 413);
    }
    // More than is worth reading: the answer says so, and the client can read it.
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\nabc");
    let answer = client.response().expect("answered");
    assert_eq!(
        (answer.status, answer.header("connection")),
        (413, Some("close"))
    );
    assert_eq!(client.response(), None);
}

#[test]
fn a_body_that_is_being_read_goes_on_after_the_response() {
    let (bodies, received) = mpsc::channel();
    let mut collected = Vec::new();
    let fake = Fake::start(move |frame, out| match frame {
        InFrame::Request {
            slot,
            generation,
            flags,
            ..
        } if flags & request_flags::BODY_COMPLETE == 0 => {
            outbound::body_want(out.to(slot), slot, generation, 1 << 20);
            out.text(slot, generation, 200, b"early");
        }
        InFrame::Request {
            slot, generation, ..
        } => out.text(slot, generation, 200, b"next"),
        InFrame::Body { bytes, .. } => collected.extend_from_slice(bytes),
        InFrame::BodyEnd { .. } => bodies
            .send(std::mem::take(&mut collected))
            .expect("the test waits"),
        _ => {}
    });
    let mut client = Client::connect(fake.port());
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nhello");
    assert_eq!(client.response().expect("answered").text(), "early");
    client.send(" worldGET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(client.response().expect("answered").text(), "next");
    assert_eq!(received.recv().expect("whole"), b"hello world");
}

#[test]
fn expect_continue_is_answered_before_the_body() {
    let fake = Fake::start(collector(1 << 20));
    let mut client = Client::connect(fake.port());
    client.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    assert_eq!(client.response().expect("1xx").status, 100);
    assert_eq!(
        client.send("hello").response().expect("answered").text(),
        summary(b"hello", b"")
    );

    fake.config
        .set_flag(rnode_http::server_flags::CHECK_CONTINUE, true);
    client.send(
        "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
    );
    assert_eq!(client.response().expect("no 1xx by itself").status, 200);
}

#[test]
fn a_broken_body_aborts_the_invocation() {
    let (reasons, aborted) = mpsc::channel();
    let fake = Fake::start(move |frame, out| match frame {
        InFrame::Request {
            slot, generation, ..
        } => outbound::body_want(out.to(slot), slot, generation, 1 << 20),
        InFrame::Abort { reason, code, .. } => {
            reasons.send((reason, code)).expect("the test waits");
        }
        _ => {}
    });
    let mut client = Client::connect(fake.port());
    client.send(
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
    );
    assert_eq!(client.response().expect("answered").status, 400);
    assert_eq!(client.response(), None);
    assert_eq!(
        aborted.recv(),
        Ok((abort::BODY_BROKEN, ClientError::InvalidChunkSize as u32))
    );

    let mut client = Client::connect(fake.port());
    client
        .send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello")
        .fin();
    assert_eq!(client.response().expect("answered").status, 400);
    assert_eq!(
        aborted.recv(),
        Ok((abort::BODY_BROKEN, ClientError::InvalidEofState as u32))
    );
    fake.wait_for_no_slots();
}

#[test]
fn a_client_that_leaves_behind_what_nobody_has_asked_for_is_noticed() {
    // Of 100,000 bytes of a body, none of which JavaScript has asked for; the request has been handed over before they come.
    for sent in [40_000, 60_000] {
        let (events, seen) = mpsc::channel();
        let fake = Fake::start(move |frame, _| match frame {
            InFrame::Request { .. } => events.send(None).expect("the test waits"),
            InFrame::Abort { reason, .. } => events.send(Some(reason)).expect("the test waits"),
            _ => {}
        });
        let mut client = Client::connect(fake.port());
        client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
        let patience = std::time::Duration::from_secs(20);
        assert_eq!(seen.recv_timeout(patience), Ok(None));
        client.send(vec![1; sent]).fin();
        assert_eq!(
            seen.recv_timeout(patience),
            Ok(Some(abort::BODY_BROKEN)),
            "{sent}"
        );
    }
}
