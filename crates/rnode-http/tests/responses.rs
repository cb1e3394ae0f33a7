//! Streamed and large responses: framing, trailers, backpressure, promises of length, order.

mod common;

use common::client::Client;
use common::{Fake, Out, body, head};
use rnode_bridge::frame::outbound;
use rnode_bridge::frame::{InFrame, response_flags as flags, special};
use std::sync::mpsc;

/// Streams what the target asks for.
#[allow(
    clippy::needless_pass_by_value,
    reason = "handlers take frames by value"
)]
fn streamer(frame: InFrame<'_>, out: &mut Out) {
    let InFrame::Request {
        slot,
        generation,
        url,
        ..
    } = frame
    else {
        return;
    };
    let lines: &[u8] = if url.starts_with(b"/length") {
        b"Content-Length: 11\r\n"
    } else {
        b""
    };
    let framing = match url {
        b"/unframed" => flags::UNFRAMED,
        url if url.starts_with(b"/length") => 0,
        _ => flags::ADD_TE,
    };
    let to = out.to(slot);
    if url == b"/hints" {
        outbound::info(
            to,
            slot,
            generation,
            b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
        );
    }
    outbound::head(to, slot, generation, &head(200, framing, lines));
    outbound::chunk(to, slot, generation, false, b"hello");
    outbound::chunk(to, slot, generation, false, b"");
    match url {
        b"/raw-after" => {
            outbound::raw(to, slot, generation, b"3\r\nraw\r\n0\r\n\r\n");
            outbound::raw_end(to, slot, generation, false);
            return;
        }
        b"/taken-back" | b"/chunk-taken-back" => {
            let all = url == b"/taken-back";
            let count = if all { special::ALL_OF_RESPONSE } else { 10 };
            outbound::destroy_taking_back(to, slot, generation, count);
            return;
        }
        b"/length-short" => {}
        b"/length-long" => outbound::chunk(to, slot, generation, false, b" world and more"),
        _ => outbound::chunk(to, slot, generation, false, b" world"),
    }
    let trailers: &[u8] = match url {
        b"/trailers" => b"X-Sum: 1\r\n",
        b"/evil" => b"X-Sum: 1\r\n\r\nHTTP/1.1 200 OK\r\n",
        _ => b"",
    };
    outbound::end(to, slot, generation, false, trailers);
}

