//! Reads a date the way V8's `Date.parse` does, which is what Express compares `If-Modified-Since` and its like with.
//!
//! That is far more lenient than RFC 9110: besides the three formats of section 5.6.7 it takes ISO 8601, numeric zones,
//! missing weekdays and words before the first number. One difference, on purpose: a date that names no zone (asctime) is UTC
//! here, as RFC 9110 says, and the process' local time in V8.

mod scanner;

use super::date::{days_from_civil, imf_fixdate};
use scanner::{Scanner, Token, Word, month_number};

/// The furthest instant a JavaScript Date can hold, in ms from 1970.
const MAX_MS: i64 = 8_640_000_000_000_000;

/// Milliseconds since 1970-01-01T00:00:00Z, or `None` where `Date.parse` gives NaN. Never panics; linear in the length.
#[must_use]
pub fn parse(text: &[u8]) -> Option<i64> {
    parse_fixdate(text).or_else(|| parse_lenient(text))
}

/// The one format that browsers send, without a tokenizer: accepted only if writing it back gives the same bytes.
fn parse_fixdate(text: &[u8]) -> Option<i64> {
    if text.len() != super::date::LEN {
        return None;
    }
    let number = |from: usize, to: usize| {
        text[from..to].iter().try_fold(0i64, |n, b| {
            b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0'))
        })
    };
    let month = month_number(&text[8..11])?;
    let days = days_from_civil(number(12, 16)?, month, number(5, 7)?);
    let second = days * 86_400 + number(17, 19)? * 3600 + number(20, 22)? * 60 + number(23, 25)?;
    (imf_fixdate(second) == text).then_some(second * 1000)
}

/// Up to three numbers of a date in the order written, and a month given by name.
#[derive(Default)]
struct Day {
    numbers: [i64; 3],
    count: usize,
    month: Option<i64>,
    iso: bool,
}

impl Day {
    fn add(&mut self, n: i64) -> Option<()> {
        *self.numbers.get_mut(self.count)? = n;
        self.count += 1;
        Some(())
    }

    /// Days since 1970.
    fn resolve(mut self) -> Option<i64> {
        if self.count == 0 {
            return None;
        }
        self.numbers[self.count..].fill(1);
        let is_day = |n: i64| (1..=31).contains(&n);
        let [a, b, c] = self.numbers;
        let (mut year, month, day) = match self.month {
            None if self.iso || !is_day(a) => (a, b, c),
            None => (c, a, b),
            Some(month) if !is_day(a) => (a, month, b),
            Some(month) => (b, month, a),
        };
        if !self.iso {
            year += match year {
                0..=49 => 2000,
                50..=99 => 1900,
                _ => 0,
            };
        }
        ((1..=12).contains(&month) && is_day(day)).then(|| days_from_civil(year, month, day))
    }
}

/// Hour, minute, second, millisecond, as far as they have been read.
#[derive(Default)]
struct Time {
    numbers: [i64; 4],
    count: usize,
    half_day: Option<i64>,
}

impl Time {
    fn add(&mut self, n: i64) -> Option<()> {
        *self.numbers.get_mut(self.count)? = n;
        self.count += 1;
        Some(())
    }

    fn add_last(&mut self, n: i64) -> Option<()> {
        self.add(n)?;
        self.count = 4;
        Some(())
    }

    fn expects(&self, n: i64) -> bool {
        match self.count {
            1 | 2 => (0..60).contains(&n),
            3 => (0..1000).contains(&n),
            _ => false,
        }
    }

    /// Milliseconds since midnight.
    fn resolve(self) -> Option<i64> {
        let [mut hour, minute, second, ms] = self.numbers;
        if let Some(offset) = self.half_day {
            if !(0..=12).contains(&hour) {
                return None;
            }
            hour = hour % 12 + offset;
        }
        let valid = (0..24).contains(&hour)
            && (0..60).contains(&minute)
            && (0..60).contains(&second)
            && (0..1000).contains(&ms);
        let midnight = hour == 24 && minute == 0 && second == 0 && ms == 0;
        (valid || midnight).then_some(((hour * 60 + minute) * 60 + second) * 1000 + ms)
    }
}

#[derive(Default)]
struct Zone {
    sign: Option<i64>,
    hour: Option<i64>,
    minute: Option<i64>,
}

impl Zone {
    fn set(&mut self, hours: i64) {
        *self = Self {
            sign: Some(if hours < 0 { -1 } else { 1 }),
            hour: Some(hours.abs()),
            minute: Some(0),
        };
    }

    fn expects(&self, n: i64) -> bool {
        self.hour.is_some() && self.minute.is_none() && (0..60).contains(&n)
    }

