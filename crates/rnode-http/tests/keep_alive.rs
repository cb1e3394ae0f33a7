//! Several requests on one connection: keep-alive, pipelining, HTTP/1.0, and the lines that tell of it.

mod common;

use common::client::Client;
use common::{Fake, echo};
use std::sync::atomic::Ordering::Relaxed;

#[test]
fn many_requests_on_one_connection() {
    let fake = Fake::start(echo);
    let mut client = Client::connect(fake.port());
    for n in 0..100 {
        let response = client
            .send(format!("GET /{n} HTTP/1.1\r\nHost: x\r\n\r\n"))
            .response()
            .expect("answered");
        assert_eq!(response.text(), format!("/{n}"));
        assert_eq!(
            response.head_without_date(),
            format!(
                "HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: {}\n\
                 Connection: keep-alive\nKeep-Alive: timeout=5",
                response.body.len()
            )
        );
    }
    drop(client);
    fake.wait_for_no_slots();
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let fake = Fake::start(echo);
    let mut client = Client::connect(fake.port());
    let mut bytes = String::new();
    for n in 0..500 {
        bytes.push_str(&format!("GET /{n} HTTP/1.1\r\nHost: x\r\n\r\n"));
    }
    client.send(&bytes);
    for n in 0..500 {
        assert_eq!(client.response().expect("answered").text(), format!("/{n}"));
    }
}

#[test]
fn connection_lines_are_nodes() {
    let fake = Fake::start(echo);
    let cases: [(&[u8], &str, bool); 5] = [
        (
            b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            "Connection: close",
            true,
        ),
        (b"GET / HTTP/1.0\r\n\r\n", "Connection: close", true),
        (
            b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            "Connection: keep-alive\nKeep-Alive: timeout=5",
            false,
        ),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\nConnection: foo, CLOSE\r\n\r\n",
            "Connection: close",
            true,
        ),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            "Connection: keep-alive\nKeep-Alive: timeout=5",
            false,
        ),
    ];
    for (request, lines, closes) in cases {
        let mut client = Client::connect(fake.port());
        let response = client.send(request).response().expect("answered");
        assert!(
            response.head_without_date().ends_with(lines),
            "{request:?}: {}",
            response.head
        );
        if closes {
            assert_eq!(client.response(), None);
        } else {
            client.send("GET /again HTTP/1.1\r\nHost: x\r\n\r\n");
            assert_eq!(client.response().expect("open").text(), "/again");
        }
    }
    fake.config.keep_alive_timeout.store(0, Relaxed);
    let mut client = Client::connect(fake.port());
    let response = client
        .send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .response()
        .expect("answered");
    assert!(
        response
            .head_without_date()
            .ends_with("\nConnection: keep-alive")
    );
}

#[test]
fn max_requests_per_socket() {
    let fake = Fake::start(echo);
    fake.config.max_requests_per_socket.store(2, Relaxed);
    let mut client = Client::connect(fake.port());
    let mut answers = Vec::new();
    for _ in 0..3 {
        let response = client
            .send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            .response()
            .expect("answered");
        let connection = response.header("connection").expect("set").to_owned();
        answers.push((
            response.status,
            connection,
            response.header("keep-alive").map(str::to_owned),
        ));
    }
    // As node:http with `maxRequestsPerSocket = 2`: it announces the end and refuses, but does not close.
    assert_eq!(
        answers,
        [
            (200, "keep-alive".into(), Some("timeout=5, max=2".into())),
            (200, "close".into(), None),
            (503, "close".into(), None)
        ]
    );
}
