//! Moments as staged files spell them, in milliseconds since 1970.

use chrono::{DateTime, NaiveDate, NaiveDateTime};

/// A moment: milliseconds, RFC 3339, or a timestamp as SQL writes it, which is UTC unless it says otherwise.
pub fn millis(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    if let Some((whole, fraction)) = text.split_once('.')
        && fraction.bytes().all(|digit| digit.is_ascii_digit())
        && let Ok(number) = whole.parse()
    {
        return Some(number);
    }
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Some(moment.timestamp_millis());
    }
    let text = text.strip_suffix(" UTC").unwrap_or(text);
    let with_offset = ["%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f%#z"]
        .into_iter()
        .find_map(|form| DateTime::parse_from_str(text, form).ok());
    if let Some(moment) = with_offset {
        return Some(moment.timestamp_millis());
    }
    let without = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"]
        .into_iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let date = || {
        NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()?
            .and_hms_opt(0, 0, 0)
    };
    Some(without.or_else(date)?.and_utc().timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_every_spelling() {
        for text in [
            "1700000000123",
            "1700000000123.0",
            "2023-11-14T22:13:20.123Z",
            "2023-11-14T23:13:20.123456+01:00",
            "2023-11-14 22:13:20.123",
            "2023-11-14T22:13:20.123",
            "2023-11-14 22:13:20.123 UTC",
            "2023-11-14 22:13:20.123+00",
            "2023-11-14 23:13:20.123+0100",
            "2023-11-14 22:13:20.123 +00:00",
        ] {
            assert_eq!(millis(text), Some(1_700_000_000_123), "{text}");
        }
        assert_eq!(millis("2023-11-14"), Some(1_699_920_000_000));
        for text in ["", "yesterday", "2023-13-01", "1.5e3", "12:00"] {
            assert_eq!(millis(text), None, "{text}");
        }
    }
}
