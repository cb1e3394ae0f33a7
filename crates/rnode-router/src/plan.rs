//! The plan of a request: the layers that can match, in stack order, nested routers included, written as words.
//! The layout of the words is `docs/internals/frames.md`, "Plan words". Nothing is executed or decoded here.

use crate::decode::decode_param;
use crate::index::Candidates;
use crate::method::Method;
use crate::pattern::{Capture, Captures};
use crate::table::{Always, Candidate, Matcher, Router, Table};

/// Entry flag: the matched length and the captures follow.
pub const DETAIL: u32 = 1;
/// Entry flag: the entries of a nested router follow.
pub const SUB: u32 = 2;
/// Entry flag: JavaScript must match this layer itself.
pub const ASK: u32 = 4;
/// Entry flag: the entry stands for layers that follow each other; their number is the word behind it.
pub const RUN: u32 = 8;
/// Capture flag: the text holds `%`.
pub const PERCENT: u32 = 1;
/// Capture flag: the value is the list of the pieces between `/`.
pub const WILDCARD: u32 = 2;
/// Where the flags begin in the first word of an entry and of a capture.
pub const FLAG_SHIFT: u32 = 24;

/// Routers nested deeper than this are left out of a plan.
pub const MAX_DEPTH: u32 = 32;

/// No further nested router is planned once the plan has this many words: routers that contain each other several times
/// would otherwise make a plan of any size.
pub const MAX_WORDS: usize = 1 << 16;

/// Native layers that [`Table::front`] finds at most.
pub const MAX_FRONT: usize = 4;

/// A native layer at the front of a plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FrontLayer {
    /// The layer's `native` in the table; never 0.
    pub native: u32,
    /// Bytes of the pathname that its mount path has matched.
    pub matched: u32,
    /// Words of the plan up to and with its entry.
    pub end: u32,
}

/// The native layers at the front of a plan, in order: nothing of JavaScript comes before the last of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Front {
    layers: [FrontLayer; MAX_FRONT],
    count: usize,
}

impl Front {
    /// The layers, in stack order.
    #[must_use]
    pub fn layers(&self) -> &[FrontLayer] {
        &self.layers[..self.count]
    }
}

/// What [`Table::plan`] tells besides the words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlanInfo {
    /// Layers at the level of the router asked for, nested ones not counted.
    pub entries: u32,
    /// The handler deadline in milliseconds (0 = off) of the last layer in plan order that names one.
    pub deadline_ms: Option<u32>,
}

impl Table {
    /// Appends the plan of a request to `out`.
    ///
    /// `pathname` is the path at the level of `router`, not decoded, without the query. A router that does not exist has an empty plan.
    ///
    /// A nested router is left out (no [`SUB`] on its layer; JavaScript asks again when it enters the router) when it is nested
    /// deeper than [`MAX_DEPTH`], when the plan has grown over [`MAX_WORDS`], or when one of its captures would cover a `/`
    /// that is not in the URL.
    pub fn plan(
        &self,
        router: usize,
        method: Method,
        pathname: &str,
        out: &mut Vec<u32>,
    ) -> PlanInfo {
        if u32::try_from(pathname.len()).is_err() {
            return PlanInfo::default();
        }
        let mut planner = Planner {
            table: self,
            method: method.bit(),
            ascii: pathname.is_ascii(),
            limit: out.len().saturating_add(MAX_WORDS),
            out,
            deadline: None,
        };
        let entries = match self.routers.get(router) {
            Some(router) => planner.level(router, Pathname::of_url(pathname), 0),
            None => Some(0),
        };
        PlanInfo {
            entries: entries.unwrap_or(0),
            deadline_ms: planner.deadline,
        }
    }
}

