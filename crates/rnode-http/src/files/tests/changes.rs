//! Files that change, go, or are not files; precompressed siblings; the bounds of the cache.

use std::fs;
use std::time::Duration;

use super::tree::Tree;
use crate::files::{
    Body, Coding, FileAnswer, FileCache, Limits, Located, Options, Outcome, Preset, Request,
    StaticOptions, StaticRequest, locate, respond, send, serve_static,
};

const MTIME: i64 = 1_577_934_245_678;

fn keeping() -> FileCache {
    FileCache::new(Limits {
        keep_after: Duration::ZERO,
        ..Limits::default()
    })
}

fn options(tree: &Tree) -> Options {
    Options {
        root: Some(tree.root()),
        ..Options::default()
    }
}

fn get<'a>() -> Request<'a> {
    Request {
        method: b"GET",
        ..Request::default()
    }
}

fn file(outcome: Outcome) -> FileAnswer {
    match outcome {
        Outcome::File(answer) => answer,
        other => panic!("a file was expected, not {other:?}"),
    }
}

fn fetch(options: &Options, path: &str, cache: &FileCache) -> FileAnswer {
    file(send(
        options,
        path.as_bytes(),
        &get(),
        &Preset::default(),
        cache,
    ))
}

fn bytes(answer: &FileAnswer) -> &[u8] {
    match &answer.body {
        Body::Bytes(bytes) => bytes,
        other => panic!("bytes in memory were expected, not {other:?}"),
    }
}

fn header<'a>(answer: &'a FileAnswer, name: &str) -> Option<&'a str> {
    answer
        .headers
        .iter()
        .find(|(n, _)| *n == name)
        .map(|(_, v)| v)
}

#[test]
fn a_change_is_seen_by_the_next_request() {
    let tree = Tree::new();
    let (options, cache) = (options(&tree), keeping());
    for (text, mtime) in [
        ("one", MTIME),
        ("two", MTIME + 1),
        ("three", MTIME + 1),
        ("", MTIME),
        ("four", MTIME),
    ] {
        tree.write("a.txt", text.as_bytes(), mtime);
        for _ in 0..2 {
            let answer = fetch(&options, "/a.txt", &cache);
            assert_eq!(answer.len, text.len() as u64);
            assert_eq!(answer.body.is_empty(), text.is_empty());
            if !text.is_empty() {
                assert_eq!(bytes(&answer), text.as_bytes());
            }
        }
        assert!(cache.used_bytes() > 0);
    }
}

#[test]
fn a_file_with_its_old_size_and_time_is_another_all_the_same() {
    let tree = Tree::new();
    let (options, cache) = (options(&tree), keeping());
    tree.write("a.txt", b"old", MTIME);
    assert_eq!(bytes(&fetch(&options, "/a.txt", &cache)), b"old");
    // A new inode: rsync --times and most editors do it so.
    tree.write("b.txt", b"new", MTIME);
    fs::rename(tree.root.join("b.txt"), tree.root.join("a.txt")).unwrap();
    assert_eq!(bytes(&fetch(&options, "/a.txt", &cache)), b"new");
}

#[test]
fn a_file_just_written_is_not_kept() {
    let tree = Tree::new();
    let (options, cache) = (options(&tree), FileCache::default());
    // Its mtime is old, its change time is not: that one decides.
    tree.write("a.txt", b"abc", MTIME);
    assert_eq!(bytes(&fetch(&options, "/a.txt", &cache)), b"abc");
    assert_eq!(cache.used_bytes(), 0);
}

