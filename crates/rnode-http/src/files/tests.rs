//! The answers of the real `send` and `serve-static` (`tests/cases/files.json`, made by `files.mjs` beside it), and what they do
//! not have: the cache, precompressed siblings, files that change.

// The trees have symbolic links, pipes and names that only Unix allows.
#![cfg(unix)]

mod at_once;
mod cases;
mod changes;
mod tree;
