//! From tokens to matching programs: groups are flattened into alternatives, and each alternative becomes a list of
//! elements with exactly the captures of the RegExp that path-to-regexp 8 would build (its `flatten`, `toRegExpSource`
//! and `negate`). Knows nothing of how a program is run.

use crate::error::PathError;
use crate::fold::Literal;
use crate::parse::Token;
use crate::pattern::{Key, PatternOptions};

/// path-to-regexp's limit of alternatives of one pattern.
const MAX_ALTERNATIVES: usize = 256;

/// V8's limit of captures of one RegExp.
const MAX_CAPTURES: usize = 65_535;

const DELIMITER: &str = "/";

/// One alternative of a pattern: its elements in order, and how the match may end.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) elements: Box<[Element]>,
    /// The match must reach the end of the path (`$`); otherwise the end or a `/` must follow it.
    pub(crate) end: bool,
    /// One more `/` at the very end of the path belongs to the match (`(?:\/$)?`).
    pub(crate) trailing: bool,
    /// The elements from this one on cannot take a `/`: they match the rest of one segment.
    pub(crate) last_segment: usize,
}

#[derive(Debug, Clone)]
pub(crate) enum Element {
    Text(Literal),
    Capture(CaptureElement),
}

impl Element {
    fn may_take_slash(&self) -> bool {
        match self {
            Element::Text(text) => text.text().contains(DELIMITER),
            Element::Capture(capture) => {
                !capture.first.stops_before(DELIMITER)
                    || match &capture.second {
                        Second::None => false,
                        Second::Repeat(class) => !class.stops_before(DELIMITER),
                        Second::Literal(text) => text.text().contains(DELIMITER),
                    }
            }
        }
    }
}

/// A capture group. `first` is a greedy repetition; `second` is what the group may be instead.
#[derive(Debug, Clone)]
pub(crate) struct CaptureElement {
    pub(crate) key: u16,
    pub(crate) wildcard: bool,
    pub(crate) first: Class,
    pub(crate) second: Second,
    /// Whatever follows can only match at the end of the longest repetition.
    pub(crate) possessive: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Second {
    None,
    Repeat(Class),
    Literal(Literal),
}

/// What one step of a repetition may consume: any character at which none of the literals begins.
#[derive(Debug, Clone)]
pub(crate) enum Class {
    Any,
    NotByte(u8),
    NotLiterals(Box<[Literal]>),
}

impl Class {
    /// path-to-regexp's `negate(a, b)`: all its forms mean "neither `a` nor `b` begins here, and a character is left".
    fn negate(a: &str, b: &str, sensitive: bool) -> Class {
        let mut literals = Vec::new();
        for text in [a, b] {
            if !text.is_empty() && (literals.is_empty() || text != a) {
                literals.push(Literal::new(text, sensitive));
            }
        }
        match literals.as_slice() {
            [] => Class::Any,
            [one] => match one.as_byte() {
                Some(byte) => Class::NotByte(byte),
                None => Class::NotLiterals(literals.into()),
            },
            _ => Class::NotLiterals(literals.into()),
        }
    }

    /// Whether a repetition must stop before byte `at` of `path` (not its end).
    #[inline]
    pub(crate) fn stops_at(&self, path: &str, at: usize) -> bool {
        match self {
            Class::Any => false,
            Class::NotByte(byte) => path.as_bytes()[at] == *byte,
            Class::NotLiterals(literals) => {
                literals.iter().any(|text| text.end_at(path, at).is_some())
            }
        }
    }

    /// Whether a repetition stops wherever `text` begins.
    fn stops_before(&self, text: &str) -> bool {
        match self {
            Class::Any => false,
            Class::NotByte(byte) => text.as_bytes().first() == Some(byte),
            Class::NotLiterals(literals) => {
                literals.iter().any(|stop| text.starts_with(stop.text()))
            }
        }
    }
}

/// Compiles the alternatives of a pattern and collects the names of its parameters.
pub(crate) fn compile(
    tokens: &[Token],
    path: &str,
    options: PatternOptions,
) -> Result<(Vec<Program>, Vec<Key>), PathError> {
    let mut compiler = Compiler {
        path,
        options,
        keys: Vec::new(),
        captures: 0,
    };
    let mut programs = Vec::new();
    // Depth first, each group taken before it is left out. A saved choice is the place behind a group and
    // the length of the sequence before it.
    let mut choices: Vec<(usize, usize)> = Vec::new();
    let mut sequence: Vec<&Token> = Vec::new();
    let mut index = 0;
    loop {
        while let Some(token) = tokens.get(index) {
            index += 1;
            match token {
                Token::Open(close) => choices.push((close + 1, sequence.len())),
                Token::Close => {}
                _ => sequence.push(token),
            }
        }
        if programs.len() >= MAX_ALTERNATIVES {
            return Err(PathError::new("Too many path combinations", path));
        }
        programs.push(compiler.alternative(&sequence)?);
        match choices.pop() {
            Some((behind, length)) => {
                index = behind;
                sequence.truncate(length);
            }
            None => return Ok((programs, compiler.keys)),
        }
    }
}

struct Compiler<'a> {
    path: &'a str,
    options: PatternOptions,
    keys: Vec<Key>,
    captures: usize,
}

