//! Options of `serve-static`, given once per middleware and named by a number in every request for a file; and the one cache
//! that all answers share.
//!
//! The table is one per process and only grows (a number may be named by any frame under way), so it is bounded.

use super::cache::FileCache;
use super::options::StaticOptions;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

/// Options the table holds at most; middleware beyond that is answered by JavaScript.
const MAX_OPTIONS: usize = 4096;

#[derive(Default)]
struct Table {
    options: Vec<Arc<StaticOptions>>,
    ids: HashMap<Box<str>, u32>,
}

static TABLE: LazyLock<RwLock<Table>> = LazyLock::new(RwLock::default);
static CACHE: LazyLock<FileCache> = LazyLock::new(FileCache::default);

/// Names the options in `json` (see [`StaticOptions`]) by a number above 0; equal texts get the same number.
///
/// `None` if they cannot be read, or if the table is full. Options without a root are for [`super::send`] alone.
pub fn intern_options(json: &str) -> Option<u32> {
    let mut table = TABLE.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(id) = table.ids.get(json) {
        return Some(*id);
    }
    let options: StaticOptions = serde_json::from_str(json).ok()?;
    if table.options.len() >= MAX_OPTIONS {
        return None;
    }
    table.options.push(Arc::new(options));
    let id = table.options.len() as u32;
    table.ids.insert(json.into(), id);
    Some(id)
}

/// The options that [`intern_options`] has named `id`.
pub fn interned_options(id: u32) -> Option<Arc<StaticOptions>> {
    let table = TABLE.read().unwrap_or_else(PoisonError::into_inner);
    table.options.get((id as usize).checked_sub(1)?).cloned()
}

/// The cache of this process.
pub(crate) fn cache() -> &'static FileCache {
    &CACHE
}

#[cfg(test)]
mod tests {
    use super::{intern_options, interned_options};

    #[test]
    fn equal_options_share_a_number() {
        let id = intern_options(r#"{"root":"/a","maxAge":5,"redirect":false}"#).expect("valid");
        assert_eq!(
            intern_options(r#"{"root":"/a","maxAge":5,"redirect":false}"#),
            Some(id)
        );
        let options = interned_options(id).expect("known");
        assert_eq!(options.send.root.as_deref(), Some("/a"));
        assert_eq!((options.send.max_age, options.redirect), (5, false));
        assert!(options.fallthrough);
        assert_ne!(intern_options(r#"{"root":"/b"}"#), Some(id));
    }

    #[test]
    fn what_cannot_be_options_has_no_number() {
        for bad in ["", "[]", r#"{"root":1}"#, r#"{"root":"/","maxAge":-1}"#] {
            assert_eq!(intern_options(bad), None, "{bad}");
        }
        assert!(interned_options(0).is_none() && interned_options(u32::MAX).is_none());
    }
}