    /// Milliseconds east of Greenwich; none given is UTC. V8 counts seconds in 32 bits, wrapping,
    /// and takes what has the highest bit set for an error.
    fn resolve(self) -> Option<i64> {
        let seconds = self.hour.unwrap_or(0) * 3600 + self.minute.unwrap_or(0) * 60;
        let wrapped = seconds & i64::from(u32::MAX);
        (wrapped <= i64::from(i32::MAX)).then_some(self.sign.unwrap_or(0) * wrapped * 1000)
    }
}

/// What the ISO attempt left behind for the lenient reader.
enum Iso {
    /// All was read.
    Done,
    /// Not ISO, or not to the end: go on with this token, keeping the numbers read.
    Next(Token),
}

fn parse_lenient(text: &[u8]) -> Option<i64> {
    let (mut day, mut time, mut zone) = (Day::default(), Time::default(), Zone::default());
    let mut scanner = Scanner::new(text);
    if let Iso::Next(first) = parse_iso(&mut scanner, &mut day, &mut time, &mut zone)? {
        parse_legacy(first, &mut scanner, &mut day, &mut time, &mut zone)?;
    }
    let ms = day.resolve()?.checked_mul(86_400_000)? + time.resolve()? - zone.resolve()?;
    (-MAX_MS..=MAX_MS).contains(&ms).then_some(ms)
}

/// `[±YY]YYYY[-MM[-DD]][THH:mm[:ss[.sss]][Z|±HH:mm]]`. After the `T` there is no way back to the lenient reader.
fn parse_iso(
    scanner: &mut Scanner<'_>,
    day: &mut Day,
    time: &mut Time,
    zone: &mut Zone,
) -> Option<Iso> {
    match scanner.peek() {
        sign @ Token::Symbol(b @ (b'+' | b'-')) => {
            scanner.next();
            let sign_of = if b == b'-' { -1 } else { 1 };
            let before = scanner.clone();
            match scanner.fixed(6, 0..=999_999) {
                Some(0) if b == b'-' => return Some(Iso::Next(sign)),
                Some(year) => day.add(sign_of * year)?,
                None => {
                    *scanner = before;
                    return Some(Iso::Next(sign));
                }
            }
        }
        _ => match scanner.fixed(4, 0..=9999) {
            Some(year) => day.add(year)?,
            None => return Some(Iso::Next(scanner.next())),
        },
    }
    for range in [1..=12, 1..=31] {
        if !scanner.skip(b'-') {
            break;
        }
        match scanner.fixed(2, range) {
            Some(n) => day.add(n)?,
            None => return Some(Iso::Next(scanner.next())),
        }
    }
    if scanner.peek() == Token::Word(Word::T) {
        scanner.next();
        parse_iso_time(scanner, time, zone)?;
    } else if scanner.peek() != Token::End {
        return Some(Iso::Next(scanner.next()));
    }
    day.iso = true;
    Some(Iso::Done)
}

fn parse_iso_time(scanner: &mut Scanner<'_>, time: &mut Time, zone: &mut Zone) -> Option<()> {
    let hour = scanner.fixed(2, 0..=24)?;
    let last = if hour == 24 { 0 } else { 59 };
    time.add(hour)?;
    scanner.skip(b':').then_some(())?;
    time.add(scanner.fixed(2, 0..=last)?)?;
    if scanner.skip(b':') {
        time.add(scanner.fixed(2, 0..=last)?)?;
        if scanner.skip(b'.') {
            match scanner.next() {
                Token::Number(n, _) if hour == 24 && n > 0 => return None,
                Token::Number(n, length) => time.add(milliseconds(n, length))?,
                _ => return None,
            }
        }
    }
    match scanner.next() {
        Token::End => return Some(()),
        Token::Word(Word::Zone(_, true)) => zone.set(0),
        Token::Symbol(sign @ (b'+' | b'-')) => {
            zone.sign = Some(if sign == b'-' { -1 } else { 1 });
            if let Some(both) = scanner.fixed(4, 0..=2359) {
                (both % 100 < 60).then_some(())?;
                (zone.hour, zone.minute) = (Some(both / 100), Some(both % 100));
            } else {
                zone.hour = Some(scanner.fixed(2, 0..=23)?);
                scanner.skip(b':').then_some(())?;
                zone.minute = Some(scanner.fixed(2, 0..=59)?);
            }
        }
        _ => return None,
    }
    (scanner.peek() == Token::End).then_some(())
}

/// The digits after a decimal point, as whole milliseconds: cut off, not rounded.
fn milliseconds(n: i64, length: usize) -> i64 {
    match length {
        1 => n * 100,
        2 => n * 10,
        3 => n,
        // The number holds nine digits at most, whatever its length.
        _ => n / 10i64.pow(length.min(9) as u32 - 3),
    }
}

