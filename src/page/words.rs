//! Numbers, times and names as people read them.

use chrono::{DateTime, SecondsFormat, Utc};

/// The most characters of a name that are shown.
const NAME_CHARS_MAX: usize = 200;

/// A count with its thousands apart: `1,234,567`.
pub fn count(count: u64) -> String {
    grouped(&count.to_string())
}

fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count and what it counts, `one` for exactly one: `1 rule`, `2 rules`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A number with three significant digits, its thousands apart: `0.0312`, `12.3`, `1,235`.
pub fn number(number: f64) -> String {
    if !number.is_finite() {
        return "–".to_owned();
    }
    let size = number.abs();
    let digits: usize = match size {
        _ if size >= 100.0 || size == 0.0 => 0,
        _ if size >= 10.0 => 1,
        _ if size >= 1.0 => 2,
        _ if size >= 0.1 => 3,
        _ if size >= 0.000_1 => 4,
        _ => return format!("{number:.2e}"),
    };
    let text = format!("{size:.digits$}");
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let rest = rest.trim_end_matches('0');
    let point = if rest.is_empty() { "" } else { "." };
    let sign = if number < 0.0 { "−" } else { "" };
    format!("{sign}{}{point}{rest}", grouped(whole))
}

/// A number for the axis of a drawing: `0`, `250`, `1.5k`, `20M`.
pub fn short(value: f64) -> String {
    let size = value.abs();
    let (by, unit) = match size {
        _ if size >= 1e12 => (1e12, "T"),
        _ if size >= 1e9 => (1e9, "G"),
        _ if size >= 1e6 => (1e6, "M"),
        _ if size >= 1e3 => (1e3, "k"),
        _ => (1.0, ""),
    };
    format!("{}{unit}", number(value / by))
}

/// A part of a whole in percent. What is not nothing is never called 0 %, what is not all never 100 %.
#[expect(clippy::cast_precision_loss, reason = "a ratio of counts")]
pub fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    percent(part as f64 / whole as f64)
}

/// A fraction in percent, as [`share`].
pub fn percent(fraction: f64) -> String {
    let percent = fraction * 100.0;
    match percent {
        _ if !percent.is_finite() => "–".to_owned(),
        _ if percent > 0.0 && percent < 0.01 => "< 0.01 %".to_owned(),
        _ if percent < 100.0 && percent > 99.99 => "> 99.99 %".to_owned(),
        _ if percent == 0.0 || percent == 100.0 => format!("{percent:.0} %"),
        _ if !(1.0..=99.0).contains(&percent) => format!("{percent:.2} %"),
        _ => format!("{percent:.1} %"),
    }
}

/// Bytes in decimal units: `812 B`, `17.7 kB`, `1.2 GB`.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64 / 1_000.0;
    let mut unit = 0;
    while size >= 999.5 && unit + 1 < UNITS.len() {
        size /= 1_000.0;
        unit += 1;
    }
    format!("{} {}", number(size), UNITS[unit])
}

/// A length of time: `4.01 µs`, `137 ms`, `12.3 s`, `4 min 12 s`, `2 h 5 min`.
#[expect(clippy::cast_sign_loss, reason = "times are not negative")]
pub fn seconds(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "–".to_owned();
    }
    let whole = seconds.round() as u64;
    match seconds {
        0.0 => "0 s".to_owned(),
        _ if seconds < 0.000_999_5 => format!("{} µs", number(seconds * 1e6)),
        _ if seconds < 0.999_5 => format!("{} ms", number(seconds * 1e3)),
        _ if seconds < 59.95 => format!("{} s", number(seconds)),
        _ if whole < 3_600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3_600, whole % 3_600 / 60),
    }
}

/// The unit in which lengths of time up to this one are told, in seconds: hours, minutes, or seconds.
pub fn unit_of_time(seconds: f64) -> f64 {
    match seconds {
        _ if seconds > 3_600.0 => 3_600.0,
        _ if seconds > 60.0 => 60.0,
        _ => 1.0,
    }
}

/// A length of time for the axis of a drawing: `400 ms`, `20 min`, `1.5 h`.
pub fn span(length: f64) -> String {
    match length {
        _ if length >= 3_600.0 => format!("{} h", number(length / 3_600.0)),
        _ if length >= 60.0 => format!("{} min", number(length / 60.0)),
        _ => seconds(length),
    }
}

/// Records per second; `None` where no time passed.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn rate(records: u64, seconds: f64) -> Option<String> {
    (records > 0 && seconds > 0.0).then(|| number(records as f64 / seconds))
}

