//! What several test files share: reading plan words, and the case files of `js/test/router-cases`.
//! No expectations here.
#![allow(
    dead_code,
    reason = "every test file is a crate of its own and uses a part of this"
)]

use std::path::PathBuf;

use rnode_router::plan::{ASK, DETAIL, FLAG_SHIFT, RUN, SUB};
use rnode_router::{Method, Table};
use serde_json::Value;

/// The case files: name and content.
pub(crate) fn case_files() -> Vec<(String, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../js/test/router-cases");
    let mut files: Vec<(String, Value)> = std::fs::read_dir(&folder)
        .expect("the case folder is part of the repository")
        .map(|entry| entry.expect("readable folder").path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("readable case file");
            let name = path.file_name().expect("a file").to_string_lossy().into();
            (
                name,
                serde_json::from_str(&text).expect("case files are JSON"),
            )
        })
        .collect();
    files.sort_by(|a, b| a.0.cmp(&b.0));
    files
}

/// An entry of a plan, read back from its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) layer: usize,
    pub(crate) ask: bool,
    pub(crate) detail: Option<Detail>,
    pub(crate) sub: Option<Vec<Entry>>,
}

impl Entry {
    fn bare(layer: usize) -> Entry {
        Entry {
            layer,
            ask: false,
            detail: None,
            sub: None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Detail {
    pub(crate) length: usize,
    pub(crate) path: usize,
    /// key, flags, start, length
    pub(crate) captures: Vec<(usize, u32, usize, usize)>,
}

/// The plan of a request as entries; checks that the words are well-formed.
pub(crate) fn plan(table: &Table, router: usize, method: Method, pathname: &str) -> Vec<Entry> {
    let mut words = vec![7, 7];
    let info = table.plan(router, method, pathname, &mut words);
    assert_eq!(words[..2], [7, 7], "the plan is appended");
    let entries = read(&words[2..]);
    assert_eq!(info.entries as usize, entries.len());
    entries
}

fn read(mut words: &[u32]) -> Vec<Entry> {
    let mut entries = Vec::new();
    while !words.is_empty() {
        let head = take(&mut words, 1)[0];
        let flags = head >> FLAG_SHIFT;
        if flags == RUN {
            let first = (head & 0xff_ffff) as usize;
            let count = take(&mut words, 1)[0] as usize;
            assert!(count > 1, "a layer by itself is no run");
            entries.extend((first..first + count).map(Entry::bare));
            continue;
        }
        let detail = (flags & DETAIL != 0).then(|| {
            let length = take(&mut words, 1)[0] as usize;
            let counts = take(&mut words, 1)[0];
            let captures = (0..counts & 0xffff)
                .map(|_| {
                    let capture = take(&mut words, 3);
                    (
                        (capture[0] & 0xff_ffff) as usize,
                        capture[0] >> FLAG_SHIFT,
                        capture[1] as usize,
                        capture[2] as usize,
                    )
                })
                .collect();
            Detail {
                length,
                path: (counts >> 16) as usize,
                captures,
            }
        });
        let sub = (flags & SUB != 0).then(|| {
            let length = take(&mut words, 1)[0] as usize;
            read(take(&mut words, length))
        });
        entries.push(Entry {
            layer: (head & 0xff_ffff) as usize,
            ask: flags & ASK != 0,
            detail,
            sub,
        });
    }
    entries
}

fn take<'a>(words: &mut &'a [u32], count: usize) -> &'a [u32] {
    let (head, tail) = words.split_at(count);
    *words = tail;
    head
}