#[test]
fn streamed_responses() {
    let fake = Fake::start(streamer);
    let mut client = Client::connect(fake.port());
    let mut get = |target: &str| {
        client.send(format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n"));
        client.response().expect("answered")
    };
    let response = get("/chunked");
    assert_eq!(
        (
            response.text().as_str(),
            response.header("transfer-encoding")
        ),
        ("hello world", Some("chunked"))
    );
    assert!(
        response
            .head
            .ends_with("Keep-Alive: timeout=5\r\nTransfer-Encoding: chunked")
    );
    assert_eq!(get("/trailers").trailers, "X-Sum: 1\n");
    assert_eq!(get("/evil").trailers, "");
    assert_eq!(get("/length").text(), "hello world");
    assert_eq!(get("/hints").status, 103);
    assert_eq!(
        client.response().expect("after the hints").text(),
        "hello world"
    );
    let head = client
        .send("HEAD /chunked HTTP/1.1\r\nHost: x\r\n\r\n")
        .response_to("HEAD")
        .expect("answered");
    assert_eq!(head.header("connection"), Some("keep-alive"));
    let response = client
        .send("GET /unframed HTTP/1.1\r\nHost: x\r\n\r\n")
        .response()
        .expect("answered");
    assert_eq!(
        (response.text().as_str(), response.header("connection")),
        ("hello world", Some("close"))
    );

    let mut client = Client::connect(fake.port());
    client.send("GET /chunked HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let response = client.response().expect("answered");
    assert_eq!(
        (response.text().as_str(), response.header("connection")),
        ("hello world", Some("close"))
    );
    assert_eq!(response.header("transfer-encoding"), None);
}

#[test]
fn raw_bytes_go_on_with_a_streamed_response() {
    let fake = Fake::start(streamer);
    let mut client = Client::connect(fake.port());
    for _ in 0..2 {
        client.send("GET /raw-after HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(client.response().expect("answered").text(), "helloraw");
    }
    let rest = client
        .send("GET /raw-after HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .rest();
    assert!(rest.ends_with(b"raw\r\n0\r\n\r\n"));
}

#[test]
fn what_is_taken_back_is_not_sent() {
    let fake = Fake::start(streamer);
    let rest = |target: &str| {
        let mut client = Client::connect(fake.port());
        client.send(format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n"));
        String::from_utf8(client.rest()).expect("text")
    };
    assert_eq!(rest("/taken-back"), "");
    let text = rest("/chunk-taken-back");
    assert!(
        text.ends_with("Transfer-Encoding: chunked\r\n\r\n"),
        "{text}"
    );
}

#[test]
fn a_broken_promise_of_length_is_never_a_wrong_response() {
    let fake = Fake::start(streamer);
    for (target, expected) in [("/length-long", "hello"), ("/length-short", "hello")] {
        let mut client = Client::connect(fake.port());
        client.send(format!(
            "GET {target} HTTP/1.1\r\nHost: x\r\n\r\nGET /length HTTP/1.1\r\nHost: x\r\n\r\n"
        ));
        let bytes = String::from_utf8(client.rest()).expect("text");
        let (head, body) = bytes.split_once("\r\n\r\n").expect("a head");
        assert!(head.contains("Content-Length: 11"));
        assert_eq!(body, expected, "the promised bytes at most, then the end");
    }
}

#[test]
fn drain_comes_when_the_kernel_has_taken_all() {
    const PIECE: usize = 1 << 20;
    let (drains, drained) = mpsc::channel();
    let fake = Fake::start(move |frame, out| match frame {
        InFrame::Request {
            slot,
            generation,
            url,
            ..
        } => {
            outbound::head(
                out.to(slot),
                slot,
                generation,
                &head(200, flags::ADD_TE, b""),
            );
            if url == b"/small" {
                outbound::chunk(out.to(slot), slot, generation, true, b"small");
            } else {
                for n in 0..16 {
                    let mut chunk = Vec::new();
                    outbound::chunk_large(&mut chunk, slot, generation, n == 15, PIECE);
                    out.large(slot, &chunk, bytes::Bytes::from(vec![n; PIECE]));
                }
            }
        }
        InFrame::Drain {
            slot, generation, ..
        } => {
            drains.send(()).expect("the test waits");
            outbound::end(out.to(slot), slot, generation, true, b"");
        }
        InFrame::Finished { delivered, .. } => assert!(delivered),
        _ => {}
    });
    let mut client = Client::connect(fake.port());
    client.send("GET /small HTTP/1.1\r\nHost: x\r\n\r\n");
    drained.recv().expect("at once");
    assert_eq!(client.response().expect("answered").text(), "small");

    client.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    // 16 MiB are more than the kernel buffers of both ends take: no DRAIN while nobody reads.
    assert!(
        drained
            .recv_timeout(std::time::Duration::from_millis(300))
            .is_err()
    );
    let response = client.response().expect("answered");
    drained.recv().expect("after the client has read");
    assert_eq!(response.body.len(), 16 * PIECE);
    assert!(
        response
            .body
            .iter()
            .enumerate()
            .all(|(at, byte)| at / PIECE == usize::from(*byte))
    );
}

#[test]
fn large_responses_keep_their_order() {
    let fake = Fake::start(|frame, out| {
        if let InFrame::Request {
            slot,
            generation,
            url,
            ..
        } = frame
        {
            if url == b"/large" {
                let mut frame = Vec::new();
                let head = head(200, flags::LENGTH | flags::ETAG_WEAK, b"");
                outbound::respond_large(&mut frame, slot, generation, &head, 3_000_000);
                out.large(slot, &frame, bytes::Bytes::from(body(3_000_000)));
            } else {
                out.text(slot, generation, 200, url);
            }
        }
    });
    let mut client = Client::connect(fake.port());
    for target in ["/a", "/large", "/b", "/large", "/large", "/c"] {
        client.send(format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n"));
    }
    for target in ["/a", "/large", "/b", "/large", "/large", "/c"] {
        let response = client.response().expect("answered");
        let expected = if target == "/large" {
            body(3_000_000)
        } else {
            target.as_bytes().to_vec()
        };
        assert!(response.body == expected, "{target}");
    }
}

#[test]
fn responses_written_raw() {
    let fake = Fake::start(|frame, out| {
        let InFrame::Request {
            slot,
            generation,
            url,
            ..
        } = frame
        else {
            return;
        };
        let to = out.to(slot);
        outbound::raw(
            to,
            slot,
            generation,
            b"HTTP/1.1 200 By Hand\r\nX-Raw: 1\r\n",
        );
        outbound::raw(to, slot, generation, b"Content-Length: 4\r\n\r\nhand");
        outbound::raw_end(to, slot, generation, url == b"/close");
        // What comes behind its end is no part of this response.
        outbound::raw_end(to, slot, generation, true);
    });
    let mut client = Client::connect(fake.port());
    for target in ["/1", "/2", "/close"] {
        client.send(format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n"));
        let response = client.response().expect("answered");
        assert_eq!(response.text(), "hand", "{target}");
        assert_eq!(response.header("x-raw"), Some("1"));
        assert_eq!(response.header("date"), None);
    }
    assert!(
        client.response().is_none(),
        "END with CLOSE ends the connection"
    );
}

#[test]
fn a_watched_connection_reports_its_end() {
    let (sender, closed) = mpsc::channel();
    let fake = Fake::start(move |frame, out| match frame {
        InFrame::Request {
            slot,
            generation,
            server,
            ..
        } => {
            // Asked late, with the generation of the first request: the connection is the same.
            if generation > 2 {
                outbound::watch_close(out.to(slot), slot, generation - 1, server);
            }
            out.text(slot, generation, 200, b"x");
        }
        InFrame::ConnectionClosed { slot, .. } => {
            sender.send(slot).expect("the test waits");
        }
        _ => {}
    });
    let mut client = Client::connect(fake.port());
    for _ in 0..2 {
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(client.response().expect("answered").status, 200);
    }
    drop(client);
    closed
        .recv_timeout(std::time::Duration::from_secs(10))
        .expect("CONNECTION_CLOSED comes without a 'connection' listener");
}
