//! What is known of a file without waiting for a disk: that there is none. Whatever may be there is not answered for.

use std::fs;

use super::tree::Tree;
use crate::files::{
    FileCache, Limits, Options, Outcome, Preset, Request, StaticOptions, StaticRequest,
    passes_at_once, serve_static,
};

fn request(path: &'static str) -> StaticRequest<'static> {
    StaticRequest {
        path: path.as_bytes(),
        original_url: path.as_bytes(),
        request: Request {
            method: b"GET",
            ..Request::default()
        },
    }
}

fn options(tree: &Tree, fallthrough: bool) -> StaticOptions {
    StaticOptions {
        send: Options {
            root: Some(tree.root()),
            extensions: vec!["html".to_owned()],
            ..Options::default()
        },
        fallthrough,
        ..StaticOptions::default()
    }
}

/// Looks for the file as a request does; afterwards the kernel knows the names.
fn passes(options: &StaticOptions, path: &'static str) -> bool {
    let cache = FileCache::new(Limits::default());
    let outcome = serve_static(options, &request(path), &Preset::default(), &cache);
    matches!(outcome, Outcome::Fallthrough)
}

#[cfg(target_os = "linux")]
#[test]
fn only_what_is_not_there_passes() {
    let tree = Tree::new();
    tree.write("file.txt", b"text", 0);
    tree.write("page.html", b"text", 0);
    fs::create_dir(tree.root.join("folder")).unwrap();
    fs::create_dir(tree.root.join("indexed")).unwrap();
    tree.write("indexed/index.html", b"text", 0);
    let options = options(&tree, true);
    for (path, expected) in [
        ("/none", true),
        ("/none/of/these?query", true),
        ("/none.txt", true),
        // send hides it, whether it is there or not
        ("/.hidden", true),
        ("/%zz", true),
        ("/folder/", true),
        ("/file.txt", false),
        // by its extension
        ("/page", false),
        ("/indexed/", false),
        // redirected
        ("/folder", false),
        ("/indexed", false),
    ] {
        assert_eq!(passes(&options, path), expected, "{path} by serve_static");
        assert_eq!(
            passes_at_once(&options, &request(path)),
            expected,
            "{path} at once"
        );
    }
}

#[test]
fn a_file_that_comes_is_seen() {
    let tree = Tree::new();
    let options = options(&tree, true);
    assert!(passes(&options, "/a.txt"));
    tree.write("a.txt", b"text", 0);
    assert!(!passes_at_once(&options, &request("/a.txt")));
}

#[test]
fn without_fallthrough_nothing_passes() {
    let tree = Tree::new();
    let options = options(&tree, false);
    assert!(!passes(&options, "/none"));
    assert!(!passes_at_once(&options, &request("/none")));
}
