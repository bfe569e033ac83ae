//! Sentences that a person understands without knowing how they came about.

use super::metric::Metric;
use super::series::{Forecast, Verdict};
use super::{Direction, Usual};

/// What is unusual about a metric.
pub fn says(
    metric: Metric,
    stream: Option<&str>,
    value: f64,
    usual: Usual,
    verdict: &Verdict,
) -> String {
    let of = match verdict.forecast {
        Forecast::Before | Forecast::Middle => format!("the last {} runs", verdict.misses),
        Forecast::Weekday => "runs on this weekday".to_owned(),
        Forecast::Hour => "runs at this hour of the day".to_owned(),
    };
    let subject = match stream {
        Some(name) => format!("`{name}`"),
        None => "the run".to_owned(),
    };
    let told = |value: f64| shown(metric, value);
    let what = match metric {
        Metric::Rows => format!("{subject} had {} records", told(value)),
        Metric::Bytes => format!("{subject} had {} bytes", told(value)),
        Metric::Seconds => format!("{subject} took {}", told(value)),
        Metric::SecondsPerRow => format!("{subject} took {} for each record", told(value)),
        Metric::RejectedFraction => {
            format!("{subject} had {} of its records rejected", told(value))
        }
        Metric::FindingsPerRow => {
            format!(
                "{subject} had {} findings of personal data for each record",
                told(value)
            )
        }
        Metric::CursorAge => format!("the newest record of {subject} was {} old", told(value)),
        Metric::RateLimited => format!(
            "{subject} was held up {} times by limits of the source",
            told(value)
        ),
        Metric::Errors => format!("{subject} heard {} errors from its connectors", told(value)),
    };
    let than = match verdict.direction {
        Direction::Up => format!("at most {}", told(usual.high)),
        Direction::Down => format!("at least {}", told(usual.low)),
    };
    format!(
        "{what}; {of} lead to expect {}, and {than}",
        told(usual.median)
    )
}

/// A value with its unit, as short as it can be.
pub fn shown(metric: Metric, value: f64) -> String {
    match metric {
        Metric::Rows | Metric::Bytes | Metric::RateLimited | Metric::Errors => grouped(value),
        Metric::Seconds | Metric::CursorAge => time(value),
        Metric::SecondsPerRow if value >= 1e-3 => format!("{:.1} ms", value * 1e3),
        Metric::SecondsPerRow => format!("{:.0} µs", value * 1e6),
        Metric::RejectedFraction => format!("{:.1} %", value * 100.0),
        Metric::FindingsPerRow => format!("{value:.2}"),
    }
}

/// A span of time in the unit that suits it.
pub fn time(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 120.0 => format!("{seconds:.1} s"),
        seconds if seconds < 7_200.0 => format!("{:.0} minutes", seconds / 60.0),
        seconds if seconds < 172_800.0 => format!("{:.1} hours", seconds / 3_600.0),
        seconds => format!("{:.1} days", seconds / 86_400.0),
    }
}

/// A count with its thousands set apart.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_with_the_unit_that_suits_them() {
        for (metric, value, expected) in [
            (Metric::Rows, 1_234_567.4, "1,234,567"),
            (Metric::Rows, 999.0, "999"),
            (Metric::Seconds, 1.25, "1.2 s"),
            (Metric::Seconds, 600.0, "10 minutes"),
            (Metric::CursorAge, 90_000.0, "25.0 hours"),
            (Metric::CursorAge, 864_000.0, "10.0 days"),
            (Metric::RejectedFraction, 0.125, "12.5 %"),
            (Metric::SecondsPerRow, 0.000_25, "250 µs"),
            (Metric::SecondsPerRow, 0.377_16, "377.2 ms"),
        ] {
            assert_eq!(shown(metric, value), expected);
        }
    }

    #[test]
    fn a_sentence_says_what_was_expected() {
        let verdict = Verdict {
            direction: Direction::Down,
            low: 0.0,
            high: 0.0,
            expected: 0.0,
            forecast: Forecast::Weekday,
            misses: 30,
        };
        let usual = Usual {
            low: 900.0,
            high: 1_100.0,
            median: 1_000.0,
        };
        assert_eq!(
            says(Metric::Rows, Some("crm.users"), 12.0, usual, &verdict),
            "`crm.users` had 12 records; runs on this weekday lead to expect 1,000, and at least 900"
        );
    }
}
