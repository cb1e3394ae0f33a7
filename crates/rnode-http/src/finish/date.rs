//! The `Date` header: formatting of IMF-fixdate (RFC 9110 section 5.6.7) and a cache of the current second's text.
//!
//! Reading dates is in `http_date`.

use std::time::{SystemTime, UNIX_EPOCH};

/// Length of `Sun, 06 Nov 1994 08:49:37 GMT`.
pub const LEN: usize = 29;

const DAYS: [&[u8; 3]; 7] = [b"Thu", b"Fri", b"Sat", b"Sun", b"Mon", b"Tue", b"Wed"];
const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// Last second of the year 9999, where four digits for the year end.
const MAX: i64 = 253_402_300_799;

/// The text of the current second. One per I/O thread: it has no lock.
///
/// Reading the clock is a vDSO call, not a system call; the text is written again only when the second has changed.
#[derive(Debug, Clone)]
pub struct DateCache {
    second: i64,
    text: [u8; LEN],
}

impl DateCache {
    /// A cache that has never read the clock: its first use does.
    #[must_use]
    pub fn new() -> Self {
        Self {
            second: 0,
            text: imf_fixdate(0),
        }
    }

    /// The current time, for example `Sun, 06 Nov 1994 08:49:37 GMT`.
    pub fn now(&mut self) -> &[u8; LEN] {
        self.at(unix_seconds(SystemTime::now()))
    }

    /// The text of `second` (seconds since 1970), for callers that have read the clock already.
    pub fn at(&mut self, second: i64) -> &[u8; LEN] {
        if second != self.second {
            self.second = second;
            self.text = imf_fixdate(second);
        }
        &self.text
    }
}

impl Default for DateCache {
    fn default() -> Self {
        Self::new()
    }
}

/// Whole seconds since 1970, rounded down; negative before.
#[must_use]
pub fn unix_seconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(d) => i64::try_from(d.as_secs()).unwrap_or(i64::MAX),
        Err(e) => {
            let before = e.duration();
            let whole = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
            -whole - i64::from(before.subsec_nanos() > 0)
        }
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` for seconds since 1970: what `Date#toUTCString` gives for the years 0 to 9999.
/// Times outside of them are moved to the nearest end.
#[must_use]
pub fn imf_fixdate(second: i64) -> [u8; LEN] {
    let second = second.clamp(-62_167_219_200, MAX);
    let (days, rest) = (second.div_euclid(86_400), second.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let mut text = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    text[..3].copy_from_slice(DAYS[days.rem_euclid(7) as usize]);
    text[5..7].copy_from_slice(&two_digits(day));
    text[8..11].copy_from_slice(MONTHS[month as usize - 1]);
    text[12..14].copy_from_slice(&two_digits(year / 100));
    text[14..16].copy_from_slice(&two_digits(year % 100));
    text[17..19].copy_from_slice(&two_digits(rest / 3600));
    text[20..22].copy_from_slice(&two_digits(rest / 60 % 60));
    text[23..25].copy_from_slice(&two_digits(rest % 60));
    text
}

/// `n` is below 100 for every caller; the remainder keeps the digits digits all the same.
fn two_digits(n: i64) -> [u8; 2] {
    [b'0' + (n / 10 % 10) as u8, b'0' + (n % 10) as u8]
}

/// Year, month (1-12) and day (1-31) of a day counted from 1970-01-01 in the proleptic Gregorian calendar.
///
/// The year is taken to begin in March, so that the leap day is its last and months need no table.
fn civil(days: i64) -> (i64, i64, i64) {
    let from_0000_03_01 = days + 719_468;
    let era = from_0000_03_01.div_euclid(146_097);
    let day_of_era = from_0000_03_01.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

/// Days from 1970-01-01 to a date; the inverse of [`civil`]. `month` is 1-12; `day` may run over its month.
pub(crate) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::{DateCache, MAX, civil, days_from_civil, imf_fixdate, unix_seconds};
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    fn text(second: i64) -> String {
        String::from_utf8(imf_fixdate(second).to_vec()).unwrap()
    }

    #[test]
    fn formats() {
        assert_eq!(text(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(text(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(text(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
        assert_eq!(text(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
        assert_eq!(text(MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
        assert_eq!(text(i64::MAX), text(MAX));
    }

    #[test]
    fn agrees_with_httpdate() {
        // 7919 is prime to every calendar cycle: all days and times of day come up.
        for i in 0..40_000u64 {
            let second = i * 86_400 / 24 * 7919 % (200 * 366 * 86_400);
            let expected = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(second));
            assert_eq!(text(second as i64), expected);
        }
    }

    #[test]
    fn civil_is_inverted() {
        for days in (-800_000..3_000_000).step_by(37) {
            let (year, month, day) = civil(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
    }

    #[test]
    fn cache_follows_the_clock() {
        let mut cache = DateCache::new();
        assert_eq!(cache.at(784_111_777), b"Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(cache.at(784_111_777), b"Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(cache.at(784_111_778), b"Sun, 06 Nov 1994 08:49:38 GMT");
        // A clock set back is followed too.
        assert_eq!(cache.at(0), b"Thu, 01 Jan 1970 00:00:00 GMT");
        let before = SystemTime::now();
        let shown = httpdate::parse_http_date(std::str::from_utf8(cache.now()).unwrap()).unwrap();
        let after = SystemTime::now();
        assert!(
            unix_seconds(shown) >= unix_seconds(before)
                && unix_seconds(shown) <= unix_seconds(after)
        );
    }

    #[test]
    fn before_1970() {
        assert_eq!(unix_seconds(UNIX_EPOCH - Duration::from_millis(1)), -1);
        assert_eq!(unix_seconds(UNIX_EPOCH - Duration::from_secs(1)), -1);
    }
}
