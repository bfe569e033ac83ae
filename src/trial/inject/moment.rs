//! Errors in dates and timestamps.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Date32Array, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Date32Type, TimeUnit, TimestampMicrosecondType};

use super::Draw;
use super::number::{beyond, quartiles};

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;
/// Days that a date may be off.
const DAYS: std::ops::RangeInclusive<i64> = 30..=3_650;

/// How many days a date is off in this row.
pub(super) fn days_off(seed: u64, row: usize) -> i64 {
    let mut draw = Draw::new(seed, row);
    let span = (DAYS.end() - DAYS.start() + 1) as usize;
    let days = DAYS.start() + draw.below(span) as i64;
    if draw.flip() { days } else { -days }
}

/// Some weeks to years off, on either side.
pub(super) fn shift_date(column: &ArrayRef, seed: u64) -> Option<ArrayRef> {
    each(column, |row, day| day + days_off(seed, row))
}

/// Far outside of the middle half of the dates.
#[expect(clippy::cast_precision_loss, reason = "days are few")]
pub(super) fn outlier(column: &ArrayRef, seed: u64) -> Option<ArrayRef> {
    let days = days(column)?;
    let (low, high) = quartiles(days.iter().flatten().map(|day| *day as f64).collect())?;
    // Dates of one day are put years off, as a slip of the century would.
    let high = high.max(low + 365.0);
    each(column, |row, _| {
        let day = beyond(low, high, seed, row).round() as i64;
        day.clamp(-500_000, 2_500_000)
    })
}

/// The day of each row since 1970.
fn days(column: &ArrayRef) -> Option<Vec<Option<i64>>> {
    Some(match column.data_type() {
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>().iter();
            days.map(|day| day.map(i64::from)).collect()
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let moments = column.as_primitive::<TimestampMicrosecondType>().iter();
            moments.map(|at| at.map(|at| at.div_euclid(DAY))).collect()
        }
        _ => return None,
    })
}

/// Every day by a function of its row; the time of the day stays. Nothing for other types.
fn each(column: &ArrayRef, change: impl Fn(usize, i64) -> i64) -> Option<ArrayRef> {
    let days = days(column)?.into_iter().enumerate();
    let days = days.map(|(row, day)| Some((change(row, day?), day?)));
    Some(match column.data_type() {
        DataType::Timestamp(_, zone) => {
            let moments = column.as_primitive::<TimestampMicrosecondType>();
            let changed = days.zip(moments.iter()).map(|(days, at)| {
                let ((to, from), at) = (days?, at?);
                Some(at.saturating_add((to - from).saturating_mul(DAY)))
            });
            let changed: TimestampMicrosecondArray = changed.collect();
            Arc::new(changed.with_timezone_opt(zone.clone()))
        }
        _ => Arc::new(
            days.map(|days| i32::try_from(days?.0).ok())
                .collect::<Date32Array>(),
        ),
    })
}
