//! Runs a program on a path, without backtracking. Programs whose captures have no choice take one forward pass.
//! The others are solved from the end: for each element and each position, whether the rest can match from there,
//! one bit each; then a forward pass picks what a greedy RegExp would have picked.
//! So the work is bounded by elements × length of the path, whatever both contain.

use smallvec::SmallVec;

use crate::pattern::{Capture, Captures};
use crate::program::{CaptureElement, Class, Element, Program, Second};

/// Counts the work done, for tests of the bound; `()` counts nothing and costs nothing.
pub(crate) trait Steps {
    fn add(&mut self, steps: usize);
}

impl Steps for () {
    #[inline]
    fn add(&mut self, _steps: usize) {}
}

impl Steps for u64 {
    fn add(&mut self, steps: usize) {
        *self += steps as u64;
    }
}

impl Program {
    /// Matches `path` from its beginning; the length of the match in bytes. `captures` holds the captures in order
    /// if and only if there is a match (what it held before is dropped).
    #[inline]
    pub(crate) fn run<S: Steps>(
        &self,
        path: &str,
        captures: &mut Captures,
        steps: &mut S,
    ) -> Option<usize> {
        captures.clear();
        let mut at = 0;
        for (index, element) in self.elements.iter().enumerate() {
            match element {
                Element::Text(text) => {
                    steps.add(1);
                    at = text.end_at(path, at)?;
                }
                Element::Capture(capture) if capture.possessive => {
                    let end = run_end(&capture.first, path, at, steps);
                    if end == at {
                        return None;
                    }
                    captures.push(capture.taken(path, at, end));
                    at = end;
                }
                Element::Capture(_) => return self.solve(index, path, at, captures, steps),
            }
        }
        self.end_of_match(path, at)
    }

    /// The end of the match if the elements have been matched up to `at`.
    #[inline]
    fn end_of_match(&self, path: &str, at: usize) -> Option<usize> {
        let bytes = path.as_bytes();
        match bytes.len() - at {
            0 => Some(at),
            1 if self.trailing && bytes[at] == b'/' => Some(at + 1),
            _ if !self.end && bytes[at] == b'/' => Some(at),
            _ => None,
        }
    }

    /// Matches the elements from `first` on at byte `from`.
    #[inline(never)]
    fn solve<S: Steps>(
        &self,
        first: usize,
        path: &str,
        from: usize,
        captures: &mut Captures,
        steps: &mut S,
    ) -> Option<usize> {
        let elements = &self.elements[first..];
        if !self.may_end(path) {
            return None;
        }
        // Positions are relative to `from` from here on. Elements that cannot take a `/` must end before the next one,
        // which spares the rest of a long path.
        let rest = if first >= self.last_segment {
            let rest = &path[from..];
            let length = rest.find('/').unwrap_or(rest.len());
            steps.add(length + 1);
            self.end_of_match(path, from + length)?;
            &rest[..length]
        } else {
            &path[from..]
        };
        let mut can = Table::new(elements.len() + 1, rest.len() + 1);
        for at in 0..=rest.len() {
            if self.end_of_match(path, from + at).is_some() {
                can.set(elements.len(), at);
            }
        }
        steps.add(rest.len() + 1);
        for (index, element) in elements.iter().enumerate().rev() {
            steps.add(rest.len() + 1);
            match element {
                Element::Text(text) => {
                    for at in 0..rest.len() {
                        if let Some(end) = text.end_at(rest, at)
                            && can.get(index + 1, end)
                        {
                            can.set(index, at);
                        }
                    }
                }
                Element::Capture(capture) => {
                    reach_back(&mut can, index, &capture.first, rest);
                    match &capture.second {
                        Second::None => {}
                        Second::Repeat(class) => {
                            steps.add(rest.len() + 1);
                            reach_back(&mut can, index, class, rest);
                        }
                        Second::Literal(text) => {
                            steps.add(rest.len() + 1);
                            for at in 0..rest.len() {
                                if let Some(end) = text.end_at(rest, at)
                                    && can.get(index + 1, end)
                                {
                                    can.set(index, at);
                                }
                            }
                        }
                    }
                }
            }
        }
        if !can.get(0, 0) {
            return None;
        }
        let mut at = 0;
        for (index, element) in elements.iter().enumerate() {
            at = match element {
                Element::Text(text) => {
                    steps.add(1);
                    text.end_at(rest, at)?
                }
                Element::Capture(capture) => {
                    let end =
                        longest(&can, index, &capture.first, rest, at, steps).or_else(|| {
                            match &capture.second {
                                Second::None => None,
                                Second::Repeat(class) => {
                                    longest(&can, index, class, rest, at, steps)
                                }
                                Second::Literal(text) => text.end_at(rest, at),
                            }
                        })?;
                    captures.push(capture.taken(path, from + at, from + end));
                    end
                }
            };
        }
        self.end_of_match(path, from + at)
    }

