//! `shift_date`, and the dates that `generalize` reads.
//!
//! A date is `YYYY-MM-DD`; a timestamp goes on with `T` or a blank, a time, and perhaps an offset from
//! UTC. Only the date's ten bytes are ever rewritten, so fractions and offsets stay as they were
//! spelled. The calendar is the proleptic Gregorian one, the years are 0000 to 9999.

use std::fmt::Write;

use chrono::{Datelike, NaiveDate, TimeDelta};

use super::keyed::{Key, Prf};
use super::operator::Refusal;

/// The largest `days`: a century. More would leave the range of years on ordinary dates.
pub const MAX_DAYS: u32 = 36_525;

/// A date and the text behind it: empty, or a time that begins with its separator.
pub struct Dated<'a> {
    /// The calendar day as written, whatever the offset.
    pub date: NaiveDate,
    /// What follows the date, untouched.
    pub rest: &'a str,
}

/// Reads a date or a timestamp.
///
/// # Errors
/// [`Refusal::NotADate`] for any other text, and for days that no calendar has.
pub fn read(text: &str) -> Result<Dated<'_>, Refusal> {
    let parse = || {
        let (head, rest) = text.split_at_checked(10)?;
        let [a, b, c, d, b'-', m, n, b'-', x, y] = *head.as_bytes() else {
            return None;
        };
        let year = number(&[a, b, c, d])?;
        let date = NaiveDate::from_ymd_opt(
            i32::try_from(year).ok()?,
            number(&[m, n])?,
            number(&[x, y])?,
        )?;
        (rest.is_empty() || is_time(rest)).then_some(Dated { date, rest })
    };
    parse().ok_or(Refusal::NotADate)
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, digit| {
        let digit = char::from(*digit).to_digit(10)?;
        Some(value * 10 + digit)
    })
}

/// Whether the text is a separator, a time of day to the minute or finer, and perhaps an offset.
fn is_time(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(['T', 't', ' ']) else {
        return false;
    };
    let Some((time, mut rest)) = rest.as_bytes().split_first_chunk::<5>() else {
        return false;
    };
    if !is_clock(time, 23) {
        return false;
    }
    if let Some((b':', seconds)) = rest.split_first() {
        match seconds.split_first_chunk::<2>() {
            // 60 is a leap second.
            Some((seconds, after)) if number(seconds).is_some_and(|s| s <= 60) => rest = after,
            _ => return false,
        }
        if let Some((b'.', fraction)) = rest.split_first() {
            let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
            if digits == 0 {
                return false;
            }
            rest = fraction.get(digits..).unwrap_or_default();
        }
    }
    is_offset(rest.strip_prefix(b" ").unwrap_or(rest)) || rest.is_empty()
}

fn is_clock(text: &[u8; 5], last_hour: u32) -> bool {
    let [h, i, b':', m, n] = *text else {
        return false;
    };
    number(&[h, i]).is_some_and(|hour| hour <= last_hour)
        && number(&[m, n]).is_some_and(|minute| minute <= 59)
}

/// `Z`, `+01`, `+0100` or `+01:00`.
fn is_offset(text: &[u8]) -> bool {
    match *text {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', h, i] => is_clock(&[h, i, b':', b'0', b'0'], 23),
        [b'+' | b'-', h, i, m, n] | [b'+' | b'-', h, i, b':', m, n] => {
            is_clock(&[h, i, b':', m, n], 23)
        }
        _ => false,
    }
}

/// The operator `shift_date`.
pub struct Shift {
    prf: Prf,
    days: u32,
}

impl Shift {
    /// Shifts by up to `days`, from 1 to [`MAX_DAYS`].
    ///
    /// # Errors
    /// A sentence when `days` is outside that range.
    pub fn new(key: &Key, days: u32) -> Result<Self, String> {
        if !(1..=MAX_DAYS).contains(&days) {
            return Err(format!(
                "shift_date needs `days` from 1 to {MAX_DAYS}, not {days}"
            ));
        }
        Ok(Self {
            prf: Prf::new(key, "midflight shift_date v1"),
            days,
        })
    }

    /// Appends the shifted date or timestamp. All dates of one subject move by the same days, and those
    /// without a subject by the same days as each other.
    ///
    /// # Errors
    /// [`Refusal::NotADate`], and [`Refusal::OutOfRange`] when the year would leave 0000 to 9999.
    pub fn apply(
        &self,
        text: &str,
        subject: Option<&str>,
        out: &mut String,
    ) -> Result<(), Refusal> {
        let dated = read(text)?;
        let date = dated
            .date
            .checked_add_signed(TimeDelta::days(self.offset(subject)))
            .filter(|date| (0..=9999).contains(&date.year()))
            .ok_or(Refusal::OutOfRange)?;
        write_date(date, out);
        out.push_str(dated.rest);
        Ok(())
    }

