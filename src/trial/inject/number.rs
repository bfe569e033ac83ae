//! Errors in numbers.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array};
use arrow::datatypes::{DataType, Float64Type, Int64Type};

use super::Draw;

/// One digit is another.
pub(super) fn typo(column: &ArrayRef, seed: u64) -> Option<ArrayRef> {
    each(
        column,
        |row, number| {
            let wrong = wrong_digit(&number.to_string(), seed, row);
            wrong.parse().unwrap_or(number)
        },
        |row, number| {
            let wrong = wrong_digit(&format!("{number:?}"), seed, row);
            wrong.parse().unwrap_or(number)
        },
    )
}

fn wrong_digit(text: &str, seed: u64, row: usize) -> String {
    let mut draw = Draw::new(seed, row);
    let digits: Vec<usize> = (text.bytes().enumerate())
        .filter(|(_, byte)| byte.is_ascii_digit())
        .map(|(at, _)| at)
        .collect();
    let mut bytes = text.as_bytes().to_vec();
    if let Some(at) = draw.one(&digits).copied() {
        let other = 1 + draw.below(9) as u8;
        bytes[at] = b'0' + (bytes[at] - b'0' + other) % 10;
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// A thousand times as much.
pub(super) fn wrong_unit(column: &ArrayRef) -> Option<ArrayRef> {
    each(
        column,
        |_, number| number.saturating_mul(1_000),
        |_, number| number * 1_000.0,
    )
}

/// Three to six times the spread of the middle half beyond its ends, on either side.
pub(super) fn outlier(column: &ArrayRef, seed: u64) -> Option<ArrayRef> {
    let (low, high) = middle(column)?;
    let far = |row: usize| beyond(low, high, seed, row);
    each(
        column,
        // A float beyond the range becomes the end of it.
        |row, _| far(row).round() as i64,
        |row, _| far(row),
    )
}

/// A number far outside of `low` to `high`, between which lies the middle half.
pub(super) fn beyond(low: f64, high: f64, seed: u64, row: usize) -> f64 {
    let mut draw = Draw::new(seed, row);
    // A column of one value has no spread; its own size stands in.
    let spread = if high > low {
        high - low
    } else {
        high.abs().max(1.0)
    };
    let far = (3.0 + 3.0 * draw.fraction()) * spread;
    if draw.flip() { high + far } else { low - far }
}

/// The first and third quartile of a column of numbers.
#[expect(clippy::cast_precision_loss, reason = "an outlier need not be exact")]
fn middle(column: &ArrayRef) -> Option<(f64, f64)> {
    let numbers: Vec<f64> = match column.data_type() {
        DataType::Int64 => {
            let numbers = column.as_primitive::<Int64Type>();
            numbers
                .iter()
                .flatten()
                .map(|number| number as f64)
                .collect()
        }
        DataType::Float64 => {
            let numbers = column.as_primitive::<Float64Type>();
            numbers
                .iter()
                .flatten()
                .filter(|number| number.is_finite())
                .collect()
        }
        _ => return None,
    };
    quartiles(numbers)
}

pub(super) fn quartiles(mut numbers: Vec<f64>) -> Option<(f64, f64)> {
    numbers.sort_by(f64::total_cmp);
    let at = |part: usize| numbers.get(numbers.len() * part / 4).copied();
    Some((at(1)?, at(3)?))
}

/// Every number by a function of its row; nothing for other types.
fn each(
    column: &ArrayRef,
    integer: impl Fn(usize, i64) -> i64,
    float: impl Fn(usize, f64) -> f64,
) -> Option<ArrayRef> {
    Some(match column.data_type() {
        DataType::Int64 => {
            let numbers = column.as_primitive::<Int64Type>().iter().enumerate();
            let changed = numbers.map(|(row, number)| Some(integer(row, number?)));
            Arc::new(changed.collect::<Int64Array>())
        }
        DataType::Float64 => {
            let numbers = column.as_primitive::<Float64Type>().iter().enumerate();
            let changed = numbers.map(|(row, number)| Some(float(row, number?)));
            Arc::new(changed.collect::<Float64Array>())
        }
        _ => return None,
    })
}