impl Table {
    /// The native layers at the front of `words`, a plan of the root router for an ASCII pathname. A layer with captures, or with a
    /// router behind it, ends the front: what depends on those is JavaScript's.
    #[must_use]
    pub fn front(&self, words: &[u32]) -> Front {
        let mut front = Front::default();
        let mut at = 0;
        while let Some(&head) = words.get(at)
            && front.count < MAX_FRONT
        {
            let layer = (head & ((1 << FLAG_SHIFT) - 1)) as usize;
            let native = match self.routers[0].layers.get(layer) {
                Some(layer) if !layer.route => layer.native,
                _ => 0,
            };
            let (matched, length) = match head >> FLAG_SHIFT {
                0 => (0, 1),
                DETAIL if words.get(at + 2).is_some_and(|counts| counts & 0xffff == 0) => {
                    (words[at + 1], 3)
                }
                _ => break,
            };
            if native == 0 {
                break;
            }
            at += length;
            front.layers[front.count] = FrontLayer {
                native,
                matched,
                end: at as u32,
            };
            front.count += 1;
        }
        front
    }
}

/// The path at one level.
#[derive(Clone, Copy)]
struct Pathname<'a> {
    text: &'a str,
    /// It is the `/` that stands for an empty rest, not a part of the URL.
    synthetic: bool,
}

impl<'a> Pathname<'a> {
    fn of_url(text: &'a str) -> Pathname<'a> {
        Pathname {
            text,
            synthetic: false,
        }
    }

    /// The path below a mount that matched `length` bytes (router's `trimPrefix`).
    fn below(self, length: usize) -> Pathname<'a> {
        if length == 0 {
            return self;
        }
        match &self.text[length..] {
            "" => Pathname {
                text: "/",
                synthetic: true,
            },
            rest => Pathname::of_url(rest),
        }
    }
}

struct Planner<'a> {
    table: &'a Table,
    method: u64,
    ascii: bool,
    limit: usize,
    out: &'a mut Vec<u32>,
    deadline: Option<u32>,
}

