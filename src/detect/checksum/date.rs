//! Calendar checks: the dates inside national numbers, and dates of birth as people write them.

use super::{Digits, number};

/// Whether a day exists; years run from 1800 to 2199.
pub(super) fn real(year: u64, month: u64, day: u64) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    (1800..2200).contains(&year) && (1..=days).contains(&day)
}

/// YYMMDD where the century is not known: a day of 19YY or of 20YY.
pub(super) fn short(digits: &[u8]) -> bool {
    let [a, b, c, d, e, f] = digits else {
        return false;
    };
    let (year, month, day) = (number(&[*a, *b]), number(&[*c, *d]), number(&[*e, *f]));
    real(1900 + year, month, day) || real(2000 + year, month, day)
}

/// YYYYMMDD of a person who may be alive or was in living memory: 1880 to 2099.
pub(super) fn long(digits: &[u8]) -> bool {
    let [a, b, c, d, e, f, g, h] = digits else {
        return false;
    };
    let year = number(&[*a, *b, *c, *d]);
    (1880..2100).contains(&year) && real(year, number(&[*e, *f]), number(&[*g, *h]))
}

/// A date of birth as written: year first, or day and month in either order, or a month by name.
pub(super) fn birth_date(text: &[u8]) -> bool {
    let mut parts = [0_u64; 3];
    let mut widths = [0_usize; 3];
    let mut len = 0;
    for part in text
        .split(|byte| !byte.is_ascii_digit())
        .filter(|part| !part.is_empty())
    {
        let (Some(value), Some(width)) = (parts.get_mut(len), widths.get_mut(len)) else {
            return false;
        };
        let Some(digits) = Digits::of(part) else {
            return false;
        };
        (*value, *width) = (number(digits.as_slice()), part.len());
        len += 1;
    }
    let century = |value: u64, width: usize| if width <= 2 { 1900 + value } else { value };
    match len {
        3 if widths[0] == 4 => plausible(parts[0], parts[1], parts[2]),
        3 => {
            let year = century(parts[2], widths[2]);
            plausible(year, parts[1], parts[0]) || plausible(year, parts[0], parts[1])
        }
        // With a named month only the day and the year are digits.
        2 if !text.iter().any(u8::is_ascii_alphabetic) => false,
        2 if widths[0] == 4 => plausible(parts[0], 1, parts[1]),
        2 => plausible(century(parts[1], widths[1]), 1, parts[0]),
        1 if widths[0] == 8 => Digits::of(text).is_some_and(|digits| long(digits.as_slice())),
        _ => false,
    }
}

fn plausible(year: u64, month: u64, day: u64) -> bool {
    (1880..2100).contains(&year) && real(year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_that_exist() {
        // The Gregorian rule: 2000 was a leap year, 1900 was not.
        for (year, month, day, exists) in [
            (2000, 2, 29, true),
            (1900, 2, 29, false),
            (2023, 4, 31, false),
            (2023, 12, 31, true),
            (2023, 13, 1, false),
            (2023, 1, 0, false),
        ] {
            assert_eq!(real(year, month, day), exists, "{year}-{month}-{day}");
        }
    }

    #[test]
    fn dates_of_birth_as_written() {
        for good in [
            "1984-07-23",
            "23/07/1984",
            "07/23/1984",
            "23.7.84",
            "19840723",
            "23 July 1984",
            "July 23, 1984",
            "1984/07/23",
        ] {
            assert!(birth_date(good.as_bytes()), "{good}");
        }
        for bad in [
            "1784-07-23",
            "32/13/1984",
            "1984-07",
            "2024.1.2.3",
            "",
            "July 1984",
            "31/31/1984",
        ] {
            assert!(!birth_date(bad.as_bytes()), "{bad}");
        }
    }
}
