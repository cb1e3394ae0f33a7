//! Cuts the text of a date into numbers, words and signs, with the alphabet of V8's legacy date parser.
//!
//! What the pieces mean together is decided in `http_date`.

/// 1 to 12 for a word whose first three letters name a month.
pub(super) fn month_number(name: &[u8]) -> Option<i64> {
    const MONTHS: &[u8; 36] = b"janfebmaraprmayjunjulaugsepoctnovdec";
    let prefix = name.get(..3)?.to_ascii_lowercase();
    let index = MONTHS.chunks_exact(3).position(|m| m == prefix)?;
    i64::try_from(index).ok().map(|i| i + 1)
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Token {
    /// Value (its first nine significant digits) and how many characters it took.
    Number(i64, usize),
    Symbol(u8),
    Word(Word),
    Space,
    Other,
    End,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Word {
    Month(i64),
    /// Hours to add: 0 for AM, 12 for PM.
    HalfDay(i64),
    /// Hours east of Greenwich, and whether the word was the single letter `Z`.
    Zone(i64, bool),
    /// The letter `T` between an ISO date and its time.
    T,
    Unknown,
}

#[derive(Clone)]
pub(super) struct Scanner<'a> {
    rest: &'a [u8],
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { rest: text }
    }

    pub(super) fn peek(&self) -> Token {
        self.clone().next()
    }

    pub(super) fn skip(&mut self, symbol: u8) -> bool {
        let found = self.rest.first() == Some(&symbol);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    pub(super) fn next(&mut self) -> Token {
        let Some(&first) = self.rest.first() else {
            return Token::End;
        };
        match first {
            b'0'..=b'9' => self.number(),
            b':' | b'-' | b'+' | b'.' | b')' => {
                self.rest = &self.rest[1..];
                Token::Symbol(first)
            }
            // All there is from 'A' up in latin1 counts as a letter, but for the no-break space.
            b'A'..=0x9f | 0xa1.. => self.word(),
            b'\t'..=b'\r' | b' ' | 0xa0 => {
                self.rest = &self.rest[1..];
                Token::Space
            }
            b'(' => {
                self.skip_comment();
                Token::Other
            }
            _ => {
                self.rest = &self.rest[1..];
                Token::Other
            }
        }
    }

    fn number(&mut self) -> Token {
        let length = self.rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let (digits, rest) = self.rest.split_at(length);
        self.rest = rest;
        let significant = digits.iter().skip_while(|&&b| b == b'0').take(9);
        Token::Number(
            significant.fold(0, |n, b| n * 10 + i64::from(b - b'0')),
            length,
        )
    }

    fn word(&mut self) -> Token {
        let length = self
            .rest
            .iter()
            .take_while(|&&b| b >= b'A' && b != 0xa0)
            .count();
        let (word, rest) = self.rest.split_at(length);
        self.rest = rest;
        let mut lower = [0; 3];
        for (to, from) in lower.iter_mut().zip(word) {
            *to = from.to_ascii_lowercase();
        }
        Token::Word(if let Some(month) = month_number(&lower) {
            Word::Month(month)
        } else if length > 3 {
            Word::Unknown
        } else {
            match &lower {
                b"am\0" => Word::HalfDay(0),
                b"pm\0" => Word::HalfDay(12),
                b"z\0\0" => Word::Zone(0, true),
                b"ut\0" | b"utc" | b"gmt" => Word::Zone(0, false),
                b"edt" => Word::Zone(-4, false),
                b"cdt" | b"est" => Word::Zone(-5, false),
                b"cst" | b"mdt" => Word::Zone(-6, false),
                b"mst" | b"pdt" => Word::Zone(-7, false),
                b"pst" => Word::Zone(-8, false),
                b"t\0\0" => Word::T,
                _ => Word::Unknown,
            }
        })
    }

    /// `(…)`, nested; one that is never closed takes the rest.
    fn skip_comment(&mut self) {
        let mut depth = 0usize;
        let end = self.rest.iter().position(|b| {
            match b {
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        self.rest = &self.rest[end.map_or(self.rest.len(), |i| i + 1)..];
    }

    /// A number written with exactly `length` digits and inside of `range`.
    pub(super) fn fixed(
        &mut self,
        length: usize,
        range: std::ops::RangeInclusive<i64>,
    ) -> Option<i64> {
        match self.peek() {
            Token::Number(n, l) if l == length && range.contains(&n) => {
                self.next();
                Some(n)
            }
            _ => None,
        }
    }
}