/// A name from outside: cut to a length, with what cannot be seen, or turns text around, spelt out.
pub fn name(name: &str) -> String {
    if name.is_empty() {
        return "(empty)".to_owned();
    }
    let mut text = String::new();
    for (place, char) in name.chars().enumerate() {
        if place == NAME_CHARS_MAX {
            text.push('…');
            break;
        }
        if unseen(char) {
            text.extend(char.escape_unicode());
        } else {
            text.push(char);
        }
    }
    text
}

/// Control characters, marks that order text, spaces without width.
fn unseen(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// A code as words: `type_mismatch` becomes `type mismatch`.
pub fn spoken(code: &str) -> String {
    name(code).replace('_', " ")
}

/// As [`spoken`]; nothing stays nothing.
pub fn spoken_or_nothing(code: &str) -> String {
    if code.is_empty() {
        return String::new();
    }
    spoken(code)
}

/// Text from outside, for sentences: as [`name`], but longer.
pub fn sentence(text: &str) -> String {
    let mut clean = String::new();
    for (place, char) in text.chars().enumerate() {
        match char {
            _ if place == 2_000 => {
                clean.push('…');
                break;
            }
            '\n' | '\t' => clean.push(char),
            _ if unseen(char) => clean.extend(char.escape_unicode()),
            _ => clean.push(char),
        }
    }
    clean
}

/// A moment in UTC.
pub fn moment(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|at| at.to_utc())
}

/// A moment to the minute: `2026-11-24 15:28 UTC`.
pub fn minute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// A day: `24 Nov 2026`.
pub fn day(at: DateTime<Utc>) -> String {
    at.format("%-d %b %Y").to_string()
}

/// A moment for machines.
pub fn machine(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_numbers() {
        for (given, expected) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(count(given), expected);
        }
        assert_eq!(counted(1, "rule", "rules"), "1 rule");
        assert_eq!(counted(1_000, "rule", "rules"), "1,000 rules");
        for (given, expected) in [
            (0.0, "0"),
            (12_345.6, "12,346"),
            (99.94, "99.9"),
            (3.0, "3"),
            (3.146, "3.15"),
            (0.5, "0.5"),
            (0.012_34, "0.0123"),
            (0.000_001, "1.00e-6"),
            (-1_234.0, "−1,234"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(number(given), expected);
        }
    }

    #[test]
    fn axes_have_short_numbers() {
        for (given, expected) in [
            (0.0, "0"),
            (250.0, "250"),
            (1_500.0, "1.5k"),
            (2e7, "20M"),
            (4e12, "4T"),
        ] {
            assert_eq!(short(given), expected);
        }
    }

    #[test]
    fn shares_are_never_rounded_to_nothing_or_all() {
        for (part, whole, expected) in [
            (0, 0, "–"),
            (0, 5, "0 %"),
            (5, 5, "100 %"),
            (1, 3, "33.3 %"),
            (1, 1_000, "0.10 %"),
            (1, 1_000_000, "< 0.01 %"),
            (999_999, 1_000_000, "> 99.99 %"),
            (9_995, 10_000, "99.95 %"),
        ] {
            assert_eq!(share(part, whole), expected);
        }
    }

    #[test]
    fn sizes_and_times() {
        for (given, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1 kB"),
            (17_712, "17.7 kB"),
            (999_999, "1 MB"),
            (1_234_567_890, "1.23 GB"),
        ] {
            assert_eq!(bytes(given), expected);
        }
        for (given, expected) in [
            (0.0, "0 s"),
            (4.006e-6, "4.01 µs"),
            (0.137, "137 ms"),
            (0.999_9, "1 s"),
            (12.34, "12.3 s"),
            (59.96, "1 min 0 s"),
            (252.0, "4 min 12 s"),
            (7_500.0, "2 h 5 min"),
            (-1.0, "–"),
        ] {
            assert_eq!(seconds(given), expected);
        }
        for (given, expected) in [
            (0.4, "400 ms"),
            (20.0, "20 s"),
            (1_200.0, "20 min"),
            (5_400.0, "1.5 h"),
        ] {
            assert_eq!(span(given), expected);
        }
        assert_eq!(
            (
                unit_of_time(60.0),
                unit_of_time(61.0),
                unit_of_time(4_000.0)
            ),
            (1.0, 60.0, 3_600.0)
        );
        assert_eq!(rate(10, 0.0), None);
        assert_eq!(rate(60, 0.5).as_deref(), Some("120"));
    }

    #[test]
    fn names_show_what_would_hide() {
        assert_eq!(name("a\u{202e}b\n"), "a\\u{202e}b\\u{a}");
        assert_eq!(name(""), "(empty)");
        assert_eq!(name("שם"), "שם");
        assert_eq!(name(&"x".repeat(1_000)).chars().count(), 201);
        assert_eq!(sentence("a\nb\u{7}"), "a\nb\\u{7}");
    }
}
