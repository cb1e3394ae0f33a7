//! Plain requests over real sockets: keep-alive, pipelining, the lines that Node writes, HEAD, 304 and HTTP/1.0.

#![allow(
    clippy::needless_pass_by_value,
    reason = "handlers take frames by value, as the stand-in gives them"
)]

mod common;

use common::client::Client;
use common::{Fake, Out, head};
use rnode_bridge::frame::outbound;
use rnode_bridge::frame::{InFrame, request_flags, response_flags as flags};
use std::sync::atomic::Ordering::Relaxed;

/// Answers every request with its target.
fn echo(frame: InFrame<'_>, out: &mut Out) {
    if let InFrame::Request {
        slot,
        generation,
        url,
        ..
    } = frame
    {
        out.text(slot, generation, 200, url);
    }
}

/// The head without its Date, which must be there.
fn without_date(head: &str) -> String {
    assert!(
        head.lines()
            .any(|line| line.starts_with("Date: ") && line.ends_with(" GMT")),
        "{head}"
    );
    head.lines()
        .filter(|line| !line.starts_with("Date: "))
        .collect::<Vec<_>>()
        .join("\n")
}

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
            without_date(&response.head),
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
fn a_request_may_come_byte_by_byte() {
    let fake = Fake::start(echo);
    let mut client = Client::connect(fake.port());
    for _ in 0..2 {
        for byte in b"\r\nGET /slow HTTP/1.1\r\nHost: x\r\nX-Y:  z \r\n\r\n" {
            client.send([*byte]);
        }
        assert_eq!(client.response().expect("answered").text(), "/slow");
    }
}

#[test]
fn the_frame_says_what_the_request_said() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let fake = Fake::start(move |frame, out| {
        if let InFrame::Request {
            slot,
            generation,
            flags,
            server,
            method,
            url,
            head,
            remote_port,
            local_port,
            ..
        } = frame
        {
            sender
                .send((
                    flags,
                    server,
                    method,
                    url.to_vec(),
                    head.to_vec(),
                    remote_port,
                    local_port,
                ))
                .expect("the test waits");
            out.text(slot, generation, 200, b"");
        }
    });
    let mut client = Client::connect(fake.port());
    client.send(b"OPTIONS /a?b=%20c#d HTTP/1.1\r\nhOsT: x\r\nX-Latin: \xe9\t\r\nEmpty:\r\nX-Latin: 2\r\n\r\n");
    client.response().expect("answered");
    let (frame_flags, server, method, url, head, remote_port, local_port) =
        receiver.recv().expect("sent");
    assert_eq!(
        frame_flags,
        request_flags::KEEP_ALIVE | request_flags::BODY_COMPLETE | request_flags::FIRST
    );
    assert_eq!(server, 7);
    assert_eq!(rnode_router::METHODS[method as usize], "OPTIONS");
    assert_eq!(url, b"/a?b=%20c#d");
    assert_eq!(
        head,
        b"/a?b=%20c#d\n127.0.0.1\n127.0.0.1\nhOsT\nx\nX-Latin\n\xe9\nEmpty\n\nX-Latin\n2"
    );
    assert_eq!(
        remote_port,
        client.stream.local_addr().expect("connected").port()
    );
    assert_eq!(local_port, fake.port());
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
            without_date(&response.head).ends_with(lines),
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
    assert!(without_date(&response.head).ends_with("\nConnection: keep-alive"));
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
        without_date(
            &client
                .send(bytes)
                .response_to(method)
                .expect("answered")
                .head,
        )
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