/// Which kinds of captures were seen.
#[derive(Clone, Copy, Default)]
struct Seen {
    param: bool,
    wildcard: bool,
}

impl Compiler<'_> {
    /// One alternative; the rules for what a capture excludes follow `toRegExpSource`.
    fn alternative(&mut self, tokens: &[&Token]) -> Result<Program, PathError> {
        let sensitive = self.options.sensitive;
        let mut elements: Vec<Element> = Vec::new();
        let mut text = String::new();
        // Text since the last capture.
        let mut before = String::new();
        // Text that followed the last wildcard.
        let mut before_wildcard = String::new();
        let mut last_was_wildcard = false;
        let mut any_capture = false;
        let mut in_segment = Seen::default();

        for (index, token) in tokens.iter().enumerate() {
            let (name, wildcard) = match token {
                Token::Text(value) => {
                    text.push_str(value);
                    before.push_str(value);
                    if any_capture && last_was_wildcard {
                        before_wildcard.push_str(value);
                    }
                    if value.contains(DELIMITER) {
                        in_segment = Seen::default();
                    }
                    continue;
                }
                Token::Param(name) => (name, false),
                Token::Wildcard(name) => (name, true),
                Token::Open(_) | Token::Close => continue,
            };
            if any_capture && before.is_empty() {
                let kind = if wildcard { "wildcard" } else { "param" };
                return Err(PathError::new(
                    format!("Missing text before \"{name}\" {kind}"),
                    self.path,
                ));
            }
            if !text.is_empty() {
                elements.push(Element::Text(Literal::new(&text, sensitive)));
                text.clear();
            }
            let following = &tokens[index + 1..];
            let negate = |a: &str, b: &str| Class::negate(a, b, sensitive);
            let (first, second) = if !wildcard {
                if in_segment.wildcard {
                    (negate(DELIMITER, &before), Second::None)
                } else if wildcard_in_segment(following) {
                    (negate(DELIMITER, &leading_text(following)), Second::None)
                } else if in_segment.param {
                    (
                        negate(DELIMITER, &before),
                        Second::Literal(Literal::new(&before, sensitive)),
                    )
                } else {
                    (negate(DELIMITER, ""), Second::None)
                }
            } else if in_segment.wildcard {
                (negate(&before, ""), Second::None)
            } else if !before_wildcard.is_empty() {
                (
                    negate(&before_wildcard, ""),
                    Second::Repeat(negate(DELIMITER, "")),
                )
            } else {
                (Class::Any, Second::None)
            };
            if wildcard {
                before_wildcard.clear();
                in_segment.wildcard = true;
            } else {
                in_segment.param = true;
            }
            last_was_wildcard = wildcard;
            any_capture = true;
            before.clear();
            let key = self.key(name, wildcard)?;
            elements.push(Element::Capture(CaptureElement {
                key,
                wildcard,
                first,
                second,
                possessive: false,
            }));
        }
        if !text.is_empty() {
            elements.push(Element::Text(Literal::new(&text, sensitive)));
        }
        mark_possessive(&mut elements);
        let with_slash = elements.iter().rposition(Element::may_take_slash);
        Ok(Program {
            last_segment: with_slash.map_or(0, |index| index + 1),
            elements: elements.into(),
            end: self.options.end,
            trailing: !self.options.strict,
        })
    }

    fn key(&mut self, name: &str, wildcard: bool) -> Result<u16, PathError> {
        self.captures += 1;
        if self.captures > MAX_CAPTURES {
            return Err(PathError::new("Too many parameters", self.path));
        }
        let index = match self.keys.iter().position(|key| key.name == name) {
            Some(index) => index,
            None => {
                self.keys.push(Key {
                    name: name.to_owned(),
                    wildcard,
                });
                self.keys.len() - 1
            }
        };
        Ok(u16::try_from(index).expect("fewer keys than MAX_CAPTURES"))
    }
}

/// Whether a wildcard follows before the segment ends.
fn wildcard_in_segment(tokens: &[&Token]) -> bool {
    for token in tokens {
        match token {
            Token::Wildcard(_) => return true,
            Token::Text(value) if value.contains(DELIMITER) => return false,
            _ => {}
        }
    }
    false
}

/// The text up to the next capture.
fn leading_text(tokens: &[&Token]) -> String {
    let mut text = String::new();
    for token in tokens {
        match token {
            Token::Text(value) => text.push_str(value),
            _ => break,
        }
    }
    text
}

/// Marks the captures that have no choice of where to end.
fn mark_possessive(elements: &mut [Element]) {
    for index in 0..elements.len() {
        let (head, tail) = elements.split_at_mut(index + 1);
        let Some(Element::Capture(capture)) = head.last_mut() else {
            continue;
        };
        capture.possessive = matches!(capture.second, Second::None)
            && match tail.first() {
                Some(Element::Text(next)) => capture.first.stops_before(next.text()),
                Some(Element::Capture(_)) => false,
                // The end is where the path ends or before a `/`; without a limit the end itself is reached first.
                None => {
                    matches!(capture.first, Class::Any) || capture.first.stops_before(DELIMITER)
                }
            };
    }
}
