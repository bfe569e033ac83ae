//! What is measured of a run, how its values are compared, and when a change of one matters.

use super::{Direction, Severity, Usual};
use crate::health::Entry;
use crate::health::entry::StreamEntry;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Records read.
    Rows,
    Bytes,
    /// Of the whole run, or of work in a stream's stages.
    Seconds,
    SecondsPerRow,
    /// Of the records read.
    RejectedFraction,
    /// Personal data found, for each record read.
    FindingsPerRow,
    /// Seconds from the newest cursor to the run's start.
    CursorAge,
    /// Statuses whose reason is a limit of the source.
    RateLimited,
    /// Errors that connectors logged though the run went well.
    Errors,
}

/// Rows below which fractions of them say nothing.
const ROWS_MIN: f64 = 20.0;

impl Metric {
    pub const OF_RUN: &'static [Self] = &[
        Self::Seconds,
        Self::SecondsPerRow,
        Self::RateLimited,
        Self::Errors,
    ];

    /// Rows come first: what follows from them is not told again.
    pub const OF_STREAM: &'static [Self] = &[
        Self::Rows,
        Self::Bytes,
        Self::Seconds,
        Self::SecondsPerRow,
        Self::RejectedFraction,
        Self::FindingsPerRow,
        Self::CursorAge,
    ];

    /// The word of health.json.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Bytes => "bytes",
            Self::Seconds => "seconds",
            Self::SecondsPerRow => "seconds_per_row",
            Self::RejectedFraction => "rejected_fraction",
            Self::FindingsPerRow => "findings_per_row",
            Self::CursorAge => "cursor_age",
            Self::RateLimited => "rate_limited",
            Self::Errors => "errors",
        }
    }

    /// Whether it changes because the number of rows does.
    pub fn follows_rows(self) -> bool {
        matches!(self, Self::Bytes | Self::Seconds | Self::SecondsPerRow)
    }

    /// Its value in a run; `None` where it says nothing.
    #[expect(clippy::cast_precision_loss, reason = "counts are compared roughly")]
    pub fn of(self, entry: &Entry, stream: Option<&str>) -> Option<f64> {
        let Some(name) = stream else {
            let rows = entry.records.read as f64;
            return match self {
                Self::Seconds => Some(entry.seconds),
                Self::SecondsPerRow => (rows >= ROWS_MIN).then(|| entry.seconds / rows),
                Self::RateLimited => Some(entry.heard.rate_limited as f64),
                Self::Errors => Some(entry.heard.errors as f64),
                _ => None,
            };
        };
        let nothing = StreamEntry::default();
        let stream = entry.streams.get(name).unwrap_or(&nothing);
        let rows = stream.records.read as f64;
        let each = |total: f64| (rows >= ROWS_MIN).then(|| total / rows);
        match self {
            Self::Rows => Some(rows),
            Self::Bytes => Some(stream.bytes as f64),
            Self::Seconds => Some(stream.seconds),
            Self::SecondsPerRow => each(stream.seconds),
            Self::RejectedFraction => each(stream.records.rejected as f64),
            Self::FindingsPerRow => each(stream.findings.values().sum::<u64>() as f64),
            Self::CursorAge => stream.cursor.as_ref()?.age.map(|age| age.max(0.0)),
            Self::RateLimited | Self::Errors => None,
        }
    }

    /// What stands beside a volume on its scale, so that small ones do not weigh.
    fn unit(self) -> f64 {
        match self {
            Self::Rows | Self::RateLimited | Self::Errors => 1.0,
            Self::Bytes => 1_024.0,
            Self::Seconds => 2.0,
            Self::SecondsPerRow => 20e-6,
            Self::CursorAge => 60.0,
            Self::RejectedFraction | Self::FindingsPerRow => 0.0,
        }
    }

    /// Volumes and times vary by factors, so they are compared as logarithms; fractions as they are.
    pub fn scaled(self, value: f64) -> f64 {
        match self.unit() {
            0.0 => value,
            unit => (value / unit).ln_1p(),
        }
    }

    /// The value back from its scale; none is negative.
    pub fn unscaled(self, scaled: f64) -> f64 {
        let value = match self.unit() {
            0.0 => scaled,
            unit => scaled.exp_m1() * unit,
        };
        value.max(0.0)
    }

    /// The least change that matters, on its own and as a part of what was expected.
    fn floor(self) -> (f64, f64) {
        match self {
            Self::Rows => (10.0, 0.2),
            Self::Bytes => (16_384.0, 0.25),
            Self::Seconds => (10.0, 0.5),
            Self::SecondsPerRow => (50e-6, 0.5),
            Self::RejectedFraction => (0.01, 0.25),
            Self::FindingsPerRow => (0.05, 0.3),
            Self::CursorAge => (900.0, 0.5),
            Self::RateLimited | Self::Errors => (5.0, 1.0),
        }
    }

    /// Whether a change from what was expected, both on the scale, is large enough to matter.
    pub fn matters(self, scaled: f64, expected: f64) -> bool {
        let (value, expected) = (self.unscaled(scaled), self.unscaled(expected));
        let (least, part) = self.floor();
        let change = (value - expected).abs();
        change >= least && change >= part * expected
    }

    /// How bad it is that a value lies outside; `None` where nobody minds.
    pub fn severity(self, direction: Direction, value: f64, usual: Usual) -> Option<Severity> {
        use Direction::{Down, Up};
        use Severity::{Critical, Notice, Warning};
        Some(match (self, direction) {
            // Fewer rows are worse than more: what is missing is missed by nobody else.
            (Self::Rows, Down) if value <= usual.low / 2.0 => Critical,
            (Self::Rows, Up) if value < usual.high * 2.0 => Notice,
            (Self::Rows | Self::Bytes, _) => Warning,
            (Self::RejectedFraction, Up) if value >= 0.5 => Critical,
            (Self::CursorAge, Up) if value >= usual.high * 3.0 => Critical,
            (Self::FindingsPerRow, Down) => Notice,
            (_, Up) => Warning,
            (_, Down) => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_can_be_left_again() {
        for metric in Metric::OF_RUN.iter().chain(Metric::OF_STREAM) {
            for value in [0.0, 0.5, 3.0, 12_345.0] {
                let back = metric.unscaled(metric.scaled(value));
                assert!(
                    (back - value).abs() < 1e-6 * (1.0 + value),
                    "{metric:?} {value}"
                );
            }
        }
    }

    #[test]
    fn small_changes_do_not_matter_however_rare() {
        let matters = |metric: Metric, value, expected| {
            metric.matters(metric.scaled(value), metric.scaled(expected))
        };
        for (metric, value, expected, wanted) in [
            (Metric::Rows, 1_001.0, 1_000.0, false),
            (Metric::Rows, 0.0, 8.0, false),
            (Metric::Rows, 0.0, 12.0, true),
            (Metric::Seconds, 5.0, 0.5, false),
            (Metric::RejectedFraction, 0.005, 0.0, false),
            (Metric::RejectedFraction, 0.05, 0.0, true),
        ] {
            assert_eq!(
                matters(metric, value, expected),
                wanted,
                "{metric:?} {value} {expected}"
            );
        }
    }

    #[test]
    fn fewer_rows_are_worse_than_more() {
        let usual = Usual {
            low: 900.0,
            high: 1_100.0,
            median: 1_000.0,
        };
        let of = |direction, value| Metric::Rows.severity(direction, value, usual);
        assert_eq!(of(Direction::Down, 100.0), Some(Severity::Critical));
        assert_eq!(of(Direction::Down, 700.0), Some(Severity::Warning));
        assert_eq!(of(Direction::Up, 1_500.0), Some(Severity::Notice));
        assert_eq!(of(Direction::Up, 9_000.0), Some(Severity::Warning));
        assert_eq!(Metric::Seconds.severity(Direction::Down, 1.0, usual), None);
    }
}
