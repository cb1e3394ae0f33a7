//! From a RESPOND to the head on the wire: validators and 304, HEAD, lengths, lines that may not be sent.

mod common;

use common::client::Client;
use common::{Fake, head};
use rnode_bridge::frame::outbound;
use rnode_bridge::frame::{InFrame, response_flags as flags};

#[test]
fn etag_fresh_and_head() {
    let fake = Fake::start(|frame, out| {
        if let InFrame::Request {
            slot,
            generation,
            url,
            ..
        } = frame
        {
            let etag = if url == b"/strong" {
                flags::ETAG_STRONG
            } else {
                flags::ETAG_WEAK
            };
            let lines = b"Content-Type: text/plain\r\nX-Kept: 1\r\n";
            let head = head(200, flags::LENGTH | flags::FRESH | etag, lines);
            outbound::respond(out.to(slot), slot, generation, &head, b"hello world");
        }
    });
    let mut client = Client::connect(fake.port());
    let response = client
        .send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .response()
        .expect("answered");
    // What `etag('hello world', { weak: true })` gives.
    let tag = "W/\"b-Kq5sNclPz7QV2+lfQIuc6R7oRu0\"";
    assert_eq!(response.header("etag"), Some(tag));
    assert_eq!(response.text(), "hello world");
    let strong = client
        .send("GET /strong HTTP/1.1\r\nHost: x\r\n\r\n")
        .response()
        .expect("answered");
    assert_eq!(strong.header("etag"), Some(&tag[2..]));

    let head = client
        .send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
        .response_to("HEAD")
        .expect("answered");
    assert_eq!(
        (
            head.status,
            head.header("content-length"),
            head.header("etag")
        ),
        (200, Some("11"), Some(tag))
    );

    let conditional = format!(
        "GET / HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"x\"\r\nif-none-match: {tag}\r\n\r\n"
    );
    let fresh = client.send(conditional).response().expect("answered");
    assert_eq!(
        (fresh.status, fresh.header("etag"), fresh.header("x-kept")),
        (304, Some(tag), Some("1"))
    );
    assert_eq!(
        (fresh.header("content-length"), fresh.header("content-type")),
        (None, None)
    );
    assert!(fresh.head.starts_with("HTTP/1.1 304 Not Modified\r\n"));

    let reload = format!(
        "GET / HTTP/1.1\r\nHost: x\r\nCache-Control: no-cache\r\nIf-None-Match: {tag}\r\n\r\n"
    );
    assert_eq!(
        client.send(reload).response().expect("answered").status,
        200
    );
    let post =
        format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nIf-None-Match: {tag}\r\n\r\n");
    assert_eq!(client.send(post).response().expect("answered").status, 200);
}

#[test]
fn a_length_of_nodes_own_stands_last_and_not_in_old_or_bodiless_answers() {
    let fake = Fake::start(|frame, out| {
        if let InFrame::Request {
            slot, generation, ..
        } = frame
        {
            let head = head(200, flags::LENGTH | flags::LENGTH_LAST, b"X: 1\r\n");
            outbound::respond(out.to(slot), slot, generation, &head, b"hello");
        }
    });
    let ask = |bytes: &str, method: &str| {
        let mut client = Client::connect(fake.port());
        let response = client.send(bytes).response_to(method);
        response.expect("answered").head_without_date()
    };
    // Each as node:http answers `res.setHeader('X', 1); res.end('hello')`.
    assert_eq!(
        ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET"),
        "HTTP/1.1 200 OK\nX: 1\nConnection: keep-alive\nKeep-Alive: timeout=5\nContent-Length: 5"
    );
    assert_eq!(
        ask("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", "HEAD"),
        "HTTP/1.1 200 OK\nX: 1\nConnection: keep-alive\nKeep-Alive: timeout=5"
    );
    assert_eq!(
        ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET"),
        "HTTP/1.1 200 OK\nX: 1\nConnection: close"
    );
}

#[test]
fn unsafe_lines_never_reach_the_wire() {
    let fake = Fake::start(|frame, out| {
        if let InFrame::Request {
            slot,
            generation,
            url,
            ..
        } = frame
        {
            let lines: &[u8] = match url {
                b"/lf" => b"X: a\nSet-Cookie: evil\r\n",
                b"/crlf" => b"X: a\r\n\r\nevil\r\n",
                b"/open" => b"X: a",
                _ => b"X: \0\r\n",
            };
            outbound::respond(
                out.to(slot),
                slot,
                generation,
                &head(200, flags::LENGTH, lines),
                b"body",
            );
        }
    });
    for target in ["/lf", "/crlf", "/open", "/nul"] {
        let mut client = Client::connect(fake.port());
        let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n");
        let response = client.send(request).response().expect("answered");
        assert_eq!(
            (response.status, response.header("connection")),
            (500, Some("close"))
        );
        assert!(!response.head.contains("evil") && response.header("x").is_none());
        assert_eq!(client.response(), None);
    }
}