#[test]
fn requests_carry_the_plan_of_the_current_table() {
    let (sender, plans) = std::sync::mpsc::channel();
    let fake = Fake::start(move |frame, out| {
        if let InFrame::Request {
            slot,
            generation,
            plan_version,
            plan,
            ..
        } = frame
        {
            sender.send((plan_version, plan)).expect("the test waits");
            out.text(slot, generation, 200, b"");
        }
    });
    let layer = |path: &str| format!(r#"{{"paths":["{path}"],"end":true,"methods":["GET"]}}"#);
    let table = |paths: &[&str]| {
        let layers: Vec<_> = paths.iter().map(|path| layer(path)).collect();
        let json = format!(r#"{{"routers":[{{"layers":[{}]}}]}}"#, layers.join(","));
        std::sync::Arc::new(rnode_router::Table::from_json(&json).expect("a table"))
    };
    let mut client = Client::connect(fake.port());
    let mut ask = |target: &str| {
        let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n");
        client.send(request).response().expect("answered");
        plans.recv().expect("sent")
    };
    assert_eq!(ask("/a"), (0, vec![]), "no table, no plan");
    fake.server.set_table(Some((table(&["/x", "/a"]), 3)));
    assert_eq!(ask("/a?b=c"), (3, vec![1]));
    assert_eq!(ask("/none"), (3, vec![]), "an empty plan is a plan");
    // Targets whose pathname JavaScript finds in another way get none.
    for target in ["http://h/a", "*", "/a#b", "/a?#"] {
        assert_eq!(ask(target), (0, vec![]), "{target}");
    }
    fake.server.set_table(Some((table(&["/a"]), 4)));
    assert_eq!(ask("/a"), (4, vec![0]));
    fake.server.set_table(None);
    assert_eq!(ask("/a"), (0, vec![]));
}

#[test]
fn headers_beyond_the_count_are_dropped_silently() {
    let (sender, counts) = std::sync::mpsc::channel();
    let fake = Fake::start(move |frame, out| {
        if let InFrame::Request {
            slot,
            generation,
            head,
            ..
        } = frame
        {
            sender
                .send(common::headers(head).len())
                .expect("the test waits");
            out.text(slot, generation, 200, b"");
        }
    });
    let mut client = Client::connect(fake.port());
    let request = format!(
        "GET / HTTP/1.1\r\nHost: x\r\n{}\r\n",
        "A: b\r\n".repeat(1_500)
    );
    // Node's parser hands 31 over at a time and looks at the limit in between.
    for (limit, expected) in [
        (None, 1_023),
        (Some(10), 31),
        (Some(31), 31),
        (Some(0), 1_501),
    ] {
        if let Some(limit) = limit {
            fake.config.max_headers_count.store(limit, Relaxed);
        }
        assert_eq!(
            client.send(&request).response().expect("answered").status,
            200
        );
        assert_eq!(counts.recv(), Ok(expected));
    }
}

#[test]
fn headers_beyond_the_count_are_refused_where_asked() {
    let fake = Fake::start(|frame, out| {
        if let InFrame::Request {
            slot, generation, ..
        } = frame
        {
            out.text(slot, generation, 200, b"");
        }
    });
    fake.config
        .set_flag(rnode_http::server_flags::REFUSE_EXCESS_HEADERS, true);
    fake.config.max_headers_count.store(10, Relaxed);
    for (count, expected) in [(9, 200), (10, 431), (40, 431)] {
        let request = format!(
            "GET / HTTP/1.1\r\nHost: x\r\n{}\r\n",
            "A: b\r\n".repeat(count)
        );
        let mut client = Client::connect(fake.port());
        let status = client.send(&request).response().expect("answered").status;
        assert_eq!(status, expected, "{count}");
    }
    // Trailers have a count of their own.
    for (count, expected) in [(10, 200), (11, 431)] {
        let mut client = Client::connect(fake.port());
        let request = format!(
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n{}\r\n",
            "A: b\r\n".repeat(count)
        );
        let status = client.send(&request).response().expect("answered").status;
        assert_eq!(status, expected, "{count} trailers");
    }
}

#[test]
fn a_unix_socket_serves_too() {
    use std::io::{Read, Write};
    let fake = Fake::start(|frame, out| {
        if let InFrame::Request {
            slot,
            generation,
            head,
            ..
        } = frame
        {
            out.text(slot, generation, 200, head);
        }
    });
    let path = std::env::temp_dir().join(format!("rnode-http-test-{}.sock", std::process::id()));
    let listener = rnode_http::bind_unix(&path, 0).expect("free");
    let again = rnode_http::bind_unix(&path, 0).expect_err("taken");
    assert_eq!(again.kind(), std::io::ErrorKind::AddrInUse);
    let server = rnode_http::Server::listen(
        &fake.pool,
        listener,
        fake.queue.clone(),
        8,
        fake.config.clone(),
    );
    let server = server.expect("listens");
    assert_eq!(
        server.local_addr(),
        &rnode_http::LocalAddress::Unix(path.clone())
    );
    let mut stream = std::os::unix::net::UnixStream::connect(&path).expect("listens");
    stream
        .write_all(b"GET /u HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .expect("open");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("closed");
    assert!(
        text.ends_with("/u\n\n\nHost\nx\nConnection\nclose"),
        "{text}"
    );
    server.close();
    std::fs::remove_file(path).expect("there");
}

#[test]
fn binding_a_taken_port_says_so() {
    let fake = Fake::start(echo);
    let error = rnode_http::bind_tcp(Some("127.0.0.1"), fake.port(), 0, false, false, false)
        .expect_err("taken");
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    let error = rnode_http::bind_tcp(Some("not an address"), 0, 0, false, false, false)
        .expect_err("no address");
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    let any = rnode_http::bind_tcp(None, 0, 0, false, false, false).expect("some stack");
    let port = any.local_addr().expect("bound").port();
    assert!(
        std::net::TcpStream::connect(("127.0.0.1", port)).is_ok(),
        "both stacks"
    );
}
