//! From the bytes of a request's head to its frame: what the frame says, the plan it carries, headers beyond the limit.

mod common;

use common::client::Client;
use common::{Fake, echo};
use rnode_bridge::frame::{InFrame, request_flags};
use std::sync::atomic::Ordering::Relaxed;

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
