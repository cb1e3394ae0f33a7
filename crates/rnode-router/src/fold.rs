//! Comparing text as a JavaScript RegExp does, with and without its `i` flag.
//! Folding is ECMA-262's Canonicalize without the `u` flag; it must not be Unicode case folding.

/// ECMA-262 22.2.2.7.3 Canonicalize for a RegExp with `i` and without `u`: upper case of the single UTF-16 unit, unless
/// that is more than one unit or would turn a non-ASCII character into an ASCII one.
pub(crate) fn canonicalize(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_uppercase();
    }
    // Outside the BMP the units are surrogates, which have no case.
    if u32::from(c) > 0xffff {
        return c;
    }
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(u), None) if !u.is_ascii() => u,
        _ => c,
    }
}

/// Literal text of a pattern, with how to compare it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Literal {
    text: Box<str>,
    compare: Compare,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compare {
    /// Byte for byte.
    Exact,
    /// ASCII text, letters in any case.
    AsciiFold,
    /// By [`canonicalize`] of each character.
    Fold,
}

impl Literal {
    pub(crate) fn new(text: &str, sensitive: bool) -> Literal {
        let compare = if sensitive || !text.bytes().any(|b| b.is_ascii_alphabetic() || b >= 0x80) {
            Compare::Exact
        } else if text.is_ascii() {
            Compare::AsciiFold
        } else {
            Compare::Fold
        };
        Literal {
            text: text.into(),
            compare,
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The single byte that this literal is, if it is one and has no case.
    pub(crate) fn as_byte(&self) -> Option<u8> {
        match (self.compare, self.text.as_bytes()) {
            (Compare::Exact, [byte]) => Some(*byte),
            _ => None,
        }
    }

    /// Where the literal ends in `path` if it stands at byte `at`.
    #[inline]
    pub(crate) fn end_at(&self, path: &str, at: usize) -> Option<usize> {
        let bytes = path.as_bytes();
        let length = self.text.len();
        match self.compare {
            Compare::Exact => {
                let end = at + length;
                (bytes.get(at..end)? == self.text.as_bytes()).then_some(end)
            }
            Compare::AsciiFold => {
                let end = at + length;
                bytes
                    .get(at..end)?
                    .eq_ignore_ascii_case(self.text.as_bytes())
                    .then_some(end)
            }
            Compare::Fold => {
                // `get` is None inside a character, where no literal can begin.
                let rest = path.get(at..)?;
                let mut found = rest.chars();
                for expected in self.text.chars() {
                    let c = found.next()?;
                    if c != expected && canonicalize(c) != canonicalize(expected) {
                        return None;
                    }
                }
                Some(path.len() - found.as_str().len())
            }
        }
    }

    /// Whether `path` can end with this literal; false is certain, true is only likely.
    pub(crate) fn may_end(&self, path: &[u8]) -> bool {
        if self.compare == Compare::Fold {
            return true;
        }
        path.len()
            .checked_sub(self.text.len())
            .is_some_and(|at| match self.compare {
                Compare::Exact => &path[at..] == self.text.as_bytes(),
                _ => path[at..].eq_ignore_ascii_case(self.text.as_bytes()),
            })
    }
}

/// Whether two texts are equal when both are canonicalized.
pub(crate) fn eq_folded(a: &str, b: &str) -> bool {
    if a.is_ascii() || b.is_ascii() {
        return a.eq_ignore_ascii_case(b);
    }
    a.chars().map(canonicalize).eq(b.chars().map(canonicalize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_as_a_regexp_without_u() {
        for (a, b, equal) in [
            ('a', 'A', true),
            ('é', 'É', true),
            ('µ', 'μ', true),
            ('ſ', 's', false),
            ('\u{212a}', 'k', false),
            ('ß', 'ẞ', false),
            ('ı', 'i', false),
            ('İ', 'i', false),
            ('ω', 'Ω', true),
            ('\u{2126}', 'ω', false),
            ('\u{10428}', '\u{10400}', false),
            ('ɐ', 'Ɐ', true),
        ] {
            assert_eq!(canonicalize(a) == canonicalize(b), equal, "{a} {b}");
        }
    }

    #[test]
    fn literal_of_another_byte_length() {
        let literal = Literal::new("/ɐb", false);
        assert_eq!(literal.end_at("/ⱯB/", 0), Some(5));
        assert_eq!(literal.end_at("/ɐb", 0), Some(4));
        assert_eq!(literal.end_at("/ɐb", 2), None);
        assert_eq!(Literal::new("/ɐb", true).end_at("/Ɐb", 0), None);
    }
}