fn parse_legacy(
    first: Token,
    scanner: &mut Scanner<'_>,
    day: &mut Day,
    time: &mut Time,
    zone: &mut Zone,
) -> Option<()> {
    let mut seen_number = day.count > 0;
    let mut token = first;
    while token != Token::End {
        match token {
            Token::Number(n, _) => {
                seen_number = true;
                legacy_number(n, scanner, day, time, zone)?;
            }
            Token::Word(Word::HalfDay(offset)) if time.count > 0 => time.half_day = Some(offset),
            Token::Word(Word::Month(month)) => {
                day.month = Some(month);
                scanner.skip(b'-');
            }
            Token::Word(Word::Zone(hours, _)) if seen_number => zone.set(hours),
            // Other words may only stand before the first number, and apart from it.
            Token::Word(_) if seen_number || matches!(scanner.peek(), Token::Number(..)) => {
                return None;
            }
            Token::Symbol(sign @ (b'+' | b'-'))
                if time.count > 0 || (zone.hour == Some(0) && zone.minute == Some(0)) =>
            {
                seen_number = true;
                legacy_offset(sign, scanner, zone)?;
            }
            Token::Symbol(b'+' | b'-' | b')') if seen_number => return None,
            _ => {}
        }
        token = scanner.next();
    }
    Some(())
}

fn legacy_number(
    n: i64,
    scanner: &mut Scanner<'_>,
    day: &mut Day,
    time: &mut Time,
    zone: &mut Zone,
) -> Option<()> {
    if scanner.skip(b':') {
        if scanner.skip(b':') {
            (time.count == 0).then_some(())?;
            time.add(n)?;
            return time.add(0);
        }
        time.add(n)?;
        scanner.skip(b'.');
        return Some(());
    }
    let dot = scanner.skip(b'.');
    if dot && time.expects(n) {
        time.add(n)?;
        return match scanner.next() {
            Token::Number(fraction, length) => {
                // No room for it is no error here, in V8 neither.
                let _ = time.add_last(milliseconds(fraction, length));
                Some(())
            }
            _ => None,
        };
    }
    if zone.expects(n) {
        zone.minute = Some(n);
        return Some(());
    }
    if time.expects(n) {
        time.add_last(n)?;
        let ends = matches!(
            scanner.peek(),
            Token::End
                | Token::Space
                | Token::Symbol(b'+' | b'-')
                | Token::Word(Word::Zone(_, true))
        );
        return ends.then_some(());
    }
    day.add(n)?;
    scanner.skip(b'-');
    Some(())
}

/// `+0100`, `+1`, `+01:00` (the minutes come as the next number); the digits may be missing.
fn legacy_offset(sign: u8, scanner: &mut Scanner<'_>, zone: &mut Zone) -> Option<()> {
    zone.sign = Some(if sign == b'-' { -1 } else { 1 });
    let (n, length) = match scanner.peek() {
        Token::Number(n, length) => {
            scanner.next();
            (n, length)
        }
        _ => (0, 0),
    };
    (zone.hour, zone.minute) = match length {
        _ if scanner.peek() == Token::Symbol(b':') => (Some(n), None),
        1 | 2 => (Some(n), Some(0)),
        3 | 4 => (Some(n / 100), Some(n % 100)),
        _ => return None,
    };
    Some(())
}

#[cfg(test)]
mod tests {
    use super::parse;
    use proptest::prelude::*;

    /// `[text, Date.parse(text) or null]`, made by Node in UTC; text is latin1.
    const CASES: &str = include_str!("../../tests/cases/dates.json");

    #[test]
    fn answers_as_v8() {
        let cases: Vec<(String, Option<i64>)> = serde_json::from_str(CASES).unwrap();
        assert!(cases.len() > 500 && cases.iter().filter(|(_, v)| v.is_some()).count() > 100);
        for (text, expected) in cases {
            let latin1: Vec<u8> = text.chars().map(|c| u8::try_from(c).unwrap()).collect();
            assert_eq!(parse(&latin1), expected, "{text:?}");
        }
    }

    #[test]
    fn the_three_formats_of_rfc_9110() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(parse(text.as_bytes()), Some(784_111_777_000), "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = parse(&text);
        }

        #[test]
        fn never_panics_near_dates(text in "[0-9JanFebTZ:+(). -]{0,40}") {
            let _ = parse(text.as_bytes());
        }

        #[test]
        fn reads_what_it_writes(second in -62_167_219_200i64..253_402_300_799) {
            prop_assert_eq!(parse(&crate::finish::date::imf_fixdate(second)), Some(second * 1000));
        }
    }
}
