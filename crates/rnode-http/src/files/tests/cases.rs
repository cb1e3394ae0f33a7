//! Runs `tests/cases/files.json`: every case must end as it did with the npm packages.
//! It must not hold expectations: they come from those packages.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use sha1::{Digest, Sha1};

use super::tree::Tree;
use crate::files::{
    Body, Failure, FileCache, Limits, Lines, Options, Outcome, Preset, Request, StaticOptions,
    StaticRequest, send, serve_static,
};

const CASES: &str = include_str!("../../../tests/cases/files.json");

#[derive(Deserialize)]
struct CaseFile {
    tree: Vec<(String, Value, Option<i64>)>,
    options: Vec<Value>,
    headers: Vec<BTreeMap<String, String>>,
    presets: Vec<PresetCase>,
    results: Vec<Expected>,
    cases: Vec<Case>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PresetCase {
    status: Option<u16>,
    headers: BTreeMap<String, String>,
}

/// Kind, options, method, mount, URL (latin1), headers, preset, result.
#[derive(Deserialize)]
struct Case(String, usize, String, String, String, usize, usize, usize);

#[derive(Deserialize, Debug, PartialEq, Default)]
#[serde(default)]
struct Expected {
    status: u16,
    headers: Vec<(String, String)>,
    length: u64,
    sha1: String,
    next: bool,
    directory: bool,
    error: Option<ExpectedError>,
    #[serde(rename = "errorHeaders")]
    error_headers: Vec<(String, String)>,
}

#[derive(Deserialize, Debug, PartialEq)]
struct ExpectedError {
    status: u16,
    message: String,
    expose: bool,
    code: Option<String>,
    errno: Option<i32>,
    syscall: Option<String>,
}

fn plant(file: &CaseFile) -> Tree {
    let tree = Tree::new();
    for (name, content, mtime) in &file.tree {
        let path = tree.root.join(name);
        match content {
            Value::Null => std::fs::create_dir(path).unwrap(),
            Value::String(text) => tree.write(name, text.as_bytes(), mtime.unwrap()),
            Value::Number(n) => {
                let bytes: Vec<u8> = (0..n.as_u64().unwrap()).map(|i| (i % 251) as u8).collect();
                tree.write(name, &bytes, mtime.unwrap());
            }
            Value::Array(target) => {
                std::os::unix::fs::symlink(target[0].as_str().unwrap(), path).unwrap()
            }
            other => panic!("{other}"),
        }
    }
    tree
}

fn latin1(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| u8::try_from(c).expect("URLs are latin1"))
        .collect()
}

/// The options as the JavaScript side would hand them over: lists where Express takes `false`, and the root resolved.
fn options_json(options: &Value, root: &str) -> Value {
    let mut options = options.as_object().unwrap().clone();
    if options.get("index") == Some(&Value::Bool(false)) {
        options.insert("index".to_owned(), Value::Array(Vec::new()));
    }
    if options.get("root") == Some(&Value::Null) {
        options.insert("dotfiles".to_owned(), "allow".into());
    } else {
        options.insert("root".to_owned(), root.into());
    }
    Value::Object(options)
}

fn run(case: &Case, file: &CaseFile, root: &str, cache: &FileCache) -> Outcome {
    let Case(kind, options, method, mount, url, headers, preset, _) = case;
    let options = options_json(&file.options[*options], root);
    let header = |name: &str| file.headers[*headers].get(name).map(|v| v.as_bytes());
    let request = Request {
        method: method.as_bytes(),
        if_match: header("if-match"),
        if_none_match: header("if-none-match"),
        if_modified_since: header("if-modified-since"),
        if_unmodified_since: header("if-unmodified-since"),
        if_range: header("if-range"),
        range: header("range"),
        cache_control: header("cache-control"),
        accept_encoding: None,
    };
    let preset = &file.presets[*preset];
    let set = |name: &str| preset.headers.get(name).map(|v| v.as_bytes());
    let preset = Preset {
        status: preset.status.unwrap_or(200),
        accept_ranges: set("Accept-Ranges").is_some(),
        cache_control: set("Cache-Control").is_some(),
        content_type: set("Content-Type").is_some(),
        content_encoding: set("Content-Encoding").is_some(),
        last_modified: set("Last-Modified"),
        etag: set("ETag"),
    };
    let original_url = latin1(url);
    let pathname = |url: &[u8]| url.split(|&b| b == b'?').next().unwrap().to_vec();
    if kind == "static" {
        let options: StaticOptions = serde_json::from_value(options).unwrap();
        let rest = &original_url[mount.len()..];
        let rest = if rest.first() == Some(&b'/') {
            rest.to_vec()
        } else {
            [b"/", rest].concat()
        };
        let request = StaticRequest {
            path: &pathname(&rest),
            original_url: &original_url,
            request,
        };
        return serve_static(&options, &request, &preset, cache);
    }
    let options: Options = serde_json::from_value(options).unwrap();
    let mut path = if kind == "bare" {
        Vec::new()
    } else {
        pathname(&original_url)
    };
    if options.root.is_none() {
        path = [root.as_bytes(), &path].concat();
    }
    send(&options, &path, &request, &preset, cache)
}

