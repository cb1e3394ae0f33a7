//! Patterns parsed before, for callers that know them by their text alone. It bounds what it keeps; matching is not done here.

use crate::error::PathError;
use crate::pattern::{Pattern, PatternOptions};
use std::collections::HashMap;

/// Patterns kept for each combination of options.
const KEPT: usize = 256;

/// Patterns by text and options. What is asked for again and again is parsed once; after 256 others with the same options it is parsed anew.
#[derive(Debug, Default)]
pub struct PatternCache {
    by_options: [HashMap<Box<str>, Pattern>; 8],
}

impl PatternCache {
    /// The pattern [`Pattern::parse`] makes of `text`.
    ///
    /// # Errors
    /// As `Pattern::parse`; errors are not kept.
    pub fn get(&mut self, text: &str, options: PatternOptions) -> Result<&Pattern, PathError> {
        let index = usize::from(options.sensitive)
            | usize::from(options.strict) << 1
            | usize::from(options.end) << 2;
        let known = &mut self.by_options[index];
        if !known.contains_key(text) {
            let pattern = Pattern::parse(text, options)?;
            if known.len() >= KEPT {
                known.clear();
            }
            known.insert(text.into(), pattern);
        }
        Ok(&known[text])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(index: usize) -> PatternOptions {
        PatternOptions {
            sensitive: index & 1 != 0,
            strict: index & 2 != 0,
            end: index & 4 != 0,
        }
    }

    #[test]
    fn options_are_part_of_the_key() {
        let mut cache = PatternCache::default();
        for _ in 0..2 {
            for index in 0..8 {
                let options = options(index);
                let pattern = cache.get("/A", options).expect("parses");
                assert_eq!(pattern.matches("/a").is_some(), !options.sensitive);
                assert_eq!(
                    pattern.matches("/A/").is_some(),
                    !options.strict || !options.end
                );
                assert_eq!(pattern.matches("/A/b").is_some(), !options.end);
            }
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut cache = PatternCache::default();
        for n in 0..3 * KEPT {
            let text = format!("/{n}");
            let pattern = cache.get(&text, options(0)).expect("parses");
            assert!(pattern.matches(&text).is_some());
            assert!(cache.by_options[0].len() <= KEPT);
        }
    }

    #[test]
    fn errors_are_not_kept() {
        let mut cache = PatternCache::default();
        for _ in 0..2 {
            assert!(cache.get("/:", options(0)).is_err());
        }
        assert!(cache.by_options[0].is_empty());
    }
}
