//! Properties of patterns: no input panics, the work is linear, and the result is that of a naive backtracking matcher.

#[path = "support/naive.rs"]
mod naive;

use naive::Tree;
use proptest::prelude::*;
use rnode_router::{Pattern, PatternOptions};

fn options() -> impl Strategy<Value = PatternOptions> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(sensitive, strict, end)| {
        PatternOptions {
            sensitive,
            strict,
            end,
        }
    })
}

/// Strings made of what the grammar knows.
fn grammar_soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "/", "/", ":a", ":b", "*w", "*r", "{", "}", "-", ".", "x", "é", "\\", "\"", ":", "*", "😀", "ſ", "--", "/a",
        ])
        .prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn tree() -> impl Strategy<Value = Vec<Tree>> {
    let text = prop::sample::select(vec![
        "/", "/", "-", "a", "A", "/a", "--", "é", ".", "a-", "É/",
    ]);
    let name = prop::sample::select(vec!["x", "y", "z"]);
    let leaf = prop_oneof![
        3 => text.prop_map(|t| Tree::Text(t.to_owned())),
        2 => name.clone().prop_map(|n| Tree::Param(n.to_owned())),
        1 => name.prop_map(|n| Tree::Wildcard(n.to_owned())),
    ];
    let node = leaf.prop_recursive(2, 8, 3, |inner| {
        prop::collection::vec(inner, 0..3).prop_map(Tree::Group)
    });
    prop::collection::vec(node, 0..8)
}

/// Small paths over the same alphabet.
fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select(vec!["/", "/", "-", "a", "A", "é", "É", ".", "b"]),
        0..11,
    )
    .prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics(pattern in grammar_soup(), any in ".{0,40}", path in ".{0,60}", options in options()) {
        for pattern in [pattern, any] {
            if let Ok(parsed) = Pattern::parse(&pattern, options) {
                for path in [&path, &pattern] {
                    if let Some(found) = parsed.matches(path) {
                        prop_assert!(path.is_char_boundary(found.len));
                        for capture in found.captures {
                            let start = capture.start as usize;
                            prop_assert!(capture.len > 0);
                            prop_assert!(path.get(start..start + capture.len as usize).is_some());
                            prop_assert!(usize::from(capture.key) < parsed.keys().len());
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn steps_are_linear(pattern in grammar_soup(), unit in "[-/.a:éx]{1,5}", times in 1_usize..200, options in options()) {
        if let Ok(parsed) = Pattern::parse(&pattern, options) {
            let path = format!("/{}", unit.repeat(times));
            let (_, steps) = parsed.matches_with_steps(&path);
            prop_assert!(steps <= 4 * parsed.size() as u64 * (path.len() as u64 + 1));
        }
    }

    #[test]
    fn same_result_as_backtracking(trees in tree(), paths in prop::collection::vec(path(), 8), options in options()) {
        // Trailing slashes of a loose pattern are dropped from its spelling, so the tree must not end with one.
        let mut trees = trees;
        if !options.strict {
            while let Some(Tree::Text(text)) = trees.last_mut() {
                let kept = text.trim_end_matches('/').to_owned();
                if kept == *text { break }
                if kept.is_empty() { trees.pop(); } else { *text = kept; }
            }
        }
        let spelling = naive::render(&trees);
        let parsed = Pattern::parse(&spelling, options);
        for path in paths {
            let expected = naive::matches(&trees, options, &path);
            let found = match &parsed {
                Err(_) => Err(()),
                Ok(pattern) => Ok(pattern.matches(&path).map(|found| {
                    let captures = found.captures.iter().map(|c| {
                        let start = c.start as usize;
                        (pattern.keys()[usize::from(c.key)].name.clone(), path[start..start + c.len as usize].to_owned())
                    });
                    (found.len, captures.collect::<Vec<_>>())
                })),
            };
            prop_assert_eq!(found, expected, "{} on {}", &spelling, &path);
        }
    }
}
