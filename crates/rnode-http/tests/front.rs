//! Native layers at the front of a plan, over raw sockets: what they answer JavaScript never sees, what they leave it gets as if they
//! had not been asked.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::Fake;
use common::client::{Client, Response};
#[cfg(target_os = "linux")]
use common::wait_until;
use rnode_bridge::frame::{InFrame, abort, request_flags};
use rnode_http::files::intern_options;
use rnode_router::Table;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
#[cfg(target_os = "linux")]
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, channel};

const LINES: &[u8] = b"X-Powered-By: Express\r\n";

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "rnode-front-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Relaxed)
        );
        let path = std::env::temp_dir().canonicalize().unwrap().join(name);
        fs::create_dir(&path).unwrap();
        fs::create_dir(path.join("dir")).unwrap();
        fs::write(path.join("a.txt"), "hello").unwrap();
        fs::write(path.join("dir/b.txt"), "below").unwrap();
        fs::write(path.join("large.bin"), large()).unwrap();
        Self(path)
    }

    /// The number of a native layer for this folder.
    fn layer(&self, more: &str) -> u32 {
        let root = self.0.to_str().unwrap();
        1 << 24 | intern_options(&format!(r#"{{"root":{root:?}{more}}}"#)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn large() -> Vec<u8> {
    (0..900_000u32).map(|i| (i * 31 + (i >> 8)) as u8).collect()
}

/// What JavaScript has been sent: of a request its target, flags and plan.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Request(String, u32, Vec<u32>),
    Abort(u32),
}

/// A server whose JavaScript says what it sees and answers 200 `js`.
fn serve(layers: &str) -> (Fake, Receiver<Seen>) {
    let (sender, seen) = channel();
    let fake = Fake::start(move |frame, out| match frame {
        InFrame::Request {
            slot,
            generation,
            flags,
            url,
            plan_version,
            plan,
            ..
        } => {
            assert_eq!(plan_version, 9);
            let url = String::from_utf8(url.to_vec()).unwrap();
            let _ = sender.send(Seen::Request(url, flags, plan));
            out.text(slot, generation, 200, b"js");
        }
        InFrame::Abort { reason, .. } => {
            let _ = sender.send(Seen::Abort(reason));
        }
        _ => {}
    });
    let table = Table::from_json(&format!(r#"{{"routers":[{{"layers":[{layers}]}}]}}"#));
    fake.server.set_table(Some((Arc::new(table.unwrap()), 9)));
    assert!(fake.server.set_front(Some(LINES)));
    (fake, seen)
}

fn mount(path: &str, native: u32) -> String {
    format!(r#"{{"paths":["{path}"],"end":false,"native":{native}}}"#)
}

fn ask(client: &mut Client, request: &str) -> Response {
    let (line, headers) = request.split_once('\n').unwrap_or((request, ""));
    let method = line.split(' ').next().unwrap();
    client.send(format!("{line} HTTP/1.1\r\nHost: x\r\n{headers}\r\n"));
    client.response_to(method).expect("an answer")
}

fn plan_of(seen: &Receiver<Seen>) -> (String, Vec<u32>) {
    match seen.recv().unwrap() {
        Seen::Request(url, _, plan) => (url, plan),
        other => panic!("a request was expected, not {other:?}"),
    }
}

#[test]
fn files_are_answered_without_javascript() {
    let folder = Folder::new();
    let (fake, seen) = serve(&mount("/", folder.layer("")));
    let mut client = Client::connect(fake.port());
    // The first look is made on a blocking thread, later ones are not.
    for _ in 0..3 {
        let response = ask(&mut client, "GET /a.txt?q");
        assert_eq!((response.status, response.text().as_str()), (200, "hello"));
        assert_eq!(response.header("x-powered-by"), Some("Express"));
        assert_eq!(response.header("connection"), Some("keep-alive"));
        assert_eq!(response.header("content-length"), Some("5"));
        let etag = response.header("etag").unwrap();

        let fresh = ask(
            &mut client,
            &format!("GET /a.txt\nIf-None-Match: {etag}\r\n"),
        );
        assert_eq!((fresh.status, fresh.body.len()), (304, 0));
        assert_eq!(fresh.header("content-type"), None);

        let part = ask(&mut client, "GET /a.txt\nRange: bytes=1-2\r\n");
        assert_eq!((part.status, part.text().as_str()), (206, "el"));
        let head = ask(&mut client, "HEAD /a.txt");
        assert_eq!(
            (head.status, head.header("content-length")),
            (200, Some("5"))
        );
        let redirect = ask(&mut client, "GET /dir?x=1");
        assert_eq!(redirect.header("location"), Some("/dir/?x=1"));
        assert_eq!(ask(&mut client, "GET /large.bin").body, large());
    }
    assert!(seen.try_recv().is_err());
}

#[test]
fn what_is_not_found_goes_on_behind_the_native_layers() {
    let folder = Folder::new();
    let (native, other) = (folder.layer(""), folder.layer(r#","index":[]"#));
    let plain = r#"{"paths":["/"],"end":false}"#;
    let layers = [mount("/", native), mount("/m", other), plain.to_owned()].join(",");
    let (fake, seen) = serve(&layers);
    let mut client = Client::connect(fake.port());
    for _ in 0..2 {
        assert_eq!(ask(&mut client, "GET /none").text(), "js");
        assert_eq!(plan_of(&seen), ("/none".into(), vec![2]));
        // Found by the second layer only, below its mount path.
        assert_eq!(ask(&mut client, "GET /m/dir/b.txt").text(), "below");
        assert_eq!(ask(&mut client, "GET /m/dir/c.txt").text(), "js");
        assert_eq!(plan_of(&seen), ("/m/dir/c.txt".into(), vec![2]));
    }
}

#[test]
fn javascript_runs_what_only_javascript_can_decide() {
    let folder = Folder::new();
    let native = folder.layer(r#","fallthrough":false"#);
    let (fake, seen) = serve(&mount("/", native));
    let mut client = Client::connect(fake.port());
    for request in [
        "GET /none",
        "GET /%zz",
        "GET /a.txt\nRange: bytes=9-\r\n",
        "GET /a.txt\nIf-Match: \"x\"\r\n",
        "GET /a.txt\nRange: bytes=0-1\r\nRange: bytes=0-1\r\n",
        "GET /a.txt\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        "POST /a.txt",
        "OPTIONS /a.txt",
    ] {
        for _ in 0..2 {
            assert_eq!(ask(&mut client, request).text(), "js", "{request}");
            assert_eq!(plan_of(&seen).1, [0], "{request}");
        }
    }
    assert!(fake.server.set_front(None));
    assert_eq!(ask(&mut client, "GET /a.txt").text(), "js");
    assert!(
        !fake.server.set_front(Some(b"X: \r\n\r\n")),
        "lines that cannot be written"
    );
    assert_eq!(ask(&mut client, "GET /a.txt").text(), "js");
}

#[test]
fn nothing_native_runs_behind_javascript() {
    let folder = Folder::new();
    let native = folder.layer("");
    let layers = [
        r#"{"paths":["/guarded"],"end":false}"#,
        &mount("/", native),
        r#"{"paths":[null],"end":false,"ask":true}"#,
    ];
    let (fake, seen) = serve(&layers.join(","));
    let mut client = Client::connect(fake.port());
    for _ in 0..2 {
        assert_eq!(ask(&mut client, "GET /guarded/a.txt").text(), "js");
        assert_eq!(plan_of(&seen).1[0] & 0xff_ffff, 0);
        assert_eq!(ask(&mut client, "GET /a.txt").text(), "hello");
    }
    let asks = r#"{"paths":[null],"end":false,"ask":true}"#;
    let parameter = mount("/:tenant", native);
    for layers in [[asks, &mount("/", native)].join(","), parameter] {
        let (fake, seen) = serve(&layers);
        let mut client = Client::connect(fake.port());
        assert_eq!(ask(&mut client, "GET /dir/b.txt").text(), "js");
        plan_of(&seen);
    }
}

#[test]
fn the_first_request_that_javascript_sees_is_first() {
    let folder = Folder::new();
    let (fake, seen) = serve(&mount("/", folder.layer("")));
    let mut client = Client::connect(fake.port());
    ask(&mut client, "GET /a.txt");
    for expected in [request_flags::FIRST, 0] {
        ask(&mut client, "GET /none");
        let Seen::Request(_, flags, _) = seen.recv().unwrap() else {
            panic!("a request was expected");
        };
        assert_eq!(flags & request_flags::FIRST, expected);
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let folder = Folder::new();
    let (fake, seen) = serve(&mount("/", folder.layer("")));
    let mut client = Client::connect(fake.port());
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    let round = ["/a.txt", "/large.bin", "/a.txt", "/dir/b.txt", "/none"];
    let all: String = (0..40)
        .flat_map(|_| round.iter().map(|path| get(path)))
        .collect();
    client.send(all);
    let mut by_javascript = 0;
    for _ in 0..40 {
        let native = [&b"hello"[..], &large(), b"hello", b"below", b"js"];
        for expected in native {
            // Behind a request that JavaScript is at, what a native layer would answer is for JavaScript, too.
            let body = client.response().expect("an answer").body;
            by_javascript += usize::from(body == b"js");
            assert!(body == expected || body == b"js");
        }
    }
    assert_eq!(seen.try_iter().count(), by_javascript);
    assert!(by_javascript >= 40);
}

#[test]
fn the_end_of_the_connection_is_announced() {
    let folder = Folder::new();
    let (fake, _seen) = serve(&mount("/", folder.layer("")));
    for request in [
        "GET /a.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /a.txt HTTP/1.0\r\n\r\n",
    ] {
        let mut client = Client::connect(fake.port());
        let response = client.send(request).response().expect("an answer");
        assert_eq!(response.header("connection"), Some("close"));
        assert_eq!(client.rest(), b"");
    }
    // A client that has said all it will say gets its answer.
    let mut client = Client::connect(fake.port());
    client
        .send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n")
        .fin();
    assert_eq!(client.response().expect("an answer").body, large());
    fake.wait_for_no_slots();
}

#[test]
fn javascript_hears_of_a_client_that_has_left_before() {
    let folder = Folder::new();
    let (fake, seen) = serve(&mount("/", folder.layer("")));
    for round in 0..20 {
        let mut client = Client::connect(fake.port());
        let request = format!("GET /none{round} HTTP/1.1\r\nHost: x\r\n\r\n");
        client.send(request).fin();
        assert_eq!(client.response().expect("an answer").text(), "js");
        loop {
            match seen.recv().unwrap() {
                Seen::Request(url, ..) => {
                    assert_eq!(url, format!("/none{round}"));
                    break;
                }
                // Of the round before; if the answer was faster than the FIN, nothing was left to abort.
                Seen::Abort(reason) => assert_eq!(reason, abort::CLIENT_GONE),
            }
        }
    }
    fake.wait_for_no_slots();
}

#[test]
fn a_client_that_leaves_in_the_middle_of_a_file_leaves_nothing() {
    let folder = Folder::new();
    fs::write(folder.0.join("huge.bin"), vec![7; 32 << 20]).unwrap();
    let (fake, seen) = serve(&mount("/", folder.layer("")));
    for _ in 0..4 {
        let mut client = Client::connect(fake.port());
        client.send("GET /huge.bin HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(!client.exactly(1000).is_empty());
    }
    fake.wait_for_no_slots();
    assert!(seen.try_recv().is_err(), "JavaScript knows nothing of it");
}

#[test]
fn a_file_is_served_as_it_is_now() {
    let folder = Folder::new();
    let (fake, seen) = serve(&mount("/", folder.layer("")));
    let mut client = Client::connect(fake.port());
    let path = folder.0.join("large.bin");
    let mut get = || ask(&mut client, "GET /large.bin");
    for _ in 0..2 {
        assert_eq!(get().body, large());
    }
    // Written in place: the file that is open has other bytes and another length.
    fs::write(&path, vec![1; 300_000]).unwrap();
    assert_eq!(get().body, vec![1; 300_000]);
    // Replaced: the path has another inode.
    let next = folder.0.join("next");
    fs::write(&next, vec![2; 300_000]).unwrap();
    fs::rename(&next, &path).unwrap();
    assert_eq!(get().body, vec![2; 300_000]);
    let etag = get().header("etag").unwrap().to_owned();
    fs::write(&path, vec![3; 400_000]).unwrap();
    let changed = ask(
        &mut client,
        &format!("GET /large.bin\nIf-None-Match: {etag}\r\n"),
    );
    assert_eq!((changed.status, changed.body.len()), (200, 400_000));
    fs::remove_file(&path).unwrap();
    assert_eq!(ask(&mut client, "GET /large.bin").text(), "js");
    plan_of(&seen);
    assert!(!is_open(&path), "a deleted file gives its space back");
}

/// Whether this process holds a file open that was at `path`.
fn is_open(path: &Path) -> bool {
    let Ok(descriptors) = fs::read_dir("/proc/self/fd") else {
        return false;
    };
    let name = path.to_str().unwrap();
    descriptors
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
        .any(|target| target.to_string_lossy().starts_with(name))
}

/// A file that is in no page cache is read before it is sent; nothing about the answer differs.
#[test]
#[cfg(target_os = "linux")]
fn a_cold_file_is_answered_like_a_warm_one() {
    use rustix::fs::{Advice, fadvise};
    let folder = Folder::new();
    let (fake, _seen) = serve(&mount("/", folder.layer("")));
    let path = folder.0.join("large.bin");
    let forget = || {
        let file = fs::File::open(&path).unwrap();
        file.sync_all().unwrap();
        fadvise(&file, 0, None, Advice::DontNeed).unwrap();
    };
    let mut client = Client::connect(fake.port());
    for request in [
        "GET /large.bin",
        "GET /large.bin\nRange: bytes=300000-899999\r\n",
    ] {
        for _ in 0..3 {
            forget();
            let expected = large();
            let body = ask(&mut client, request).body;
            assert!(expected.ends_with(&body) && body.len() >= 599_999);
        }
    }
    let others: Vec<_> = (0..8).map(|_| Client::connect(fake.port())).collect();
    forget();
    let answers = Arc::new(Mutex::new(0));
    std::thread::scope(|scope| {
        for mut client in others {
            let answers = answers.clone();
            scope.spawn(move || {
                assert_eq!(ask(&mut client, "GET /large.bin").body, large());
                *answers.lock().unwrap() += 1;
            });
        }
    });
    wait_until("all are answered", || *answers.lock().unwrap() == 8);
}