    /// From `-days` to `days` without 0, each as likely as the other to 1 in 2^47.
    fn offset(&self, subject: Option<&str>) -> i64 {
        // The first byte keeps an empty subject apart from none.
        let digest = match subject {
            Some(subject) => self.prf.digest_parts(&[b"s", subject.as_bytes()]),
            None => self.prf.digest(b"c"),
        };
        let [a, b, c, d, e, f, g, h, ..] = digest;
        let days = i64::from(self.days);
        let draw = i64::from_be_bytes([a, b, c, d, e, f, g, h]).rem_euclid(2 * days);
        if draw < days {
            draw - days
        } else {
            draw - days + 1
        }
    }
}

fn write_date(date: NaiveDate, out: &mut String) {
    // Writing to a `String` cannot fail.
    let _ = write!(
        out,
        "{:04}-{:02}-{:02}",
        date.year(),
        date.month(),
        date.day()
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shifted(days: u32, text: &str, subject: Option<&str>) -> Result<String, Refusal> {
        let mut out = String::new();
        Shift::new(&[5; 32], days)
            .unwrap()
            .apply(text, subject, &mut out)
            .map(|()| out)
    }

    fn days_between(from: &str, to: &str) -> i64 {
        let (from, to) = (read(from).unwrap().date, read(to).unwrap().date);
        to.signed_duration_since(from).num_days()
    }

    #[test]
    fn reads_dates_and_timestamps() {
        for text in [
            "2024-02-29",
            "0000-01-01",
            "9999-12-31",
            "2024-05-01T10:00:00Z",
            "2024-05-01t10:00:00z",
            "2024-05-01 10:00:00.123456789012 +02:00",
            "2024-05-01T10:00:00-0530",
            "2024-05-01 10:00+02",
            "2016-12-31T23:59:60Z",
        ] {
            assert!(read(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_date() {
        for text in [
            "",
            "2024",
            "2023-02-29",
            "2024-13-01",
            "2024-00-10",
            "2024-1-10",
            "20240110",
            "+024-01-10",
            "2024-01-10 BC",
            "2024-01-10T",
            "2024-01-10T24:00:00",
            "2024-01-10T10:61",
            "2024-01-10T10:00:61",
            "2024-01-10T10:00:00.",
            "2024-01-10T10:00:00+2",
            "2024-01-10T10:00:00 Z Ann",
            "2024-01-10 Ann",
            "2024-01-1\u{661}",
            "２０２４-01-10",
        ] {
            assert_eq!(read(text).err(), Some(Refusal::NotADate), "{text}");
        }
    }

    #[test]
    fn a_shift_keeps_every_byte_but_the_date() {
        for rest in ["", "T23:59:60.000100Z", " 10:00:00 +02:00", "t10:00-0530"] {
            let text = format!("2024-05-01{rest}");
            let out = shifted(30, &text, Some("42")).unwrap();
            assert_eq!(&out[10..], rest);
            assert_ne!(out, text);
        }
    }

    #[test]
    fn one_subject_has_one_offset() {
        let first = shifted(365, "2024-05-01", Some("42")).unwrap();
        let second = shifted(365, "1999-12-31T00:00:00Z", Some("42")).unwrap();
        assert_eq!(
            days_between("2024-05-01", &first),
            days_between("1999-12-31", &second)
        );
        let offsets: std::collections::HashSet<_> = [None, Some(""), Some("42"), Some("43")]
            .map(|subject| shifted(365, "2024-05-01", subject).unwrap())
            .into();
        assert_eq!(offsets.len(), 4);
    }

    #[test]
    fn offsets_cover_the_range_and_are_never_zero() {
        let seen: std::collections::BTreeSet<_> = (0..200)
            .map(|subject| {
                let out = shifted(2, "2024-05-10", Some(&subject.to_string())).unwrap();
                days_between("2024-05-10", &out)
            })
            .collect();
        assert!(seen.into_iter().eq([-2, -1, 1, 2]));
    }

    #[test]
    fn years_stay_in_range() {
        let refused = |text| {
            (0..40)
                .map(|subject| shifted(1, text, Some(&subject.to_string())))
                .filter(|out| *out == Err(Refusal::OutOfRange))
                .count()
        };
        for text in ["0000-01-01", "9999-12-31"] {
            assert!((1..40).contains(&refused(text)), "{text}");
        }
    }

    #[test]
    fn days_have_bounds() {
        for (days, fits) in [
            (0, false),
            (1, true),
            (MAX_DAYS, true),
            (MAX_DAYS + 1, false),
        ] {
            assert_eq!(Shift::new(&[5; 32], days).is_ok(), fits, "{days}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn any_text_is_read_or_refused(text in "([0-9]{4}-[0-9]{2}-[0-9]{2})?[T ]?.{0,20}") {
            let _ = shifted(30, &text, None);
        }

        #[test]
        fn shifts_stay_within_the_days(subject in ".{0,12}", days in 1_u32..400) {
            let out = shifted(days, "2024-05-10", Some(&subject)).unwrap();
            let moved = days_between("2024-05-10", &out);
            prop_assert!(moved != 0 && moved.unsigned_abs() <= u64::from(days));
        }
    }
}
