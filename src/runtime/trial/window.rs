//! The time that rows are from: by the cursor where it tells time, else by when records were emitted.

use arrow::array::AsArray;
use arrow::compute::{max, min};
use arrow::datatypes::{DataType, Date32Type, TimeUnit, TimestampMicrosecondType};
use chrono::DateTime;
use serde::Deserialize;

use crate::batch::Column;

/// From when to when, in days since 1970.
#[derive(Debug, Default)]
pub(super) struct Window {
    days: Option<(i64, i64)>,
}

const DAY_MICROSECONDS: i64 = 86_400_000_000;
const DAY_MILLISECONDS: i64 = 86_400_000;

impl Window {
    /// Adds the values of a cursor.
    pub fn add_cursor(&mut self, column: &Column) {
        let days = match column.values.data_type() {
            DataType::Date32 => {
                let days = column.values.as_primitive::<Date32Type>();
                min(days)
                    .zip(max(days))
                    .map(|(low, high)| (i64::from(low), i64::from(high)))
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                let moments = column.values.as_primitive::<TimestampMicrosecondType>();
                let day = |at: i64| at.div_euclid(DAY_MICROSECONDS);
                min(moments)
                    .zip(max(moments))
                    .map(|(low, high)| (day(low), day(high)))
            }
            _ => None,
        };
        self.add(days);
    }

    /// Adds when the record of a line was emitted.
    pub fn add_line(&mut self, line: &[u8]) {
        #[derive(Deserialize)]
        struct Line {
            record: Record,
        }
        #[derive(Deserialize)]
        struct Record {
            emitted_at: Option<i64>,
        }
        let emitted = serde_json::from_slice::<Line>(line).ok();
        let emitted = emitted
            .and_then(|line| line.record.emitted_at)
            .filter(|at| *at > 0);
        let day = emitted.map(|at| at.div_euclid(DAY_MILLISECONDS));
        self.add(day.map(|day| (day, day)));
    }

    fn add(&mut self, days: Option<(i64, i64)>) {
        let Some((low, high)) = days else { return };
        self.days = Some(match self.days {
            Some((first, last)) => (first.min(low), last.max(high)),
            None => (low, high),
        });
    }

    /// As `2026-09-01/2026-09-14`.
    pub fn told(&self) -> Option<String> {
        let (first, last) = self.days?;
        let day = |day: i64| {
            let at = DateTime::from_timestamp(day.checked_mul(86_400)?, 0)?;
            Some(at.format("%Y-%m-%d").to_string())
        };
        Some(format!("{}/{}", day(first)?, day(last)?))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::Date32Array;

    use super::*;

    #[test]
    fn the_window_is_told_in_days() {
        let mut window = Window::default();
        assert_eq!(window.told(), None);
        window.add_line(
            br#"{"type":"RECORD","record":{"stream":"s","data":{},"emitted_at":1788220800000}}"#,
        );
        window.add_line(b"nothing");
        window.add_line(
            br#"{"type":"RECORD","record":{"stream":"s","data":{},"emitted_at":1789430399999}}"#,
        );
        assert_eq!(window.told().as_deref(), Some("2026-09-01/2026-09-14"));
        let values = Arc::new(Date32Array::from(vec![Some(0), None, Some(30)]));
        window.add_cursor(&Column {
            values,
            mismatched: None,
        });
        assert_eq!(window.told().as_deref(), Some("1970-01-01/2026-09-14"));
    }
}