    /// Whether the path ends as the program must; false is certain, true is only likely.
    fn may_end(&self, path: &str) -> bool {
        match self.elements.last() {
            Some(Element::Text(text)) if self.end => {
                let bytes = path.as_bytes();
                text.may_end(bytes)
                    || (self.trailing
                        && bytes
                            .split_last()
                            .is_some_and(|(last, before)| *last == b'/' && text.may_end(before)))
            }
            _ => true,
        }
    }
}

impl CaptureElement {
    fn taken(&self, path: &str, start: usize, end: usize) -> Capture {
        Capture {
            key: self.key,
            start: start as u32,
            len: (end - start) as u32,
            percent: path.as_bytes()[start..end].contains(&b'%'),
            wildcard: self.wildcard,
        }
    }
}

/// Where a greedy repetition that begins at `at` must stop.
#[inline]
fn run_end<S: Steps>(class: &Class, path: &str, at: usize, steps: &mut S) -> usize {
    let end = match class {
        Class::Any => path.len(),
        Class::NotByte(byte) => path.as_bytes()[at..]
            .iter()
            .position(|b| b == byte)
            .map_or(path.len(), |n| at + n),
        Class::NotLiterals(_) => (at..path.len())
            .find(|&p| class.stops_at(path, p))
            .unwrap_or(path.len()),
    };
    steps.add(end - at + 1);
    end
}

/// Marks the positions from which a repetition of `class` reaches one where the next element can go on.
fn reach_back(can: &mut Table, index: usize, class: &Class, rest: &str) {
    let mut reached = false;
    for at in (0..rest.len()).rev() {
        reached = !class.stops_at(rest, at) && (reached || can.get(index + 1, at + 1));
        if reached {
            can.set(index, at);
        }
    }
}

/// The longest repetition from `at` after which the next element can go on: what a greedy RegExp takes.
fn longest<S: Steps>(
    can: &Table,
    index: usize,
    class: &Class,
    rest: &str,
    at: usize,
    steps: &mut S,
) -> Option<usize> {
    let end = run_end(class, rest, at, steps);
    steps.add(end - at);
    (at + 1..=end).rev().find(|&p| can.get(index + 1, p))
}

/// Rows of bits: row = element, column = position. Short paths need no heap.
struct Table {
    words: SmallVec<[u64; 24]>,
    row: usize,
}

impl Table {
    fn new(rows: usize, columns: usize) -> Table {
        let row = columns.div_ceil(64);
        Table {
            words: SmallVec::from_elem(0, rows * row),
            row,
        }
    }

    fn set(&mut self, row: usize, column: usize) {
        self.words[row * self.row + column / 64] |= 1 << (column % 64);
    }

    fn get(&self, row: usize, column: usize) -> bool {
        self.words[row * self.row + column / 64] & (1 << (column % 64)) != 0
    }
}
