//! Addresses: what can be bound and what cannot, and that a server on a Unix socket serves, too.

mod common;

use common::{Fake, echo};
use rnode_bridge::frame::InFrame;

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