impl Planner<'_> {
    /// Plans one router; how many layers it wrote. `None` if a capture covers a synthetic `/`.
    fn level(&mut self, router: &Router, path: Pathname<'_>, depth: u32) -> Option<u32> {
        let mut found = Candidates::new();
        router.index.collect(path.text, self.ascii, &mut found);
        if found.len() > 1 {
            found.sort_unstable();
        }
        let mut queue = Queue {
            always: &router.always,
            at: 0,
            found: &found,
        };
        let mut captures = Captures::new();
        let escaped = path.text.contains('%');
        let mut entries = 0;
        let mut matched_layer = u32::MAX;
        loop {
            while let Some((first, count)) = queue.bare_run() {
                if count == 1 {
                    self.out.push(first);
                } else {
                    self.out.extend([first | RUN << FLAG_SHIFT, count]);
                }
                entries += count;
            }
            let Some(number) = queue.next() else {
                return Some(entries);
            };
            let candidate = &router.candidates[number as usize];
            // Only the first path and alternative that matches counts.
            if candidate.layer == matched_layer {
                continue;
            }
            let layer = &router.layers[candidate.layer as usize];
            // Express decodes parameters before it looks at the method: those of another method's route are an
            // error too, which JavaScript meets when it reads the entry.
            let foreign = layer.methods & self.method == 0;
            if foreign && !escaped {
                continue;
            }
            let entry = self.out.len();
            let length = match &candidate.matcher {
                Matcher::Ask => {
                    self.out.push(candidate.layer | ASK << FLAG_SHIFT);
                    None
                }
                Matcher::Slash if foreign => continue,
                Matcher::Slash => {
                    self.out.push(candidate.layer);
                    Some(0)
                }
                Matcher::Program(program) => {
                    let Some(length) = program.run(path.text, &mut captures, &mut ()) else {
                        continue;
                    };
                    if foreign && captures.iter().all(|capture| decodes(path.text, capture)) {
                        matched_layer = candidate.layer;
                        continue;
                    }
                    if path.synthetic && !captures.is_empty() {
                        return None;
                    }
                    self.out.push(candidate.layer);
                    if !layer.route || candidate.path != 0 || !captures.is_empty() {
                        self.detail(entry, candidate, path.text, length, &captures);
                    }
                    Some(length)
                }
            };
            matched_layer = candidate.layer;
            entries += 1;
            if layer.deadline.is_some() && !foreign {
                self.deadline = layer.deadline;
            }
            if let (Some(child), Some(length)) = (layer.child, length)
                && depth < MAX_DEPTH
                && self.out.len() < self.limit
            {
                self.nested(entry, child, path.below(length), depth + 1);
            }
        }
    }

    fn detail(
        &mut self,
        entry: usize,
        candidate: &Candidate,
        path: &str,
        length: usize,
        captures: &Captures,
    ) {
        self.out[entry] |= DETAIL << FLAG_SHIFT;
        let length = self.units(path, 0, length);
        self.out.push(length);
        self.out.push(candidate.path << 16 | captures.len() as u32);
        for capture in captures {
            let start = capture.start as usize;
            let flags =
                u32::from(capture.percent) * PERCENT + u32::from(capture.wildcard) * WILDCARD;
            let words = [
                u32::from(capture.key) | flags << FLAG_SHIFT,
                self.units(path, 0, start),
                self.units(path, start, start + capture.len as usize),
            ];
            self.out.extend_from_slice(&words);
        }
    }

    /// Writes the nested entries of a layer, or leaves the layer without them.
    fn nested(&mut self, entry: usize, child: u32, path: Pathname<'_>, depth: u32) {
        let table = self.table;
        let start = self.out.len();
        let deadline = self.deadline;
        self.out.push(0);
        match self.level(&table.routers[child as usize], path, depth) {
            Some(_) => {
                self.out[start] = (self.out.len() - start - 1) as u32;
                self.out[entry] |= SUB << FLAG_SHIFT;
            }
            None => {
                self.out.truncate(start);
                self.deadline = deadline;
            }
        }
    }

    /// UTF-16 units between two bytes of the path.
    fn units(&self, path: &str, from: usize, to: usize) -> u32 {
        if self.ascii {
            (to - from) as u32
        } else {
            path[from..to].encode_utf16().count() as u32
        }
    }
}

/// Whether JavaScript will be able to decode a capture: a wildcard's pieces each, anything else as a whole.
fn decodes(path: &str, capture: &Capture) -> bool {
    if !capture.percent {
        return true;
    }
    let start = capture.start as usize;
    let text = &path[start..start + capture.len as usize];
    if capture.wildcard {
        text.split('/').all(|piece| decode_param(piece).is_ok())
    } else {
        decode_param(text).is_ok()
    }
}

/// The candidates of a level in stack order: those that are always tried, merged with those found by path.
struct Queue<'a> {
    always: &'a Always,
    /// The next one of `always`.
    at: usize,
    found: &'a [u32],
}

impl Queue<'_> {
    /// Takes layers at the front that need no test and follow each other: the first and their number.
    #[inline]
    fn bare_run(&mut self) -> Option<(u32, u32)> {
        let start = self.at;
        let end = *self.always.run_ends.get(start)? as usize;
        let run = &self.always.candidates[start..end];
        let count = match self.found.first() {
            None => run.len(),
            Some(&found) => run.partition_point(|&number| number < found),
        };
        if count == 0 {
            return None;
        }
        self.at += count;
        Some((self.always.layers[start], count as u32))
    }

    /// Takes the next candidate.
    #[inline]
    fn next(&mut self) -> Option<u32> {
        match (
            self.always.candidates.get(self.at),
            self.found.split_first(),
        ) {
            (Some(&always), found) if found.is_none_or(|(&first, _)| always < first) => {
                self.at += 1;
                Some(always)
            }
            (_, Some((&first, rest))) => {
                self.found = rest;
                Some(first)
            }
            _ => None,
        }
    }
}