#[test]
fn a_file_that_goes_is_not_found() {
    let tree = Tree::new();
    let (options, cache) = (options(&tree), keeping());
    tree.write("a.txt", b"abc", MTIME);
    fetch(&options, "/a.txt", &cache);
    fs::remove_file(tree.root.join("a.txt")).unwrap();
    match send(&options, b"/a.txt", &get(), &Preset::default(), &cache) {
        Outcome::Failed(failure) => assert_eq!(
            (failure.status, failure.cause.unwrap().syscall),
            (404, "stat")
        ),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_that_goes_between_stat_and_open_is_an_error_with_its_headers() {
    let tree = Tree::new();
    let (options, cache) = (options(&tree), keeping());
    tree.write("a.txt", b"abc", MTIME);
    let Located::File(found) = locate(&options, b"/a.txt", &cache) else {
        panic!("it is there")
    };
    fs::remove_file(tree.root.join("a.txt")).unwrap();
    match respond(&options, &found, &get(), &Preset::default(), &cache) {
        Outcome::Failed(failure) => {
            assert_eq!(failure.status, 404);
            assert!(
                failure
                    .message()
                    .starts_with("ENOENT: no such file or directory, open '/"),
                "{}",
                failure.message()
            );
            assert!(!failure.expose());
            // As send has them set when its stream fails.
            let names: Vec<&str> = failure.headers.iter().map(|(n, _)| n).collect();
            assert_eq!(
                names,
                [
                    "Accept-Ranges",
                    "Cache-Control",
                    "Last-Modified",
                    "ETag",
                    "Content-Type",
                    "Content-Length"
                ]
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_replaced_between_stat_and_open_has_the_headers_of_what_is_sent() {
    let tree = Tree::new();
    let (options, cache) = (options(&tree), keeping());
    tree.write("a.txt", b"abc", MTIME);
    let Located::File(found) = locate(&options, b"/a.txt", &cache) else {
        panic!("it is there")
    };
    tree.write("a.txt", b"longer", MTIME + 5000);
    let answer = file(respond(
        &options,
        &found,
        &get(),
        &Preset::default(),
        &cache,
    ));
    assert_eq!(bytes(&answer), b"longer");
    assert_eq!(header(&answer, "Content-Length"), Some("6"));
    assert_eq!(header(&answer, "ETag"), Some("W/\"6-16f6435e2b6\""));
}

#[test]
fn replacing_while_reading_never_mixes_two_files() {
    let tree = Tree::new();
    let (options, cache) = (options(&tree), keeping());
    let size = |i: usize| 1 + i % 5000;
    let letter = |i: usize| b'a' + (size(i) % 26) as u8;
    let put = |i: usize| {
        tree.write("next", &vec![letter(i); size(i)], MTIME);
        fs::rename(tree.root.join("next"), tree.root.join("a.txt")).unwrap();
    };
    put(0);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| (0..1500).for_each(|i| put(i * 7)));
        let mut reads = 0;
        while !writer.is_finished() || reads == 0 {
            let answer = fetch(&options, "/a.txt", &cache);
            let body = bytes(&answer);
            assert_eq!(body.len() as u64, answer.len);
            assert_eq!(
                header(&answer, "Content-Length"),
                Some(body.len().to_string().as_str())
            );
            assert!(
                header(&answer, "ETag")
                    .unwrap()
                    .starts_with(&format!("W/\"{:x}-", body.len()))
            );
            assert!(body.iter().all(|&b| b == b'a' + (body.len() % 26) as u8));
            reads += 1;
        }
    });
}

#[test]
fn a_stat_is_believed_for_as_long_as_asked() {
    let tree = Tree::new();
    let options = options(&tree);
    let hour = Duration::from_secs(3600);
    let cache = FileCache::new(Limits {
        keep_after: Duration::ZERO,
        revalidate_after: hour,
        ..Limits::default()
    });
    tree.write("a.txt", b"one", MTIME);
    assert_eq!(bytes(&fetch(&options, "/a.txt", &cache)), b"one");
    tree.write("a.txt", b"two!", MTIME);
    assert_eq!(bytes(&fetch(&options, "/a.txt", &cache)), b"one");
    cache.clear();
    assert_eq!(bytes(&fetch(&options, "/a.txt", &cache)), b"two!");
}

#[test]
fn the_cache_stays_within_its_bytes_and_keeps_what_is_used() {
    let tree = Tree::new();
    let options = options(&tree);
    let limits = Limits {
        total_bytes: 160 << 10,
        keep_after: Duration::ZERO,
        ..Limits::default()
    };
    let cache = FileCache::new(limits.clone());
    tree.write("hot.txt", &[b'h'; 3000], MTIME);
    let stat = crate::files::Meta::of(&format!("{}/hot.txt", tree.root())).unwrap();
    fetch(&options, "/hot.txt", &cache);
    for i in 0..300 {
        tree.write(&format!("{i}.txt"), &[b'x'; 1000], MTIME);
        fetch(&options, &format!("/{i}.txt"), &cache);
        assert!(cache.used_bytes() <= limits.total_bytes);
        assert!(
            cache
                .body(&format!("{}/hot.txt", tree.root()), &stat)
                .is_some(),
            "after {i} others"
        );
    }
    assert!(cache.used_bytes() > limits.total_bytes / 2);
    // Too large for its share: sent, not kept.
    let before = cache.used_bytes();
    tree.write("large.txt", &[b'x'; 20_000], MTIME);
    assert_eq!(bytes(&fetch(&options, "/large.txt", &cache)).len(), 20_000);
    assert_eq!(cache.used_bytes(), before);
}

#[test]
fn large_files_are_left_on_disk() {
    let tree = Tree::new();
    let (options, cache) = (options(&tree), keeping());
    tree.write("a.bin", &vec![7; 70_000], MTIME);
    match fetch(&options, "/a.bin", &cache).body {
        Body::File { offset, len, .. } => assert_eq!((offset, len), (0, 70_000)),
        other => panic!("{other:?}"),
    }
    assert_eq!(cache.used_bytes(), 0);
}

#[test]
fn a_pipe_is_an_empty_file_and_waits_for_nobody() {
    let tree = Tree::new();
    let made = std::process::Command::new("mkfifo")
        .arg(tree.root.join("pipe"))
        .status()
        .unwrap();
    assert!(made.success());
    let answer = fetch(&options(&tree), "/pipe", &keeping());
    assert!(answer.len == 0 && answer.body.is_empty());
}

#[test]
fn a_precompressed_sibling_is_sent_to_those_who_take_it() {
    let tree = Tree::new();
    let cache = keeping();
    let codings = vec![Coding::Brotli, Coding::Zstd, Coding::Gzip];
    let options = Options {
        precompressed: codings,
        ..options(&tree)
    };
    tree.write("app.js", b"let answer = 42", MTIME);
    tree.write("app.js.br", b"BROTLI", MTIME);
    tree.write("app.js.gz", b"GZIPPED", MTIME - 1000);
    let ask = |accept: Option<&'static str>, range: Option<&'static [u8]>| {
        let request = Request {
            accept_encoding: accept.map(str::as_bytes),
            range,
            ..get()
        };
        send(&options, b"/app.js", &request, &Preset::default(), &cache)
    };

    let answer = file(ask(Some("gzip, br"), None));
    assert_eq!(bytes(&answer), b"BROTLI");
    assert_eq!(
        answer.headers.iter().collect::<Vec<_>>(),
        [
            ("Accept-Ranges", "bytes"),
            ("Cache-Control", "public, max-age=0"),
            ("Last-Modified", "Thu, 02 Jan 2020 03:04:05 GMT"),
            ("ETag", "W/\"6-16f6435cf2e-br\""),
            ("Vary", "Accept-Encoding"),
            ("Content-Type", "text/javascript; charset=utf-8"),
            ("Content-Encoding", "br"),
            ("Content-Length", "6"),
        ]
    );

    // The gzip sibling is older than the file, and there is no zstd one.
    for accept in [None, Some("identity"), Some("gzip"), Some("zstd")] {
        let answer = file(ask(accept, None));
        assert_eq!(bytes(&answer), b"let answer = 42");
        assert_eq!(header(&answer, "Content-Encoding"), None);
        assert_eq!(header(&answer, "Vary"), Some("Accept-Encoding"));
    }

    // A range is one of the bytes that are sent.
    let answer = file(ask(Some("br"), Some(b"bytes=1-2")));
    assert_eq!((answer.status, bytes(&answer)), (206, &b"RO"[..]));
    assert_eq!(header(&answer, "Content-Range"), Some("bytes 1-2/6"));

    // Each variant has its own tag, and 304 says what the choice depends on.
    let revalidate = |accept: &'static str, tag: &'static str| {
        let (accept_encoding, if_none_match) = (Some(accept.as_bytes()), Some(tag.as_bytes()));
        let request = Request {
            accept_encoding,
            if_none_match,
            ..get()
        };
        send(&options, b"/app.js", &request, &Preset::default(), &cache)
    };
    match revalidate("br", "W/\"6-16f6435cf2e-br\"") {
        Outcome::NotModified { headers } => {
            assert!(headers.iter().any(|h| h == ("Vary", "Accept-Encoding")))
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(
        bytes(&file(revalidate("identity", "W/\"6-16f6435cf2e-br\""))),
        b"let answer = 42"
    );

    let taken = Preset {
        content_encoding: true,
        ..Preset::default()
    };
    let request = Request {
        accept_encoding: Some(b"br"),
        ..get()
    };
    assert_eq!(
        bytes(&file(send(&options, b"/app.js", &request, &taken, &cache))),
        b"let answer = 42"
    );
}

#[test]
fn siblings_are_off_unless_asked_for() {
    let tree = Tree::new();
    tree.write("app.js", b"plain", MTIME);
    tree.write("app.js.br", b"BROTLI", MTIME);
    let request = Request {
        accept_encoding: Some(b"br"),
        ..get()
    };
    let answer = file(send(
        &options(&tree),
        b"/app.js",
        &request,
        &Preset::default(),
        &keeping(),
    ));
    assert_eq!(bytes(&answer), b"plain");
    assert_eq!(header(&answer, "Vary"), None);
}

#[test]
fn a_redirect_that_needs_a_url_parser_is_declined() {
    let tree = Tree::new();
    fs::create_dir(tree.root.join("docs")).unwrap();
    tree.write("docs/a.txt", b"a", MTIME);
    let options = StaticOptions {
        send: options(&tree),
        ..StaticOptions::default()
    };
    let ask = |path: &str, original_url: &str| {
        let request = StaticRequest {
            path: path.as_bytes(),
            original_url: original_url.as_bytes(),
            request: get(),
        };
        serve_static(&options, &request, &Preset::default(), &keeping())
    };
    assert!(matches!(
        ask("/docs", "http://a.example/docs?x"),
        Outcome::Decline
    ));
    assert!(matches!(ask("/docs", "/docs#x"), Outcome::Decline));
    assert!(matches!(ask("/", "http://a.example"), Outcome::Decline));
    // All else is answered, whatever the form of the target.
    assert!(matches!(
        ask("/docs/a.txt", "http://a.example/docs/a.txt"),
        Outcome::File(_)
    ));
    assert!(matches!(ask("/docs", "/docs"), Outcome::Redirect(_)));
}

/// The file behind an answer that is not in memory.
fn open_file(answer: &FileAnswer) -> &std::sync::Arc<crate::files::OpenFile> {
    match &answer.body {
        Body::File { file, .. } => file,
        other => panic!("an open file was expected, not {other:?}"),
    }
}

#[test]
fn a_large_file_stays_open_while_it_is_the_same() {
    let tree = Tree::new();
    let (options, cache) = (options(&tree), keeping());
    let shared =
        |a: &FileAnswer, b: &FileAnswer| std::sync::Arc::ptr_eq(open_file(a), open_file(b));
    tree.write("a.bin", &[1; 100_000], MTIME);
    let first = fetch(&options, "/a.bin", &cache);
    assert!(shared(&first, &fetch(&options, "/a.bin", &cache)));

    // The same size and time, but another file.
    tree.write("b.bin", &[2; 100_000], MTIME);
    fs::rename(tree.root.join("b.bin"), tree.root.join("a.bin")).unwrap();
    let second = fetch(&options, "/a.bin", &cache);
    assert!(!shared(&first, &second));

    // A change in place moves ctime, whatever mtime says.
    tree.write("a.bin", &[3; 100_000], MTIME);
    assert!(!shared(&second, &fetch(&options, "/a.bin", &cache)));

    fs::remove_file(tree.root.join("a.bin")).unwrap();
    assert!(matches!(
        send(&options, b"/a.bin", &get(), &Preset::default(), &cache),
        Outcome::Failed(_)
    ));
    assert_eq!(cache.close_idle(Duration::from_secs(3600)), 0);
}

#[test]
fn open_files_are_bounded_and_closed_when_idle() {
    let tree = Tree::new();
    let options = options(&tree);
    let cache = FileCache::new(Limits {
        open_files: 2,
        ..Limits::default()
    });
    for name in ["a", "b", "c"] {
        tree.write(name, &[0; 100_000], MTIME);
    }
    let a = fetch(&options, "/a", &cache);
    fetch(&options, "/b", &cache);
    fetch(&options, "/a", &cache);
    // The one used longest ago goes.
    fetch(&options, "/c", &cache);
    let again = fetch(&options, "/a", &cache);
    assert!(std::sync::Arc::ptr_eq(open_file(&a), open_file(&again)));
    assert_eq!(cache.close_idle(Duration::from_secs(3600)), 2);
    assert_eq!(cache.close_idle(Duration::ZERO), 0);

    let none = FileCache::new(Limits {
        open_files: 0,
        ..Limits::default()
    });
    fetch(&options, "/a", &none);
    assert_eq!(none.close_idle(Duration::from_secs(3600)), 0);
}
