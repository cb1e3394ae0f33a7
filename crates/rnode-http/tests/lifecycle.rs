//! What ends a connection or an invocation besides time: clients that leave, closing servers, sockets given away.

#![cfg(target_os = "linux")]

mod common;

use common::client::Client;
use common::record::{Event, next, recorded, recorded_with, request, requested};
use common::{Fake, GET, echo, head, headers, wait_until};
use rnode_bridge::codes::ClientError;
use rnode_bridge::frame::outbound;
use rnode_bridge::frame::{InFrame, abort, request_flags, response_flags as flags};
use rnode_http::{Server, ServerConfig, bind_tcp, server_flags};
use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::time::Duration;

#[test]
fn ten_thousand_aborted_requests_leave_nothing() {
    let aborts = Arc::new(AtomicUsize::new(0));
    let counter = aborts.clone();
    let fake = Fake::start(move |frame, out| match frame {
        InFrame::Request {
            url: b"/sync",
            slot,
            generation,
            ..
        } => {
            out.text(slot, generation, 200, b"");
        }
        InFrame::Abort {
            slot,
            generation,
            reason,
            ..
        } => {
            assert_eq!(reason, abort::CLIENT_GONE);
            counter.fetch_add(1, SeqCst);
            outbound::destroy(out.to(slot), slot, generation, false);
        }
        _ => {}
    });
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..2_500 {
                    // Clients that do not wait for anything outrun the accept queue, and then wait for retransmissions.
                    if n % 50 == 0 {
                        let mut client = Client::connect(fake.port());
                        client.send("GET /sync HTTP/1.1\r\nHost: x\r\n\r\n");
                        client.response().expect("answered");
                    }
                    let mut client = Client::connect(fake.port());
                    client.send(GET);
                    if n % 2 == 0 {
                        // RST instead of FIN.
                        client.reset();
                    }
                }
            });
        }
    });
    // A connection that was reset before it was read has no invocation; all others have exactly one ABORT.
    fake.wait_for_no_slots();
    assert!(
        aborts.load(SeqCst) >= 5_000 && aborts.load(SeqCst) <= 10_000,
        "{aborts:?}"
    );
    assert_eq!(fake.server.connections(), 0);
    assert_eq!(fake.queue.queued_bytes(), 0);
}

#[test]
fn a_half_closed_client_gets_its_answer() {
    let (fake, events) = recorded();
    let mut client = Client::connect(fake.port());
    client.send(GET).send(GET).fin();
    let (slot, first) = request(&events);
    // The second request was complete when the client half-closed.
    let (_, generation) = request(&events);
    for generation in [first, generation] {
        assert_eq!(
            next(&events),
            Event::Abort(slot, generation, abort::CLIENT_GONE)
        );
    }
    let mut out = fake.out();
    out.text(slot, first, 200, b"one");
    out.flush();
    assert_eq!(client.response().expect("answered").text(), "one");
    let head = head(200, flags::LENGTH | flags::NOTIFY, b"");
    outbound::respond(out.to(slot), slot, generation, &head, b"two");
    out.flush();
    assert_eq!(client.response().expect("answered").text(), "two");
    assert_eq!(client.response(), None);
    assert_eq!(next(&events), Event::Finished(true));
    fake.wait_for_no_slots();
}

#[test]
fn an_answer_to_a_lost_client_is_finished_undelivered() {
    let (fake, client, events, slot, generation) = requested();
    client.reset();
    assert_eq!(
        next(&events),
        Event::Abort(slot, generation, abort::CLIENT_GONE)
    );
    assert_eq!(
        fake.pool.slots_in_use(),
        1,
        "the slot waits for JavaScript's answer"
    );
    let mut out = fake.out();
    let head = head(200, flags::LENGTH | flags::NOTIFY, b"");
    outbound::respond(out.to(slot), slot, generation, &head, b"nobody reads this");
    out.flush();
    assert_eq!(next(&events), Event::Finished(false));
    fake.wait_for_no_slots();
}

