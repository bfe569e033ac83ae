//! Dates, times and timestamps as text: RFC 3339, what Airbyte adds to it (` BC`, offsets of any spelling,
//! years of more than four digits), and whatever else Arrow reads.
//!
//! Text without an offset is UTC; text with one is moved to UTC. Units are days and microseconds, both from
//! 1970-01-01.

use arrow::array::timezone::Tz;
use arrow::compute::kernels::cast_utils::{Parser, string_to_datetime};
use arrow::datatypes::{Date32Type, Time64MicrosecondType};
use chrono::Timelike;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const DAY: i64 = 24 * 60 * MINUTE;

/// Years from 1 BC that are read: what chrono can show, and microseconds can count.
const YEAR_MAX: i64 = 262_000;

/// A value read from text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading<T> {
    pub value: T,
    /// The text says more than the value holds: digits beyond microseconds, or a date's time of day.
    pub cut: bool,
}

/// Days since 1970-01-01. Of a timestamp, the date it has in UTC.
pub fn date(text: &str) -> Option<Reading<i32>> {
    let (plain, before_christ) = era(text);
    if let Some((days, [])) = calendar(plain.as_bytes(), before_christ) {
        let value = days as i32;
        return Some(Reading { value, cut: false });
    }
    if let Some(moment) = timestamp(text) {
        return Some(Reading {
            value: moment.value.div_euclid(DAY) as i32,
            cut: moment.cut || moment.value.rem_euclid(DAY) != 0,
        });
    }
    Date32Type::parse(text)
        .filter(|days| i64::from(*days).abs() <= YEAR_MAX * 366)
        .map(|value| Reading { value, cut: false })
}

/// Microseconds since the start of 1970. A date is its first moment.
pub fn timestamp(text: &str) -> Option<Reading<i64>> {
    let (plain, before_christ) = era(text);
    if let Some((days, rest)) = calendar(plain.as_bytes(), before_christ) {
        let midnight = days * DAY;
        match rest {
            [] => {
                let value = midnight;
                return Some(Reading { value, cut: false });
            }
            [b'T' | b't' | b' ', rest @ ..] => {
                if let Some((clock, rest)) = clock(rest)
                    && let Some(offset) = offset(rest)
                {
                    return Some(Reading {
                        value: midnight + clock.value - offset,
                        cut: clock.cut,
                    });
                }
            }
            _ => {}
        }
    }
    let utc: Tz = "+00:00".parse().ok()?;
    let instant = string_to_datetime(&utc, text).ok()?;
    Some(Reading {
        value: instant.timestamp_micros(),
        cut: instant.nanosecond() % 1000 != 0,
    })
}

/// Microseconds since midnight; a time with an offset is moved to UTC.
pub fn time(text: &str) -> Option<Reading<i64>> {
    if let Some((clock, rest)) = clock(text.as_bytes())
        && let Some(offset) = offset(rest)
    {
        return Some(Reading {
            value: (clock.value - offset).rem_euclid(DAY),
            cut: clock.cut,
        });
    }
    // Arrow takes a bare number for microseconds.
    let value = text
        .contains(':')
        .then(|| Time64MicrosecondType::parse(text))??;
    Some(Reading { value, cut: false })
}

/// The text without the era, and whether it is before Christ.
fn era(text: &str) -> (&str, bool) {
    match text.strip_suffix(" BC") {
        Some(plain) => (plain, true),
        None => (text, false),
    }
}

/// Days of the date that the text begins with, and what follows it.
#[inline]
fn calendar(text: &[u8], before_christ: bool) -> Option<(i64, &[u8])> {
    let (sign, digits) = match text.first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let length = digits.iter().take(7).position(|&byte| byte == b'-')?;
    if !(4..=6).contains(&length) {
        return None;
    }
    let year = sign * number(&digits[..length])?;
    let [b'-', rest @ ..] = &digits[length..] else {
        return None;
    };
    let (month, rest) = two(rest)?;
    let [b'-', rest @ ..] = rest else {
        return None;
    };
    let (day, rest) = two(rest)?;
    // The year before 1 is 1 BC, which calendars without a zero call 0.
    let year = match before_christ {
        true if year < 1 => return None,
        true => 1 - year,
        false => year,
    };
    let valid =
        year.abs() <= YEAR_MAX && (1..=12).contains(&month) && day >= 1 && day <= last(year, month);
    valid.then(|| (days(year, month, day), rest))
}

/// The last day of a month.
fn last(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the Gregorian calendar, counted in years that begin in March, so that the leap
/// day is the last of its year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (century, of_century) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let of_era = of_century * 365 + of_century / 4 - of_century / 100 + of_year;
    century * 146_097 + of_era - 719_468
}

/// The time of day that the text begins with, and what follows it.
#[inline]
fn clock(text: &[u8]) -> Option<(Reading<i64>, &[u8])> {
    let (hour, rest) = two(text)?;
    let [b':', rest @ ..] = rest else {
        return None;
    };
    let (minute, mut rest) = two(rest)?;
    let mut value = (hour * 60 + minute) * MINUTE;
    let mut cut = false;
    if let [b':', after @ ..] = rest {
        let (second, after) = two(after)?;
        if second > 59 {
            return None;
        }
        value += second * SECOND;
        rest = after;
        if let [b'.', after @ ..] = rest {
            let length = after.iter().take_while(|b| b.is_ascii_digit()).count();
            let (kept, beyond) = after[..length].split_at(length.min(6));
            value += number(kept)? * 10_i64.pow(6 - kept.len() as u32);
            cut = beyond.iter().any(|&digit| digit != b'0');
            rest = &after[length..];
        }
    }
    (hour <= 23 && minute <= 59).then_some((Reading { value, cut }, rest))
}

