//! Which layers of a router may match a path: a trie over path segments, so that routes that do not match cost nothing.
//! It may name too many candidates, never too few; the program of a candidate decides.
//!
//! An edge of the trie consumes one `/` and the segment behind it, so all nodes reached are at the same place of the
//! path. Literal segments are found in one hash table per router, keyed by node and folded text; a whole-segment `:name` is an
//! edge of its own; anything else (part of a segment, wildcards) is listed at the node, under its literal prefix.

use smallvec::SmallVec;

use crate::fold::{canonicalize, eq_folded};
use crate::program::{CaptureElement, Class, Element, Program, Second};

/// Numbers of candidates, in stack order once sorted.
pub(crate) type Candidates = SmallVec<[u32; 16]>;

/// Literal prefixes are told apart up to this many bytes.
const MAX_PREFIX: usize = 16;

const NONE: u32 = u32::MAX;

#[derive(Debug, Default)]
pub(crate) struct Index {
    nodes: Vec<Node>,
    /// (node, segment) to the node behind it.
    segments: SegmentMap,
    /// (node, literal prefix of a segment) to a list of `prefixed`.
    prefixes: SegmentMap,
    prefixed: Vec<Vec<u32>>,
}

#[derive(Debug)]
struct Node {
    /// Candidates whose pattern is used up here and that need the end of the path.
    ends: Vec<u32>,
    /// Candidates whose pattern is used up here and that match a prefix.
    mounts: Vec<u32>,
    /// Candidates whose next segment is not a plain one and has no literal prefix.
    open: Vec<u32>,
    /// The lengths of the literal prefixes below this node, each once.
    prefix_lengths: Vec<u8>,
    /// The node behind a whole-segment parameter.
    param: u32,
    has_segments: bool,
}

/// Where the rest of a pattern goes, seen from a place between two segments.
enum Step<'a> {
    Done,
    Segment(&'a str),
    Param,
    /// A segment with this literal prefix and something else behind it.
    Partial(&'a str),
    /// Does not go on with a `/`.
    Unanchored,
}

impl Index {
    pub(crate) fn new() -> Index {
        Index {
            nodes: vec![Node::new()],
            ..Index::default()
        }
    }

    /// Adds a candidate. False if it could match any path and must always be tried.
    pub(crate) fn insert(&mut self, program: &Program, candidate: u32) -> bool {
        let mut node = 0;
        let mut cursor = Cursor {
            elements: &program.elements,
            offset: 0,
        };
        loop {
            match cursor.step() {
                Step::Unanchored => return false,
                Step::Done => {
                    let node = &mut self.nodes[node];
                    if program.end {
                        node.ends.push(candidate);
                    } else {
                        node.mounts.push(candidate);
                    }
                    return true;
                }
                Step::Segment(text) => node = self.child(node, text),
                Step::Param => {
                    if self.nodes[node].param == NONE {
                        self.nodes[node].param = self.nodes.len() as u32;
                        self.nodes.push(Node::new());
                    }
                    node = self.nodes[node].param as usize;
                }
                Step::Partial(text) => {
                    self.insert_partial(node, text, candidate);
                    return true;
                }
            }
        }
    }

    fn child(&mut self, node: usize, text: &str) -> usize {
        let hash = hash_folded(text);
        if let Some(child) = self.segments.get(node as u32, text, hash) {
            return child as usize;
        }
        let child = self.nodes.len();
        self.nodes.push(Node::new());
        self.nodes[node].has_segments = true;
        self.segments.insert(node as u32, text, hash, child as u32);
        child
    }

    fn insert_partial(&mut self, node: usize, text: &str, candidate: u32) {
        // Only ASCII has the same length in either case.
        let ascii = text.bytes().take_while(u8::is_ascii).count();
        let prefix = &text[..ascii.min(MAX_PREFIX)];
        if prefix.is_empty() {
            self.nodes[node].open.push(candidate);
            return;
        }
        let hash = hash_folded(prefix);
        if let Some(list) = self.prefixes.get(node as u32, prefix, hash) {
            self.prefixed[list as usize].push(candidate);
            return;
        }
        let lengths = &mut self.nodes[node].prefix_lengths;
        if !lengths.contains(&(prefix.len() as u8)) {
            lengths.push(prefix.len() as u8);
        }
        let list = self.prefixed.len() as u32;
        self.prefixed.push(vec![candidate]);
        self.prefixes.insert(node as u32, prefix, hash, list);
    }

    /// Adds the candidates for `path` to `found`, unsorted, each once.
    pub(crate) fn collect(&self, path: &str, ascii: bool, found: &mut Candidates) {
        let mut here: SmallVec<[u32; 8]> = SmallVec::new();
        let mut next: SmallVec<[u32; 8]> = SmallVec::new();
        here.push(0);
        let mut rest = path;
        loop {
            let at_end = rest.is_empty() || rest == "/";
            for &node in &here {
                let node = &self.nodes[node as usize];
                found.extend_from_slice(&node.mounts);
                if at_end {
                    found.extend_from_slice(&node.ends);
                }
            }
            let Some(behind) = rest.strip_prefix('/') else {
                return;
            };
            let length = behind
                .bytes()
                .position(|b| b == b'/')
                .unwrap_or(behind.len());
            let segment = &behind[..length];
            let hash = if ascii {
                hash_ascii(segment.as_bytes())
            } else {
                hash_folded(segment)
            };
            for &at in &here {
                let node = &self.nodes[at as usize];
                found.extend_from_slice(&node.open);
                for &length in &node.prefix_lengths {
                    self.collect_prefixed(at, segment, usize::from(length), found);
                }
                if node.has_segments
                    && let Some(child) = self.segments.get(at, segment, hash)
                {
                    next.push(child);
                }
                if node.param != NONE && !segment.is_empty() {
                    next.push(node.param);
                }
            }
            if next.is_empty() {
                return;
            }
            std::mem::swap(&mut here, &mut next);
            next.clear();
            rest = &behind[length..];
        }
    }

    fn collect_prefixed(&self, node: u32, segment: &str, length: usize, found: &mut Candidates) {
        let Some(prefix) = segment.get(..length) else {
            return;
        };
        if !prefix.is_ascii() {
            return;
        }
        let hash = hash_ascii(prefix.as_bytes());
        if let Some(list) = self.prefixes.get(node, prefix, hash) {
            found.extend_from_slice(&self.prefixed[list as usize]);
        }
    }
}

impl Node {
    fn new() -> Node {
        Node {
            ends: Vec::new(),
            mounts: Vec::new(),
            open: Vec::new(),
            prefix_lengths: Vec::new(),
            param: NONE,
            has_segments: false,
        }
    }
}

/// A place between two segments of a pattern. Text and captures alternate in a program, except at its beginning.
struct Cursor<'a> {
    elements: &'a [Element],
    /// Bytes of the first element (a text) already used.
    offset: usize,
}