#[test]
fn finished_says_that_all_bytes_left() {
    let (fake, mut client, events, slot, generation) = requested();
    let mut out = fake.out();
    let mut frame = Vec::new();
    let head = head(200, flags::LENGTH | flags::NOTIFY, b"");
    outbound::respond_large(&mut frame, slot, generation, &head, 32 << 20);
    out.large(slot, &frame, bytes::Bytes::from(vec![0; 32 << 20]));
    assert!(
        events.recv_timeout(Duration::from_millis(300)).is_err(),
        "not while nobody reads"
    );
    assert_eq!(client.response().expect("answered").body.len(), 32 << 20);
    assert_eq!(next(&events), Event::Finished(true));
}

#[test]
fn destroy_and_socket_end() {
    let (fake, events) = recorded();
    let mut out = fake.out();
    for reset in [false, true] {
        let mut client = Client::connect(fake.port());
        client.send(GET);
        let (slot, generation) = request(&events);
        outbound::destroy(out.to(slot), slot, generation, reset);
        out.flush();
        let result = client.stream.read(&mut [0; 10]);
        assert_eq!(result.is_err(), reset, "{result:?}");
    }
    let mut client = Client::connect(fake.port());
    client.send(GET);
    let (slot, generation) = request(&events);
    outbound::raw(out.to(slot), slot, generation, b"anything");
    outbound::socket_end(out.to(slot), slot, generation, false);
    out.flush();
    assert_eq!(client.rest(), b"anything");
    fake.wait_for_no_slots();
}

#[test]
fn destroy_of_an_earlier_request_ends_its_connection_and_no_other() {
    let (fake, events) = recorded();
    let mut out = fake.out();
    let mut client = Client::connect(fake.port());
    client.send(GET);
    let (slot, first) = request(&events);
    out.text(slot, first, 200, b"");
    out.flush();
    client.response().expect("answered");
    client.send(GET);
    request(&events);
    outbound::destroy(out.to(slot), slot, first.wrapping_sub(2), false);
    out.flush();
    assert!(
        events.recv_timeout(Duration::from_millis(100)).is_err(),
        "of another connection"
    );
    outbound::destroy(out.to(slot), slot, first, false);
    out.flush();
    assert!(matches!(next(&events), Event::Abort(..)));
    assert_eq!(client.rest(), b"");
    fake.wait_for_no_slots();
}

#[test]
fn close_drains() {
    let (fake, events) = recorded();
    fake.config.keep_alive_timeout.store(200, Relaxed);
    let mut out = fake.out();
    let port = fake.port();
    let mut idle = Client::connect(port);
    idle.send(GET);
    let (slot, generation) = request(&events);
    out.text(slot, generation, 200, b"");
    out.flush();
    idle.response().expect("answered");
    let mut active = Client::connect(port);
    active.send(GET);
    let (slot, generation) = request(&events);
    let mut fresh = Client::connect(port);
    wait_until("accepted", || fake.server.connections() == 3);

    fake.server.close();
    assert!(
        std::net::TcpStream::connect(("127.0.0.1", port)).is_err(),
        "accepting has stopped"
    );
    // The port is free at once.
    drop(bind_tcp(Some("127.0.0.1"), port, 0, false, false, false).expect("free"));
    assert_eq!(idle.rest(), b"", "closed at once");
    assert_eq!(fresh.rest(), b"", "closed after the idle time");
    out.text(slot, generation, 200, b"served");
    out.flush();
    let response = active.response().expect("still served");
    // Node's head does not tell that the server is closing; the connection ends all the same.
    assert_eq!(
        (response.text().as_str(), response.header("connection")),
        ("served", Some("keep-alive"))
    );
    assert_eq!(active.response(), None);
    assert_eq!(
        next(&events),
        Event::Other("ServerClosed { server: 7 }".into())
    );
    assert_eq!(fake.server.connections(), 0);
    fake.server.close();
    assert!(
        events.recv_timeout(Duration::from_millis(300)).is_err(),
        "said once"
    );
}