/// Microseconds that an offset is ahead of UTC: nothing, `Z`, `+H:MM`, `+HH:MM`, `+HHMM` or `+HH`.
#[inline]
fn offset(text: &[u8]) -> Option<i64> {
    let (sign, rest) = match text {
        [] | [b'Z' | b'z'] => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match rest {
        [_, b':', _, _] => (number(&rest[..1])?, number(&rest[2..])?),
        [_, _, b':', _, _] => (number(&rest[..2])?, number(&rest[3..])?),
        [_, _, _, _] => (number(&rest[..2])?, number(&rest[2..])?),
        [_, _] => (number(rest)?, 0),
        _ => return None,
    };
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 60 + minutes) * MINUTE)
}

#[inline]
fn two(text: &[u8]) -> Option<(i64, &[u8])> {
    let (digits, rest) = text.split_at_checked(2)?;
    Some((number(digits)?, rest))
}

/// A few digits; `None` for none at all.
#[inline]
fn number(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| number * 10 + i64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 60 * MINUTE;

    #[test]
    fn dates_are_days_however_far_away() {
        for (text, expected) in [
            ("1970-01-01", Some((0, false))),
            ("1969-12-31", Some((-1, false))),
            ("2024-02-29", Some((19_782, false))),
            ("2023-02-29", None),
            ("2000-02-29", Some((11_016, false))),
            ("1900-02-29", None),
            ("2024-13-01", None),
            ("2024-00-01", None),
            ("2024-04-31", None),
            ("0000-01-01", Some((-719_528, false))),
            ("0001-01-01 BC", Some((-719_528, false))),
            ("0000-01-01 BC", None),
            ("0044-03-15 BC", Some((-735_160, false))),
            ("-0043-03-15", Some((-735_160, false))),
            ("9999-12-31", Some((2_932_896, false))),
            ("10000-01-01", Some((2_932_897, false))),
            ("+10000-01-01", Some((2_932_897, false))),
            ("999999-01-01", None),
            ("20240229", Some((19_782, false))),
            ("2024-02-29T00:00:00Z", Some((19_782, false))),
            ("2024-02-29T10:00:00Z", Some((19_782, true))),
            ("2024-02-29T23:00:00-02:00", Some((19_783, true))),
            ("soon", None),
            ("", None),
        ] {
            let read = date(text).map(|read| (read.value, read.cut));
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn timestamps_are_microseconds_in_utc() {
        const LEAP: i64 = 19_782 * DAY;
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some((0, false))),
            ("1969-12-31T23:59:59.999999Z", Some((-1, false))),
            ("2024-02-29T10:00:00", Some((LEAP + 10 * HOUR, false))),
            ("2024-02-29 10:00:00", Some((LEAP + 10 * HOUR, false))),
            ("2024-02-29T10:00:00+02:00", Some((LEAP + 8 * HOUR, false))),
            ("2024-02-29T10:00:00+2:00", Some((LEAP + 8 * HOUR, false))),
            (
                "2024-02-29T10:00:00-0230",
                Some((LEAP + 12 * HOUR + HOUR / 2, false)),
            ),
            ("2024-02-29 10:00:00+02", Some((LEAP + 8 * HOUR, false))),
            ("2024-02-29T10:00Z", Some((LEAP + 10 * HOUR, false))),
            ("2024-02-29", Some((LEAP, false))),
            ("2024-02-29T00:00:00.1234567Z", Some((LEAP + 123_456, true))),
            (
                "2024-02-29T00:00:00.123456000Z",
                Some((LEAP + 123_456, false)),
            ),
            ("2024-02-29T00:00:00.5Z", Some((LEAP + 500_000, false))),
            ("1969-12-31T23:59:59.9999999Z", Some((-1, true))),
            (
                "0001-12-31T23:59:59.999999Z BC",
                Some((-719_162 * DAY - 1, false)),
            ),
            ("10000-01-01T00:00:00Z", Some((2_932_897 * DAY, false))),
            ("2024-02-30T10:00:00Z", None),
            ("2024-02-29T25:00:00Z", None),
            ("2024-02-29T10:00:00+24:00", None),
            ("2024-02-29T10:00:00.Z", None),
            ("yesterday", None),
        ] {
            let read = timestamp(text).map(|read| (read.value, read.cut));
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn times_with_an_offset_are_moved_to_utc() {
        for (text, expected) in [
            ("10:00:00", Some((10 * HOUR, false))),
            ("10:00:00Z", Some((10 * HOUR, false))),
            ("10:00:00+02:00", Some((8 * HOUR, false))),
            (
                "01:00:00.000001+1:30",
                Some((23 * HOUR + HOUR / 2 + 1, false)),
            ),
            ("23:00:00-02:00", Some((HOUR, false))),
            ("23:59:59.9999999", Some((DAY - 1, true))),
            ("10:00:00+25:00", None),
            ("24:00:00", None),
            ("10:00 PM", Some((22 * HOUR, false))),
            ("12", None),
            ("noon", None),
        ] {
            let read = time(text).map(|read| (read.value, read.cut));
            assert_eq!(read, expected, "{text}");
        }
    }
}