fn pairs(lines: &Lines) -> Vec<(String, String)> {
    lines
        .iter()
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .collect()
}

fn sent(status: u16, headers: &Lines, body: &[u8]) -> Expected {
    let sha1: String = Sha1::digest(body)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    Expected {
        status,
        headers: pairs(headers),
        length: body.len() as u64,
        sha1,
        ..Expected::default()
    }
}

fn failed(failure: &Failure, root: &str) -> Expected {
    let cause = failure.cause.as_ref();
    let error = ExpectedError {
        status: failure.status,
        message: failure.message().replace(root, "{root}"),
        expose: failure.expose(),
        code: cause.map(|c| c.code.to_owned()),
        errno: cause.map(|c| c.errno),
        syscall: cause.map(|c| c.syscall.to_owned()),
    };
    Expected {
        error: Some(error),
        error_headers: pairs(&failure.error_headers),
        headers: pairs(&failure.headers),
        ..Expected::default()
    }
}

fn read(body: Body) -> Vec<u8> {
    use std::os::unix::fs::FileExt;
    match body {
        Body::Empty => Vec::new(),
        Body::Bytes(bytes) => bytes.to_vec(),
        Body::File { file, offset, len } => {
            let mut bytes = vec![0; usize::try_from(len).unwrap()];
            file.file().read_exact_at(&mut bytes, offset).unwrap();
            bytes
        }
    }
}

fn observed(outcome: Outcome, head: bool, root: &str) -> Expected {
    match outcome {
        Outcome::Fallthrough => Expected {
            next: true,
            ..Expected::default()
        },
        Outcome::Directory => Expected {
            directory: true,
            ..Expected::default()
        },
        Outcome::Failed(failure) => failed(&failure, root),
        Outcome::NotModified { headers } => sent(304, &headers, b""),
        Outcome::MethodNotAllowed { headers } => sent(405, &headers, b""),
        Outcome::Redirect(r) => sent(301, &r.headers, if head { b"" } else { &r.body }),
        // A status without a body stays so, whatever the file holds: that is the server's part.
        Outcome::File(f) => sent(
            f.status,
            &f.headers,
            &if f.status == 304 {
                Vec::new()
            } else {
                read(f.body)
            },
        ),
        Outcome::Decline => panic!("no case has a URL that must be declined"),
    }
}

#[test]
fn answers_as_send_and_serve_static() {
    let file: CaseFile = serde_json::from_str(CASES).unwrap();
    let tree = plant(&file);
    let root = tree.root();
    assert!(file.cases.len() > 2000);
    // The second and third time with a cache that keeps files at once: what was kept must not change an answer.
    let off = FileCache::new(Limits {
        total_bytes: 0,
        ..Limits::default()
    });
    let keeping = FileCache::new(Limits {
        keep_after: Duration::ZERO,
        ..Limits::default()
    });
    let mut wrong = Vec::new();
    for (round, cache) in [&off, &keeping, &keeping].into_iter().enumerate() {
        for case in &file.cases {
            let Case(kind, options, method, mount, url, headers, preset, result) = case;
            let mut got = observed(run(case, &file, &root, cache), method == "HEAD", &root);
            let expected = &file.results[*result];
            let ours = |lines: &[(String, String)]| -> Vec<(String, String)> {
                // Headers that were set before are not ours to write.
                let set = &file.presets[*preset].headers;
                lines
                    .iter()
                    .filter(|(n, _)| !set.contains_key(n))
                    .cloned()
                    .collect()
            };
            // A redirect writes its headers over those that are there.
            got.headers = ours(&got.headers);
            let expected = Expected {
                headers: ours(&expected.headers),
                error_headers: expected.error_headers.clone(),
                sha1: expected.sha1.clone(),
                error: expected.error.as_ref().map(|e| ExpectedError {
                    message: e.message.clone(),
                    code: e.code.clone(),
                    syscall: e.syscall.clone(),
                    ..*e
                }),
                ..*expected
            };
            if got != expected {
                let (options, headers) = (&file.options[*options], &file.headers[*headers]);
                wrong.push(format!(
                    "round {round}: {kind} {options} {method} {mount}|{url:.80} {headers:?}\n  expected {expected:?}\n  got      {got:?}"
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{}",
        wrong.len(),
        3 * file.cases.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
}
