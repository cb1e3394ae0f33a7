//! One path pattern of Express: parsed once, matched many times, the same result as path-to-regexp 8 with router 2.3's options.
//! Captures are positions in the path; text is neither copied nor decoded here.

use smallvec::SmallVec;

use crate::error::PathError;
use crate::matcher::Steps;
use crate::parse::parse;
use crate::program::{Program, compile};

/// How a pattern is matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatternOptions {
    /// Letters must have the case of the pattern (`caseSensitive` of a router).
    pub sensitive: bool,
    /// A trailing slash counts. When false, trailing slashes of the pattern are dropped (unless it is `/`) and one
    /// more `/` at the end of the path is allowed.
    pub strict: bool,
    /// The whole path must match (a route). When false a prefix suffices, if a `/` or the end follows (a mount).
    pub end: bool,
}

/// A parameter of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The name, without quotes.
    pub name: String,
    /// Written `*name` where it appears first.
    pub wildcard: bool,
}

/// The captures of a match, in the order of the pattern.
pub type Captures = SmallVec<[Capture; 4]>;

/// What a parameter captured. A name that stands twice in the pattern captures twice; the later one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capture {
    /// Index into [`Pattern::keys`].
    pub key: u16,
    /// First byte in the path.
    pub start: u32,
    /// Length in bytes, at least 1.
    pub len: u32,
    /// The text holds a `%`, so it must be decoded.
    pub percent: bool,
    /// The value is the list of the pieces between `/`.
    pub wildcard: bool,
}

/// A match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathMatch {
    /// Bytes matched from the beginning of the path.
    pub len: usize,
    /// The captures; optional ones that took no part are absent.
    pub captures: Captures,
}

/// A parsed path pattern.
#[derive(Debug, Clone)]
pub struct Pattern {
    programs: Box<[Program]>,
    keys: Box<[Key]>,
}

impl Pattern {
    /// Parses a pattern as router's `Layer` does.
    ///
    /// # Errors
    /// The patterns path-to-regexp refuses, with its texts.
    pub fn parse(path: &str, opts: PatternOptions) -> Result<Pattern, PathError> {
        let path = if opts.strict || path == "/" {
            path
        } else {
            path.trim_end_matches('/')
        };
        let tokens = parse(path)?;
        let (programs, keys) = compile(&tokens, path, opts)?;
        Ok(Pattern {
            programs: programs.into(),
            keys: keys.into(),
        })
    }

    /// The parameters, each name once, in the order of first appearance.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Matches a path that has not been decoded, in time proportional to (size of the pattern × length of the path).
    /// Paths of 4 GiB and more do not match.
    pub fn matches(&self, pathname: &str) -> Option<PathMatch> {
        self.matches_counting(pathname, &mut ())
    }

    /// As [`Pattern::matches`], and the number of elementary steps it took. For tests of the bound.
    #[doc(hidden)]
    pub fn matches_with_steps(&self, pathname: &str) -> (Option<PathMatch>, u64) {
        let mut steps = 0;
        let found = self.matches_counting(pathname, &mut steps);
        (found, steps)
    }

    /// How many elements the alternatives have in all. For tests of the bound.
    #[doc(hidden)]
    pub fn size(&self) -> usize {
        self.programs.iter().map(|p| p.elements.len() + 1).sum()
    }

    fn matches_counting<S: Steps>(&self, pathname: &str, steps: &mut S) -> Option<PathMatch> {
        if u32::try_from(pathname.len()).is_err() {
            return None;
        }
        let mut captures = Captures::new();
        let len = self
            .programs
            .iter()
            .find_map(|program| program.run(pathname, &mut captures, steps))?;
        Some(PathMatch { len, captures })
    }

    /// The alternatives, first that matches wins.
    pub(crate) fn into_programs(self) -> Box<[Program]> {
        self.programs
    }
}