impl<'a> Cursor<'a> {
    fn step(&mut self) -> Step<'a> {
        let text = match self.elements.first() {
            None => return Step::Done,
            Some(Element::Text(text)) => &text.text()[self.offset..],
            Some(Element::Capture(_)) => return Step::Unanchored,
        };
        let Some(text) = text.strip_prefix('/') else {
            return Step::Unanchored;
        };
        if let Some(length) = text.find('/') {
            self.offset += 1 + length;
            return Step::Segment(&text[..length]);
        }
        match &self.elements[1..] {
            [] => {
                self.elements = &[];
                Step::Segment(text)
            }
            [Element::Capture(capture), behind @ ..]
                if text.is_empty() && is_whole_segment(capture, behind.first()) =>
            {
                self.elements = behind;
                self.offset = 0;
                Step::Param
            }
            _ => Step::Partial(text),
        }
    }
}

/// Whether the capture is exactly one segment: everything up to the next `/`, and the pattern goes on with `/` or ends.
fn is_whole_segment(capture: &CaptureElement, behind: Option<&Element>) -> bool {
    matches!(capture.first, Class::NotByte(b'/'))
        && matches!(capture.second, Second::None)
        && match behind {
            None => true,
            Some(Element::Text(text)) => text.text().starts_with('/'),
            Some(Element::Capture(_)) => false,
        }
}

/// An open-addressing hash table from (node, text in any case) to a number. Its keys come from the app, so a client cannot
/// make its chains long.
#[derive(Debug, Default)]
struct SegmentMap {
    slots: Vec<Slot>,
    texts: Vec<Box<str>>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    hash: u32,
    node: u32,
    value: u32,
    text: u32,
}

const EMPTY: Slot = Slot {
    hash: 0,
    node: NONE,
    value: 0,
    text: 0,
};

impl SegmentMap {
    #[inline]
    fn get(&self, node: u32, text: &str, hash: u32) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let hash = mix(hash, node);
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot.node == NONE {
                return None;
            }
            if slot.hash == hash
                && slot.node == node
                && eq_folded(&self.texts[slot.text as usize], text)
            {
                return Some(slot.value);
            }
            at = (at + 1) & mask;
        }
    }

    /// Adds a key that is not there yet.
    fn insert(&mut self, node: u32, text: &str, hash: u32, value: u32) {
        // At most half full, so chains stay short and always end.
        if (self.texts.len() + 1) * 2 > self.slots.len() {
            let larger = vec![EMPTY; (self.slots.len() * 2).max(8)];
            for slot in std::mem::replace(&mut self.slots, larger) {
                if slot.node != NONE {
                    self.place(slot);
                }
            }
        }
        let slot = Slot {
            hash: mix(hash, node),
            node,
            value,
            text: self.texts.len() as u32,
        };
        self.texts.push(text.into());
        self.place(slot);
    }

    fn place(&mut self, slot: Slot) {
        let mask = self.slots.len() - 1;
        let mut at = slot.hash as usize & mask;
        while self.slots[at].node != NONE {
            at = (at + 1) & mask;
        }
        self.slots[at] = slot;
    }
}