#[test]
fn close_all_aborts() {
    let (fake, events) = recorded();
    let mut active = Client::connect(fake.port());
    active.send(GET);
    let (slot, generation) = request(&events);
    fake.server.close_all();
    assert_eq!(
        next(&events),
        Event::Abort(slot, generation, abort::SERVER_CLOSING)
    );
    assert_eq!(active.rest(), b"");
    fake.server.close();
    assert_eq!(
        next(&events),
        Event::Other("ServerClosed { server: 7 }".into())
    );
}

#[test]
fn an_upgrade_hands_the_socket_over() {
    let (sender, receiver) = mpsc::channel();
    let fake = Fake::start(move |frame, out| match frame {
        InFrame::Request {
            fd: Some(fd),
            flags,
            method,
            url,
            head,
            body,
            ..
        } => {
            let method = rnode_router::METHODS[method as usize];
            sender
                .send((
                    fd,
                    flags,
                    method,
                    url.to_vec(),
                    headers(head),
                    body.to_vec(),
                ))
                .expect("the test waits");
        }
        frame => echo(frame, out),
    });
    let mut client = Client::connect(fake.port());
    let upgrade = "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n";
    assert_eq!(
        client
            .send(upgrade)
            .response()
            .expect("nobody listens")
            .text(),
        "/ws"
    );

    fake.config.set_flag(server_flags::UPGRADE_LISTENER, true);
    fake.config.set_flag(server_flags::CONNECT_LISTENER, true);
    client
        .send(GET.repeat(2))
        .send(upgrade)
        .send(b"first frame");
    client.response().expect("answered");
    client.response().expect("answered");
    let (fd, frame_flags, method, url, headers, mut body) = receiver.recv().expect("handed over");
    assert_eq!((method, url.as_slice()), ("GET", &b"/ws"[..]));
    assert!(frame_flags & request_flags::UPGRADE_ASKED != 0);
    assert_eq!(headers[2], ("Upgrade".into(), "websocket".into()));
    fake.wait_for_no_slots();
    assert_eq!(fake.server.connections(), 0);

    let mut socket = take_over(fd);
    let mut buffer = [0; 64];
    while body.len() < b"first frame".len() {
        let length = socket.read(&mut buffer).expect("open");
        body.extend_from_slice(&buffer[..length]);
    }
    assert_eq!(body, b"first frame");
    socket
        .write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        .expect("open");
    assert_eq!(client.response().expect("from the new owner").status, 101);
    client.send("second frame");
    let length = socket.read(&mut buffer).expect("open");
    assert_eq!(&buffer[..length], b"second frame");
    socket.shutdown(std::net::Shutdown::Both).expect("open");
    assert_eq!(client.rest(), b"");

    let mut client = Client::connect(fake.port());
    client.send("CONNECT example.org:443 HTTP/1.1\r\n\r\n");
    let (fd, _, method, url, _, _) = receiver.recv().expect("handed over");
    assert_eq!(
        (method, url.as_slice()),
        ("CONNECT", &b"example.org:443"[..])
    );
    take_over(fd)
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        .expect("open");
    assert_eq!(client.response().expect("from the new owner").status, 200);
}

