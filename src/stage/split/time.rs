//! The part of a moment: each part ends before its own boundary, the rest is the last part.

use chrono::{DateTime, Utc};

use super::{Unfit, cell};
use crate::batch::{Batch, Current, RowId};
use crate::stage::ColumnRef;

/// The boundaries between parts, in ascending order.
#[derive(Debug)]
pub struct Moments {
    pub column: ColumnRef,
    pub ends: Vec<DateTime<Utc>>,
}

impl Moments {
    /// The part of a row.
    pub(super) fn part(&self, batch: &Batch, row: RowId) -> Result<usize, Unfit<'_>> {
        let cell = cell(batch, &self.column, row)?;
        let Current::Text(text) = batch.current(cell) else {
            return Err(Unfit::Mismatch(&self.column));
        };
        let moment = instant(&text).ok_or(Unfit::Mismatch(&self.column))?;
        Ok(self.ends.partition_point(|end| *end <= moment))
    }
}

/// A date or timestamp as expressions read them: without an offset it is UTC, a date is its first moment.
pub fn instant(text: &str) -> Option<DateTime<Utc>> {
    arrow::compute::kernels::cast_utils::string_to_datetime(&Utc, text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_compared_across_time_zones() {
        let at = |text: &str| instant(text).expect(text);
        for same in [
            ["2026-01-01", "2026-01-01T00:00:00"],
            ["2026-01-01", "2026-01-01 00:00:00Z"],
            ["2026-01-01", "2025-12-31T22:30:00-01:30"],
            ["2026-01-01", "2026-01-01T05:45:00.000+0545"],
        ] {
            assert_eq!(at(same[0]), at(same[1]), "{same:?}");
        }
        assert!(at("2026-01-01T00:30:00+01:00") < at("2026-01-01"));
        assert!(at("2025-12-31T23:30:00-01:00") > at("2026-01-01"));
        for none in [
            "",
            "soon",
            "2026-13-01",
            "2026-02-29",
            "01/02/2026",
            "1767225600",
            "2026-01-01Tx",
        ] {
            assert_eq!(instant(none), None, "{none}");
        }
    }
}