const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(hash: u32, node: u32) -> u32 {
    let wide = (u64::from(hash) ^ (u64::from(node) << 32)).wrapping_mul(MULTIPLIER);
    (wide >> 32) as u32
}

/// A hash that is equal for texts that are equal when folded.
fn hash_folded(text: &str) -> u32 {
    if text.is_ascii() {
        return hash_ascii(text.as_bytes());
    }
    let mut hash = 0;
    for c in text.chars() {
        hash = combine(hash, u64::from(u32::from(canonicalize(c))));
    }
    (hash >> 32) as u32
}

/// [`hash_folded`] of ASCII text, eight bytes at a time. Setting bit 5 folds letters, and joins a few other characters, which
/// only makes their hashes equal.
#[inline]
fn hash_ascii(text: &[u8]) -> u32 {
    const FOLD: u64 = 0x2020_2020_2020_2020;
    let mut hash = text.len() as u64;
    let mut chunks = text.chunks_exact(8);
    for chunk in &mut chunks {
        let word = u64::from_le_bytes(chunk.try_into().expect("chunks of eight"));
        hash = combine(hash, word | FOLD);
    }
    let mut last = 0;
    for &byte in chunks.remainder() {
        last = last << 8 | u64::from(byte);
    }
    hash = combine(hash, last | FOLD);
    (hash >> 32) as u32
}

#[inline]
fn combine(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(23) ^ word).wrapping_mul(MULTIPLIER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::{Pattern, PatternOptions};

    #[test]
    fn folded_texts_hash_alike() {
        for (a, b) in [
            ("users", "USERS"),
            ("longer-than-8", "LONGER-than-8"),
            ("é", "É"),
            ("ɐx", "Ɐx"),
        ] {
            assert!(eq_folded(a, b));
            assert_eq!(hash_folded(a), hash_folded(b), "{a} {b}");
        }
        assert_ne!(hash_folded("a"), hash_folded("b"));
        assert_ne!(hash_folded(""), hash_folded(" "));
    }

    /// How many candidates an index of these routes names for a path.
    fn candidates(routes: impl Iterator<Item = String>, path: &str) -> usize {
        let options = PatternOptions {
            sensitive: false,
            strict: false,
            end: true,
        };
        let mut index = Index::new();
        let mut count = 0;
        for route in routes {
            let pattern = Pattern::parse(&route, options).expect("valid");
            for program in pattern.into_programs() {
                assert!(index.insert(&program, count));
                count += 1;
            }
        }
        let mut found = Candidates::new();
        index.collect(path, path.is_ascii(), &mut found);
        found.len()
    }

    #[test]
    fn routes_that_do_not_match_are_not_even_candidates() {
        let thousand = |shape: &'static str| (0..1000).map(|n| shape.replace('N', &n.to_string()));
        for (shape, path) in [
            ("/routeN", "/ROUTE999"),
            ("/rN/:id", "/r999/1/"),
            ("/users/:id/aN", "/users/7/a999"),
            ("/:tenant/:id/xN", "/t/7/x999"),
            ("/éN", "/É999"),
            ("/fileN-:x", "/file999-a"),
            ("/xN/*rest", "/x999/a/b/c"),
            ("{/:lang}/pageN", "/en/page999"),
        ] {
            assert_eq!(candidates(thousand(shape), path), 1, "{shape}");
            assert_eq!(candidates(thousand(shape), "/none/of/those"), 0, "{shape}");
        }
    }

    #[test]
    fn long_prefixes_are_cut() {
        let long = "x".repeat(300);
        let route = std::iter::once(format!("/{long}:a"));
        assert_eq!(candidates(route, &format!("/{long}1")), 1);
    }

    #[test]
    fn map_keeps_nodes_and_texts_apart() {
        let mut map = SegmentMap::default();
        for node in 0..50 {
            for text in 0..20 {
                let text = format!("s{text}");
                map.insert(
                    node,
                    &text,
                    hash_folded(&text),
                    node * 100 + map.texts.len() as u32,
                );
            }
        }
        let mut seen = std::collections::HashSet::new();
        for node in 0..50 {
            for text in 0..20 {
                let text = format!("S{text}");
                let value = map.get(node, &text, hash_folded(&text)).expect("inserted");
                assert!(seen.insert(value));
            }
            assert_eq!(map.get(node, "s20", hash_folded("s20")), None);
        }
    }
}