#[test]
fn a_client_error_listener_gets_the_packet_and_answers() {
    let (sender, receiver) = mpsc::channel();
    let fake = Fake::start(move |frame, out| match frame {
        InFrame::ClientError {
            slot,
            generation,
            code,
            packet,
            server,
            ..
        } => {
            sender
                .send((code, packet.to_vec(), server))
                .expect("the test waits");
            let answer = b"HTTP/1.1 418 x\r\nContent-Length: 0\r\n\r\n";
            outbound::raw(out.to(slot), slot, generation, answer);
            outbound::socket_end(out.to(slot), slot, generation, true);
        }
        frame => echo(frame, out),
    });
    fake.config
        .set_flag(server_flags::CLIENT_ERROR_LISTENER, true);
    fake.config.headers_timeout.store(100, Relaxed);
    let cases: [(&[u8], ClientError, &[u8]); 3] = [
        (
            b"BAD / HTTP/1.1\r\n\r\n",
            ClientError::InvalidMethod,
            b"BAD / HTTP/1.1\r\n\r\n",
        ),
        (
            b"GET / HTTP/1.1\r\nA B: c\r\n\r\n",
            ClientError::InvalidHeaderToken,
            b"GET / HTTP/1.1\r\nA B: c\r\n\r\n",
        ),
        (b"GET / HT", ClientError::RequestTimeout, b""),
    ];
    for (bytes, expected, expected_packet) in cases {
        let mut client = Client::connect(fake.port());
        client.send(bytes);
        let (code, packet, server) = receiver.recv().expect("reported");
        assert_eq!((code, server), (expected as u32, 7));
        assert_eq!(packet, expected_packet);
        assert_eq!(client.response().expect("from the listener").status, 418);
    }
    fake.wait_for_no_slots();
}

#[test]
fn connections_are_announced() {
    let config = ServerConfig::default();
    config.set_flag(server_flags::CONNECTION_LISTENER, true);
    let (fake, events) = recorded_with(config);
    let client = Client::connect(fake.port());
    let port = client.stream.local_addr().expect("connected").port();
    let Event::Other(text) = next(&events) else {
        panic!("a CONNECTION")
    };
    let addresses = format!("{:?}", b"127.0.0.1\n127.0.0.1");
    assert!(text.starts_with("Connection {"), "{text}");
    assert!(
        text.contains(&format!("remote_port: {port}, local_port: {}", fake.port())),
        "{text}"
    );
    assert!(text.contains(&addresses), "{text}");
    drop(client);
    let Event::Other(text) = next(&events) else {
        panic!("a CONNECTION_CLOSED")
    };
    assert!(text.starts_with("ConnectionClosed {"), "{text}");
}

#[test]
fn a_full_queue_holds_requests_back() {
    let fake = Fake::start(echo);
    // A second server whose queue nobody empties until the test does.
    struct Silent;
    impl rnode_bridge::Executor for Silent {
        fn wake(&self) {}
    }
    let queue = rnode_bridge::JsQueue::with_high_water(Box::new(Silent), 4096);
    let listener = bind_tcp(Some("127.0.0.1"), 0, 0, false, false, false).expect("port");
    let server = Server::listen(&fake.pool, listener, queue.clone(), 8, fake.config.clone())
        .expect("listen");
    let rnode_http::LocalAddress::Tcp(address) = *server.local_addr() else {
        panic!("TCP")
    };
    let mut clients: Vec<_> = (0..200).map(|_| Client::connect(address.port())).collect();
    for client in &mut clients {
        client.send(GET);
    }
    wait_until("the queue is full", || queue.is_full());
    wait_until("all connections are there", || server.connections() == 200);
    assert!(
        queue.queued_bytes() < 4096 + 4 * 200,
        "bounded: {}",
        queue.queued_bytes()
    );
    let mut requests = 0;
    let mut inbox = vec![0; 1024];
    wait_until("all requests come through", || {
        // Interior counting: the closure may run often.
        queue.queued_bytes() > 0 || server.connections() == 200
    });
    while requests < 200 {
        let taken = queue.take(&mut inbox, 4);
        requests += taken.frames;
        if taken.frames == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    server.close_all();
    wait_until("closed", || server.connections() == 0);
}

/// A copy of a descriptor that a frame has given to this side. (Adopting the number itself would take `unsafe`, which has no
/// place in this crate; the original stays open until the test ends.)
fn take_over(fd: i32) -> std::net::TcpStream {
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
    let process = pidfd_open(getpid(), PidfdFlags::empty()).expect("Linux 5.3");
    let owned = pidfd_getfd(process, fd, PidfdGetfdFlags::empty())
        .expect("an open descriptor of this process");
    let stream = std::net::TcpStream::from(owned);
    stream.set_nonblocking(false).expect("open");
    stream
}
